"""``pytest --openai-record``: record once, then run without the upstream."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
    import pytest
    from openai import OpenAI

    MOCK = pytest.mark.openai_mock(upstream={{"url": "{url}"}}, record={{"file": "recorded.yaml"}})

    @MOCK
    @pytest.mark.parametrize("text", ["one", "two"])
    def test_it(openai_mock, text):
        answer = OpenAI().chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": text}}])
        assert answer.choices[0].message.content == text.upper()
"""


def test_a_suite_records_once_and_replays(pytester: pytest.Pytester, serve) -> None:
    upstream = serve([{"when": {"user": text}, "reply": text.upper()} for text in ("one", "two")])
    pytester.makepyfile(TESTS.format(url=upstream.url))
    options = ("-p", "no:cacheprovider", "-p", "no:xdist")
    pytester.runpytest_subprocess(*options, "--openai-record=once").stdout.fnmatch_lines(["*2 exchanges recorded, 0 replayed*"])
    upstream.stop()
    replayed = pytester.runpytest_subprocess(*options)
    replayed.assert_outcomes(passed=2)
    replayed.stdout.fnmatch_lines(["*0 exchanges recorded, 2 replayed*"])

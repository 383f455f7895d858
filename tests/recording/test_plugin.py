"""``pytest --openai-record``: record once, then run without the upstream."""

from __future__ import annotations

import sys

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


OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist")


def record_and_replay(pytester: pytest.Pytester, serve, *options: str) -> None:
    """Record a suite of two exchanges, stop the upstream, and replay it."""
    upstream = serve([{"when": {"user": text}, "reply": text.upper()} for text in ("one", "two")])
    for path in pytester.path.glob("*.*"):
        path.write_text(path.read_text("utf-8").replace("UPSTREAM", upstream.url), "utf-8")
    recorded = pytester.runpytest_subprocess(*options, "--openai-record=once")
    recorded.assert_outcomes(passed=2)
    recorded.stdout.fnmatch_lines(["*2 exchanges recorded, 0 replayed*"])
    upstream.stop()
    replayed = pytester.runpytest_subprocess(*options)
    replayed.assert_outcomes(passed=2)
    replayed.stdout.fnmatch_lines(["*0 exchanges recorded, 2 replayed*"])


TEST = """
    import pytest
    from openai import OpenAI

    {marker}
    @pytest.mark.parametrize("text", ["one", "two"])
    def test_it(openai_mock, text):
        answer = OpenAI().chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": text}}])
        assert answer.choices[0].message.content == text.upper()
"""


def test_the_file_of_the_marker_is_the_file_of_recordings(pytester: pytest.Pytester, serve) -> None:
    pytester.makepyfile(TEST.format(marker='@pytest.mark.openai_mock("recorded.yaml", upstream={"url": "UPSTREAM"})'))
    record_and_replay(pytester, serve, *OPTIONS)
    assert (pytester.path / "recorded.yaml").exists()


def test_the_file_of_the_ini_file_names_the_recordings(pytester: pytest.Pytester, serve) -> None:
    pytester.makepyfile(TEST.format(marker=""))
    pytester.makeini("[pytest]\nopenai_mock = mock.yaml\n")
    pytester.makefile(".yaml", mock="upstream: {url: UPSTREAM}\nrecord: {file: recorded.yaml}\nresponses: []\n")
    record_and_replay(pytester, serve, *OPTIONS)


def test_workers_record_into_one_file_and_are_counted_together(pytester: pytest.Pytester, serve) -> None:
    pytester.makepyfile(TEST.format(marker='@pytest.mark.openai_mock("recorded.yaml", upstream={"url": "UPSTREAM"})'))
    record_and_replay(pytester, serve, "-p", "no:cacheprovider", "-n", "2")


def test_a_suite_of_unittest_records_by_the_environment_and_replays(pytester: pytest.Pytester, serve, monkeypatch) -> None:
    upstream = serve([{"when": {"user": text}, "reply": text.upper()} for text in ("one", "two")])
    pytester.makepyfile(
        test_unit=f"""
        import unittest
        from openai import OpenAI
        from openaimock.unittest_mixin import OpenAIMockMixin

        class Tests(OpenAIMockMixin, unittest.TestCase):
            openai_mock_config = "recorded.yaml"
            openai_mock_settings = {{"upstream": {{"url": "{upstream.url}"}}}}

            def ask(self, text):
                answer = OpenAI().chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": text}}])
                self.assertEqual(answer.choices[0].message.content, text.upper())

            def test_one(self):
                self.ask("one")

            def test_two(self):
                self.ask("two")
        """
    )
    monkeypatch.setenv("OPENAIMOCK_RECORD", "once")
    recorded = pytester.run(sys.executable, "-m", "unittest", "test_unit")
    recorded.stderr.fnmatch_lines(["OK", "openai_mock: 2 exchanges recorded, 0 replayed"])
    upstream.stop()
    monkeypatch.delenv("OPENAIMOCK_RECORD")
    replayed = pytester.run(sys.executable, "-m", "unittest", "test_unit")
    replayed.stderr.fnmatch_lines(["OK", "openai_mock: 0 exchanges recorded, 2 replayed"])

"""``pytest --openai-record``: record once, then run without the upstream."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from openaimock.testing.recordings import Recordings

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


def test_the_file_of_the_ini_file_names_the_recordings(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "mock.yaml"
    file.write_text("upstream: {url: 'http://127.0.0.1:9/v1'}\nrecord: {file: recorded.yaml}\n", "utf-8")
    monkeypatch.setenv("OPENAIMOCK_RECORD", "once")
    config = Recordings().configure([file], [], {}, tmp_path)
    assert config.record is not None and config.record.active and config.record.path == tmp_path / "recorded.yaml"


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


def test_a_file_that_only_the_marker_gives_an_upstream_is_recorded(pytester: pytest.Pytester, serve) -> None:
    pytester.makepyfile(TEST.format(marker='@pytest.mark.openai_mock(upstream={"url": "UPSTREAM"})'))
    pytester.makeini("[pytest]\nopenai_mock = recorded.yaml\nopenai_mock_env = true\n")
    record_and_replay(pytester, serve, *OPTIONS)


@pytest.mark.parametrize(("names", "file"), [(["mock.yaml", "recorded.yaml"], "recorded.yaml"), (["mock.yaml"], "mock.yaml")])
def test_the_last_file_is_recorded_with_the_upstream_of_any(names, file, tmp_path: Path, monkeypatch) -> None:
    settings = "# The team's mock.\nlint: error\nupstream: {url: 'http://127.0.0.1:9/v1'}\n"
    (tmp_path / "mock.yaml").write_text(settings, "utf-8")
    monkeypatch.setenv("OPENAIMOCK_RECORD", "once")
    config = Recordings().configure([tmp_path / "mock.yaml"], names[1:], {}, tmp_path)
    assert config.record is not None and config.record.active and config.record.path == tmp_path / file
    assert (config.lint, config.unmatched) == ("error", "proxy")
    with (tmp_path / file).open("a", encoding="utf-8") as recorded:
        recorded.write("responses: [{when: {user: hi}, reply: hello}]\n")
    monkeypatch.delenv("OPENAIMOCK_RECORD")
    config = Recordings(time.time() + 60).configure([tmp_path / "mock.yaml"], names[1:], {}, tmp_path)
    assert (config.record, len(config.rules), config.lint, config.unmatched) == (None, 1, "error", "error")


def test_a_file_with_rules_is_not_recorded_once(tmp_path: Path, monkeypatch) -> None:
    text = "upstream: {url: 'http://127.0.0.1:9/v1'}\nresponses:\n  - {when: {user: hi}, reply: hello}\n"
    (tmp_path / "mock.yaml").write_text(text, "utf-8")
    for mode, active in (("once", False), ("new", True)):
        monkeypatch.setenv("OPENAIMOCK_RECORD", mode)
        config = Recordings(time.time() + 60).configure([], ["mock.yaml"], {}, tmp_path)
        assert config.record is not None and config.record.active is active

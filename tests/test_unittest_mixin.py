"""The unittest mixin, by TestCases that are run here."""

from __future__ import annotations

import os
import sys
import unittest

import pytest

from openaimock.unittest_mixin import OpenAIMockMixin

from .support.wire import post, user

RULES = {"responses": [{"id": "greet", "when": {"user": "Hello"}, "reply": "Hi!"}]}


def run(body, base=unittest.TestCase, **options):
    """Run one test of a TestCase with a mock, and give its result."""
    options = {"openai_mock_config": RULES, **options}
    case = type("Case", (OpenAIMockMixin, base), {"test": body, **options})
    result = unittest.TestResult()
    case("test").run(result)
    assert result.testsRun == 1
    return result


def test_a_test_has_a_mock_and_its_environment(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    checks = []

    def body(self):
        assert post(self.openai_mock, user("Hello")).status_code == 200
        checks.append(os.environ["OPENAI_BASE_URL"] == self.openai_mock.url)

    assert run(body).wasSuccessful()
    assert checks == [True]
    assert "OPENAI_BASE_URL" not in os.environ


def test_an_asynchronous_test():
    async def body(self):
        self.openai_mock.when(user="x").reply("y")
        assert post(self.openai_mock, user("x")).status_code == 200

    assert run(body, unittest.IsolatedAsyncioTestCase).wasSuccessful()


def test_an_unmatched_request_fails_the_test_and_says_why():
    def body(self):
        post(self.openai_mock, user("Hullo"))

    [(_, message)] = run(body).failures
    assert "unmatched request: POST /v1/chat/completions: No matching response" in message
    assert "got 'Hullo'" in message
    assert run(body, openai_mock_allow_unmatched=True).wasSuccessful()


def test_a_failed_test_shows_its_requests(capsys):
    def body(self):
        post(self.openai_mock, user("Hello"))
        self.fail("wrong")

    [(_, message)] = run(body).failures
    assert "#1 POST /v1/chat/completions 'Hello' -> 200, rule greet (responses[0])" in message + capsys.readouterr().err


def test_a_miss_that_the_test_reports_is_shown_once(capfd):
    def body(self):
        raise ValueError(post(self.openai_mock, user("Hullo")).json()["error"]["message"])

    result = run(body)
    [(_, message)] = result.errors
    assert result.failures == [] and message.count("got 'Hullo'") == 1
    assert "got 'Hullo'" not in capfd.readouterr().err


def test_a_wrong_setting_is_an_error_without_frames_of_the_package():
    [(_, message)] = run(lambda self: None, openai_mock_settings={"lnt": "error"}).errors
    lines = message.strip().splitlines()
    assert lines[-1] == "openaimock.errors.ConfigError: 'lnt' is not a setting; did you mean 'lint'?"
    assert "unittest_mixin" not in message and "config" not in "".join(lines[:-1])


def test_a_failed_test_without_requests_says_so(capsys):
    [(_, message)] = run(lambda self: self.fail("wrong")).failures
    assert "No request reached the mock" in message + capsys.readouterr().err


def test_a_skipped_test_shows_nothing(capsys):
    result = run(lambda self: self.skipTest("later"))
    assert [reason for _, reason in result.skipped] == ["later"] and capsys.readouterr().err == ""


def test_strict():
    [(_, message)] = run(lambda self: None, openai_mock_strict=True).failures
    assert "leftover rule: greet (responses[0]) never answered" in message
    assert run(lambda self: None).wasSuccessful()


def test_expectations():
    def body(self):
        self.openai_mock.when(user="Hello").reply("Hi!", expect=1)

    [(_, message)] = run(body).failures
    assert "expected 1 answer, got 0" in message


def test_a_failed_test_is_not_blamed_for_leftovers():
    result = run(lambda self: self.fail("on purpose"), openai_mock_strict=True)
    assert len(result.failures) == 1
    assert "on purpose" in result.failures[0][1]


@pytest.mark.parametrize("config", ["unittest.yaml", ["unittest.yaml"]])
def test_a_path_is_relative_to_the_file_of_the_class(tmp_path, monkeypatch, config):
    (tmp_path / "unittest.yaml").write_text("responses:\n  - {when: {user: Hello}, reply: Hi!}\n")
    monkeypatch.setattr(sys.modules[__name__], "__file__", str(tmp_path / "test_case.py"))

    def body(self):
        assert len(self.openai_mock.app.api.ruleset.rules) == 1

    assert run(body, openai_mock_config=config).wasSuccessful()


def test_settings():
    def body(self):
        assert self.openai_mock.app.api.config.seed == 7
        assert os.environ["OPENAI_API_KEY"] == "sk-mine"

    assert run(body, openai_mock_settings={"seed": 7, "api_key": "sk-mine"}).wasSuccessful()


def test_all_tests_share_one_server_that_is_reset(monkeypatch):
    urls = []

    def body(self):
        assert self.openai_mock.exchanges == []
        post(self.openai_mock, user("Hello"))
        urls.append(self.openai_mock.url)

    assert all(run(body).wasSuccessful() for _ in range(2))
    assert urls[0] == urls[1]


def test_the_environment_of_other_libraries_and_proxies(monkeypatch):
    monkeypatch.setenv("OPENAI_API_BASE", "https://elsewhere")

    def body(self):
        assert os.environ["OPENAI_API_BASE"] == self.openai_mock.url
        assert "127.0.0.1" in os.environ["NO_PROXY"]

    assert run(body).wasSuccessful()
    assert os.environ["OPENAI_API_BASE"] == "https://elsewhere"


def test_findings_about_the_client():
    def body(self):
        self.openai_mock.when(user="x").error(503)
        assert post(self.openai_mock, user("x")).status_code == 503

    assert run(body).wasSuccessful()
    [(_, message)] = run(body, openai_mock_verdict=True).failures
    assert "not_retried: status 503, and the request was never repeated (#1)" in message
    assert run(body, openai_mock_verdict=["not_retried"]).wasSuccessful()

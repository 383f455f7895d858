"""The pytest plugin, by test runs inside of test runs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import httpcore  # noqa: F401
import pytest

from openaimock.config.load import load

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent
#: Where the package is installed, pytest finds the plugin itself.
INSTALLED = any(each.value == "openaimock.pytest_plugin" for each in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "openaimock.pytest_plugin")
START = """
import httpx, os, pytest

def ask(text, **more):
    with httpx.Client(trust_env=False, verify=False) as http:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
        key = {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
        return http.post(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json=body, headers=key)

def said(text, **more):
    return ask(text, **more).json()["choices"][0]["message"]["content"]
"""
RULES = """
responses:
  - {id: greet, when: {user: Hello}, replies: [Hi!, Again?]}
"""
# A run inside of this one forgets the modules that it imports first; what the package and httpx import late is imported now.
load(RULES)


@pytest.fixture
def tests(pytester):
    """Run a file of tests beside a ``mock.yaml``."""
    pytester.makefile(".yaml", mock=RULES)

    def run(text, *options):
        pytester.makepyfile(START + text)
        return pytester.runpytest_inprocess(*PLUGIN, "-p", "no:cacheprovider", "--strict-markers", *options)

    return run


def test_the_fixture_is_a_mock_that_the_environment_points_at(tests):
    tests("""
def test_one(openai_mock):
    openai_mock.when(user="Hello").reply("Hi!")
    assert said("Hello") == "Hi!"
    assert os.environ["OPENAI_BASE_URL"] == openai_mock.url

def test_each_test_has_its_own(openai_mock):
    assert openai_mock.exchanges == [] and openai_mock.app.api.ruleset.rules == []
""").assert_outcomes(passed=2)


def test_the_environment_is_put_back(tests, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://before")
    tests("""
def test_one(openai_mock): pass
def test_two(): assert os.environ["OPENAI_BASE_URL"] == "http://before"
""").assert_outcomes(passed=2)
    assert os.environ["OPENAI_BASE_URL"] == "http://before"


def test_the_sdk_needs_no_arguments(tests):
    tests("""
from openai import OpenAI

@pytest.mark.openai_mock("mock.yaml", api_key="sk-of-the-file")
def test_one():
    with OpenAI() as client:
        answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content == "Hi!"
""").assert_outcomes(passed=1)


def test_a_marker_alone_starts_it_before_other_fixtures(tests):
    tests("""
@pytest.fixture
def answer():
    return said("Hello")

@pytest.mark.openai_mock("mock.yaml")
def test_one(answer):
    assert answer == "Hi!"
""").assert_outcomes(passed=1)


def test_paths_are_relative_to_the_test_file(pytester, tests):
    pytester.mkdir("inner").joinpath("mock.yaml").write_text(RULES)
    pytester.path.joinpath("inner", "test_inner.py").write_text(
        START + '@pytest.mark.openai_mock("mock.yaml")\ndef test_one(): assert said("Hello") == "Hi!"'
    )
    tests("", "inner").assert_outcomes(passed=1)


def test_markers_of_a_class_and_configurations_in_python(tests):
    tests("""
@pytest.mark.openai_mock(config={"responses": [{"when": {"user": "a"}, "reply": "b"}]})
class TestIt:
    def test_one(self, openai_mock): assert said("a") == "b"
    @pytest.mark.openai_mock(responses=[{"when": {"user": "c"}, "reply": "d"}], seed=7)
    def test_two(self, openai_mock): assert said("c") == "d" and openai_mock.app.api.config.seed == 7
    @pytest.mark.openai_mock("mock.yaml", responses=[{"when": {"user": "c"}, "reply": "d"}])
    def test_both(self): assert (said("Hello"), said("c")) == ("Hi!", "d")
""").assert_outcomes(passed=3)


def test_an_unmatched_request_fails_the_test_and_says_why(tests):
    result = tests("""
@pytest.mark.openai_mock("mock.yaml")
def test_one():
    assert ask("Hullo").status_code == 400
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["unmatched request: POST /v1/chat/completions: *greet (*mock.yaml:2:5)*'Hello', got 'Hullo'*"])


def test_unmatched_requests_may_be_allowed(tests):
    tests("""
@pytest.mark.openai_mock("mock.yaml", allow_unmatched=True)
def test_one(): assert ask("Hullo").status_code == 400

@pytest.mark.openai_mock("mock.yaml", unmatched="echo")
def test_two(): assert said("Hullo") == "Hullo"
""").assert_outcomes(passed=2)


def test_a_failing_test_reports_the_miss_too(tests):
    result = tests("""
@pytest.mark.openai_mock("mock.yaml")
def test_one(): assert said("Hullo") == "x"
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*KeyError*", "*openai_mock*", "unmatched request: *"])


def test_strict_lists_the_rules_and_replies_that_were_never_used(tests):
    result = tests("""
@pytest.mark.openai_mock("mock.yaml", strict=True)
def test_never(): pass

@pytest.mark.openai_mock("mock.yaml", strict=True)
def test_once(): said("Hello")

@pytest.mark.openai_mock("mock.yaml", strict=True)
def test_all(): said("Hello"), said("Hello")

@pytest.mark.openai_mock("mock.yaml")
def test_not_strict(): pass
""")
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["leftover rule: greet (*mock.yaml:2:5) never answered"])
    result.stdout.fnmatch_lines(["leftover reply: greet (*mock.yaml:2:5): reply 2 was never sent"])


def test_rules_that_answer_not_as_often_as_expected_fail_the_test(tests):
    result = tests("""
def test_never(openai_mock): openai_mock.when(user="Hello").reply("Hi!", id="greet", expect=1)

def test_once(openai_mock):
    openai_mock.when(user="Hello").reply("Hi!", expect=1)
    said("Hello")

def test_failed(openai_mock):
    openai_mock.when(user="Hello").reply("Hi!", expect=1)
    raise KeyError
""")
    result.assert_outcomes(failed=2, passed=1)
    lines = [line for line in result.outlines if line.startswith("unexpected: rule")]
    assert len(lines) == 1
    assert lines[0].endswith("expected 1 answer, got 0")


def test_settings_of_the_marker_go_before_those_of_the_file(tests):
    tests("""
@pytest.mark.openai_mock("mock.yaml", lint="error")
def test_one():
    tool = {"role": "tool", "tool_call_id": "none", "content": "x"}
    assert ask("Hello", messages=[tool]).json()["error"]["param"].startswith("messages")

@pytest.mark.openai_mock("mock.yaml", journal={"size": 2}, clock="2026-01-01T00:00:00Z")
def test_two(openai_mock):
    for _ in range(3): created = ask("Hello").json()["created"]
    assert len(openai_mock.exchanges) == 2 and created == 1767225600
""").assert_outcomes(passed=2)


def test_a_wrong_configuration_is_reported_without_a_traceback(tests):
    result = tests("""
@pytest.mark.openai_mock("mock.yaml", lnt="error")
def test_one(): pass

@pytest.mark.openai_mock("nothing.yaml")
def test_two(): pass
""")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["openai_mock: 'lnt' is not a setting; did you mean 'lint'?", "openai_mock: *nothing.yaml*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_skipped_test_is_not_failed(tests):
    tests("""
@pytest.mark.openai_mock("mock.yaml")
def test_one(): ask("Hullo"); pytest.skip("on purpose")
""").assert_outcomes(skipped=1)


def test_a_stalled_reply_does_not_hold_up_the_run(tests):
    tests("""
def test_one(openai_mock):
    openai_mock.when(user="x").reply({"content": "a b c", "fault": {"kind": "stall", "after": 1}})
    with httpx.Client(trust_env=False, verify=False) as http, http.stream("POST", openai_mock.url + "/chat/completions", json={
        "model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}]}) as answer:
        next(answer.iter_raw())
        openai_mock.stop(0.1)
""").assert_outcomes(passed=1)


def test_the_marker_is_documented(pytester):
    result = pytester.runpytest_inprocess(*PLUGIN, "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.openai_mock(*lint=*"])


def test_under_xdist(tests):
    tests(
        """
@pytest.mark.openai_mock("mock.yaml")
@pytest.mark.parametrize("number", range(6))
def test_one(number): assert said("Hello") == "Hi!"
""",
        "-n2",
    ).assert_outcomes(passed=6)


def test_a_run_without_a_mock_imports_none():
    script = "import sys, pytest, openaimock.pytest_plugin; print([m for m in sys.modules if m.startswith('openaimock.')])"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, timeout=60)
    assert done.stdout == "['openaimock.pytest_plugin']\n"


def test_a_client_that_is_made_once_reaches_the_mock_of_every_test(tests):
    tests("""
import functools
from openai import OpenAI

@functools.lru_cache
def client(): return OpenAI(max_retries=0, timeout=20)

@pytest.mark.parametrize("number", range(3))
def test_one(openai_mock, number):
    openai_mock.when(user="Hello").reply(f"answer {number}")
    answer = client().chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    assert answer.choices[0].message.content == f"answer {number}"
    openai_mock.assert_called(times=1)
""").assert_outcomes(passed=3)


def test_streams_and_calls_of_an_earlier_test_are_cut_and_leave_nothing_behind(tests):
    tests("""
import threading
http = httpx.Client(trust_env=False, verify=False, timeout=60)
streams, ends = [], []

def test_one(openai_mock):
    openai_mock.when(user="x").reply({"content": "a b c", "pace": {"tps": 0.01}})
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    stream = http.send(http.build_request("POST", openai_mock.url + "/chat/completions", json=body), stream=True)
    streams.append((stream, stream.iter_raw()))
    next(streams[0][1])

def test_two(openai_mock):
    with pytest.raises(Exception, match="peer closed"):
        for _ in streams[0][1]: pass
    assert openai_mock.exchanges == []
""").assert_outcomes(passed=2)


def test_the_ini_file_names_rules_for_every_test(pytester, tests):
    pytester.makeini("[pytest]\nopenai_mock = mock.yaml\n")
    tests("""
def test_one(openai_mock): assert said("Hello") == "Hi!"

@pytest.mark.openai_mock(responses=[{"when": {"user": "Bye"}, "reply": "See you."}])
def test_two(): assert (said("Hello"), said("Bye")) == ("Hi!", "See you.")
""").assert_outcomes(passed=2)


def test_a_wrong_file_of_the_ini_file_is_reported_without_a_traceback(pytester, tests):
    pytester.makeini("[pytest]\nopenai_mock = nothing.yaml\n")
    result = tests("def test_one(openai_mock): pass")
    result.stdout.fnmatch_lines(["*nothing.yaml*"])
    assert "Traceback" not in result.stdout.str()


def test_the_environment_is_set_before_tests_are_imported(pytester, tests, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://before")
    pytester.makeini("[pytest]\nopenai_mock_env = true\n")
    tests("""
URL = os.environ["OPENAI_BASE_URL"]
def test_one(openai_mock): assert openai_mock.url == URL
def test_two(openai_mock_session): assert openai_mock_session.url == URL
def test_three(): assert os.environ["OPENAI_BASE_URL"] == os.environ["OPENAI_API_BASE"] == URL
""").assert_outcomes(passed=3)
    assert os.environ["OPENAI_BASE_URL"] == "http://before"


def test_proxies_are_passed_by(tests, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    monkeypatch.delenv("no_proxy", raising=False)
    tests("""
def test_one(openai_mock):
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "internal.example,127.0.0.1,localhost"
""").assert_outcomes(passed=1)


def test_a_failing_test_shows_its_requests(tests):
    result = tests("""
@pytest.mark.openai_mock("mock.yaml")
def test_one(): assert said("Hello") == "x"

def test_two(openai_mock): assert False
""")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["requests of the test:", "  #1 POST /v1/chat/completions 'Hello' -> 200, rule greet (*mock.yaml:*)"]
    )
    result.stdout.fnmatch_lines(["No request reached the mock at http://127.0.0.1:*/v1. The client may have been made*"])


def test_a_failing_test_shows_what_is_wrong_with_the_base_url(tests):
    result = tests("""
import httpx
def test_one(openai_mock):
    assert httpx.post(openai_mock.url + "/v1/chat/completions", json={}).status_code == 200
""")
    result.stdout.fnmatch_lines(["  #1 POST /v1/v1/chat/completions -> 404, unknown path: the base URL ends in /v1*"])


def test_a_test_that_fails_for_a_leftover_shows_its_requests(tests):
    result = tests("""
@pytest.mark.openai_mock(strict=True)
def test_one(openai_mock): openai_mock.when(user="Hello").reply("Hi!")
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["leftover rule: *", "No request reached the mock at *"])


NOT_RETRIED = """
def test_one(openai_mock):
    openai_mock.when(user="Hello").error(503)
    assert ask("Hello").status_code == 503
"""


def test_the_option_fails_a_test_for_findings_about_the_client(tests):
    tests(NOT_RETRIED).assert_outcomes(passed=1)
    result = tests(NOT_RETRIED, "--openai-verdict")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*not_retried: status 503, and the request was never repeated (#1)"])


def test_the_marker_selects_the_findings_that_count(tests):
    def marked(value):
        return NOT_RETRIED.replace("def test", f"@pytest.mark.openai_mock(verdict={value})\ndef test")

    tests(marked("True")).assert_outcomes(failed=1)
    tests(marked(["not_retried"])).assert_outcomes(passed=1)
    tests(marked(False), "--openai-verdict").assert_outcomes(passed=1)
    result = tests(marked(["not_retired"]))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*openai_mock: verdict: 'not_retired' is not a code; did you mean 'not_retried'?"])


def test_a_when_without_a_reply_fails_the_test(tests):
    result = tests("def test_one(openai_mock): openai_mock.when(user='a')\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["when() at test_*.py:* has no reply: add .reply(...), .replies(...) or .error(...)"])


def test_a_misspelt_option_of_the_marker_gets_a_suggestion(tests):
    result = tests("@pytest.mark.openai_mock(allow_unmatchd=True)\ndef test_one(openai_mock): pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["openai_mock: 'allow_unmatchd' is not an option of the marker; did you mean 'allow_unmatched'?"])
    result.stdout.no_fnmatch_line("*another exception*")


def test_a_miss_is_shown_once(tests):
    result = tests(
        "from openai import OpenAI\n"
        "def test_one(openai_mock):\n"
        "    with OpenAI(max_retries=0) as client:\n"
        "        client.chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': 'unknown'}])\n"
    )
    result.assert_outcomes(failed=1)
    text = result.stdout.str().partition("short test summary")[0]
    assert text.count("No matching response found") == 1


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_the_coverage_of_the_session_sums_the_tests(tests, options):
    marked = '@pytest.mark.openai_mock("mock.yaml")\n'
    result = tests(
        f"{marked}def test_one(openai_mock): ask('Hello')\n"
        f"{marked}def test_two(openai_mock):\n"
        "    openai_mock.when(user='own').reply('x')\n"
        "    ask('Hello')\n"
        "    ask('own')\n",
        "--openai-mock-coverage",
        *options,
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*openai_mock coverage*",
            "rule * hits  replies",
            "greet (*mock.yaml:*) * 2 * 1/2",
            "* rules answered; no rule matched 0 requests",
        ]
    )
    result.stdout.no_fnmatch_line("*rule-*(test_*")


def test_without_the_option_there_is_no_coverage(tests):
    result = tests('@pytest.mark.openai_mock("mock.yaml")\ndef test_one(openai_mock): ask("Hello")\n')
    result.stdout.no_fnmatch_line("*openai_mock coverage*")

"""What the command line tells at its end."""

from __future__ import annotations

import signal
from xml.etree import ElementTree

import httpx
import pytest

RULES = """
responses:
  - {id: a, when: {user: a}, replies: [one, two]}
  - {id: b, when: {user: b}, reply: one}
"""


@pytest.fixture
def served(start, tmp_path):
    """Serve the rules, ask, and give the exit code and what was printed after the ready line."""
    path = tmp_path / "mock.yaml"
    path.write_text(RULES)

    def serve(options, *texts, number=signal.SIGTERM):
        running = start("mock.yaml", "-p", "0", *options, cwd=tmp_path)
        for text in texts:
            if text == "reset":
                with httpx.Client(trust_env=False) as http:
                    assert http.post(running.url.replace("/v1", "/__openaimock/reset")).status_code == 200
            else:
                running.ask(text)
        running.process.send_signal(number)
        output, _ = running.process.communicate(timeout=30)
        return running.process.returncode, output.splitlines()

    return serve


def test_the_table_is_of_the_whole_run_whatever_was_reset(served):
    assert served(["--coverage"], "a", "reset", "a", "x") == (
        0,
        [
            "rule                 hits  replies",
            "a (mock.yaml:3:5)       2      1/2",
            "b (mock.yaml:4:5)       0      0/1  never hit",
            "1 of 2 rules answered; no rule matched 1 request",
        ],
    )


@pytest.mark.parametrize(
    ("option", "texts", "code"),
    [
        ("--fail-uncovered", ["a", "b"], 1),
        ("--fail-uncovered", ["a", "a", "b", "x"], 0),
        ("--fail-unmatched", ["a", "x"], 1),
        ("--fail-unmatched", ["a"], 0),
    ],
)
def test_what_fails_a_run(served, option, texts, code):
    match, output = served([option], *texts)
    assert match == code
    assert bool(output) is bool(code)


def test_a_run_fails_for_rules_that_answer_not_as_often_as_expected(start, tmp_path):
    (tmp_path / "mock.yaml").write_text("responses:\n  - {id: a, when: {user: a}, reply: one, expect: 2}\n")
    for texts, code in ((["a"], 1), (["a", "a"], 0)):
        running = start("mock.yaml", "-p", "0", "--fail-unexpected", cwd=tmp_path)
        for text in texts:
            running.ask(text)
        running.process.send_signal(signal.SIGTERM)
        output, _ = running.process.communicate(timeout=30)
        assert running.process.returncode == code
        assert ("a (mock.yaml:2:5)       1         2      1/1  unexpected" in output) is bool(code)


def test_an_interrupted_run_fails_too(served):
    assert served(["--fail-unmatched"], "x", number=signal.SIGINT)[0] == 1


def test_the_xml_is_a_test_for_each_rule(served, tmp_path):
    target = tmp_path / "coverage.xml"
    assert served(["--coverage-xml", str(target)], "a", "x") == (0, [])
    suite = ElementTree.parse(target).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "3")
    report = [(case.get("name"), case.get("line"), case[0].get("message")) for case in suite]
    assert report == [
        ("a", "3", "1 of 2 replies were never reached"),
        ("b", "4", "the rule never answered"),
        ("unmatched requests", None, "no rule matched 1 of the requests"),
    ]


def test_what_was_used_in_full_passes(served, tmp_path):
    target = tmp_path / "coverage.xml"
    served(["--coverage-xml", str(target)], "a", "a", "b")
    assert [len(case) for case in ElementTree.parse(target).getroot()[0]] == [0, 0, 0]


def test_the_coverage_of_workers_adds_up(start, tmp_path):
    path, target = tmp_path / "mock.yaml", tmp_path / "coverage.xml"
    path.write_text(RULES)
    running = start(str(path), "-p", "0", "--workers", "2", "--coverage-xml", str(target))
    assert [running.ask(text).status_code for text in ("a", "a", "b")] == [200, 200, 200]
    assert running.stop()[0] == 0
    assert [len(case) for case in ElementTree.parse(target).getroot()[0]] == [0, 0, 0]


def test_the_verdict_is_printed_at_the_end(start, tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text("responses: [{when: {user: a}, reply: {error: 503}}]")
    running = start(str(path), "-p", "0", "--verdict")
    running.ask("a")
    running.process.send_signal(signal.SIGTERM)
    output, _ = running.process.communicate(timeout=30)
    assert running.process.returncode == 0
    assert output.splitlines()[:2] == [
        "verdict: 1 finding about the client in 1 exchange",
        "not_retried: status 503, and the request was never repeated (#1)",
    ]

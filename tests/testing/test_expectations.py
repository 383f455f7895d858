"""Expectations: how often rules should answer, and who reports that they did not."""

from __future__ import annotations

import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.testing import verdicts
from openaimock.testing.coverage_report import table, xml

from ..support.wire import post, user


def mock_of(serve, **expectations):
    return serve([{"id": id, "when": {"user": id}, "reply": "x", "expect": expect} for id, expect in expectations.items()])


@pytest.mark.parametrize(
    ("expect", "times", "difference"),
    [
        (0, 0, ""),
        (0, 1, "expected 0 answers, got 1"),
        (1, 0, "expected 1 answer, got 0"),
        (2, 2, ""),
        ({"min": 2}, 3, ""),
        ({"min": 2}, 1, "expected at least 2 answers, got 1"),
        ({"max": 1}, 1, ""),
        ({"max": 1}, 2, "expected 0 to 1 answers, got 2"),
        ({"min": 1, "max": 2}, 3, "expected 1 to 2 answers, got 3"),
    ],
)
def test_verify_says_how_often_a_rule_answered(serve, expect, times, difference):
    mock = mock_of(serve, a=expect)
    for _ in range(times):
        post(mock, user("a"))
    if not difference:
        return mock.verify()
    with pytest.raises(AssertionError) as caught:
        mock.verify()
    assert str(caught.value) == f"rule a (responses[0]): {difference}"


def test_verify_lists_all_rules_and_counts_all_namespaces(serve):
    mock = mock_of(serve, a=2, b=1, c=0)
    for name in ("one", "two"):
        post(mock, user("a"), headers={"x-openaimock-namespace": name})
    with pytest.raises(AssertionError, match=r"^rule b \(responses\[1\]\): expected 1 answer, got 0$"):
        mock.verify()
    post(mock, user("b"))
    mock.verify()
    mock.reset()
    with pytest.raises(AssertionError, match=r"rule a .*\nrule b "):
        mock.verify()


def test_failed_attempts_do_not_count(serve):
    mock = serve([{"when": {}, "expect": 1, "reply": {"content": "x", "fail": {"error": 500}}}])
    assert [post(mock, user("a")).status_code for _ in range(2)] == [500, 200]
    mock.verify()


def test_rules_of_a_test_have_expectations_too(serve):
    mock = serve({"unmatched": "echo"})
    mock.when(user="a").reply("x", expect=1)
    mock.when(user="b").replies("x", "y", expect={"max": 1})
    mock.when(user="c").error(429, expect=0)
    with pytest.raises(AssertionError, match=r"rule rule-1 .test_expectations.py:.*: expected 1 answer, got 0$"):
        mock.verify()
    with pytest.raises(ConfigError, match="expect: expected a whole number 0 or more, got -1"):
        mock.when(user="d").reply("x", expect=-1)


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ({}, "an empty expectation has no effect; write a number, or 'min' or 'max'"),
        ({"min": 2, "max": 1}, "'max' is at least 'min' (2), got 1"),
        ("often", "expected a whole number or a mapping, got the text 'often'"),
        ({"least": 1}, "'least' is not a key of an expectation (min, max)"),
    ],
)
def test_an_expectation_is_checked(expect, message):
    with pytest.raises(ConfigError) as caught:
        load({"responses": [{"when": {}, "reply": "x", "expect": expect}]})
    assert [problem.message for problem in caught.value.problems] == [message]


def test_the_coverage_shows_expectations(serve):
    mock = mock_of(serve, a=1, b=0, c={"min": 2})
    mock.when(user="d").reply("x")
    post(mock, user("a"))
    report = mock.coverage()
    assert [(row["expect"], row["unexpected"]) for row in report["rules"]] == [
        ("1", ""), ("0", ""), ("at least 2", "expected at least 2 answers, got 0"), (None, ""),
    ]  # fmt: skip
    assert (report["never"], list(report["unexpected"])) == (["c", "rule-4"], ["c"])
    lines = table(report, 0).splitlines()
    assert lines[0].split() == ["rule", "hits", "expected", "replies"]
    assert [line.split("  ")[-1].strip() for line in lines[1:-1]] == ["1/1", "0/1", "unexpected", "never hit"]
    assert lines[-1] == "1 of 4 rules answered; no rule matched 0 requests; 1 rule answered not as often as expected"
    assert xml(report, 0).count("<failure") == 2


def test_the_verdict_of_a_test_has_expectations(serve):
    mock = mock_of(serve, a=1)
    assert verdicts.verdict(mock) == "unexpected: rule a (responses[0]): expected 1 answer, got 0"
    assert verdicts.verdict(mock, completed=False) == ""
    post(mock, user("a"))
    assert verdicts.verdict(mock, strict=True) == ""

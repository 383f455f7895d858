"""Summary: the coverage of a whole run, as a text table and as JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

#: A rule's place: its file and line.
_PLACE = re.compile(r"(.+):(\d+):\d+")


def table(report: Mapping[str, Any], unmatched: int) -> str:
    """A table of the rules of a coverage report, with their hits and the replies that were sent; then the sums."""
    names = [f"{rule['id']} ({rule['place']})" if rule["place"] else rule["id"] for rule in report["rules"]]
    width = max(map(len, ("rule", *names)))
    lines = [f"{'rule':<{width}}    hits  replies"]
    for name, rule in zip(names, report["rules"], strict=True):
        reached = f"{rule['replies'] - len(rule['unreached'])}/{rule['replies']}"
        lines.append(f"{name:<{width}}  {rule['hits']:>6}  {reached:>7}{'' if rule['hits'] else '  never hit'}")
    hit = len(report["rules"]) - len(report["never"])
    requests = "1 request" if unmatched == 1 else f"{unmatched} requests"
    return "\n".join([*lines, f"{hit} of {len(report['rules'])} rules answered; no rule matched {requests}"])


def complete(report: Mapping[str, Any]) -> bool:
    """Whether every rule answered and every reply was sent."""
    return not report["never"] and not report["unreached"]


def xml(report: Mapping[str, Any], unmatched: int) -> str:
    """A coverage report in JUnit's format: a test for each rule, failed when the rule or a reply of it was never used.

    One more test fails when requests matched no rule.
    """
    tests = [(rule["id"], rule["place"], _missing(rule)) for rule in report["rules"]]
    tests.append(("unmatched requests", "", f"no rule matched {unmatched} of the requests" if unmatched else ""))
    failed = sum(bool(problem) for *_, problem in tests)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites><testsuite name="openaimock" tests="{len(tests)}" failures="{failed}" errors="0" skipped="0">',
        *(_testcase(*test) for test in tests),
        "</testsuite></testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _missing(rule: Mapping[str, Any]) -> str:
    """The message about unused parts of a rule, "" when all were used."""
    if not rule["hits"]:
        return "the rule never answered"
    return f"{len(rule['unreached'])} of {rule['replies']} replies were never reached" if rule["unreached"] else ""


def _testcase(name: str, place: str, problem: str) -> str:
    match = _PLACE.fullmatch(place)
    where = f" file={attribute(match[1])} line={attribute(match[2])}" if match else ""
    inner = f"<failure message={attribute(problem)}/>" if problem else ""
    return f'  <testcase classname="openaimock" name={attribute(name)}{where} time="0">{inner}</testcase>'


def attribute(text: str) -> str:
    """A text as an attribute of XML, with its quotes."""
    # Replace characters that XML cannot contain, not even escaped.
    return quoteattr(re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text))

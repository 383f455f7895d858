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
    names = list(map(name, report["rules"]))
    width = max(map(len, ("rule", *names)))
    # The column of expectations is there when some rule has one.
    expected = max((len(rule["expect"] or "") for rule in report["rules"]), default=0)
    wide = max(len("expected"), expected) + 2 if expected else 0
    lines = [f"{'rule':<{width}}    hits{'expected'.rjust(wide) if wide else ''}  replies"]
    for label, rule in zip(names, report["rules"], strict=True):
        reached = f"{rule['replies'] - len(rule['unreached'])}/{rule['replies']}"
        note = "  unexpected" if rule["unexpected"] else "" if rule["hits"] or rule["expect"] else "  never hit"
        lines.append(f"{label:<{width}}  {rule['hits']:>6}{(rule['expect'] or '').rjust(wide)}  {reached:>7}{note}")
    hit = sum(rule["hits"] > 0 for rule in report["rules"])
    number = len(report["unexpected"])
    differing = f"; {number} {'rule' if number == 1 else 'rules'} answered not as often as expected" if number else ""
    requests = "1 request" if unmatched == 1 else f"{unmatched} requests"
    return "\n".join([*lines, f"{hit} of {len(report['rules'])} rules answered; no rule matched {requests}{differing}"])


def name(rule: Mapping[str, Any]) -> str:
    """A rule of a coverage report by its id and its place."""
    return f"{rule['id']} ({rule['place']})" if rule["place"] else str(rule["id"])


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
    """The message about unused parts of a rule, or about other hits than expected; "" when there is none."""
    if rule["unexpected"]:
        return str(rule["unexpected"])
    if not rule["hits"]:
        return "" if rule["expect"] else "the rule never answered"
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

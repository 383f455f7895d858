"""Summary: the coverage of a whole run, as a table for people and as XML for tools, when the command line ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

#: Where a rule stands: its file and line.
_PLACE = re.compile(r"(.+):(\d+):\d+")


def table(report: Mapping[str, Any], unmatched: int) -> str:
    """Every rule of a coverage report: how often it answered and how many of its replies were seen; then the sums."""
    names = [f"{rule['id']} ({rule['place']})" if rule["place"] else rule["id"] for rule in report["rules"]]
    width = max(map(len, ("rule", *names)))
    lines = [f"{'rule':<{width}}    hits  replies"]
    for name, rule in zip(names, report["rules"], strict=True):
        seen = f"{rule['replies'] - len(rule['unreached'])}/{rule['replies']}"
        lines.append(f"{name:<{width}}  {rule['hits']:>6}  {seen:>7}{'' if rule['hits'] else '  never hit'}")
    hit = len(report["rules"]) - len(report["never"])
    requests = "1 request" if unmatched == 1 else f"{unmatched} requests"
    return "\n".join([*lines, f"{hit} of {len(report['rules'])} rules answered; no rule matched {requests}"])


def complete(report: Mapping[str, Any]) -> bool:
    """Whether every rule answered and every reply was seen."""
    return not report["never"] and not report["unreached"]


def xml(report: Mapping[str, Any]) -> str:
    """A coverage report in Cobertura's format: the lines are those on which rules begin."""
    found: dict[str, list[tuple[int, int]]] = {}
    for rule in report["rules"]:
        place = _PLACE.fullmatch(rule["place"])
        if place is not None:
            found.setdefault(place[1], []).append((int(place[2]), rule["hits"]))
    return "\n".join(_xml(found)) + "\n"


def _xml(files: Mapping[str, list[tuple[int, int]]]) -> Iterator[str]:
    every = [hits for lines in files.values() for _, hits in lines]
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<coverage version="openaimock" timestamp="0" branch-rate="0" complexity="0" {_rate(every)}>'
    yield f'  <packages><package name="openaimock" branch-rate="0" complexity="0" {_rate(every)}><classes>'
    for name, lines in files.items():
        said = quoteattr(name)
        yield f'    <class name={said} filename={said} branch-rate="0" complexity="0" {_rate([hits for _, hits in lines])}>'
        yield "      <methods/><lines>"
        for number, hits in lines:
            yield f'        <line number="{number}" hits="{hits}"/>'
        yield "      </lines></class>"
    yield "  </classes></package></packages>"
    yield "</coverage>"


def _rate(hits: list[int]) -> str:
    covered = sum(map(bool, hits))
    return f'line-rate="{covered / len(hits) if hits else 1:.4g}" lines-covered="{covered}" lines-valid="{len(hits)}"'

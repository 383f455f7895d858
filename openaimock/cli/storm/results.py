"""Results: the outcome of each cell, and its form as data."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ... import verdict
from ...state.journal import brief
from ...storm.cells import Cell
from ...storm.kinds import BY_NAME
from ..arguments import count
from .mock import Sight
from .processes import Ended

RECOVERED, FAILED, HUNG = "recovered", "failed", "hung"
OUTCOMES = (RECOVERED, FAILED, HUNG)
#: The most exchanges of a cell that are listed.
MAX_LISTED = 20


class Result(NamedTuple):
    """One cell after its run: what the client sent, and what that shows about it."""

    cell: Cell
    ended: Ended
    exchanges: tuple[str, ...]
    requests: int
    #: Whether the run had the exchange of the cell, so that the fault was applied.
    reached: bool
    findings: tuple[verdict.Finding, ...]

    @property
    def outcome(self) -> str:
        """``recovered`` (exit code 0), ``failed`` (another code) or ``hung``."""
        code = self.ended.code
        return HUNG if code is None else RECOVERED if code == 0 else FAILED


class Report(NamedTuple):
    """A whole storm: the command as it was given, the exchanges of the clean run, and the results."""

    command: Sequence[str]
    options: Sequence[str]
    clean: Sequence[Sight]
    seconds: float
    cells: int
    results: Sequence[Result]

    def repeat(self, cell: Cell) -> str:
        """The command line that runs one cell again."""
        words = ["openaimock", "storm", *self.options, "--at", cell.place, "--faults", cell.fault, "--", *self.command]
        return shlex.join(words)


def result(cell: Cell, ended: Ended, sights: Sequence[Sight]) -> Result:
    """The Result of a run."""
    exchanges = [sight.exchange for sight in sights]
    if ended.code is None and exchanges and exchanges[-1].ended == "client_disconnected":
        # The client still waited when it was killed.
        exchanges[-1].ended = "running"
    listed = [line(sight, number) for number, sight in enumerate(sights[:MAX_LISTED], 1)]
    findings = [finding._replace(namespace="") for finding in verdict.findings(numbered(exchanges))]
    requests = sum(sight.test == cell.test for sight in sights) if cell.test else len(sights)
    return Result(cell, ended, tuple(listed), len(exchanges), requests >= cell.exchange, tuple(findings))


def numbered(exchanges: Iterable[Any]) -> list[Any]:
    """The exchanges with their number in the cell as their order, so that findings name them as the grid does."""
    listed = list(exchanges)
    for number, exchange in enumerate(listed, 1):
        exchange.order = number
    return listed


def line(sight: Sight, number: int) -> str:
    """One exchange on one line: what was sent, what it got, and how it ended."""
    row = brief(sight.exchange)
    path = re.sub("^/t/[^/]+", "", row["path"])
    parts = [f"{number}: {row['method']} {path} -> {row['status'] or 'no answer'}"]
    if sight.exchange.fault is not None:
        parts.append(f"fault {sight.exchange.fault.kind}")
    elif row["stream"]:
        parts.append(count(sight.events, "event"))
    if row["ended"] not in ("complete", "fault"):
        parts.append(row["ended"])
    if sight.test:
        parts.append(f"in {sight.test}")
    return ", ".join(parts)


def counts(results: Iterable[Result]) -> dict[str, int]:
    """How many cells had each outcome."""
    totals = Counter(one.outcome for one in results)
    return {outcome: totals[outcome] for outcome in OUTCOMES}


def codes(results: Iterable[Result]) -> list[tuple[str, str, list[Cell]]]:
    """The codes of all findings with their remedy and the cells that show them, the most frequent first."""
    by_code: dict[str, tuple[str, list[Cell]]] = {}
    for one in results:
        for finding in one.findings:
            _, shown_by = by_code.setdefault(finding.code, (finding.remedy, []))
            if one.cell not in shown_by:
                shown_by.append(one.cell)
    return sorted(((code, *rest) for code, rest in by_code.items()), key=lambda row: -len(row[2]))


def data(report: Report) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "command": list(report.command),
        "clean": {
            "seconds": round(report.seconds, 3),
            "exchanges": [line(sight, number) for number, sight in enumerate(report.clean, 1)],
        },
        "planned": report.cells,
        "outcomes": counts(report.results),
        "cells": [
            {
                **one.cell._asdict(),
                "group": BY_NAME[one.cell.fault].group,
                "outcome": one.outcome,
                "exit_code": one.ended.code,
                "seconds": round(one.ended.seconds, 3),
                "requests": one.requests,
                "reached": one.reached,
                "exchanges": list(one.exchanges),
                "findings": [finding.data() for finding in one.findings],
                "output": one.ended.output,
                "repeat": report.repeat(one.cell),
            }
            for one in report.results
        ],
    }

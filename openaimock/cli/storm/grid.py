"""Grid: the results of a storm as text: a table of faults and points, what failed, and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...storm.cells import Cell
from ...storm.kinds import KINDS
from ..arguments import count
from .results import FAILED, HUNG, RECOVERED, Report, Result, codes, counts, line

#: What a cell shows, and its colour on a terminal.
MARKS = {RECOVERED: "ok", FAILED: "fail", HUNG: "HUNG"}
_COLOURS = {RECOVERED: "32", FAILED: "33", HUNG: "31"}
#: A mark at cells with findings.
_FINDING = "*"
#: How many failed cells are described, and how many lines of output each.
MAX_DESCRIBED, MAX_LINES = 10, 6
#: How many cells are named at a finding.
MAX_CELLS = 8


def text(report: Report, width: int, colours: bool) -> str:
    """The whole report. ``width`` is that of the terminal, in characters."""
    lines = ["", "exchanges of the clean run:", *(f"  {line(sight, at)}" for at, sight in enumerate(report.clean, 1)), ""]
    if not report.clean:
        lines = [""]
    lines += [*table(report.results, width, colours), summary(report)]
    lines += described(report)
    findings = list(_findings(report.results))
    if findings:
        lines += ["", f"findings about the client ({_FINDING}, docs/verdict.rst):", *findings]
    return "\n".join(lines)


def table(results: Sequence[Result], width: int, colours: bool) -> list[str]:
    """A table with a row for each fault and a column for each point, in parts that fit the width."""
    by_place = {(one.cell.fault, one.cell.column, one.cell.event): one for one in results}
    points = sorted({(one.cell.column, one.cell.event) for one in results})
    faults = [kind.name for kind in KINDS if any(one.cell.fault == kind.name for one in results)]
    head = max(map(len, faults), default=0)
    labels = [f"{exchange}.{event}" for exchange, event in points]
    column = max([len("HUNG*"), *map(len, labels)]) + 2
    per_part = max(1, (width - head) // column)
    lines: list[str] = []
    for start in range(0, len(points), per_part):
        part = range(start, min(start + per_part, len(points)))
        lines.append((" " * head + "".join(f"  {labels[at]:<{column - 2}}" for at in part)).rstrip())
        for fault in faults:
            cells = [by_place.get((fault, *points[at])) for at in part]
            if any(cells):
                lines.append((f"{fault:<{head}}" + "".join(_mark(one, column, colours) for one in cells)).rstrip())
        lines.append("")
    return lines


def _mark(one: Result | None, column: int, colours: bool) -> str:
    if one is None:
        return " " * column
    mark = MARKS[one.outcome] + (_FINDING if one.findings else "")
    padding = " " * (column - 2 - len(mark))
    coloured = f"\x1b[{_COLOURS[one.outcome]}m{mark}\x1b[0m" if colours else mark
    return f"  {coloured}{padding}"


def summary(report: Report) -> str:
    """The numbers of the outcomes."""
    totals, ran = counts(report.results), len(report.results)
    cells = count(ran, "cell") if ran == report.cells else f"{ran} of {report.cells} cells"
    flagged = sum(bool(one.findings) for one in report.results)
    outcome = f"{totals[RECOVERED]} recovered, {totals[FAILED]} failed cleanly, {totals[HUNG]} hung"
    missed = [one for one in report.results if not one.reached]
    note = f"\n{count(len(missed), 'cell')} without the fault: the run had fewer exchanges ({_names([m.cell for m in missed])})"
    return f"{cells}: {outcome}; {flagged} with findings about the client" + (note if missed else "")


def described(report: Report) -> list[str]:
    """The cells that hung, then those that failed: what was sent, the end of the output, and how to repeat it."""
    chosen = [one for outcome in (HUNG, FAILED) for one in report.results if one.outcome == outcome]
    lines: list[str] = []
    for one in chosen[:MAX_DESCRIBED]:
        end = "hung" if one.ended.code is None else f"failed with exit code {one.ended.code}"
        lines += ["", f"{one.cell.point} {one.cell.fault}: {end} after {one.ended.seconds:.1f} s"]
        lines += [f"  sent {entry}" for entry in one.exchanges]
        if one.requests > len(one.exchanges):
            lines.append(f"  and {one.requests - len(one.exchanges)} more")
        lines += [f"  {finding.code}: {finding.message}" for finding in one.findings]
        lines += [f"  | {printable(row)}" for row in one.ended.output.rstrip().splitlines()[-MAX_LINES:]]
        lines.append(f"  repeat: {report.repeat(one.cell)}")
    if len(chosen) > MAX_DESCRIBED:
        lines += ["", f"and {len(chosen) - MAX_DESCRIBED} more cells; --json, --xml and --html have all of them"]
    return lines


def printable(row: str) -> str:
    """A line of output without control characters, which could change the terminal."""
    return "".join(character if character.isprintable() or character == "\t" else " " for character in row)


def _findings(results: Iterable[Result]) -> Iterator[str]:
    for code, remedy, cells in codes(results):
        yield f"  {code} in {count(len(cells), 'cell')}: {_names(cells)}"
        yield f"      {remedy}"


def _names(cells: Sequence[Cell]) -> str:
    names = [f"{cell.point} {cell.fault}" for cell in cells[:MAX_CELLS]]
    return ", ".join(names) + (", ..." if len(cells) > MAX_CELLS else "")

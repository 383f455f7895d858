"""Files: the results of a storm as JSON, as JUnit XML and as one HTML page."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Mapping
from html import escape

from ...storm.kinds import KINDS
from ...testing.coverage_report import attribute
from .grid import MARKS
from .results import FAILED, HUNG, RECOVERED, Report, Result, codes, counts, data, line


def as_json(report: Report, failing: Collection[str]) -> str:
    """The whole report as JSON."""
    return json.dumps(data(report), indent=1, ensure_ascii=False) + "\n"


def as_xml(report: Report, failing: Collection[str]) -> str:
    """JUnit's format: a test for each cell, failed when its outcome is one of ``failing``."""
    failures = sum(one.outcome in failing for one in report.results)
    total = sum(one.ended.seconds for one in report.results)
    head = f'tests="{len(report.results)}" failures="{failures}" errors="0" skipped="0" time="{total:.3f}"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites><testsuite name="openaimock storm" {head}>']
    for one in report.results:
        name = f"classname={attribute(f'storm.{one.cell.fault}')} name={attribute(f'{one.cell.point} {one.cell.fault}')}"
        lines.append(f'  <testcase {name} time="{one.ended.seconds:.3f}">')
        if one.outcome in failing:
            lines.append(f"    <failure message={attribute(f'{one.outcome}; repeat: {report.repeat(one.cell)}')}/>")
        lines.append(f"    <system-out>{_xml_text(_details(one))}</system-out>")
        lines.append("  </testcase>")
    return "\n".join([*lines, "</testsuite></testsuites>"]) + "\n"


def _xml_text(text: str) -> str:
    # The quotes of an attribute are taken off; what XML cannot contain is replaced there, too.
    return attribute(text.replace('"', "'"))[1:-1]


def _details(one: Result) -> str:
    """Outcome, requests, findings and output of a cell as text."""
    findings = [f"{finding.code}: {finding.message}" for finding in one.findings]
    rows = [one.outcome, *(f"sent {entry}" for entry in one.exchanges), *findings]
    return "\n".join([*rows, one.ended.output])


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --ok: #1a7f37; --fail: #b35900; --hung: #c62828; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; }
td.cell { text-align: center; } td a { color: #fff; text-decoration: none; border-radius: .25rem; padding: .05rem .45rem; }
.recovered { background: var(--ok); } .failed { background: var(--fail); } .hung { background: var(--hung); }
b { color: #fff; border-radius: .25rem; padding: .05rem .45rem; font-weight: 600; }
details { border-top: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
pre { background: #8881; padding: .5rem; max-height: 24rem; overflow: auto; }
"""


def as_html(report: Report, failing: Collection[str]) -> str:
    """One page without scripts: the grid, the findings, and every cell to open."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>openaimock storm</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><h1>openaimock storm</h1>",
        f"<p><code>{escape(shlex.join(report.command))}</code></p>{_html_counts(report)}",
        "<h2>Exchanges of the clean run</h2><ol>",
        *(f"<li><code>{escape(line(sight, at).partition(': ')[2])}</code></li>" for at, sight in enumerate(report.clean, 1)),
        f"</ol><h2>Faults and points</h2>{_html_grid(report)}",
        *_html_findings(report),
        "<h2>Cells</h2>",
        *(_html_cell(report, one) for one in report.results),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _html_counts(report: Report) -> str:
    words = {RECOVERED: "recovered", FAILED: "failed cleanly", HUNG: "hung"}
    marks = " ".join(f'<b class="{outcome}">{number} {words[outcome]}</b>' for outcome, number in counts(report.results).items())
    missing = report.cells - len(report.results)
    return f"<p>{marks}{f' {missing} cells did not run' if missing else ''}</p>"


def _html_grid(report: Report) -> str:
    points = sorted({(one.cell.column, one.cell.event) for one in report.results})
    rows = ["<tr><th>fault</th>" + "".join(f"<th>{exchange}.{event}</th>" for exchange, event in points) + "</tr>"]
    for kind in KINDS:
        by_point = {(one.cell.column, one.cell.event): one for one in report.results if one.cell.fault == kind.name}
        if by_point:
            cells = "".join(_html_mark(by_point.get(point)) for point in points)
            rows.append(f'<tr><th title="{escape(kind.doc)}">{escape(kind.name)}</th>{cells}</tr>')
    return f'<div class="scroll"><table>{"".join(rows)}</table></div><p>* with findings about the client</p>'


def _html_mark(one: Result | None) -> str:
    if one is None:
        return "<td></td>"
    mark = MARKS[one.outcome] + ("*" if one.findings else "")
    return f'<td class="cell"><a class="{one.outcome}" href="#{_anchor(one)}">{mark}</a></td>'


def _anchor(one: Result) -> str:
    return f"c{one.cell.point}-{one.cell.fault}"


def _html_findings(report: Report) -> list[str]:
    rows = codes(report.results)
    if not rows:
        return []
    lines = ["<h2>Findings about the client</h2><table><tr><th>code</th><th>cells</th><th>remedy</th></tr>"]
    for code, remedy, cells in rows:
        lines.append(f"<tr><td><code>{code}</code></td><td>{len(cells)}</td><td>{_code_marks(remedy)}</td></tr>")
    return [*lines, "</table>"]


def _code_marks(text: str) -> str:
    """A remedy with its literals as code."""
    pieces = escape(text).split("``")
    return "".join(f"<code>{piece}</code>" if at % 2 else piece for at, piece in enumerate(pieces))


def _html_cell(report: Report, one: Result) -> str:
    code = "killed" if one.ended.code is None else f"exit code {one.ended.code}"
    title = f'<b class="{one.outcome}">{one.outcome}</b> <code>{one.cell.point} {escape(one.cell.fault)}</code>'
    rows = "".join(f"<li><code>{finding.code}</code>: {escape(finding.message)}</li>" for finding in one.findings)
    findings = f"<ul>{rows}</ul>" if rows else ""
    more = one.requests - len(one.exchanges)
    exchanges = "\n".join([*one.exchanges, *([f"and {more} more"] if more else [])])
    return (
        # The anchor is inside of the details, so that browsers open them.
        f"<details><summary>{title} {code}, {one.ended.seconds:.1f} s</summary>"
        f'<pre id="{_anchor(one)}">{escape(exchanges)}</pre>{findings}'
        f"<pre>{escape(one.ended.output)}</pre><p>Repeat: <code>{escape(report.repeat(one.cell))}</code></p></details>"
    )


#: The writer of each option.
WRITERS: Mapping[str, Callable[[Report, Collection[str]], str]] = {"json": as_json, "xml": as_xml, "html": as_html}

"""The report: results kept as JSON, told on the terminal, and written as the performance page of the documentation."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import charts
from .nouns import Bench, Outcome, Row, Work

Results = dict[str, Any]

#: The chart of the page, and what it shows.
CHART, _TITLE = "performance.svg", "Rates to those of others; the mark is what must be reached"

#: Why figures may not be reached, by the beginning of what they are about.
_REASONS = {
    "short (chat|Responses)": "A request passes a hundred short Python functions; none takes more than a tenth of its time.",
    ".*: a miss takes longer": "A miss names the nearest rules, so its text is compared with many others.",
    ".*: a hit's rate": "The rules and the counts of their hits take more memory than the caches of a processor hold.",
    "100,000 rules: processor time": "Python reads, checks, builds and indexes each rule, about 200 µs on this machine.",
    "fuzzy, a hit": "A text of 100,000 characters is compared in full with that of the rule.",
    "start to first answer: processor": "Python and the libraries that are imported take about half of it.",
}

_INTRO = """\
Performance
===========

.. This page is written by scripts/bench. Run it instead of editing here.

openaimock is measured beside the mocks it is meant to replace: on one machine, in one run, one after the other, with the same
rules, requests and connections. Ratios are what matters: the figures behind them depend on the machine. A range in brackets is
the lowest and highest of the alternating runs.

Nothing is counted unchecked. Before and after each timed run the answers are compared with what the rules say; under load, one
untimed run looks at every answer and timed runs are watched from a second connection; and the average length of the answers
that were counted must be that of the ones that were checked. Streams are taken apart chunk by chunk.
"""

_AGAIN = """\
Measure again
-------------

Linux, with Node 20 or newer and ``wrk`` (``apt-get install wrk``)::

    scripts/bench                # everything, and this page: about fifteen minutes
    scripts/bench --quick        # a look, in about a minute; does not touch this page
    scripts/bench chat streams   # only some of it; --list names them
    scripts/bench --soak         # five minutes of everything: memory flat, files returned; --seconds N

The script installs the peers from npm and the WSGI hosts from PyPI into a folder of its own, ``.cache/bench``, and leaves no
process behind. Nothing else should run on the machine meanwhile. No test asserts a time.
"""


def load(path: Path) -> Results:
    """Earlier results, so that a run of some works keeps the others."""
    return dict(json.loads(path.read_text())) if path.exists() else {"works": {}}


def keep(path: Path, results: Results, work: Work, outcome: Outcome) -> None:
    """Store what one work gave."""
    results["works"][work.name] = {
        "title": work.title,
        "rows": outcome.rows,
        "figures": outcome.figures,
        "notes": outcome.notes,
    }
    results["date"] = time.strftime("%Y-%m-%d")
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def tell(rows: Iterable[Row]) -> None:
    """The lines of one work on the terminal."""
    for row in rows:
        mark = {True: "reached", False: "NOT REACHED", None: ""}[row.reached]
        print(f"  {row.what:<72} {row.got:<26} {row.need:<26} {mark}", flush=True)


def _table(header: tuple[str, ...], widths: tuple[int, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, widths))}", ""]
    for row in (header, *rows):
        for at, cell in enumerate(row):
            lines.append(f"   {'*' if at == 0 else ' '} - {cell}".rstrip())
    return [*lines, ""]


def _not_reached(rows: Iterable[Row]) -> list[str]:
    """What was not reached, before everything else."""
    missed = [row for row in rows if row.reached is False]
    if not missed:
        return []
    return ["Not reached:", "", *(f"- {row.what}: {row.got}, must be {row.need}.{_reason(row.what)}" for row in missed), ""]


def _reason(what: str) -> str:
    """Why a figure is not reached, where that is known, as a further sentence."""
    return next((f" {reason}" for pattern, reason in _REASONS.items() if re.match(pattern, what)), "")


def _works(results: Results, order: Iterable[str]) -> list[dict[str, Any]]:
    return [results["works"][name] for name in order if name in results["works"]]


def _rows(works: Iterable[dict[str, Any]]) -> list[Row]:
    return [Row(*row) for work in works for row in work["rows"]]


def render(results: Results, order: Iterable[str]) -> str:
    """The page."""
    works = _works(results, order)
    rows = _rows(works)
    reached = sum(bool(row.reached) for row in rows)
    lines = [_INTRO, "Ratios", "------", ""]
    lines.append(f"{reached} of {len(rows)} reached." if reached < len(rows) else f"All {len(rows)} reached.")
    lines.append("")
    if charts.bars(rows):
        lines += [f".. image:: static/{CHART}", f"   :alt: {_TITLE}", ""]
    lines += _not_reached(rows)
    verdicts = {True: "reached", False: "**not reached**", None: ""}
    lines += _table(
        ("work", "measured", "must be", ""),
        (46, 24, 20, 10),
        [(row.what, row.got, row.need, verdicts[row.reached]) for row in rows],
    )
    for note in (note for work in works for note in work["notes"]):
        lines += [f"- {note}", ""]
    lines += ["Figures behind them", "-------------------", ""]
    lines += [
        f"Measured {results['date']}. The machine: {results['machine']}; {results['tools']}.",
        f"Versions: {results['versions']}.",
        "",
    ]
    lines += _table(("what", "figures"), (40, 60), [(figure[0], figure[1]) for work in works for figure in work["figures"]])
    return "\n".join(lines) + "\n" + _AGAIN


def write(bench: Bench, results: Results, order: Iterable[str]) -> Path:
    """Put the page into the documentation."""
    page = bench.root / "docs" / "performance.rst"
    page.write_text(render(results, order), encoding="utf-8")
    bars = charts.bars(_rows(_works(results, order)))
    (page.parent / "static" / CHART).write_text(charts.draw(_TITLE, bars), encoding="utf-8")
    return page

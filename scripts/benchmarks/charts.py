"""Charts: the ratios of a run as bars, drawn as SVG without any library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from .nouns import Row

#: Widths and heights in pixels: of the labels, of the bars, of the figures behind them, of a line, and above the first one.
_LABELS, _BARS, _FIGURES, _LINE, _TOP = 470, 330, 70, 26, 34
#: Ratios beyond this are drawn as long as this.
_MOST = 6.0
_STYLE = "text{font:13px sans-serif;fill:#444}.good{fill:#3a7d6b}.bad{fill:#b5533c}.need{stroke:#222;stroke-width:2}"


class Bar(NamedTuple):
    """A ratio and the least that it must be."""

    label: str
    value: float
    need: float


def bars(rows: Sequence[Row]) -> list[Bar]:
    """The rows that are a rate to another rate, with the least that it must be."""
    found = []
    for row in rows:
        value, need = re.match(r"\d+(\.\d+)?", row.got), re.fullmatch(r"at least (\d+(\.\d+)?)", row.need)
        if value and need and "rate to" in row.what:
            found.append(Bar(row.what, float(value[0]), float(need[1])))
    return found


def draw(title: str, chart: Sequence[Bar]) -> str:
    """An SVG image: a bar for each ratio, and a mark at what it must be."""
    width, height = _LABELS + _BARS + _FIGURES, _TOP + _LINE * len(chart) + 8
    most = min(_MOST, max((max(bar.value, bar.need) for bar in chart), default=1.0))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text x="0" y="16" font-weight="bold">{escape(title)}</text>',
    ]
    for at, bar in enumerate(chart):
        top = _TOP + at * _LINE
        length, mark = (_LABELS + _BARS * min(most, ratio) / most for ratio in (bar.value, bar.need))
        kind = "good" if bar.value >= bar.need else "bad"
        lines += [
            f'<text x="{_LABELS - 8}" y="{top + 15}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{_LABELS}" y="{top + 3}" width="{length - _LABELS:.0f}" height="{_LINE - 8}"/>',
            f'<line class="need" x1="{mark:.0f}" x2="{mark:.0f}" y1="{top}" y2="{top + _LINE - 2}"/>',
            f'<text x="{max(length, mark) + 6:.0f}" y="{top + 15}">{bar.value:.2f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"

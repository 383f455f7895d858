"""What a measurement is made of: the bench it runs on, the figures it takes, the rows it reports."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Wrong(Exception):
    """An answer, a server or a tool is not what it must be: what was measured does not count."""


@dataclass
class Bench:
    """Where and how a run happens: folders, the interpreter our servers run with, and how long to look."""

    root: Path
    quick: bool = False
    seconds: float = 300.0

    @property
    def cache(self) -> Path:
        """Everything the script makes or installs; may be deleted at any time."""
        return self.root / ".cache" / "bench"

    @property
    def work(self) -> Path:
        """Configurations, request files and logs of this run."""
        return self.cache / "work"

    @property
    def python(self) -> Path:
        """The interpreter of the script's own environment, which has the project and the hosts."""
        return self.cache / "venv" / "bin" / "python"

    def take(self, full: float, quick: float) -> float:
        """The figure for a full run or for a quick one."""
        return quick if self.quick else full

    def write(self, name: str, text: str) -> Path:
        """A file in the work folder."""
        path = self.work / name
        path.write_text(text, encoding="utf-8")
        return path

    def say(self, text: str) -> None:
        """One line to whoever watches."""
        print(f"  {text}", file=sys.stderr, flush=True)


class Row(NamedTuple):
    """One line of the report. ``reached`` is None where nothing has to be reached: the line is there to compare."""

    what: str
    got: str
    need: str = ""
    reached: bool | None = None


@dataclass
class Outcome:
    """What one kind of work gave: ratios that must be reached, figures behind them, and what a reader must know."""

    rows: list[Row] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, what: str, got: str, need: str, reached: bool) -> None:
        """Add a line that must be reached."""
        self.rows.append(Row(what, got, need, reached))

    def tell(self, what: str, got: str) -> None:
        """Add a figure behind the ratios."""
        self.figures.append(Row(what, got))


class Work(NamedTuple):
    """One kind of work: its name on the command line, what it shows, and how it is measured."""

    name: str
    title: str
    run: Callable[[Bench], Outcome]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    """The median, with the lowest and the highest when there are several."""
    middle = form.format(median(values))
    if len(values) < 2:
        return middle
    return f"{middle} ({form.format(min(values))} to {form.format(max(values))})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, str]:
    """The ratio of the medians of alternating runs, and in words with the spread of the pairs."""
    ratio = median(ours) / median(theirs)
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    words = f"{ratio:.2f}"
    return ratio, words if len(pairs) < 2 else f"{words} ({min(pairs):.2f} to {max(pairs):.2f})"

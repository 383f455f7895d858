"""Cells: one run of a command with one fault at one event of one exchange, and its text in the environment."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from . import VARIABLE
from .kinds import BY_NAME, Injection


class Cell(NamedTuple):
    """A fault after ``event`` events of the exchange with this number (from 1). No fault: the clean run."""

    exchange: int = 0
    event: int = 0
    fault: str = ""

    @property
    def point(self) -> str:
        """The place as ``exchange.event``."""
        return f"{self.exchange}.{self.event}"

    def injection(self, number: int, stream: bool) -> Injection | None:
        """What happens to the exchange with this number."""
        kind = BY_NAME.get(self.fault)
        if kind is None or not (number == self.exchange or (kind.lasting and number > self.exchange)):
            return None
        return kind.make(self.event, stream)


class Task(NamedTuple):
    """What a mock in the command's process does: the cell, and the file to which it reports its exchanges."""

    cell: Cell
    report: str


def parse_point(text: str) -> tuple[int, int]:
    """The exchange and event of ``exchange.event``; the event is 0 where it is left out. ValueError otherwise."""
    match = re.fullmatch(r"([1-9]\d{0,5})(?:\.(\d{1,6}))?", text)
    if match is None:
        raise ValueError(f"'{text}' is not a point; expected EXCHANGE.EVENT, such as 2.0")
    return int(match[1]), int(match[2] or 0)


def to_text(task: Task) -> str:
    """The value of the environment variable."""
    return json.dumps({**task.cell._asdict(), "report": task.report})


def from_text(text: str) -> Task:
    """The Task in the environment variable. ValueError when it has none."""
    message = f"{VARIABLE} has no task of a storm: openaimock storm sets it"
    try:
        members = json.loads(text)
        cell = Cell(int(members["exchange"]), int(members["event"]), str(members["fault"]))
        report = members["report"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(message) from None
    if not isinstance(report, str) or (cell.fault and cell.fault not in BY_NAME):
        raise ValueError(message)
    return Task(cell, report)

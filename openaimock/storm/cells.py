"""Cells: one run of a command with one fault at one event of one exchange, and its text in the environment."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from . import VARIABLE
from .kinds import BY_NAME, Injection

#: Between the id of a test and the number of an exchange in it.
IN_TEST = "#"


class Cell(NamedTuple):
    """A fault after ``event`` events of the exchange with this number (from 1). No fault: the clean run.

    With ``test``, the id of a test, the number is that among the exchanges of the test; ``position`` is then its number
    in the clean run, where the tests follow each other.
    """

    exchange: int = 0
    event: int = 0
    fault: str = ""
    test: str = ""
    position: int = 0

    @property
    def column(self) -> int:
        """The number of the exchange in the report."""
        return self.position or self.exchange

    @property
    def point(self) -> str:
        """The place in the report, as ``exchange.event``."""
        return f"{self.column}.{self.event}"

    @property
    def place(self) -> str:
        """The place as ``parse_point`` reads it."""
        return f"{self.test}{IN_TEST}{self.exchange}.{self.event}" if self.test else self.point

    def injection(self, number: int, stream: bool) -> Injection | None:
        """What happens to the exchange with this number, of the test if there is one."""
        kind = BY_NAME.get(self.fault)
        if kind is None or not (number == self.exchange or (kind.lasting and number > self.exchange)):
            return None
        return kind.make(self.event, stream)


class Task(NamedTuple):
    """What a mock in the command's process does: the cell, and the file to which it reports its exchanges."""

    cell: Cell
    report: str


def parse_point(text: str) -> Cell:
    """The place of a cell from ``exchange.event`` or ``test#exchange.event``; the event is 0 where it is left out.

    ValueError for another text.
    """
    match = re.fullmatch(rf"(?:(.+){IN_TEST})?([1-9]\d{{0,5}})(?:\.(\d{{1,6}}))?", text, re.ASCII | re.DOTALL)
    if match is None:
        raise ValueError(f"'{text}' is not a point; expected EXCHANGE.EVENT, such as 2.0, or TEST{IN_TEST}EXCHANGE.EVENT")
    return Cell(int(match[2]), int(match[3] or 0), test=match[1] or "")


def to_text(task: Task) -> str:
    """The value of the environment variable."""
    return json.dumps({**task.cell._asdict(), "report": task.report})


def from_text(text: str) -> Task:
    """The Task in the environment variable. ValueError when it has none."""
    message = f"{VARIABLE} has no task of a storm: openaimock storm sets it"
    try:
        members = json.loads(text)
        cell = Cell(
            int(members["exchange"]), int(members["event"]), str(members["fault"]), str(members["test"]), int(members["position"])
        )
        report = members["report"]
    except (ValueError, TypeError, KeyError):
        raise ValueError(message) from None
    if not isinstance(report, str) or (cell.fault and cell.fault not in BY_NAME):
        raise ValueError(message)
    return Task(cell, report)

"""Participant: the part that the mocks of a process take in the storm that started the process."""

from __future__ import annotations

import itertools
import json
import os
import threading
from functools import cache

from ..errors import ConfigError, Problem
from ..state.records import encode
from ..storm.cells import Task, from_text
from ..storm.kinds import Injection
from ..types.exchange import Exchange

#: The largest report of one process, in bytes, and the largest record of one exchange in it.
MAX_REPORT, MAX_RECORD = 32 * 1024**2, 1024**2


class Participant:
    """The part of all mocks of this process in a storm: they share one number of exchanges and one report."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._numbers = itertools.count(1)
        self._running: dict[Exchange, int] = {}
        self._written = 0
        self._lock = threading.Lock()

    def begin(self, exchange: Exchange) -> Injection | None:
        """Count the exchange, and apply the fault of the cell when it is due."""
        number = self._running[exchange] = next(self._numbers)
        self._write(number, exchange, 0)
        return self._task.cell.injection(number, exchange.stream)

    def end(self, exchange: Exchange, events: int) -> None:
        """Report the exchange."""
        number = self._running.pop(exchange, 0)
        if number:
            self._write(number, exchange, events)

    def _write(self, number: int, exchange: Exchange, events: int) -> None:
        """Append a line to the report: first when an exchange begins, because it may never end, and again at its end."""
        record = encode(exchange)
        if len(record) > MAX_RECORD:
            return
        line = json.dumps({"process": os.getpid(), "number": number, "events": events, "record": record}) + "\n"
        with self._lock:
            self._written += len(line)
            if self._written > MAX_REPORT:
                return
            try:
                with open(self._task.report, "a", encoding="ascii") as file:
                    file.write(line)
            except OSError:
                # The storm is over, and its folder is gone.
                return


def join(text: str) -> Participant:
    """The part of this process in the storm of this text, always the same one. ConfigError when it is none."""
    try:
        return _participant(text)
    except ValueError as error:
        raise ConfigError([Problem("", "", str(error))]) from None


@cache
def _participant(text: str) -> Participant:
    return Participant(from_text(text))

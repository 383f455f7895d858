"""Participant: the part that the mocks of a process take in the storm that started the process."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from functools import cache

from ..errors import ConfigError, Problem
from ..state.records import encode
from ..storm import PYTEST_TEST, UNITTEST_TEST
from ..storm.cells import Task, from_text
from ..storm.kinds import Injection
from ..types.exchange import Exchange

#: The largest report of one process, in bytes, and the largest record of one exchange in it.
MAX_REPORT, MAX_RECORD = 32 * 1024**2, 1024**2


class Participant:
    """The part of all mocks of this process in a storm: they share one number of exchanges and one report."""

    def __init__(self, task: Task) -> None:
        self._task = task
        #: The exchanges so far: of all, under "", and of each test.
        self._counts: Counter[str] = Counter()
        self._running: dict[Exchange, tuple[str, int, int]] = {}
        self._written = 0
        self._lock = threading.Lock()

    def begin(self, exchange: Exchange) -> Injection | None:
        """Count the exchange, and apply the fault of the cell when it is due."""
        test, cell = current_test(), self._task.cell
        with self._lock:
            self._counts.update({"", test})
            numbers = self._running[exchange] = test, self._counts[""], self._counts[test]
        self._write(exchange, 0, *numbers)
        if cell.test:
            return cell.injection(numbers[2], exchange.stream) if cell.test == test else None
        return cell.injection(numbers[1], exchange.stream)

    def end(self, exchange: Exchange, events: int) -> None:
        """Report the exchange."""
        numbers = self._running.pop(exchange, None)
        if numbers is not None:
            self._write(exchange, events, *numbers)

    def _write(self, exchange: Exchange, events: int, test: str, number: int, in_test: int) -> None:
        """Append a line to the report: first when an exchange begins, because it may never end, and again at its end."""
        record = encode(exchange)
        if len(record) > MAX_RECORD:
            return
        place = {"process": os.getpid(), "number": number, "test": test, "in_test": in_test}
        line = json.dumps({**place, "events": events, "record": record}) + "\n"
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


def current_test() -> str:
    """The id of the test that runs at the moment, the same in each process that runs the test; "" outside of tests."""
    # pytest appends the phase: "tests/test_agent.py::test_answer (call)".
    return os.environ.get(PYTEST_TEST, "").rpartition(" ")[0] or os.environ.get(UNITTEST_TEST, "")


def join(text: str) -> Participant:
    """The part of this process in the storm of this text, always the same one. ConfigError when it is none."""
    try:
        return _participant(text)
    except ValueError as error:
        raise ConfigError([Problem("", "", str(error))]) from None


@cache
def _participant(text: str) -> Participant:
    return Participant(from_text(text))

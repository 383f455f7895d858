"""The mock of a storm: one server for all cells, each with a namespace of its own, and the reports of the command's own mocks."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ...config.load import Config
from ...state.records import decode
from ...storm import PYTEST_TEST, UNITTEST_TEST, VARIABLE
from ...storm.cells import Cell, Task, to_text
from ...storm.kinds import Injection
from ...testing import verdicts
from ...testing.mock import MockServer
from ...types.exchange import Exchange

#: The most exchanges of one cell that are kept.
MAX_EXCHANGES = 1000
#: The largest report of the command's own mocks that is read, in bytes.
MAX_REPORT = 64 * 1024**2


class Sight(NamedTuple):
    """An exchange of a cell, and the number of events that its answer had.

    Of a mock that the command started in a test: the id of the test, and the number of the exchange in it.
    """

    exchange: Exchange
    events: int
    test: str = ""
    in_test: int = 0


class Cells:
    """Applies the fault of each cell to the exchanges of its namespace."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}
        self._exchanges: dict[str, dict[Exchange, int]] = {}
        self._lock = threading.Lock()
        #: Requests to namespaces that belong to no cell.
        self.strays = 0

    def open(self, name: str, cell: Cell) -> None:
        """Begin a cell."""
        with self._lock:
            self._cells[name], self._exchanges[name] = cell, {}

    def close(self, name: str) -> list[Sight]:
        """End a cell; what was seen of it."""
        with self._lock:
            del self._cells[name]
            return [Sight(*item) for item in self._exchanges.pop(name).items()]

    def begin(self, exchange: Exchange) -> Injection | None:
        """Count an exchange of a cell, and apply its fault when it is due."""
        with self._lock:
            exchanges = self._exchanges.get(exchange.namespace)
            if exchanges is None:
                self.strays += 1
                return None
            if len(exchanges) < MAX_EXCHANGES:
                exchanges[exchange] = 0
            cell, number = self._cells[exchange.namespace], len(exchanges)
        return cell.injection(number, exchange.stream)

    def end(self, exchange: Exchange, events: int) -> None:
        """Note the number of events."""
        with self._lock:
            exchanges = self._exchanges.get(exchange.namespace, {})
            if exchange in exchanges:
                exchanges[exchange] = events


class StormMock:
    """What the cells of a storm run against. ``config`` None: only the mocks that the command starts itself."""

    def __init__(self, config: Config | None, folder: Path) -> None:
        self._folder = folder
        self._cells = Cells()
        self.server: MockServer | None = None
        if config is not None:
            isolate = ("path", *(source for source in config.isolate if source != "path"))
            self.server = MockServer(replace(config, isolate=isolate, chaos=None), port=0, host="127.0.0.1")
            # What the mock reports about faults is expected here, and would disturb the progress line.
            self.server.log.setLevel(logging.CRITICAL)
            self.server.app.api.install(self._cells)
            self.server.start()

    @property
    def strays(self) -> int:
        """Requests to the server that belong to no cell."""
        return self._cells.strays

    def open(self, name: str, cell: Cell, own: bool) -> dict[str, str]:
        """Begin a cell; the environment of its command. ``own``: mocks that the command starts apply the fault, too."""
        self._cells.open(name, cell)
        # A storm that a test starts does not belong to this test.
        environment = {name: value for name, value in os.environ.items() if name not in (PYTEST_TEST, UNITTEST_TEST)}
        if self.server is not None:
            environment |= verdicts.environment(self.server, os.environ)
            url = self.server.url.removesuffix("/v1") + f"/t/{name}/v1"
            environment |= {"OPENAI_BASE_URL": url, "OPENAI_API_BASE": url}
        environment[VARIABLE] = to_text(Task(cell if own else Cell(), str(self._report(name))))
        return environment

    def close(self, name: str) -> tuple[list[Sight], list[Sight]]:
        """End a cell: what the server saw, and what the command's own mocks reported."""
        seen_here = self._cells.close(name)
        if self.server is not None:
            self.server.app.api.namespaces.reset(name)
        report = self._report(name)
        try:
            return seen_here, _read(report)
        finally:
            report.unlink(missing_ok=True)

    def _report(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    def stop(self) -> None:
        """Stop the server and cut what runs."""
        if self.server is not None:
            self.server.stop(0)


def _read(report: Path) -> list[Sight]:
    """The exchanges in a report, in their order, those of a test together. The last line about an exchange counts."""
    try:
        with report.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(MAX_REPORT).splitlines()
    except FileNotFoundError:
        return []
    entries: dict[tuple[int, int], Mapping[str, Any]] = {}
    tests: dict[str, int] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            tests.setdefault(entry["test"], len(tests))
            entries[entry["process"], entry["number"]] = entry
        except (ValueError, TypeError, KeyError):  # a line that a killed process did not finish
            continue
    # Tests that run at the same time, in several processes, would be mixed up.
    ordered = sorted(entries.values(), key=lambda entry: tests[entry["test"]])[:MAX_EXCHANGES]
    return [_sight(entry, order) for order, entry in enumerate(ordered, 1)]


def _sight(entry: Mapping[str, Any], order: int) -> Sight:
    test: str = entry["test"]
    exchange = decode(entry["record"], order)
    # Each test is a client of its own: the next one does not repeat the requests of the one before.
    exchange.namespace = f"{test} {exchange.namespace}"
    return Sight(exchange, entry["events"], test, entry["in_test"] if test else 0)

"""Session: one storm from the clean run to the report."""

from __future__ import annotations

import argparse
import math
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO, TypeVar

from ...config.load import Config
from ...storm import VARIABLE
from ...storm.cells import Cell, parse_point
from ...storm.kinds import GROUPS, select
from ..arguments import FAILED, INTERRUPTED, OK, load_config, print_warnings
from ..status_line import StatusLine
from . import FINDINGS, plan, repeated_options
from .files import WRITERS
from .grid import text
from .mock import Sight, StormMock
from .processes import Ended, Processes, Stopped
from .results import HUNG, RECOVERED, Report, Result, result

#: Seconds that the clean run may take at least, and those of a cell when no timeout is set.
CLEAN_TIMEOUT, CELL_TIMEOUT = 600.0, 5.0
#: The timeout of a cell in durations of the clean run.
FACTOR = 5.0
#: The width of a grid that is not on a terminal.
WIDTH = 120
_NO_REQUEST = """\
the command made no request to the mock. Likely causes:
  - the client has a base_url of its own; the official SDK reads OPENAI_BASE_URL when it is made without one
  - the command starts a mock in a way that this version does not know; then leave out CONFIG and use the pytest fixture,
    the unittest mixin, start_mock_server or create_app
  - the configuration was left out, and the command starts no mock of its own"""


T = TypeVar("T")


class Failure(Exception):
    """The storm cannot begin; the message says why."""


class Session:
    """The runs of one storm."""

    def __init__(self, options: argparse.Namespace, mock: StormMock, processes: Processes) -> None:
        self._options = options
        self._mock = mock
        self._processes = processes
        self.clean: list[Sight] = []
        self.clean_seconds = 0.0
        #: Whether the mocks that the command starts apply the faults, and whether the server's exchanges count.
        self._own, self._served = True, True

    def run_clean(self) -> None:
        """Run the command without a fault and learn its exchanges. Failure when it does not succeed."""
        environment = self._mock.open("clean", Cell(), own=False)
        try:
            ended = self._in_thread(lambda: self._processes.run(environment, max(CLEAN_TIMEOUT, self._options.timeout or 0.0)))
        except OSError as error:
            raise Failure(_not_started(self._options.command[0], error)) from None
        served, own = self._mock.close("clean")
        if ended.code is None:
            raise Failure(f"the clean run did not end within {ended.seconds:.0f} seconds{_output(ended)}")
        if ended.code != 0:
            reason = f"the clean run failed with exit code {ended.code}; the command must succeed without a fault"
            raise Failure(reason + _output(ended))
        self.clean, self.clean_seconds = served or own, ended.seconds
        self._served, self._own = bool(served), not served
        if not self.clean:
            hint = ""
            if self._mock.strays:
                hint = "\nRequests came without the path of OPENAI_BASE_URL: the client keeps only the host and the port of it."
            raise Failure(_NO_REQUEST + hint + _output(ended))

    @staticmethod
    def _in_thread(run: Callable[[], Ended]) -> Ended:
        """The end of a run in another thread: a signal interrupts the main thread only, so no process is lost at its start."""
        ended: queue.SimpleQueue[Ended | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                ended.put(run())
            except BaseException as error:
                ended.put(error)

        threading.Thread(target=work).start()
        one = _next(ended)
        if isinstance(one, BaseException):
            raise one
        return one

    def timeout(self) -> float:
        """The timeout of a cell in seconds."""
        timeout: float | None = self._options.timeout
        return timeout or max(CELL_TIMEOUT, FACTOR * self.clean_seconds)

    def run_cell(self, number: int, cell: Cell) -> Result:
        """Run one cell. Stopped when the storm ends; OSError when the command has disappeared."""
        name = f"cell-{number}"
        environment = self._mock.open(name, cell, own=self._own)
        try:
            ended = self._processes.run(environment, self.timeout())
        finally:
            served, own = self._mock.close(name)
        return result(cell, ended, served if self._served and (served or not own) else own)

    def run_all(self, cells: Sequence[Cell], progress: Progress) -> Iterator[Result]:
        """The results of all cells, as they end."""
        waiting: queue.SimpleQueue[tuple[int, Cell]] = queue.SimpleQueue()
        ended: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        for numbered in enumerate(cells):
            waiting.put(numbered)

        def work() -> None:
            try:
                while True:
                    ended.put(self.run_cell(*waiting.get_nowait()))
            except (queue.Empty, Stopped):
                return
            except BaseException as error:
                ended.put(error)

        threads = [threading.Thread(target=work) for _ in range(min(self._options.jobs, len(cells)))]
        for thread in threads:
            thread.start()
        try:
            for _ in cells:
                one = _next(ended, progress.show)
                if isinstance(one, BaseException):
                    raise one
                progress.count(one)
                yield one
        finally:
            self._processes.stop()
            for thread in threads:
                thread.join()


def _next(ended: queue.SimpleQueue[T], idle: Callable[[], None] = lambda: None) -> T:
    """The next result. It wakes up regularly, so that a signal is not kept waiting."""
    while True:
        idle()
        try:
            return ended.get(timeout=0.5)
        except queue.Empty:
            continue


class Progress:
    """The line that says how many cells are done, and how long the others will take."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total, self._stream = total, stream
        self._status = StatusLine(stream)
        self._started = time.monotonic()
        self._hung = self._unrecovered = self._done = 0
        self._tenth = 0

    def count(self, one: Result) -> None:
        """Count a finished cell."""
        self._done += 1
        self._hung += one.outcome == HUNG
        self._unrecovered += one.outcome != RECOVERED
        tenth = 10 * self._done // self._total
        if not self._status.live and tenth > self._tenth:
            print(self._line(), file=self._stream, flush=True)
        self._tenth = tenth

    def show(self) -> None:
        """Draw the line again, on a terminal."""
        self._status.show(self._line())

    def clear(self) -> None:
        """Remove the line."""
        self._status.clear()

    def _line(self) -> str:
        seconds = time.monotonic() - self._started
        left = (
            f", about {_duration(seconds / self._done * (self._total - self._done))} left" if 0 < self._done < self._total else ""
        )
        failed = self._unrecovered - self._hung
        return f"storm: {self._done} of {self._total} cells, {failed} failed, {self._hung} hung{left}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _output(ended: Ended) -> str:
    rows = ended.output.rstrip().splitlines()[-30:]
    return "".join(f"\n  | {row}" for row in rows)


def _not_started(command: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no command '{command}'"
    return f"cannot run '{command}': {error.strerror or error}"


def storm(options: argparse.Namespace, folder: Path, files: Mapping[str, str]) -> int:
    """Run a storm and print and write its report; return the exit code. Failure when it cannot begin."""
    # A storm inside of a storm is one of its own.
    os.environ.pop(VARIABLE, None)
    config: Config | None = load_config(options) if options.configs or options.more else None
    if config is not None:
        print_warnings(config)
    processes = Processes(options.command)
    mock = StormMock(config, folder)
    try:
        return _report(options, Session(options, mock, processes), files)
    finally:
        processes.stop()
        mock.stop()


def _report(options: argparse.Namespace, session: Session, files: Mapping[str, str]) -> int:
    kinds = select(options.faults or GROUPS)
    if options.at is not None:
        cells = [parse_point(options.at)._replace(fault=kind.name) for kind in kinds]
    else:
        print("storm: the clean run ...", file=sys.stderr, flush=True)
        session.run_clean()
        try:
            cells = plan.cells(session.clean, kinds, options.points or "")
        except ValueError as error:
            raise Failure(str(error)) from None
        if not cells:
            raise Failure("none of the chosen faults makes sense for the exchanges of the command")
    results: list[Result] = []
    progress, interrupted = Progress(len(cells), sys.stderr), False
    try:
        for one in session.run_all(cells, progress):
            results.append(one)
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        raise Failure(_not_started(options.command[0], error)) from None
    progress.clear()
    order = {cell: at for at, cell in enumerate(cells)}
    results.sort(key=lambda one: order[one.cell])
    # A repetition has no clean run to learn the timeout from.
    timeout = options.timeout or (math.ceil(session.timeout()) if session.timeout() > CELL_TIMEOUT else None)
    report = Report(
        options.command, repeated_options(options, timeout), session.clean, session.clean_seconds, len(cells), results
    )
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((WIDTH, 24)).columns if terminal else WIDTH
    print(text(report, width, terminal and not os.environ.get("NO_COLOR")), flush=True)
    failing = [word for word in options.fail_on if word != FINDINGS] or [HUNG]
    code = _write(report, files, failing)
    return INTERRUPTED if interrupted else code or _code(options.fail_on, results)


def _write(report: Report, files: Mapping[str, str], failing: Collection[str]) -> int:
    for name, path in files.items():
        try:
            Path(path).write_text(WRITERS[name](report, failing), encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"openaimock storm: cannot write {path}: {error.strerror}", file=sys.stderr)
            return FAILED
    return OK


def _code(fail_on: Collection[str], results: Sequence[Result]) -> int:
    """The exit code: 1 when an outcome occurred that ``--fail-on`` names."""
    occurred = {one.outcome for one in results} | ({FINDINGS} if any(one.findings for one in results) else set())
    return FAILED if occurred & set(fail_on) else OK

"""Workers: several processes that share the listening sockets (``--workers N``)."""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from ..types.clock import monotonic
from . import Application, Server
from .signals import stopping_signals

#: Seconds that responses have to end after the parent process is gone.
ORPHAN_GRACE = 1.0
#: A worker that ends within this many seconds is replaced when they are over; so many of these in a row end the server.
QUICK, QUICK_ENDS = 1.0, 5


def share(
    app: Callable[[], Application],
    server: Callable[..., Server],
    listeners: Sequence[socket.socket],
    count: int,
    ready: str,
    report: Callable[[str], None],
) -> int:
    """Serve from ``count`` forked processes until a signal; the exit code. OSError where there is no ``fork``.

    Each process calls ``app`` for what it serves, and its ``close`` at the end, if it has one. ``server`` makes the server of an
    application, with ``Server``'s arguments ``listeners`` and ``balance``. ``report`` gets the events of the processes.
    """
    if not hasattr(os, "fork"):
        for listener in listeners:
            listener.close()
        raise OSError(0, "--workers needs a system that can fork; run without it")
    # Python writes each signal's number to this pipe at once. A handler alone runs between two instructions only, so a signal
    # that arrives just before a blocking call is missed until that call returns.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    stopping = stopping_signals()
    for number in (*stopping, signal.SIGCHLD):
        signal.signal(number, _ignore)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    fleet = Fleet(app, server, listeners, count, stopping, report)
    try:
        for number in range(count):
            fleet.start(number)
        print(ready, flush=True)
        report(f"openaimock: {count} workers share their state")
        return fleet.wait(reader)
    finally:
        # Workers never outlive a failure here, such as no more processes, or a closed standard output.
        fleet.stop()


def _ignore(number: int, frame: object) -> None:
    """Replace the signal's default action; the pipe has its number."""


class Fleet:
    """The worker processes, as their parent sees them: it starts them, replaces those that die, and stops them."""

    def __init__(
        self,
        app: Callable[[], Application],
        server: Callable[..., Server],
        listeners: Sequence[socket.socket],
        count: int,
        stopping: frozenset[int],
        report: Callable[[str], None],
    ) -> None:
        self._app = app
        self._server = server
        self._listeners = listeners
        self._stopping = stopping
        self._report = report
        self._counts = memoryview(mmap.mmap(-1, 4 * count)).cast("I")
        #: By process id: which worker it is, and when it started.
        self._workers: dict[int, tuple[int, float]] = {}
        #: Workers to be started again, and when.
        self._due: list[tuple[float, int]] = []
        self._quick_ends = 0
        # Only the parent keeps the writing end, so that the reading end reports when the parent is gone, however it ended.
        self._parent, self._parent_end = os.pipe()

    def start(self, number: int) -> int:
        """Fork a worker; its process id."""
        self._counts[number] = 0
        sys.stdout.flush()
        sys.stderr.flush()
        # A worker must not receive the signals before it can stop: they wait until its server exists.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._stopping)
        try:
            child = os.fork()
            if child == 0:
                self._run_worker(number)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._stopping)
        self._workers[child] = (number, monotonic())
        return child

    def _run_worker(self, number: int) -> None:
        """The life of a worker; it does not return."""
        try:
            os.close(self._parent_end)
            signal.set_wakeup_fd(-1)  # it is the parent's pipe
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            balance = SharedBalance(self._counts, number)
            app = self._app()
            server = self._server(app, listeners=self._listeners, balance=balance)
            server.stop_at_end_of(self._parent, ORPHAN_GRACE)
            for stopping in self._stopping:
                signal.signal(stopping, lambda number, frame: server.stop())
            signal.signal(signal.SIGUSR1, lambda number, frame: server.stop(0))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._stopping)
            server.run()
            close = getattr(app, "close", None)
            if close is not None:
                close()
            os._exit(0)
        except BaseException as error:
            self._report(f"openaimock: a worker failed: {error}")
            os._exit(1)

    def wait(self, reader: int) -> int:
        """Keep the workers running until a signal, then wait for their end; the exit code.

        ``reader`` gives the numbers of the signals that the process received, one byte for each.
        """
        received: list[int] = []
        code = 0
        while self._workers or (self._due and not received):
            timeout = max(0.0, self._due[0][0] - monotonic()) if self._due and not received else None
            if select.select([reader], [], [], timeout)[0]:
                signals = [number for number in os.read(reader, 4096) if number in self._stopping]
                if signals and not received:
                    self.stop()
                received += signals
                if signals and len(received) > 1:
                    self.send(signal.SIGUSR1)
            if self._reap(bool(received)) and received:
                code = 1
            if self._quick_ends >= QUICK_ENDS and not received:
                self._report(f"openaimock: the last {QUICK_ENDS} workers ended right after their start; stopping")
                return 1
            self._start_due(bool(received))
        return 130 if signal.SIGINT in received else code

    def stop(self) -> None:
        """Listen no more, and ask the workers to end."""
        for listener in self._listeners:
            listener.close()
        self.send(signal.SIGTERM)

    def _reap(self, stopping: bool) -> bool:
        """Collect the workers that have ended; whether any of them failed."""
        failed = False
        for child, (number, started) in list(self._workers.items()):
            pid, status = os.waitpid(child, os.WNOHANG)
            if not pid:
                continue
            del self._workers[child]
            code = os.waitstatus_to_exitcode(status)
            failed = failed or code != 0
            if not stopping:
                now = monotonic()
                self._quick_ends = self._quick_ends + 1 if now - started < QUICK else 0
                self._due.append((max(now, started + QUICK), number))
                self._due.sort()
                reason = f"was killed by {_signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
                self._report(f"openaimock: worker {child} {reason}; another one replaces it")
        return failed

    def _start_due(self, stopping: bool) -> None:
        while self._due and not stopping and self._due[0][0] <= monotonic():
            self.start(self._due.pop(0)[1])

    def send(self, number: int) -> None:
        """Send all workers a signal. None of them has been waited for, so their ids are still theirs."""
        for child in self._workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class SharedBalance:
    """The number of connections of each worker, in memory that all of them share, so that no worker takes them all."""

    def __init__(self, counts: memoryview, number: int) -> None:
        self._counts = counts
        self._number = number

    def report(self, count: int) -> None:
        """Publish the number of connections of this worker."""
        self._counts[self._number] = count

    def fair(self) -> bool:
        """Whether this worker has no more connections than any other."""
        return bool(self._counts[self._number] <= min(self._counts))

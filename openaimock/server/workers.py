"""Workers: several processes that share one listening socket (``--workers N``)."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial

from . import Application, Server

#: What a user must know before it is relied on; said at start.
APART = "each worker keeps its own counters, stored objects and journal; rules without state need nothing"
#: The signals that end the server.
STOPPING = frozenset({signal.SIGINT, signal.SIGTERM})


def share(app: Application, listener: socket.socket, max_body: int, count: int, ready: str) -> int:
    """Serve from ``count`` forked processes until a signal; the exit code. OSError where there is no ``fork``."""
    if not hasattr(os, "fork"):
        listener.close()
        raise OSError(0, "--workers needs a system that can fork; run without it")
    # Python writes each signal's number to this pipe at once. A handler alone runs between two instructions only, so a signal
    # that comes just before a blocking call is missed until that call returns.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in (*STOPPING, signal.SIGCHLD):
        signal.signal(number, _ignore)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.stdout.flush()
    sys.stderr.flush()
    counts = memoryview(mmap.mmap(-1, 4 * count)).cast("I")
    children: set[int] = set()
    try:
        # A worker must not receive the signals before it can stop: they wait until its server exists.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        for index in range(count):
            children.add(_fork(partial(_work, app, listener, max_body, ConnectionShares(counts, index))))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        listener.close()
        print(ready, flush=True)
        print(f"openaimock: {count} workers; {APART}", file=sys.stderr, flush=True)
        return _wait(children, reader)
    finally:
        # Workers never outlive a failure here, such as no more processes, or nobody who reads the output.
        _terminate(children)


def _ignore(number: int, frame: object) -> None:
    """Keep the signal's default action away; the pipe has its number."""


def _fork(run: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            run()
            os._exit(0)
        except BaseException as error:
            print(f"openaimock: a worker failed: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return child


class ConnectionShares:
    """How many connections each worker has, in memory that all of them see, so that no one takes them all."""

    def __init__(self, counts: memoryview, number: int) -> None:
        self._counts = counts
        self._number = number

    def tell(self, count: int) -> None:
        """Say how many connections this worker has."""
        self._counts[self._number] = count

    def fair(self) -> bool:
        """Whether it has no more than any other."""
        return bool(self._counts[self._number] <= min(self._counts))


def _work(app: Application, listener: socket.socket, max_body: int, evenly: ConnectionShares) -> None:
    signal.set_wakeup_fd(-1)  # it is the parent's pipe
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    server = Server(app, socket=listener, share=evenly, max_body=max_body)
    for number in STOPPING:
        signal.signal(number, lambda number, frame: server.stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    server.run()


def _wait(children: set[int], reader: int) -> int:
    """Wait for all workers, and stop all when a signal comes or one of them ends; the exit code.

    ``reader`` gives the numbers of the signals that the process received, one byte for each.
    """
    code = 0
    stopped: set[int] = set()
    while children:
        numbers = os.read(reader, 4096)
        stopped |= STOPPING.intersection(numbers)
        before = len(children)
        for child in list(children):
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                children.discard(child)
                code = 1 if os.waitstatus_to_exitcode(status) else code
        if STOPPING.intersection(numbers) or (len(children) < before and not stopped):
            _terminate(children)
    return 130 if signal.SIGINT in stopped else code


def _terminate(children: set[int]) -> None:
    """Ask the workers to end. None of them has been waited for, so their numbers are still theirs."""
    for child in children:
        os.kill(child, signal.SIGTERM)

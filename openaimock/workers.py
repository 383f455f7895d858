"""Workers: several processes that share one listening socket (``--workers N``)."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial

from .server import Application, Server

#: What a user must know before it is relied on; said at start.
APART = "each worker keeps its own counters, stored objects and journal; rules without state need nothing"


def share(app: Application, listener: socket.socket, max_body: int, count: int, ready: str) -> int:
    """Serve from ``count`` forked processes until a signal; the exit code. OSError where there is no ``fork``."""
    if not hasattr(os, "fork"):
        raise OSError(0, "--workers needs a system that can fork; run without it")
    # A worker must not see the signals before it can stop: they wait until its server is there.
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    sys.stdout.flush()
    sys.stderr.flush()
    counts = memoryview(mmap.mmap(-1, 4 * count)).cast("I")
    children = {_fork(partial(_work, app, listener, max_body, Evenly(counts, number))) for number in range(count)}
    listener.close()
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        received.append(number)
        for child in children:
            os.kill(child, signal.SIGTERM)

    for number in signals:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    print(ready, flush=True)
    print(f"openaimock: {count} workers; {APART}", file=sys.stderr, flush=True)
    code = _wait(children, received, stop)
    return 130 if signal.SIGINT in received else code


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


class Evenly:
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


def _work(app: Application, listener: socket.socket, max_body: int, evenly: Evenly) -> None:
    server = Server(app, socket=listener, share=evenly, max_body=max_body)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: server.stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    server.run()


def _wait(children: set[int], received: list[int], stop: Callable[[int, object], None]) -> int:
    """Wait for all workers; when one ends that nobody asked to, the others are stopped too."""
    code = 0
    while children:
        child, status = os.wait()
        children.discard(child)
        if os.waitstatus_to_exitcode(status):
            code = 1
        if not received:
            stop(0, None)
    return code

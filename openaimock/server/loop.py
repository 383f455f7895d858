"""The event loop: one thread that waits for sockets and for due moments, and a few threads beside it for what may block."""

from __future__ import annotations

import logging
import selectors
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from math import ceil
from queue import SimpleQueue
from time import monotonic

logger = logging.getLogger("openaimock")

_FAILED = "A connection failed"

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

#: Seconds of due moments served before sockets are looked at again, and seconds of answers that are begun before moments are.
SLICE, SHARE = 0.01, 0.002
#: Moments are kept by the tick that follows them, so many a second: what thousands of streams wait for is quickly put in
#: order, and not waited for one by one.
TICKS = 1000


class Loop:
    """Calls back when a socket is ready, a moment is due, or another thread asks.

    Sockets stay registered between polls, so an idle connection costs nothing. Everything but ``call`` and ``wake`` belongs to
    the thread that turns the loop.
    """

    def __init__(self) -> None:
        self.ready: deque[Callable[[], None]] = deque()
        #: Set when the server is about to end: connections are no longer kept alive, stalled replies no longer wait.
        self.stopping = False
        self._selector = selectors.DefaultSelector()
        #: What is due at a tick, and these ticks in a heap.
        self._moments: dict[int, list[Callable[[], None]]] = {}
        self._ticks: list[int] = []
        #: What is due now.
        self._due: deque[Callable[[], None]] = deque()
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False
        self._closed = False
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)
        self.watch(self._bell, 0, READ, self._answer)

    def watch(self, sock: socket.socket, old: int, new: int, callback: Callable[[int], None]) -> None:
        """Change what is watched for on a socket: READ, WRITE, both, or 0 for nothing."""
        if old and new:
            self._selector.modify(sock, new, callback)
        elif new:
            self._selector.register(sock, new, callback)
        elif old:
            self._selector.unregister(sock)

    def at(self, due: float, callback: Callable[[], None]) -> None:
        """Call back at this moment of ``time.monotonic``. There is no taking back: the callback sees if it is still wanted."""
        tick = ceil(due * TICKS)
        waiting = self._moments.get(tick)
        if waiting is None:
            self._moments[tick] = [callback]
            heappush(self._ticks, tick)
        else:
            waiting.append(callback)

    def call(self, callback: Callable[[], None]) -> None:
        """Call back soon in the loop's thread; at once when the loop is closed. From any thread."""
        self._calls.append(callback)
        if self._closed:
            self._answer_calls()
        else:
            self.wake()

    def wake(self) -> None:
        """End the wait for sockets. From any thread and from signal handlers: it takes no lock."""
        if not self._woken:
            self._woken = True
            with suppress(OSError):  # full: it wakes anyway; closed: nobody is left to wake
                self._rope.send(b"!")

    @contextmanager
    def woken_by_signals(self) -> Iterator[None]:
        """Let every signal end the wait for sockets. It has an effect in the main thread only, where Python runs the handlers.

        Without it a signal is missed until the next event when it comes just before the wait begins, or to another thread.
        """
        try:
            previous = signal.set_wakeup_fd(self._rope.fileno(), warn_on_full_buffer=False)
        except ValueError:  # not the main thread
            yield
            return
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)

    def turn(self, until: float | None = None) -> None:
        """Wait for something to do, no longer than until this moment, and do it."""
        # Many requests that come at once must not hold up the streams that have begun: the two take turns, and who has
        # begun to speak has the longer ones.
        ready = self.ready
        pause = 0.0
        for key, events in self._selector.select(self._patience(until)):
            self._run(key.data, events)
            pause = self._pause(pause)
        while ready:
            self._run(ready.popleft())
            pause = self._pause(pause)
        self._serve_moments()

    def _pause(self, until: float) -> float:
        """Serve the moments when it is time to; gives the time when it is next."""
        now = monotonic()
        if now < until:
            return until
        if until:
            self._serve_moments()
            now = monotonic()
        return now + SHARE

    def close(self) -> None:
        """Give back the file descriptors."""
        self._closed = True
        self._answer_calls()
        self._selector.close()
        self._bell.close()
        self._rope.close()

    def _run(self, callback: Callable[..., None], *args: int) -> None:
        try:
            callback(*args)
        except Exception:  # one connection's trouble must not end the others
            logger.exception(_FAILED)

    def _patience(self, until: float | None) -> float | None:
        if self.ready or self._due:
            return 0
        if self._ticks and (until is None or self._ticks[0] < until * TICKS):
            until = self._ticks[0] / TICKS
        return None if until is None else max(0.0, until - monotonic())

    def _serve_moments(self) -> None:
        due, ticks = self._due, self._ticks
        now = monotonic()
        end = now + SLICE
        while now < end:
            if not due:
                if not ticks or ticks[0] > now * TICKS:
                    return
                due += self._moments.pop(heappop(ticks))
            callback = due.popleft()
            try:
                callback()
            except Exception:
                logger.exception(_FAILED)
            now = monotonic()

    def _answer(self, events: int) -> None:
        try:
            while self._bell.recv(4096):
                pass
        except OSError:
            pass
        self._woken = False
        self._answer_calls()

    def _answer_calls(self) -> None:
        while True:
            try:
                callback = self._calls.popleft()
            except IndexError:
                return
            self._run(callback)


class Pool:
    """Up to ``size`` daemon threads, each started when first needed; they never hold up the interpreter's exit."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(self, job: Callable[[], None]) -> None:
        """Run the job in a thread. It sees to its own exceptions. Called by one thread only."""
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False) and self._started < self._size:
            self._started += 1
            threading.Thread(target=self._work, name=f"openaimock-{self._started}", daemon=True).start()

    def close(self) -> None:
        """Let the threads end after the jobs they have."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            self._idle.release()

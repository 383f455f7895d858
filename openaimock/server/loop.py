"""The event loop: one thread that waits for sockets and timers."""

from __future__ import annotations

import logging
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from math import ceil, inf

from ..text.log import ROOT
from ..types.clock import monotonic

_FAILED = "A connection failed"

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

#: Seconds of due timers that run before sockets are polled again, and seconds of new answers before timers run.
SLICE, SHARE = 0.01, 0.002
#: Timers are grouped by the tick that follows them, this many a second: the timers of thousands of streams are sorted quickly
#: and need no wait each.
TICKS = 1000


class Loop:
    """Calls back when a socket is ready, when a timer is due, and on behalf of other threads.

    Sockets stay registered between polls, so an idle connection costs nothing. Only ``call`` and ``wake`` may be used outside
    the thread that turns the loop.
    """

    def __init__(self, log: logging.Logger = ROOT) -> None:
        self.log = log
        self.ready: deque[Callable[[], None]] = deque()
        #: Set when the server stops: connections are no longer kept alive, stalled replies no longer wait.
        self.stopping = False
        #: When the server cuts what still runs.
        self.deadline = inf
        #: Bytes buffered towards all clients.
        self.unsent = 0
        self._selector = selectors.DefaultSelector()
        #: The timers of a tick, and these ticks in a heap.
        self._timers: dict[int, list[Callable[[], None]]] = {}
        self._ticks: list[int] = []
        #: The timers that are due now.
        self._due: deque[Callable[[], None]] = deque()
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False
        self._closed = False
        self._waker_reader, self._waker = socket.socketpair()
        self._waker_reader.setblocking(False)
        self._waker.setblocking(False)
        self.watch(self._waker_reader, 0, READ, self._on_wake)

    def watch(self, sock: socket.socket | int, old: int, new: int, callback: Callable[[int], None]) -> None:
        """Change the watched events of a socket: READ, WRITE, both, or 0 for none."""
        if old and new:
            self._selector.modify(sock, new, callback)
        elif new:
            self._selector.register(sock, new, callback)
        elif old:
            self._selector.unregister(sock)

    def at(self, due: float, callback: Callable[[], None]) -> None:
        """Call back at this moment of ``clock.monotonic``. No cancelling: the callback checks whether it still applies."""
        tick = ceil(due * TICKS)
        timers = self._timers.get(tick)
        if timers is None:
            self._timers[tick] = [callback]
            heappush(self._ticks, tick)
        else:
            timers.append(callback)

    def call(self, callback: Callable[[], None]) -> None:
        """Call back soon in the loop's thread; at once when the loop is closed. From any thread."""
        self._calls.append(callback)
        if self._closed:
            self._run_calls()
        else:
            self.wake()

    def wake(self) -> None:
        """End the wait for sockets. From any thread and from signal handlers: it takes no lock."""
        if not self._woken:
            self._woken = True
            with suppress(OSError):  # full: it wakes anyway; closed: nothing is left to wake
                self._waker.send(b"!")

    @contextmanager
    def woken_by_signals(self) -> Iterator[None]:
        """Let every signal end the wait for sockets. It has an effect in the main thread only, where Python runs the handlers.

        Without it a signal that arrives just before the wait begins, or in another thread, is missed until the next event.
        """
        try:
            previous = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        except ValueError:  # not the main thread
            yield
            return
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)

    def turn(self, until: float | None = None) -> None:
        """Wait for events or timers, no longer than until this moment, and run their callbacks."""
        # Many requests that arrive together must not hold up running streams: the two take turns, and streams have the
        # longer ones.
        ready = self.ready
        pause = 0.0
        for key, events in self._selector.select(self._timeout(until)):
            self._run(key.data, events)
            pause = self._pause(pause)
        while ready:
            self._run(ready.popleft())
            pause = self._pause(pause)
        self._run_timers()

    def _pause(self, until: float) -> float:
        """Run the timers if ``until`` has passed; returns when to do so next."""
        now = monotonic()
        if now < until:
            return until
        if until:
            self._run_timers()
            now = monotonic()
        return now + SHARE

    def close(self) -> None:
        """Close the file descriptors."""
        self._closed = True
        self._run_calls()
        self._selector.close()
        self._waker_reader.close()
        self._waker.close()

    def abandon(self) -> None:
        """Close the file descriptors in a forked child, without touching what it shares with the parent (epoll)."""
        self._closed = True
        self._selector.close()
        self._waker_reader.close()
        self._waker.close()

    def _run(self, callback: Callable[..., None], *args: int) -> None:
        try:
            callback(*args)
        except Exception:  # a failure of one connection must not end the others
            self.log.exception(_FAILED)

    def _timeout(self, until: float | None) -> float | None:
        if self.ready or self._due:
            return 0
        if self._ticks and (until is None or self._ticks[0] < until * TICKS):
            until = self._ticks[0] / TICKS
        return None if until is None else max(0.0, until - monotonic())

    def _run_timers(self) -> None:
        due, ticks = self._due, self._ticks
        now = monotonic()
        end = now + SLICE
        while now < end:
            if not due:
                if not ticks or ticks[0] > now * TICKS:
                    return
                due += self._timers.pop(heappop(ticks))
            callback = due.popleft()
            try:
                callback()
            except Exception:
                self.log.exception(_FAILED)
            now = monotonic()

    def _on_wake(self, events: int) -> None:
        try:
            while self._waker_reader.recv(4096):
                pass
        except OSError:
            pass
        self._woken = False
        self._run_calls()

    def _run_calls(self) -> None:
        while True:
            try:
                callback = self._calls.popleft()
            except IndexError:
                return
            self._run(callback)

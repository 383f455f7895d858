"""The event loop: one thread that waits for sockets and timers."""

from __future__ import annotations

import logging
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from math import ceil, inf

from ..text.log import ROOT
from ..types.clock import monotonic
from .poller import READ, make_poller

_FAILED = "A connection failed"

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
        self._poller = make_poller()
        #: What is called with the events of a file descriptor.
        self._callbacks: dict[int, Callable[[int], None]] = {}
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
        self.watch(self._waker_reader.fileno(), 0, READ, self._on_wake)

    def watch(self, fd: int, old: int, new: int, callback: Callable[[int], None]) -> None:
        """Change the watched events of a file descriptor: READ, WRITE, both, or 0 for none. It is open.

        ``callback`` gets the events, perhaps with other bits for an error, and late: the descriptor may belong to another file.
        """
        self._poller.watch(fd, old, new)
        if new:
            self._callbacks[fd] = callback
        else:
            self._callbacks.pop(fd, None)

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
        ready, callbacks = self.ready, self._callbacks
        pause = 0.0
        for fd, events in self._poller.poll(self._timeout(until)):
            callback = callbacks.get(fd)
            if callback is not None:  # else it was closed in this turn
                try:
                    callback(events)
                except Exception:  # a failure of one connection must not end the others
                    self.log.exception(_FAILED)
                if (now := monotonic()) >= pause:
                    pause = self._pause(pause, now)
        while ready:
            self._run(ready.popleft())
            if (now := monotonic()) >= pause:
                pause = self._pause(pause, now)
        self._run_timers()

    def _pause(self, until: float, now: float) -> float:
        """Run the timers, but not at the first call in a turn (``until`` is 0); returns when to do so next."""
        if until:
            self._run_timers()
            now = monotonic()
        return now + SHARE

    def close(self) -> None:
        """Close the file descriptors."""
        self._closed = True
        self._run_calls()
        self._poller.close()
        self._waker_reader.close()
        self._waker.close()

    def abandon(self) -> None:
        """Close the file descriptors in a forked child, without touching what it shares with the parent (epoll)."""
        self._closed = True
        self._poller.close()
        self._waker_reader.close()
        self._waker.close()

    def _run(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
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

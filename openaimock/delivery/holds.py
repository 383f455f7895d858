"""Holds: replies that wait until a test or the admin releases them, and the table of the requests that wait."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from itertools import islice

from ..errors import Hangup
from ..http.extensions import Gate
from ..types.clock import monotonic
from ..types.exchange import Exchange
from ..types.reply import Hold
from .faults import TimedChunks

#: How many releases are kept for requests that have not arrived yet; the oldest goes first.
MAX_EARLY = 1000


class HeldRequest:
    """A request whose reply has a hold. ``since`` is the time of its arrival there, by ``clock.monotonic``."""

    def __init__(self, holds: Holds, hold: Hold, exchange: Exchange) -> None:
        self._holds = holds
        self.hold = hold
        self.exchange = exchange
        self.since = 0.0
        #: Set when the mock is reset: the connection ends instead of going on.
        self.is_cut = False
        #: Lets the host send the rest; None before the arrival.
        self.resume: Callable[[], None] | None = None

    def delay(self, timed: TimedChunks) -> TimedChunks:
        """The timed pieces of a reply with a gate after the first ``after`` of them."""
        after = self.hold.after
        sent = 0
        for piece in islice(timed, after):
            sent += 1
            yield piece
        if sent < after:
            return
        gate = Gate()
        gate.wait = self._arrive
        yield math.inf, gate
        if self.is_cut:
            raise Hangup
        yield from timed

    def _arrive(self, resume: Callable[[], None]) -> None:
        self._holds.arrive(self, resume)


class Holds:
    """The requests that wait at the holds of one mock. Safe in all threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[HeldRequest, None] = {}
        #: Releases that found no request, by name and namespace (None: any). Each lets one request pass.
        self._early: dict[tuple[str, str | None], None] = {}

    def arrive(self, request: HeldRequest, resume: Callable[[], None]) -> None:
        """Note that a request waits; ``resume`` is called when it is released, at once after an early release."""
        name, namespace = request.hold.name, request.exchange.namespace
        with self._changed:
            if request.resume is not None:
                return
            request.resume, request.since = resume, monotonic()
            early = next((key for key in ((name, namespace), (name, None)) if key in self._early), None)
            if early is None:
                self._waiting[request] = None
                self._changed.notify_all()
                return
            del self._early[early]
        resume()

    def leave(self, request: HeldRequest) -> None:
        """Note that a request waits no more."""
        with self._changed:
            if request in self._waiting:
                del self._waiting[request]
                self._changed.notify_all()

    def release(self, name: str, namespace: str | None = None) -> int:
        """Release the requests that wait at a hold, in one namespace or in all; how many did.

        When there is none, the next request that arrives there does not wait.
        """
        with self._changed:
            released = self._select(name, namespace)
            if not released:
                self._early[name, namespace] = None
                if len(self._early) > MAX_EARLY:
                    del self._early[next(iter(self._early))]
        self._resume(released)
        return len(released)

    def reset(self, namespace: str | None = None) -> None:
        """Cut the requests that wait in one namespace, or in all, and forget early releases."""
        with self._changed:
            cut = self._select(None, namespace)
            for request in cut:
                request.is_cut = True
            self._early = {key: None for key in self._early if namespace not in (None, key[1])}
        self._resume(cut)

    def waiting(self, name: str | None = None, namespace: str | None = None) -> list[HeldRequest]:
        """The requests that wait, in the order of their arrival: at one hold or at all, in one namespace or in all."""
        with self._changed:
            return self._select(name, namespace)

    def wait(self, name: str, timeout: float, count: int = 1, namespace: str | None = None) -> list[HeldRequest] | None:
        """Wait until ``count`` requests wait at a hold (0: until none does); None after ``timeout`` seconds."""

        def are_there() -> bool:
            number = len(self._select(name, namespace))
            return number >= count if count else number == 0

        with self._changed:
            # A lock cannot wait longer than TIMEOUT_MAX.
            if not self._changed.wait_for(are_there, min(max(timeout, 0.0), threading.TIMEOUT_MAX)):
                return None
            return self._select(name, namespace)

    def _select(self, name: str | None, namespace: str | None) -> list[HeldRequest]:
        return [
            request
            for request in self._waiting
            if name in (None, request.hold.name) and namespace in (None, request.exchange.namespace)
        ]

    def _resume(self, requests: list[HeldRequest]) -> None:
        for request in requests:
            self.leave(request)
            if request.resume is not None:
                request.resume()

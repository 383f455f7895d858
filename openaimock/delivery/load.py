"""Load: how many requests a mock is answering, and what that number does to a new one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ..http.catalog import api_error

#: Seconds after which a refused client may try again: how long the running answers take is not known.
RETRY_AFTER = 1.0


class Active:
    """The number of requests that are being answered, over all threads."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def enter(self, most: float) -> int | None:
        """Count one more: how many there were before it; None, and nothing is counted, when there are ``most``."""
        with self._lock:
            count = self._count
            if count >= most:
                return None
            self._count = count + 1
            return count

    def leave(self) -> None:
        """Count one less."""
        with self._lock:
            self._count -= 1


class Place:
    """One request being answered. It ends with ``leave``, or with the object: a host may never start to send an answer."""

    __slots__ = ("_active", "latency")

    def __init__(self, active: Active, latency: float) -> None:
        self._active: Active | None = active
        #: Seconds that the load adds to the latency of the answer.
        self.latency = latency

    def leave(self) -> None:
        """Free the place. A second call does nothing."""
        active, self._active = self._active, None
        if active is not None:
            active.leave()

    def __del__(self) -> None:
        self.leave()


class Load:
    """The setting ``load``: a limit of the requests being answered, and the latency that each of them adds to a new one."""

    def __init__(self, setting: Mapping[str, Any], active: Active | None = None) -> None:
        self.active = active or Active()
        self._most: float = setting.get("max_active", float("inf"))
        self._status: int = setting.get("status", 503)
        self._seconds = setting.get("latency_per_active", 0.0) / 1000

    def admit(self, model: str) -> Place:
        """A place for a request; APIError 429 or 503 when all places are taken."""
        before = self.active.enter(self._most)
        if before is None:
            most = int(self._most)
            raise api_error(
                self._status,
                model=model,
                per="concurrent requests",
                limit=most,
                used=most,
                requested=1,
                retry_after=RETRY_AFTER,
            )
        return Place(self.active, before * self._seconds)

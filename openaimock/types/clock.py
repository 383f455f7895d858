"""Clock: real or frozen time that can be moved forward."""

from __future__ import annotations

import time
from datetime import datetime, timezone

#: The last second of the year 9999: later times have no ISO 8601 text.
_LAST = 253_402_300_799.0


class Clock:
    """The time of a mock: real or frozen. ``advance`` moves both forward."""

    def __init__(self, frozen: float | None = None) -> None:
        self._frozen = frozen
        self._ahead = 0.0

    @classmethod
    def parse(cls, text: str) -> Clock:
        """A clock from the configuration: ``real`` or an ISO 8601 time (UTC when it names no zone). ValueError otherwise."""
        if text == "real":
            return cls()
        start = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return cls((start if start.tzinfo else start.replace(tzinfo=timezone.utc)).timestamp())

    @property
    def frozen(self) -> bool:
        """Whether time is frozen."""
        return self._frozen is not None

    def now(self) -> float:
        """Seconds since the epoch."""
        return (time.time() if self._frozen is None else self._frozen) + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the time forward for all users of this clock. ValueError for a time after the year 9999."""
        if self.now() + seconds > _LAST:
            raise ValueError("the clock ends with the year 9999")
        self._ahead += seconds

"""Clock: real or frozen time that can be moved forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial

#: Seconds of a clock that only moves forward. Libraries that freeze the time in tests (freezegun) replace ``time.monotonic``
#: everywhere; a server must go on under them, so that it reads the system's clock by a function that they do not replace.
monotonic: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else partial(time.monotonic)
)

#: The last second of the year 9999: later times have no ISO 8601 text.
_LAST = 253_402_300_799.0


#: Not those of ``strftime``, which may be in another language.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """A time in seconds since the epoch as HTTP's headers have it (RFC 9110, IMF-fixdate)."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} GMT"


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

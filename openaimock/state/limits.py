"""Limits: token buckets for requests and tokens, and the headers that tell a client how full they are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import APIError
from ..http.catalog import api_error, duration

#: What the headers say of a dimension that is not limited.
_AMPLE = {"requests": 10_000, "tokens": 30_000_000}


class LimitKind(NamedTuple):
    """One kind of limit: what it counts, over how many seconds, and what the API calls it."""

    counts: str
    seconds: float
    said: str


KINDS = {
    "rpm": LimitKind("requests", 60.0, "requests per min (RPM)"),
    "tpm": LimitKind("tokens", 60.0, "tokens per min (TPM)"),
    "rpd": LimitKind("requests", 86_400.0, "requests per day (RPD)"),
}


class Bucket:
    """A bucket that holds ``limit`` and fills up again evenly over ``seconds``."""

    __slots__ = ("_at", "_level", "limit", "rate")

    def __init__(self, limit: float, seconds: float, now: float) -> None:
        self.limit = limit
        self.rate = limit / seconds
        self._level = float(limit)
        self._at = now

    def level(self, now: float) -> float:
        """What is in it."""
        self._level = min(self.limit, self._level + max(0.0, now - self._at) * self.rate)
        self._at = max(self._at, now)
        return self._level

    def take(self, cost: float) -> None:
        """Take out; it must be there."""
        self._level -= cost

    def until(self, cost: float, now: float) -> float:
        """Seconds until so much can be taken."""
        # A hair less than whole is whole: filling up in steps must not lose a request to rounding.
        return max(0.0, cost - self.level(now) - 1e-6) / self.rate


class RateLimits:
    """The buckets of one namespace: a set for each key and model. ``given`` has ``rpm``, ``tpm``, ``rpd``, any of them."""

    def __init__(self, given: Mapping[str, float]) -> None:
        self._given = given
        self._buckets: dict[tuple[str, str], dict[str, Bucket]] = {}
        self._lock = threading.Lock()

    def admit(self, caller: str, model: str, tokens: int, now: float) -> dict[str, str]:
        """Take one request of so many tokens out of all buckets and give the six headers; APIError 429 when it cannot be."""
        with self._lock:
            buckets = self._buckets.get((caller, model))
            if buckets is None:
                made = {name: Bucket(limit, KINDS[name].seconds, now) for name, limit in self._given.items()}
                buckets = self._buckets[caller, model] = made
            costs = {name: tokens if KINDS[name].counts == "tokens" else 1 for name in buckets}
            waits = {name: bucket.until(costs[name], now) for name, bucket in buckets.items()}
            tight = max(waits, key=lambda name: waits[name])
            if waits[tight] > 0:
                refusal = _refusal(tight, buckets[tight], costs[tight], waits[tight], model, now)
                refusal.headers |= _headers(buckets, now)
                raise refusal
            for name, bucket in buckets.items():
                bucket.take(costs[name])
            return _headers(buckets, now)


def _refusal(name: str, bucket: Bucket, cost: float, wait: float, model: str, now: float) -> APIError:
    counts = KINDS[name].counts
    if cost > bucket.limit:
        message = (
            f"Request too large for {model} in organization org-openaimock on {KINDS[name].said}: Limit {bucket.limit:.0f}, "
            f"Requested {cost:.0f}. The input or output tokens must be reduced in order to run successfully. "
            "Visit https://platform.openai.com/account/rate-limits to learn more."
        )
        return api_error(429, "rate_limit_exceeded", type=counts, message=message)
    return api_error(
        429,
        "rate_limit_exceeded",
        type=counts,
        model=model,
        per=KINDS[name].said,
        limit=round(bucket.limit),
        used=round(bucket.limit - bucket.level(now)),
        requested=round(cost),
        retry_after=wait,
    )


def _headers(buckets: Mapping[str, Bucket], now: float) -> dict[str, str]:
    """The six headers; of two limits on requests the one with less left is told, as the API does."""
    told = {}
    for counts, ample in _AMPLE.items():
        there = [bucket for name, bucket in buckets.items() if KINDS[name].counts == counts]
        tight = min(there, key=lambda bucket: bucket.level(now), default=Bucket(ample, 60.0, now))
        left = tight.level(now)
        told[f"x-ratelimit-limit-{counts}"] = str(round(tight.limit))
        told[f"x-ratelimit-remaining-{counts}"] = str(int(left + 1e-6))
        told[f"x-ratelimit-reset-{counts}"] = duration(tight.until(tight.limit, now))
    return told

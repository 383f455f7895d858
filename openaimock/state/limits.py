"""Limits: token buckets for requests and tokens, and the headers that tell a client how full they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..errors import APIError
from ..http.catalog import api_error, duration
from ..text import tokens
from ..types.ask import Ask
from .store import TOLERANCE, Cost, State

#: What the headers say of a dimension that is not limited.
_AMPLE = {"requests": 10_000, "tokens": 30_000_000}


class LimitKind(NamedTuple):
    """One kind of limit: what it counts, over how many seconds, and what the API calls it."""

    counts: str
    seconds: float
    text: str


KINDS = {
    "rpm": LimitKind("requests", 60.0, "requests per min (RPM)"),
    "tpm": LimitKind("tokens", 60.0, "tokens per min (TPM)"),
    "rpd": LimitKind("requests", 86_400.0, "requests per day (RPD)"),
}


#: The parameters that limit the tokens of an answer, each read where the endpoint has it.
_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
#: More tokens than any bucket holds.
_HUGE = 10**15


def requested_tokens(ask: Ask) -> int:
    """Tokens that a request takes from a bucket: those of its texts, and those that its answer may have at most."""
    prompt = sum(tokens.count(message.text, ask.model) for message in ask.messages) or tokens.count(ask.text, ask.model)
    # Where an endpoint does not know one of these parameters, its value can be of any type.
    values = (ask.body.get(name) for name in _OUTPUT_LIMITS)
    answer = next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0), 0)
    return prompt + min(answer, _HUGE)


class RateLimits:
    """The limits of a mock: ``limits`` has ``rpm``, ``tpm``, ``rpd``, any of them. Buckets are apart for each key and model."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        self._limits = dict(limits)

    def admit(self, state: State, caller: str, model: str, tokens: int, now: float) -> dict[str, str]:
        """Take one request of ``tokens`` out of all buckets and give the six headers; APIError 429 when a bucket is too empty."""
        names = list(self._limits)
        amounts = [tokens if KINDS[name].counts == "tokens" else 1 for name in names]
        costs = [
            Cost(f"{caller}/{model}/{name}", amount, self._limits[name], KINDS[name].seconds)
            for name, amount in zip(names, amounts, strict=True)
        ]
        is_admitted, levels = state.take(costs, now)
        buckets = [Bucket(name, cost, level) for name, cost, level in zip(names, costs, levels, strict=True)]
        if not is_admitted:
            refusal = _refusal(max(buckets, key=lambda bucket: bucket.wait(bucket.cost.amount)), model)
            refusal.headers |= _headers(buckets)
            raise refusal
        return _headers(buckets)


class Bucket(NamedTuple):
    """A bucket after a request: the name of its limit, what was asked of it, and what it holds."""

    name: str
    cost: Cost
    level: float

    def wait(self, amount: float) -> float:
        """Seconds until it holds this amount."""
        return max(0.0, amount - self.level - TOLERANCE) * self.cost.seconds / self.cost.limit


def _refusal(bucket: Bucket, model: str) -> APIError:
    kind, cost = KINDS[bucket.name], bucket.cost
    if cost.amount > cost.limit:
        message = (
            f"Request too large for {model} in organization org-openaimock on {kind.text}: Limit {cost.limit:.0f}, "
            f"Requested {cost.amount:.0f}. The input or output tokens must be reduced in order to run successfully. "
            "Visit https://platform.openai.com/account/rate-limits to learn more."
        )
        return api_error(429, "rate_limit_exceeded", type=kind.counts, message=message)
    return api_error(
        429,
        "rate_limit_exceeded",
        type=kind.counts,
        model=model,
        per=kind.text,
        limit=round(cost.limit),
        used=round(cost.limit - bucket.level),
        requested=round(cost.amount),
        retry_after=bucket.wait(cost.amount),
    )


def _headers(buckets: Sequence[Bucket]) -> dict[str, str]:
    """The six headers. Of two limits on requests the one with less left counts, as with the API."""
    headers = {}
    for counts, ample in _AMPLE.items():
        limited = [bucket for bucket in buckets if KINDS[bucket.name].counts == counts]
        tight = min(limited, key=lambda bucket: bucket.level, default=Bucket("", Cost("", 0, ample, 60.0), ample))
        headers[f"x-ratelimit-limit-{counts}"] = str(round(tight.cost.limit))
        headers[f"x-ratelimit-remaining-{counts}"] = str(int(tight.level + 1e-6))
        headers[f"x-ratelimit-reset-{counts}"] = duration(tight.wait(tight.cost.limit))
    return headers

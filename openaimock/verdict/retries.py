"""Checks of what a client does after a failed request: retries, waits, timeouts and polls."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ..types.exchange import Exchange
from . import run as runs
from .run import Run, failure, gap, retry_after

#: Seconds: a retry that comes sooner has not waited.
SHORT_WAIT = 0.1
#: Seconds that a retry may come before the end of ``retry-after``: timers and clocks are not exact.
TOLERANCE = 0.05
#: The number of waits from which they should grow, the factor by which the longest one should exceed the shortest, and the
#: seconds from which a constant wait is long enough.
WAITS, GROWTH, LONG_WAIT = 3, 1.5, 20.0
#: Failed attempts at one request after which a client should have given up.
MAX_ATTEMPTS = 10
#: Requests that were refused unread cannot be compared: so many equal refusals count as one request.
SAME_REFUSALS = 3
#: Further requests during the wait that a 429 ordered.
LIMITED_REQUESTS = 3
#: Requests that the client left before their end, in a row.
TIMEOUTS = 2
#: Seconds after which a client should have stopped waiting for a silent connection.
PATIENCE = 60.0
#: Waits in a row that are too short, and the seconds that a poll should wait.
POLLS, POLL_WAIT = 3, 0.5


class Evidence(NamedTuple):
    """One problem: what happened, and the exchanges that prove it."""

    message: str
    exchanges: tuple[Exchange, ...]


def without_backoff(run: Run) -> Iterator[Evidence]:
    """Retries that came at once. A single one after a lost connection is usual and is no problem."""
    for group in run.attempts:
        for at, (earlier, later) in enumerate(pairwise(group)):
            kind = failure(earlier)
            if kind not in ("busy", "lost", "broken") or retry_after(earlier) is not None or gap(earlier, later) >= SHORT_WAIT:
                continue
            if kind == "busy" or at > 0:
                yield Evidence(f"a failed request was repeated within {SHORT_WAIT * 1000:g} ms", (earlier, later))


def constant_interval(run: Run) -> Iterator[Evidence]:
    """Several retries with waits that do not grow."""
    for group in run.attempts:
        waited = [pair for pair in pairwise(group) if failure(pair[0]) == "busy" and retry_after(pair[0]) is None]
        waits = [gap(*pair) for pair in waited]
        if len(waits) < WAITS or min(waits) < SHORT_WAIT or waits[0] >= LONG_WAIT or max(waits) >= GROWTH * min(waits):
            continue
        numbers = ", ".join(f"{wait:.1f}" for wait in waits[:5])
        yield Evidence(f"the waits before {len(waits)} retries did not grow: {numbers} s", tuple(group))


def ignored_retry_after(run: Run) -> Iterator[Evidence]:
    """Retries before the end of the time that the response named."""
    for earlier, later in runs.pairs(run):
        wait = retry_after(earlier)
        if wait is not None and gap(earlier, later) < wait - TOLERANCE:
            message = f"retry-after was {wait:g} s, and the request was repeated after {gap(earlier, later):.2f} s"
            yield Evidence(message, (earlier, later))


def client_error(run: Run) -> Iterator[Evidence]:
    """Repetitions of a request that was refused for a reason that does not pass."""
    for group in run.attempts:
        refused = [exchange for exchange in group if failure(exchange) == "refused"]
        first = refused[0] if refused else None
        if first is None or len(group) < 2 or (first.method == "GET" and first.status == 404):
            continue
        if first.ask is None and len(refused) < SAME_REFUSALS:
            continue
        yield Evidence(f"a request with status {first.status} was repeated without a change", tuple(group))


def no_quota(run: Run) -> Iterator[Evidence]:
    """Repetitions of a request that was refused because the account has no money."""
    for earlier, later in runs.pairs(run):
        if failure(earlier) == "quota":
            yield Evidence("a request was repeated after insufficient_quota", (earlier, later))


def endless_retry(run: Run) -> Iterator[Evidence]:
    """More attempts at one request than any outage justifies."""
    for group in run.attempts:
        failed = [exchange for exchange in group if failure(exchange)]
        if len(failed) > MAX_ATTEMPTS:
            yield Evidence(f"one request failed more than {MAX_ATTEMPTS} times and was sent again each time", tuple(group))


def not_retried(run: Run) -> Iterator[Evidence]:
    """A failure that usually passes, after which the request was never repeated."""
    for group in run.attempts:
        kind = failure(group[-1])
        if len(group) == 1 and kind in ("busy", "lost") and not runs.is_asked_elsewhere(run, group[0]):
            reason = f"status {group[0].status}" if kind == "busy" else "no answer arrived"
            yield Evidence(f"{reason}, and the request was never repeated", tuple(group))


def while_limited(run: Run) -> Iterator[Evidence]:
    """Other requests to the same endpoint during the wait that a 429 ordered, all refused."""
    for exchange in run.exchanges:
        wait = retry_after(exchange)
        if exchange.status != 429 or failure(exchange) != "busy" or not wait:
            continue
        key = runs.fingerprint(exchange)
        others = [
            later
            for later in run.after(exchange)
            if later.status == 429
            and later.endpoint == exchange.endpoint
            and TOLERANCE < runs.elapsed(exchange, later) < wait
            and runs.fingerprint(later) != key
        ]
        if len(others) >= LIMITED_REQUESTS:
            message = f"{exchange.endpoint} asked to wait, and further requests were sent during the wait"
            yield Evidence(message, (exchange, *others))
            return


def short_timeout(run: Run) -> Iterator[Evidence]:
    """Answers that the client stopped waiting for, and requested again with the same patience."""
    for group in run.attempts:
        left = [exchange for exchange in group if failure(exchange) == "left"]
        if len(left) >= TIMEOUTS and len(group) > 1:
            waits = ", ".join(f"{exchange.duration:.1f}" for exchange in left[:5])
            yield Evidence(f"the client closed the connection after {waits} s and sent the same request again", tuple(group))


def no_timeout(run: Run) -> Iterator[Evidence]:
    """Silent connections that the client did not close."""
    for exchange in run.exchanges:
        if exchange.fault is not None and exchange.fault.kind == "stall" and exchange.status < 400:
            if exchange.ended == "running":
                yield Evidence("the client still waits for an answer that stopped", (exchange,))
            elif exchange.duration >= PATIENCE:
                yield Evidence(f"the client waited more than {PATIENCE:g} s for an answer that stopped", (exchange,))


def fast_polling(run: Run) -> Iterator[Evidence]:
    """The same GET request again and again with short waits."""
    by_request: dict[object, list[Exchange]] = {}
    for exchange in run.exchanges:
        # Only single objects have a state: a list may be read again after each change.
        if exchange.operation.endswith(".retrieve") and exchange.endpoint != "models" and exchange.status == 200:
            by_request.setdefault(runs.fingerprint(exchange), []).append(exchange)
    for polls in by_request.values():
        short = [gap(*pair) < POLL_WAIT for pair in pairwise(polls)]
        if any(all(short[at : at + POLLS]) for at in range(len(short) - POLLS + 1)):
            yield Evidence(f"GET {polls[0].path} was repeated with waits of less than {POLL_WAIT:g} s", tuple(polls))

"""Run: the exchanges of one namespace as attempts at requests, with how each one failed and the time between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from ..http.json import dump
from ..seed import digest
from ..types.exchange import Exchange

#: Statuses of refused requests that may succeed later, beside 500 and more.
RETRYABLE = frozenset([408, 409, 429])
#: Faults that end an answer before its end, or make it unreadable.
_CUTS = frozenset(["disconnect", "reset", "stall", "truncate", "empty", "garble", "error_event"])
#: Members of a request that say who answers and how, not what is asked.
_MANNER = frozenset(["model", "stream", "stream_options"])
#: How many later requests are compared with one.
REACH = 100
#: Seconds by which an attempt may seem to begin before the end of the one before it.
_SLACK = 0.01


@dataclass(frozen=True, slots=True)
class Run:
    """What a client sent to one namespace: all exchanges in their order, and the same grouped into attempts.

    Each group is one request and its repetitions, each of which was sent after the attempt before it had failed.
    """

    exchanges: Sequence[Exchange]
    attempts: Sequence[Sequence[Exchange]]

    def after(self, exchange: Exchange) -> Iterator[Exchange]:
        """The later exchanges."""
        first = bisect_right(self.exchanges, exchange.order, key=lambda later: later.order)
        return islice(self.exchanges, first, None)


def runs(exchanges: Iterable[Exchange]) -> list[Run]:
    """The Run of each namespace."""
    namespaces: dict[str, list[Exchange]] = {}
    for exchange in sorted(exchanges, key=lambda exchange: exchange.order):
        namespaces.setdefault(exchange.namespace, []).append(exchange)
    return [Run(entries, _attempts(entries)) for entries in namespaces.values()]


def _attempts(exchanges: Iterable[Exchange]) -> list[list[Exchange]]:
    # The retries of an SDK have numbers, so they are found first. Of equal requests that run at the same time each has its own.
    numbered = _linked([[exchange] for exchange in exchanges], lambda later: _attempt(later) > 0)
    return _linked(numbered, lambda later: _attempt(later) == 0)


def _linked(chains: Iterable[list[Exchange]], continues: Callable[[Exchange], bool]) -> list[list[Exchange]]:
    """Chains of attempts, each with the one that continues it if its first attempt can do so."""
    linked: list[list[Exchange]] = []
    by_request: dict[object, list[list[Exchange]]] = {}
    for chain in chains:
        candidates = by_request.setdefault(fingerprint(chain[0]), [])
        earlier = _continued(candidates, chain[0]) if continues(chain[0]) else None
        if earlier is None:
            linked.append(chain)
            candidates.append(chain)
        else:
            earlier += chain
    return linked


def _continued(candidates: Iterable[list[Exchange]], later: Exchange) -> list[Exchange] | None:
    """The chain that an attempt continues: one whose last attempt has the number before, or the first that failed."""
    fitting = [chain for chain in candidates if _repeats(chain[-1], later)]
    before = (chain for chain in fitting if _attempt(chain[-1]) == _attempt(later) - 1)
    return next(before, fitting[0] if fitting else None)


def _attempt(exchange: Exchange) -> int:
    return 0 if exchange.ask is None else exchange.ask.attempt


def _repeats(earlier: Exchange, later: Exchange) -> bool:
    """Whether a request that is equal to an earlier one is sent because that failed."""
    if earlier.order > later.order or failure(earlier) in ("", "running"):
        return False
    return _attempt(later) > 0 or follows(earlier, later, _SLACK)


def is_asked_elsewhere(run: Run, exchange: Exchange) -> bool:
    """Whether the same is asked after a failure of another model or endpoint, or as a whole answer instead of a stream."""
    asked_for = question(exchange)
    return asked_for is not None and any(
        follows(exchange, later, _SLACK) and question(later) == asked_for for later in islice(run.after(exchange), REACH)
    )


def question(exchange: Exchange) -> object:
    """What is asked, whatever model or endpoint it is asked of."""
    ask = exchange.ask
    if ask is None or not ask.body:
        return None
    if ask.messages:
        return tuple(ask.messages)
    return exchange.endpoint, digest(dump({name: value for name, value in ask.body.items() if name not in _MANNER}))


def fingerprint(exchange: Exchange) -> object:
    """What is equal for two exchanges with the same request. Of a request that was refused unread, that is the refusal."""
    ask, error = exchange.ask, exchange.error
    if ask is None:
        refusal = None if error is None else (error.code, error.message)
        return exchange.method, exchange.path, exchange.status, refusal
    files = {str(name): _file(content) for name, content in ask.files.items()}
    return exchange.method, exchange.path, digest(dump([ask.body, dict(ask.query), files]))


def _file(content: Any) -> Any:
    """An uploaded file by its name: its bytes are not compared."""
    if isinstance(content, (list, tuple)):
        return [_file(part) if not isinstance(part, (bytes, bytearray)) else len(part) for part in content]
    return content if isinstance(content, (str, type(None))) else str(getattr(content, "filename", ""))


def failure(exchange: Exchange) -> str:
    """How an exchange failed; "" when it did not.

    ``refused`` (it must not be repeated), ``quota``, ``too_long``, ``busy`` (a status that calls for a retry), ``lost`` (nothing
    of the answer arrived), ``broken`` (a part of it arrived), ``left`` (the client closed the connection), ``running``.
    """
    if exchange.status >= 400:
        return _refusal(exchange)
    if exchange.ended == "running":
        return "running"
    if exchange.answered:
        return ""
    fault = exchange.fault
    if fault is not None and _is_cut(exchange):
        return "broken" if exchange.stream and fault.after > 0 and fault.kind != "empty" else "lost"
    return "left" if exchange.ended == "client_disconnected" else ""


def _refusal(exchange: Exchange) -> str:
    error = exchange.error
    if error is not None and error.code == "context_length_exceeded":
        return "too_long"
    if error is not None and "insufficient_quota" in (error.code, error.type):
        return "quota"
    should_retry = headers(exchange).get("x-should-retry")
    if should_retry in ("true", "false"):
        return "busy" if should_retry == "true" else "refused"
    return "busy" if exchange.status in RETRYABLE or exchange.status >= 500 else "refused"


def _is_cut(exchange: Exchange) -> bool:
    """Whether the fault of an exchange took effect and left the client without the whole answer."""
    kind = exchange.fault.kind if exchange.fault else ""
    if kind in ("disconnect", "reset", "empty"):
        return exchange.ended == "fault"
    if kind == "duplicate":
        return not exchange.stream
    # Without its last event, a stream of the Responses API has no result.
    return kind in _CUTS or (kind == "no_done" and exchange.endpoint == "responses")


def headers(exchange: Exchange) -> Mapping[str, str]:
    """The headers that the error or the reply of an exchange added to its response, by lower-case name."""
    sources = (exchange.error.headers if exchange.error else {}, exchange.reply.headers if exchange.reply else {})
    return {name.lower(): str(value) for source in sources for name, value in source.items()}


def retry_after(exchange: Exchange) -> float | None:
    """The seconds that the response told the client to wait, if any. A date is not read."""
    values = headers(exchange)
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return float(values[name]) / unit
        except (KeyError, ValueError):
            continue
    return None


# Time


def elapsed(earlier: Exchange, later: Exchange) -> float:
    """Seconds from the arrival of one request to that of another: by the clock of the mock, or by the machine's, if it is more.

    The clock of a mock may be frozen while a client really waits.
    """
    return max(later.at - earlier.at, later.arrived - earlier.arrived)


def follows(earlier: Exchange, later: Exchange, slack: float = 0.0) -> bool:
    """Whether a request arrived after the end of an earlier exchange, or ``slack`` seconds before it at most."""
    return elapsed(earlier, later) >= earlier.duration - slack


def gap(earlier: Exchange, later: Exchange) -> float:
    """Seconds from the end of one exchange to the arrival of the next request."""
    return max(0.0, elapsed(earlier, later) - earlier.duration)


def pairs(run: Run) -> Iterator[tuple[Exchange, Exchange]]:
    """Each failed attempt with the one that followed it."""
    for group in run.attempts:
        yield from pairwise(group)

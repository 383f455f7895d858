"""Faults: replies that go wrong on the wire."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from ..errors import APIError, Hangup
from ..http.extensions import Silence
from ..http.json import dump
from ..types.reply import Fault

#: A timed reply: seconds after the previous piece, and the piece (one event of a stream).
TimedChunks = Iterator[tuple[float, bytes]]

#: Seconds between the two halves of a split character: longer than any host waits to merge packets.
_APART = 0.02
#: Seconds between the bytes of a slow head, which takes about two seconds.
HEAD_GAP = 0.005
#: Makes the error event of a stream from its sequence number, in the form of the endpoint.
ErrorEvent = Callable[[int], bytes]


def spoil(body: bytes, fault: Fault | None) -> bytes:
    """A whole reply's bytes changed by a fault, before ``content-length`` is set."""
    if fault is None:
        return body
    if fault.kind == "truncate":
        return body[: fault.after]
    if fault.kind == "garble":
        return body[: fault.after] + body[fault.after :][::-1]
    return body + body if fault.kind == "duplicate" else body


def whole(timed: TimedChunks, fault: Fault) -> TimedChunks:
    """A whole reply whose connection fails: ``after`` counts bytes."""
    if fault.kind == "empty":
        yield from _nothing(timed)
    for delay, body in timed:
        if fault.kind == "split_utf8":
            yield from _halves(delay, body)
        elif fault.kind in ("disconnect", "reset", "stall"):
            # The head is sent even with no byte of the body, so that only the body is missing.
            yield delay, body[: fault.after]
            yield from _end(fault.kind)
        else:
            yield delay, body


def stream(timed: TimedChunks, fault: Fault, error: ErrorEvent) -> TimedChunks:
    """A stream that goes wrong once ``after`` events have been sent. ``error(sequence_number)`` makes the error event."""
    if fault.kind == "empty":
        yield from _nothing(timed)
    held: tuple[float, bytes] | None = None
    for sent, (delay, data) in enumerate(timed):
        if fault.kind == "no_done":
            # Events are sent one behind, so that the last one is never sent.
            if held is not None:
                yield held
            held = (delay, data)
        elif sent < fault.after or fault.kind == "slow_headers":
            yield delay, data
        elif fault.kind == "error_event":
            yield delay, error(sent)
            return
        elif fault.kind == "truncate":
            if not sent:
                yield delay, b""
            return
        elif fault.kind in ("disconnect", "reset", "stall"):
            # An empty piece flushes the earlier events, so that the client receives them before the cut.
            yield (0.0 if sent else delay), b""
            yield from _end(fault.kind)
        elif fault.kind == "split_utf8":
            yield from _halves(delay, data)
        elif sent == fault.after:
            yield from _CHANGED[fault.kind](delay, data)
        else:
            yield delay, data


def _nothing(timed: TimedChunks) -> TimedChunks:
    """The end of the connection when the first piece is due, before any byte."""
    for delay, _ in timed:
        yield delay, Silence()
        break
    raise Hangup


def own_error(error: ErrorEvent, members: Mapping[str, Any]) -> ErrorEvent:
    """The error event of an endpoint with the members of a user's own error."""
    own = {name: value for name, value in members.items() if name not in ("status", "retry_after", "more") and value is not None}
    own |= members.get("more") or {}

    def change(match: re.Match[bytes]) -> bytes:
        event = json.loads(match[1])
        target = event.get("error") if isinstance(event.get("error"), dict) else event if event.get("type") == "error" else None
        response = event.get("response")
        if isinstance(response, dict) and isinstance(response.get("error"), dict):
            response["error"].update({name: own[name] for name in ("code", "message") if name in own})
        elif target is not None:
            target.update({name: value for name, value in own.items() if target is not event or name != "type"})
        return b"data: " + dump(event).encode()

    return lambda number: re.sub(rb"(?m)^data: (\{.*\})$", change, error(number))


def _end(kind: str) -> TimedChunks:
    if kind == "stall":
        yield math.inf, b""
    raise Hangup(reset=kind == "reset")


def _twice(delay: float, data: bytes) -> TimedChunks:
    yield delay, data
    yield 0.0, data


def _garbled(delay: float, data: bytes) -> TimedChunks:
    """An event whose data is not JSON."""
    yield delay, re.sub(rb"(?m)^(data: )(.*)$", lambda match: match[1] + match[2][::-1], data)


def _halves(delay: float, data: bytes) -> TimedChunks:
    """Two pieces, cut inside the first multi-byte character (in the middle when there is none)."""
    wide = re.search(rb"[\xc2-\xf4]", data)
    at = wide.start() + 1 if wide else len(data) // 2
    yield delay, data[:at]
    yield _APART, data[at:]


_CHANGED: dict[str, Callable[[float, bytes], TimedChunks]] = {"duplicate": _twice, "garble": _garbled}


def draw(rate: float, faults: Sequence[Fault], source: str) -> Fault | None:
    """The fault that chaos draws for one exchange, or None. It depends only on the exchange's own seed."""
    chance = Random(f"{source}\x1fchaos")
    return chance.choice(faults) if chance.random() < rate else None


def parse(header: str, kinds: Sequence[str]) -> Fault:
    """The fault of a request's ``x-openaimock-fault: KIND[;after=N]`` header. Raises APIError 400 when it is invalid."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:;\s*after\s*=\s*(\d{1,9})\s*)?", header)
    if match is None or match[1] not in kinds:
        message = (
            f"Invalid x-openaimock-fault header {header[:80]!r}: expected KIND or KIND;after=N with one of {', '.join(kinds)}."
        )
        raise APIError(400, message, param="x-openaimock-fault", code="invalid_value")
    return Fault(match[1], int(match[2] or 0))

"""Rewrite: the answer of a past exchange, written once more: the journal does not keep the bytes of the mock's answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

from ..api.router import ROUTER
from ..errors import APIError, Hangup
from ..http import sse
from ..http.extensions import Gate, Silence, close_body
from ..http.json import parse
from ..http.request import Request
from ..recording.exchange import Skipped, header_map, unpacked
from ..seed import Ids
from ..state.namespace import Context, Namespaces
from ..types.ask import Ask
from ..types.exchange import Exchange, Received
from . import App, asks
from .call import Call
from .jobs import timed_pieces
from .stages import payload_of

#: The bytes and the pieces of an answer after which it is cut.
MOST_BYTES, MOST_PIECES = 16 * 1024 * 1024, 5000


class Answer(NamedTuple):
    """What the client of an exchange received. ``pieces`` are the events of a stream, else the body.

    ``cut``: the answer has more, beyond the limits of this module.
    """

    status: int
    headers: Mapping[str, str]
    pieces: Sequence[bytes]
    cut: bool = False

    @property
    def content_type(self) -> str:
        """The value of ``content-type`` in small letters, "" when there is none."""
        return self.headers.get("content-type", "").lower()

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events."""
        return "event-stream" in self.content_type


def answer(app: App, exchange: Exchange) -> Answer:
    """The answer of an exchange with its fault, without its waits. Skipped when it cannot be written again."""
    if exchange.ended == "running":
        raise Skipped("the exchange has not ended")
    if exchange.received is not None:
        return _of_upstream(exchange.received)
    if exchange.operation == "webhooks.delivery":
        raise Skipped("it is a delivery to a webhook")
    call = _call(app, exchange)
    sender = copy(app.sender)
    # The fault of the exchange is known: nothing is drawn. Nothing is counted.
    sender.chaos = sender.ended = None
    head: list[tuple[int, Sequence[tuple[str, str]]]] = []
    call.start_response = lambda status, headers: head.append((int(status[:3]), headers))
    if exchange.error is not None:
        body = sender.refuse(call, exchange.error)
    else:
        assert exchange.ask is not None
        try:
            call.payload = payload(exchange, exchange.ask, call.context)
        except APIError as error:
            raise Skipped(f"writing it again fails: {error}") from None
        body = sender.send(call)
    pieces, cut = _pieces(body)
    status, headers = head[0]
    names = header_map(headers)
    if app.config.limits:
        # The buckets have other contents now.
        names = {name: value for name, value in names.items() if not name.startswith("x-ratelimit-")}
    result = Answer(status, names, pieces, cut)
    if result.is_stream and exchange.fault is None:
        # A stream that is sent at once is not sent in events.
        result = result._replace(pieces=list(sse.events(pieces)))
    if exchange.ended == "client_disconnected" and exchange.chunks:
        # The client has got the pieces that were due until it left.
        result = result._replace(pieces=result.pieces[: len(exchange.chunks)])
    return result


def payload(exchange: Exchange, ask: Ask, context: Context) -> Any:
    """The payload of an exchange without an error. APIError when it cannot be written again."""
    return payload_of(ROUTER.find(exchange.method, exchange.path).operation, ask, exchange.reply, context)


def context_of(app: App, exchange: Exchange, namespaces: Namespaces) -> Context:
    """The context of an exchange with its time and ids. ``namespaces`` gets what its answer stores."""
    seed = app.config.seed
    context = Context(namespaces[exchange.namespace], app.sender.clock, seed, app.config, app.jobs)
    # The same number gives the same ids, to which later requests may refer.
    context.number, context.now, context.request_id = exchange.number, exchange.at, exchange.id
    context.ids = Ids(seed, exchange.namespace, exchange.number)
    if context.ids.hex("req_") != exchange.id:
        # The client sent the id of the request, so none was drawn.
        context.ids = Ids(seed, exchange.namespace, exchange.number)
    return context


def usage(app: App, exchange: Exchange, namespaces: Namespaces) -> Mapping[str, Any] | None:
    """The usage that an answer reports; None when it reports none or cannot be written again without much work."""
    reply, ask = exchange.reply, exchange.ask
    if reply is None or ask is None or exchange.error is not None or reply.raw or reply.proxy or exchange.ended == "running":
        return None
    if exchange.operation not in _COUNTED:
        return None
    ask = ask.copy()
    ask.stream = False
    with suppress(APIError):
        content = parse(payload(exchange, ask, context_of(app, exchange, namespaces)).encoded())
        counts = content.get("usage") if isinstance(content, dict) else None
        return counts if isinstance(counts, dict) else None
    return None


#: The operations whose answers report tokens and are quickly written.
_COUNTED = frozenset(["chat.completions.create", "responses.create", "completions.create"])


def _call(app: App, exchange: Exchange) -> Call:
    """The call of an exchange at its last stage."""
    ask, reply = exchange.ask, exchange.reply
    if ask is None and exchange.error is None:
        raise Skipped("the mock did not read the request")
    headers = {} if ask is None else ask.headers
    environ = asks.environ(exchange.method, exchange.path, headers, None)
    # What the answer stores goes here: the state of the mock does not change.
    context = context_of(app, exchange, Namespaces(app.config))
    again = replace(exchange, chunks=[], ended="running", received=None)
    call = Call(Request(environ, app.config.max_body), lambda *_: None, context, again, 0.0, recorded=False)
    call.fault = exchange.fault
    # A hold is for a client that waits.
    call.reply = None if reply is None else replace(reply, hold=None)
    if exchange.operation:
        call.route = ROUTER.find(exchange.method, exchange.path)
        operation = call.route.operation
        call.path = operation.path
        if reply is None and exchange.error is None and operation.reads_state:
            raise Skipped("the mock answers this operation from its state, and the journal does not keep the answer")
    if ask is not None:
        call.ask = ask.copy()
        # Its answer is not prepared for later requests: no stage has chosen it.
        call.ask.prepared = None
    return call


def _pieces(body: Any) -> tuple[list[bytes], bool]:
    """The pieces of a body until its end, its fault or the limits; whether it is cut."""
    pieces: list[bytes] = []
    size = 0
    try:
        for delay, data in timed_pieces(body):
            if type(data) in (Gate, Silence):
                continue
            if delay == math.inf:
                break
            pieces.append(data)
            size += len(data)
            if size > MOST_BYTES or len(pieces) >= MOST_PIECES:
                return pieces, True
    except Hangup:
        # The fault of the exchange.
        pass
    finally:
        with suppress(Exception):
            close_body(body)
    return pieces, False


def _of_upstream(received: Received) -> Answer:
    """The answer of the upstream, as the journal keeps it."""
    body, headers = decoded(received)
    result = Answer(received.status, headers, [body])
    return result._replace(pieces=list(sse.events([body]))) if result.is_stream else result


def decoded(received: Received) -> tuple[bytes, dict[str, str]]:
    """The body of an answer of the upstream, without its content encoding, and the headers. Skipped when it cannot be read."""
    if received.body is None:
        raise Skipped("the journal does not keep an answer of this length; raise 'journal: {body_limit: ...}'")
    headers = header_map(received.headers)
    try:
        return unpacked(received.body, headers.get("content-encoding", "")), headers
    except ValueError as error:
        raise Skipped(str(error)) from None

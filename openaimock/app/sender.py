"""Sender: from a payload to the bytes of a response, with latency, pace and faults."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from .. import lint
from ..api import Operation
from ..config.load import Config, secrets
from ..delivery import faults, pace
from ..delivery.holds import HeldRequest, Holds
from ..errors import APIError, Hangup
from ..http import cors, payloads, sse
from ..http.api_headers import GATEWAY_JSON_TYPE, JSON_TYPE, api_headers, from_gateway, stream_type
from ..http.cancellation import Cancellation
from ..http.catalog import api_error
from ..http.extensions import Gate, TimedBody, block, close_body, timer
from ..http.headers import header_value
from ..http.sse import Frame
from ..replies.plan import faults as make_faults
from ..state.metrics import Metrics
from ..state.store import StoreUnavailable
from ..text.log import safe
from ..types.clock import Clock, http_date, monotonic
from ..types.exchange import Exchange
from ..types.reply import Fault, Hold, Reply
from .call import Call
from .prepared import prepare
from .raw import events, is_stream

#: Bytes of an unpaced stream that are produced at once.
LARGE = 65536
#: The delivery of an answer that no rule made.
_PLAIN = Reply()


class Sender:
    """Sends responses. Has the clock, the log, the metrics and the chaos setting of a mock."""

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self.config = config
        self.log = safe(log, secrets(config))
        self.clock = Clock.parse(config.clock)
        self.metrics = Metrics()
        self.holds = Holds()
        self._open_to_all = config.cors == "*" and not config.api_keys
        #: Whether answers are prepared for later requests: no setting changes the answer or the headers of single requests.
        self.prepares = False
        #: Called with each exchange that ends, and the number of its events.
        self.ended: Callable[[Exchange, int], None] | None = None
        #: The share of requests with a random fault, and the faults; may be replaced at run time.
        self.chaos = (config.chaos["rate"], make_faults(config.chaos["faults"])) if config.chaos else None

    def send(self, call: Call) -> Iterable[bytes]:
        """Send the call's payload, with the latency, pace and fault of its reply."""
        payload: Any = call.payload
        reply, ids = call.reply or _PLAIN, call.context.ids
        latency = call.latency
        if latency is None:
            latency = 0.0 if reply.latency is None else pace.wait(reply.latency, lambda: ids.random)
        if call.place is not None:
            latency += call.place.latency
        if reply.pace is not None and reply.pace.is_random:
            reply = replace(reply, pace=pace.drawn(reply.pace, lambda: ids.random))
        fault = call.exchange.fault = self._fault(call, reply)
        if isinstance(payload, payloads.Proxied):
            if payload.is_stream or (fault is None and not latency and reply.hold is None):
                return self._pass(call, payload, latency, fault)
            payload = payload.whole()
        if isinstance(payload, payloads.Stored):
            if fault is None and not latency:
                return self._send_stored(call, payload)
            payload = payload.whole()
        if isinstance(payload, payloads.Events):
            return self._send_events(call, payload, reply, latency, fault)
        if isinstance(payload, payloads.Raw) and is_stream(payload) and not _is_instant(reply, latency, fault):
            return self._send_events(call, events(payload), reply, latency, fault)
        return self._send_whole(call, payload, reply, latency, fault)

    def _send_whole(
        self, call: Call, payload: payloads.JSON | payloads.Raw, reply: Reply, latency: float, fault: Fault | None
    ) -> Iterable[bytes]:
        """Send an answer of one piece."""
        if fault is not None and fault.kind == "error_event":
            # Only a stream can fail in the middle.
            error = api_error(500) if fault.error is None else api_error(**fault.error, model=call.ask.model)
            payload, fault = raw_error(error), None
        token_count = 0.0
        if isinstance(payload, payloads.Raw):
            is_error = call.exchange.error is not None or payload.status >= 400
            status, body = payload.status if is_error else reply.status or payload.status, payload.body
            specific = {"content-type": payload.content_type, **dict(payload.headers)}
            common = [header for header in self._headers(call, status) if header[0] not in specific]
            headers = [*specific.items(), *common]
        else:
            status, body = reply.status or 200, payload.encoded()
            headers = [("content-type", JSON_TYPE), *self._headers(call, status)]
            token_count = payload.tokens
        if fault is not None:
            body = faults.spoil(body, fault)
        is_instant = _is_instant(reply, latency, fault)
        if is_instant and self.prepares and type(payload) is payloads.JSON and payload.again is not None:
            prepare(call, payload.again, headers)
        headers.append(("content-length", str(len(body))))
        if is_instant:
            self._start(call, status, headers, 0.0)
            self._end(call)
            return [body]
        ids = call.context.ids
        due = pace.whole(token_count, latency, reply.pace, lambda: ids.random)
        timed: faults.TimedChunks = iter([(due, body)])
        if fault is not None:
            timed = faults.whole(timed, fault)
        hold = None if reply.hold is None else reply.hold._replace(after=0)
        return self._timed(call, status, headers, due, pace.record_times(timed, call.exchange.begin_chunks()), hold)

    def send_prepared(self, call: Call) -> Iterable[bytes]:
        """Send the call's prepared answer."""
        assert call.prepared is not None
        _, reply, headers, write = call.prepared
        call.reply = call.exchange.reply = reply
        body: bytes = write(call.ask, reply, call.context).payload
        self._start(call, 200, [*headers, ("content-length", str(len(body)))], 0.0)
        self._end(call)
        return [body]

    def _send_events(
        self, call: Call, payload: payloads.Events, reply: Reply, latency: float, fault: Fault | None
    ) -> Iterable[bytes]:
        status = payload.status or reply.status or 200
        first = payload.headers or (("content-type", stream_type(call.path)),)
        names = {name for name, _ in first}
        common = self._headers(call, status, streamed=True)
        headers = [*first, *(header for header in common if header[0] not in names)]
        if _is_instant(reply, latency, fault):
            frames, rest = _first_frames(payload.frames)
            if rest is not None:
                # What does not fit into the socket's buffer is produced when the client has read the rest.
                unpaced = ((0.0, data) for data in chain(frames, (data for data, _ in rest)))
                return self._timed(call, status, headers, 0.0, pace.record_times(unpaced, call.exchange.begin_chunks()))
            self._start(call, status, headers, 0.0)
            self._end(call, len(frames))
            # In two pieces, because a host may compute a content length from a single one, and streams have none.
            return [b"".join(frames[:1]), b"".join(frames[1:])]
        ids, chunks = call.context.ids, call.exchange.begin_chunks()
        timed = pace.stream(payload.frames, latency, reply.pace, lambda: ids.random, chunks if fault is None else [])
        if fault is not None:
            error = payload.error if fault.error is None else faults.own_error(payload.error, fault.error)
            timed = pace.record_times(faults.stream(_noting_answer(timed, call.exchange), fault, error), chunks)
        return self._timed(call, status, headers, latency, timed, reply.hold)

    def _send_stored(self, call: Call, payload: payloads.Stored) -> Iterable[bytes]:
        """Send a file piece by piece."""
        common = self._headers(call, 200)
        own = [("content-type", payload.content_type), *payload.headers, ("content-length", str(payload.length))]
        return self._timed(call, 200, [*own, *common], 0.0, ((0.0, piece) for piece in payload.pieces()))

    def _pass(self, call: Call, payload: payloads.Proxied, latency: float, fault: Fault | None) -> Iterable[bytes]:
        """Send an answer of the upstream piece by piece, as it arrives."""
        exchange = call.exchange
        own = [*cors.cors(call.request, self.config.cors), *call.headers]
        if exchange.lint:
            own.append(("x-openaimock-lint", lint.header(exchange.lint)))
        headers = [*payload.headers, *own]
        if payload.length is not None and fault is None:
            headers.append(("content-length", str(payload.length)))
        passed_id = next((value for name, value in headers if name == "x-request-id"), None)
        if passed_id is None:
            headers.append(("x-request-id", exchange.id))
        else:
            exchange.id = passed_id
        exchange.status = payload.status
        call.start_response(payloads.status_line(payload.status), headers)
        timed: faults.TimedChunks = ((0.0, piece) for piece in payload.pieces)
        held = None
        if payload.is_stream:
            hold = None if call.reply is None else call.reply.hold
            if fault is not None or hold is not None:
                timed = ((0.0, event) for event in sse.events(payload.pieces))
            if fault is not None:
                error = payloads.Events(()).error
                error = error if fault.error is None else faults.own_error(error, fault.error)
                timed = faults.stream(timed, fault, error)
            timed = _timestamped(timed, call)
            held = None if hold is None else HeldRequest(self.holds, hold, exchange)
        return _passed(self._observed(timed, call, held, payload), payload, latency, call.cancellation)

    def _fault(self, call: Call, reply: Reply) -> Fault | None:
        """The fault: from the request's headers, from the reply, or by chance."""
        fault = call.fault or reply.fault
        chaos = self.chaos
        if fault is None and chaos and call.exchange.error is None:
            fault = faults.draw(*chaos, call.context.ids.source)
        return fault

    def refuse(self, call: Call, error: APIError) -> Iterable[bytes]:
        """Send an error in the API's envelope."""
        # The journal keeps the error: its traceback and context would keep the frames of the call alive.
        error.__context__ = error.__cause__ = None
        call.exchange.error = error.with_traceback(None)
        payload = raw_error(error)
        if from_gateway(call.path, error.status, error.code):
            payload = payload._replace(content_type=GATEWAY_JSON_TYPE)
        call.payload = payload
        return self.send(call)

    def origins(self, operation: Operation) -> str | Sequence[str] | None:
        """The origins whose pages may read an answer: without a key, any page could read stored prompts, so none may."""
        return None if self._open_to_all and operation.reads_state else self.config.cors

    def _headers(self, call: Call, status: int, streamed: bool = False) -> list[tuple[str, str]]:
        """The headers of a response, without those of its payload."""
        exchange, ask = call.exchange, call.exchange.ask
        code = exchange.error.code if exchange.error else None
        model = call.context.model(ask.model).snapshot if ask else ""
        headers = list(api_headers(exchange.method, call.path, status, streamed, code, model))
        if call.headers:
            # The mock's own limits replace the constant values of the API.
            headers = [header for header in headers if not header[0].startswith("x-ratelimit-")]
        origins = self.origins(call.route.operation) if call.path else self.config.cors
        headers += cors.cors(call.request, origins)
        headers += call.headers
        if call.exchange.lint:
            headers.append(("x-openaimock-lint", lint.header(call.exchange.lint)))
        return headers

    def _start(self, call: Call, status: int, headers: list[tuple[str, str]], latency: float) -> None:
        call.exchange.status = status
        if call.reply is not None and call.reply.headers:
            headers = self._with_own(call, call.reply.headers, headers)
        milliseconds = str(round(latency * 1000)) if latency else "0"
        headers.append(("x-request-id", call.exchange.id))
        error = call.exchange.error
        if error is None or not from_gateway(call.path, status, error.code):
            headers.append(("openai-processing-ms", milliseconds))
        if self.clock.frozen:
            headers.append(("date", http_date(call.context.now)))
        call.start_response(payloads.status_line(status), headers)

    def _with_own(self, call: Call, own: Mapping[str, str], headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of a response with those of the reply, which replace the mock's own."""
        values: dict[str, str] = {}
        for name, value in own.items():
            values[name.lower()] = encoded = header_value(value)
            if encoded != value:
                self.log.warning("The header %s of rule %s is sent as %r", name, call.exchange.rule, encoded)
        return [header for header in headers if header[0] not in values] + list(values.items())

    def _timed(
        self,
        call: Call,
        status: int,
        headers: list[tuple[str, str]],
        latency: float,
        timed: Iterator[tuple[float, bytes]],
        hold: Hold | None = None,
    ) -> Iterable[bytes]:
        """A response with delays. A host with ``openaimock.timed`` waits for them; otherwise the body sleeps."""
        self._start(call, status, headers, latency)
        environ = call.request.environ
        fault = call.exchange.fault
        observed = self._observed(timed, call, None if hold is None else HeldRequest(self.holds, hold, call.exchange))
        body: Iterable[bytes]
        if environ.get("openaimock.timed") is TimedBody and fault is not None and fault.kind == "slow_headers":
            body = TimedBody(observed, faults.HEAD_GAP)
        else:
            body = timer(environ)(observed)
        return body

    def _observed(
        self,
        timed: Iterator[tuple[float, bytes]],
        call: Call,
        held: HeldRequest | None = None,
        proxied: payloads.Proxied | None = None,
    ) -> Iterator[tuple[float, bytes]]:
        """The same timed bytes, which may wait at a hold; the exchange records how they end."""
        exchange = call.exchange
        if held is not None:
            timed = held.delay(timed)
        if proxied is not None:
            timed = _completed(timed, call, proxied)
        if call.recorded:
            self.metrics.begin(exchange)
        try:
            yield from timed
            exchange.ended = "complete"
        except StoreUnavailable as error:
            self.log.warning("%s", error)
            exchange.ended = "fault"
            raise Hangup from None
        except Hangup:
            if not _is_cancelled(call):
                exchange.ended = "fault"
            raise
        finally:
            if exchange.ended == "running":
                exchange.ended = "client_disconnected"
            self._end(call)
            if held is not None:
                self.holds.leave(held)

    def _end(self, call: Call, events: int = 0) -> None:
        """Set the end and duration of an exchange, count it and log it."""
        exchange = call.exchange
        if exchange.ended == "running":
            exchange.ended = "complete"
        exchange.duration = monotonic() - call.started
        if call.place is not None:
            call.place.leave()
        if call.recorded:
            self.metrics.count(exchange, events)
            if self.ended is not None:
                self.ended(exchange, events or len(exchange.chunks))
            if self.log.isEnabledFor(logging.INFO):
                # Imported on first use: by default exchanges are not logged.
                from .log_line import facts, log_line

                line = log_line(exchange, getattr(self.log, "secrets", ()))
                self.log.info("%s", line, extra={"facts": facts(exchange)})


def _timestamped(timed: Iterator[tuple[float, bytes]], call: Call) -> Iterator[tuple[float, bytes]]:
    """The same pieces; the exchange gets the times at which they arrive."""
    chunks = call.exchange.begin_chunks()
    for piece in timed:
        chunks.append(monotonic() - call.started)
        yield piece


def _noting_answer(timed: faults.TimedChunks, exchange: Exchange) -> faults.TimedChunks:
    """The same pieces; the exchange is answered when what comes after the answer is due, which a fault may still keep back."""
    for piece in timed:
        if piece[1].startswith(b"data: [DONE]") or b'"choices":[]' in piece[1]:
            exchange.answered = True
        yield piece


def _completed(timed: Iterator[tuple[float, bytes]], call: Call, proxied: payloads.Proxied) -> Iterator[tuple[float, bytes]]:
    """The same pieces; the exchange is complete with the last one: a client may leave before the end of the body comes."""
    last_piece = payloads.LastPiece(proxied.headers, proxied.length)
    for item in timed:
        if type(item[1]) is not Gate and last_piece.is_last(item[1]) and not _is_cancelled(call):
            call.exchange.ended = "complete"
        yield item


def _is_cancelled(call: Call) -> bool:
    """Whether the client of a call that waits in the pool has left."""
    return call.cancellation is not None and call.cancellation.event.is_set()


def _passed(
    timed: Iterator[tuple[float, bytes]], payload: payloads.Proxied, latency: float, cancellation: Cancellation | None
) -> Iterator[bytes]:
    """The bytes of timed pieces. It waits in a thread of the pool, and not after the client has left."""
    cancelled = threading.Event() if cancellation is None else cancellation.event
    try:
        cancelled.wait(latency)
        for delay, data in timed:
            if type(data) is Gate:
                block(data, cancelled.is_set)
                continue
            if delay:
                cancelled.wait(min(delay, threading.TIMEOUT_MAX))
            yield data
    finally:
        # A fault may end the stream before the upstream does.
        close_body(timed)
        close_body(payload.pieces)


def _is_instant(reply: Reply, latency: float, fault: Fault | None) -> bool:
    """Whether a reply is sent at once and whole."""
    # Most replies have no pace; a call for each of them would cost more than the test.
    return not latency and fault is None and reply.hold is None and (reply.pace is None or pace.instant(reply.pace))


def _first_frames(frames: Iterable[Frame]) -> tuple[list[bytes], Iterator[Frame] | None]:
    """The frames of a stream up to a size, and an iterator of the others; None when there are no others."""
    iterator = iter(frames)
    first: list[bytes] = []
    size = 0
    for data, _ in iterator:
        first.append(data)
        size += len(data)
        if size > LARGE:
            return first, iterator
    return first, None


def raw_error(error: APIError) -> payloads.Raw:
    """An error as a response."""
    return payloads.Raw(payloads.encode(error.body()), "application/json", error.status, tuple(error.headers.items()))

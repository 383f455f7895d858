"""The answer to a request: the application's response, or an error of the server's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import APIError, Hangup
from ..http.extensions import Deferred, Gate, Silence, TimedBody
from ..http.json import dump
from .bodies import BATCH, DeferredAnswer, HeadByte, StreamedAnswer
from .http import HttpConnection
from .parser import PlainRequest
from .pool import Pool
from .wsgi import Response, request_environ

if TYPE_CHECKING:
    from .parsed import ParsedRequest

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

#: Numbers of the refusals that no application has seen, for their ``x-request-id``.
_refusals = itertools.count(1)
#: A body of at least this many bytes is sent beside its head instead of being copied behind it.
_SEPARATE = 65536


class Task:
    """A request being answered. ``pool`` runs deferred functions, ``reserve`` those that are marked as urgent."""

    __slots__ = ("_pool", "_reserve", "connection", "request", "response", "transport")

    def __init__(self, connection: HttpConnection, request: PlainRequest | ParsedRequest, pool: Pool, reserve: Pool) -> None:
        self.connection = connection
        self.transport = connection.transport
        self.request = request
        self.response = Response(request)
        self._pool = pool
        self._reserve = reserve

    def run(self, app: Application) -> None:
        """Answer with the application's response, or with the error of a request that could not be read."""
        request = self.request
        if request.error:
            return self.refuse()
        try:
            self.answer(app(request_environ(request, *self.connection.peer), self.response.start_response))
        except Exception as error:
            self.fail(error)

    def attempt(self, step: Callable[..., None], *arguments: Any) -> bool:
        """Take a step that may run the application's code; False when it failed and the answer is over."""
        try:
            step(*arguments)
            return True
        except Exception as error:
            self.fail(error)
        return False

    def fail(self, error: Exception) -> None:
        """End the answer after an exception: by hanging up, or with a 500 while the head is unsent."""
        if isinstance(error, Hangup):
            return self.connection.finish(error.reset)
        self.transport.loop.log.error("Answering %s %s failed", *self.request.head[:2], exc_info=error)
        if self.response.begun:
            self.connection.finish()
        else:
            message = "The server had an error while processing your request."
            self._send_error("500 Internal Server Error", APIError(500, message, type="server_error"), keep=self.response.keep)

    def answer(self, body: Iterable[bytes]) -> None:
        """Send an app_iter in the way that its kind needs."""
        if isinstance(body, (list, tuple)):
            data = body[0] if len(body) == 1 else b"".join(body)
            self.send(data, last=True, length=len(data))
        elif isinstance(body, TimedBody):
            if body.head_gap:
                StreamedAnswer(self, body, self._slow_head(body), 1).start()
            else:
                StreamedAnswer(self, body, iter(body.items), BATCH).start()
        elif isinstance(body, Deferred):
            DeferredAnswer(self, body).start(self._reserve if body.urgent else self._pool)
        else:
            # PEP 3333: each piece is sent before the next is requested, and the head not before there is one.
            StreamedAnswer(self, body, ((0.0, piece) for piece in body if piece), 1).start()

    def _slow_head(self, body: TimedBody) -> Iterator[tuple[float, bytes]]:
        """The head byte by byte when the first piece of the body is due, then the body."""
        items = iter(body.items)
        first = next(items, None)
        while first is not None and type(first[1]) is Gate:
            yield first
            first = next(items, None)
        if first is not None:
            yield first[0], Silence()
        for byte in self._head(None):
            yield body.head_gap, HeadByte([byte])
        if first is not None:
            yield 0.0, first[1]
        yield from items

    def send(self, data: bytes, *, last: bool = False, length: int | None = None) -> None:
        """Send a piece of the body, and before the first one the head. ``length`` is that of the whole body, if it is known."""
        response, transport = self.response, self.transport
        if not last and response.begun:
            return transport.send(data if type(data) is HeadByte else response.frame(data))
        head = b"" if response.begun else self._head(length if data or not last else 0)
        out = response.frame(data, last)
        if len(out) < _SEPARATE:
            transport.send(head + out)
        else:
            transport.send(head)
            transport.send(out)
        if last:
            self.connection.done(response.keep)

    def _head(self, length: int | None) -> bytes:
        if self.transport.loop.stopping:
            self.response.keep = False
        return self.response.head(length)

    def refuse(self) -> None:
        """Answer a request that could not be read with its error, and end the connection."""
        error, limits = self.request.error, self.request.limits
        assert error is not None
        message = {
            413: f"The request body is larger than {limits.max_request_body_size - 1} bytes.",
            431: f"The request headers are larger than {limits.max_request_header_size} bytes.",
        }.get(error.code, f"{error.reason}: {error.body}")
        self._send_error(f"{error.code} {error.reason}", APIError(error.code, message), keep=False)

    def _send_error(self, status: str, error: APIError, *, keep: bool) -> None:
        request_id = self.request.head.environ.get("HTTP_X_REQUEST_ID", "")
        if not request_id.isascii() or not 0 < len(request_id) <= 512:
            request_id = f"req_{next(_refusals):032x}"
        self.response = Response(self.request)
        self.response.keep = keep
        self.response.start_response(status, [("content-type", "application/json"), ("x-request-id", request_id)])
        body = dump(error.body()).encode()
        self.send(body, last=True, length=len(body))

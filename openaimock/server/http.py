"""HTTP/1.1 on a transport: requests are read, answered one after the other, and dropped when the client leaves.

waitress's own channel is written for threads beside the loop: it takes a lock at every step, waits on a condition while a reader
is slow and drops the connection at the client's first FIN. In the loop's own thread that is waste, a deadlock, and a lost answer,
so only its parser is used here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..types.clock import monotonic
from .parser import PlainRequest, RequestReader
from .transport import HIGH, Transport

if TYPE_CHECKING:
    from .parsed import ParsedRequest

#: Requests read ahead of the one being answered.
AHEAD = 8
#: The first bytes of a TLS connection: a handshake record of version 3.
_TLS_HELLO = b"\x16\x03"


class Answer(Protocol):
    """An answer that takes time."""

    @property
    def due(self) -> float:
        """When it has something to send, by ``clock.monotonic``."""

    def cancel(self) -> None:
        """Stop and close what is open: the client has left, or the server stops."""

    def ends_by(self, deadline: float) -> bool:
        """Whether it may end by this moment of ``clock.monotonic``."""


class HttpConnection:
    """The requests of one connection. ``serve(connection, request)`` starts an answer, which ends with ``done`` or ``finish``."""

    __slots__ = ("_continued", "_deaf", "_partial", "_reader", "_requests", "_serve", "peer", "running", "transport")

    def __init__(
        self,
        transport: Transport,
        reader: RequestReader,
        peer: tuple[str, str],
        serve: Callable[[HttpConnection, PlainRequest | ParsedRequest], None],
    ) -> None:
        self.transport = transport
        #: Address and port of the client.
        self.peer = peer
        #: The answer being sent, when it is not sent at once.
        self.running: Answer | None = None
        self._reader = reader
        self._serve = serve
        self._requests: deque[PlainRequest | ParsedRequest] = deque()
        self._partial: PlainRequest | ParsedRequest | None = None
        self._continued = False
        self._deaf = False
        transport.protocol = self
        transport.update()

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""
        return bool(self._requests)

    @property
    def partial(self) -> bool:
        """Whether a request has been received in part."""
        return self._partial is not None

    @property
    def reads(self) -> bool:
        """Whether more requests may be read ahead."""
        return len(self._requests) < AHEAD

    @property
    def due(self) -> float | None:
        """When the running answer sends something; None when there is none."""
        return None if self.running is None else self.running.due

    def done(self, keep: bool) -> None:
        """The answer is complete: go on with the next request, or end the connection when it is not to be kept."""
        transport, requests = self.transport, self._requests
        if transport.closed:
            return
        self.running = None
        requests.popleft().close()
        if not keep or transport.loop.stopping or (transport.ended and not requests):
            return self.finish()
        transport.active = monotonic()
        if requests:
            transport.loop.ready.append(self.begin)
            if len(requests) == AHEAD - 1:
                transport.update()
        elif self._partial is not None:
            self._continue(self._partial)

    def finish(self, reset: bool = False) -> None:
        """End the connection once everything is sent: in an orderly way, or by a reset."""
        self.running = None
        self._deaf = True
        self._drop_requests()
        self.transport.finish(reset)

    def cancel(self) -> None:
        """Stop the running answer, and end the connection."""
        running = self.running
        if running is not None:
            self.running = None
            self._requests.popleft()  # the answer closes its own request
            running.cancel()
        self.finish()

    def lost(self) -> None:
        """The connection is closed: stop the running answer."""
        running, self.running = self.running, None
        if running is not None:
            self._requests.popleft()
            running.cancel()
        self._drop_requests()

    def retire(self, deadline: float) -> None:
        """The server stops: end what cannot end by the deadline."""
        if self.running is not None:
            if not self.running.ends_by(deadline):
                self.cancel()
        elif not self._requests and not self.transport.unsent:
            self.transport.close()

    def begin(self) -> None:
        """Start to answer the next request."""
        transport = self.transport
        if not self._requests or transport.closed:
            return
        if transport.unsent > HIGH:
            transport.paused = self.begin
        else:
            self._serve(self, self._requests[0])

    def received(self, data: bytes) -> None:
        """Read requests, and answer the first one when none is being answered."""
        transport, requests = self.transport, self._requests
        if data[0] == 22 and self._partial is None and data.startswith(_TLS_HELLO):
            return self._refuse_tls()
        idle = not requests
        while data and not self._deaf:
            request = self._partial
            if request is None:
                request, data = self._reader.read(data)
            else:
                data = request.feed(data)
            if not request.completed:
                self._partial = request
                continue
            self._partial = None
            self._continued = False
            if not request.empty:
                request.arrived = transport.active
                self._deaf = request.error is not None or request.ambiguous  # what follows has no meaning
                requests.append(request)
                if len(requests) == AHEAD:
                    transport.update()
        if self._partial is not None:
            self._continue(self._partial)
        if idle and requests:
            self.begin()

    def _refuse_tls(self) -> None:
        environ = self._reader.shared
        host = environ["SERVER_NAME"]
        url = f"http://[{host}]" if ":" in host else f"http://{host}"
        self.transport.loop.log.warning(
            "A client began TLS (https) on this port, which is plain HTTP: use %s:%s", url, environ["SERVER_PORT"]
        )
        self.transport.close()

    def _continue(self, request: PlainRequest | ParsedRequest) -> None:
        """Ask for the body of a request that waits for it, once the requests before it are answered."""
        if request.expect_continue and request.headers_finished and not self._continued and not self._requests:
            self._continued = True
            self.transport.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def peer_ended(self) -> None:
        """The client sends no more: a request that is not complete never will be. One with a whole head is refused."""
        request = self._partial
        if request is None or not request.headers_finished or self._deaf:
            return self._drop_partial()
        self._partial = None
        from waitress.utilities import BadRequest  # a start does without waitress

        request.error = BadRequest("the body ends before the request does")
        request.completed = self._deaf = True
        self._requests.append(request)
        if len(self._requests) == 1:
            self.begin()

    def _drop_partial(self) -> None:
        if self._partial is not None:
            self._partial.close()
            self._partial = None

    def _drop_requests(self) -> None:
        for request in self._requests:
            request.close()
        self._requests.clear()
        self._drop_partial()

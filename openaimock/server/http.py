"""One client's connection: reads requests, has them answered one after the other, and knows when the client has left.

waitress's own channel is written for threads beside the loop: it takes a lock at every step, waits on a condition while a reader
is slow and drops the connection at the client's first FIN. In the loop's own thread that is waste, a deadlock, and a lost answer,
so only its parser is used here.
"""

from __future__ import annotations

import math
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

from .loop import READ, WRITE, Loop
from .parser import ParsedRequest, ParserLimits

#: Bytes asked of the socket at once.
RECEIVE = 65536
#: A reply waits when more bytes than this are unsent, and goes on when fewer than that are.
HIGH, LOW = 65536, 16384
#: Requests read ahead of the one being answered.
AHEAD = 8
#: Seconds of silence that a client has for closing its side after we closed ours. Closing at once on one that still sends would
#: reset the connection, and a reset may destroy what it has not read yet.
LINGER = 1.0
#: A client that closed its sending side is still there if the next chunk, due within this many seconds, does not come back.
PATIENCE = 1.0
#: Seconds after which a chunk sent to nobody has come back as a reset.
ECHO = 0.02
#: SO_LINGER on, for no time: closing sends a reset.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Running(Protocol):
    """An answer that takes its time."""

    #: When it has something to send, by ``time.monotonic``.
    due: float

    def left(self) -> None:
        """The client has gone, or the server ends: stop, and close what is open."""


class Channel:
    """A connection. ``serve(channel, request)`` starts an answer, which ends with ``done`` or ``finish``."""

    __slots__ = (
        "_continued",
        "_deaf",
        "_limits",
        "_on_close",
        "_parted",
        "_partial",
        "_requests",
        "_reset",
        "_serve",
        "_socket",
        "_watched",
        "active",
        "closed",
        "ended",
        "environ",
        "finishing",
        "held",
        "loop",
        "running",
        "unsent",
    )

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        limits: ParserLimits,
        environ: dict[str, Any],
        serve: Callable[[Channel, ParsedRequest], None],
        closed: Callable[[Channel], None],
    ) -> None:
        self.loop = loop
        #: What every request of this connection has in its environ.
        self.environ = environ
        #: The answer being sent, when it is not sent at once.
        self.running: Running | None = None
        #: What goes on when the client has read enough.
        self.held: Callable[[], None] | None = None
        #: Sent by the application, not yet taken by the socket.
        self.unsent = bytearray()
        #: When a byte last went either way.
        self.active = monotonic()
        #: The client will send no more.
        self.ended = False
        #: Nothing more will be answered.
        self.finishing = False
        self.closed = False
        self._socket = sock
        self._limits = limits
        self._serve = serve
        self._on_close = closed
        self._requests: deque[ParsedRequest] = deque()
        self._partial: ParsedRequest | None = None
        self._continued = False
        self._deaf = False
        self._reset = False
        self._parted = False
        self._watched = 0
        self.update()

    @property
    def busy(self) -> bool:
        """Whether something is being answered or sent."""
        return bool(self._requests or self.unsent)

    def send(self, data: bytes) -> None:
        """Send what the socket takes now, and the rest as it takes more."""
        if self.unsent:
            self.unsent += data
            return
        if self.closed:
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self.close()
        if sent < len(data):
            self.unsent += memoryview(data)[sent:]
            self.update()

    def done(self, keep: bool) -> None:
        """The answer is complete; go on with the next request, or end the connection when it is not to be kept."""
        if self.closed:
            return
        self.running = None
        self._requests.popleft().close()
        if not keep or self.loop.stopping or (self.ended and not self._requests):
            return self.finish()
        self.active = monotonic()
        if self._requests:
            self.loop.ready.append(self.begin)
        elif self._partial is not None:
            self._continue(self._partial)
        if self._watched != READ:
            self.update()

    def finish(self, reset: bool = False) -> None:
        """End the connection when everything is sent: in an orderly way, or by a reset."""
        self.running = None
        self.finishing = self._deaf = True
        self._reset = reset
        self._drop_requests()
        if not self.unsent:
            self._part()

    def close(self) -> None:
        """Close the socket now. The running answer learns that its client has left."""
        if self.closed:
            return
        self.closed = True
        self.loop.watch(self._socket, self._watched, 0, self._on_ready)
        self._socket.close()
        self._on_close(self)
        running, self.running = self.running, None
        if running is not None:
            self._requests.popleft()  # it closes its own
            running.left()
        self._drop_requests()
        self.unsent.clear()

    def retire(self) -> None:
        """The server is about to end: close, unless something is being sent or will be."""
        if self.running is not None and self.running.due == math.inf:
            self.running.left()
            self.finish()
        elif not self.busy:
            self.close()

    def begin(self) -> None:
        """Start to answer the next request."""
        if not self._requests or self.closed:
            return
        if len(self.unsent) > HIGH:
            self.held = self.begin
        else:
            self._serve(self, self._requests[0])

    def look(self) -> None:
        """The client has closed its side: close if nothing is due soon, else see if what is sent comes back as a reset."""
        if self.running is not None and not self.unsent:
            now = monotonic()
            if self.running.due > now + PATIENCE:
                self.close()
            else:
                self.loop.at(now + ECHO, self._probe)

    def _probe(self) -> None:
        try:
            if not self.closed:
                self._socket.recv(RECEIVE)
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def update(self) -> None:
        """Watch the socket for what is wanted now."""
        reading = not self.ended and (self.finishing or len(self._requests) < AHEAD)
        wanted = (READ if reading else 0) | (WRITE if self.unsent else 0)
        if wanted != self._watched and not self.closed:
            self.loop.watch(self._socket, self._watched, wanted, self._on_ready)
            self._watched = wanted

    def _on_ready(self, events: int) -> None:
        try:
            if events & WRITE and not self.closed:
                self._flush()
            if events & READ and not self.closed:
                self._read()
        except Exception:
            self.close()
            raise

    def _read(self) -> None:
        try:
            data = self._socket.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            return self.close()
        self.active = monotonic()
        if not data:
            self._end()
        elif not self._deaf:
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        while data and not self._deaf:
            request = self._partial or ParsedRequest(self._limits)
            data = data[request.received(data) :]
            if not request.completed:
                self._partial = request
                continue
            self._partial = None
            self._continued = False
            if not request.empty:
                request.arrived = self.active
                self._deaf = request.error is not None  # what follows means nothing
                self._requests.append(request)
                if len(self._requests) == 1:
                    self.loop.ready.append(self.begin)
                elif len(self._requests) >= AHEAD:
                    self.update()
        if self._partial is not None:
            self._continue(self._partial)

    def _continue(self, request: ParsedRequest) -> None:
        """Ask for the body of a request that waits for it, once what came before is answered."""
        if request.expect_continue and request.headers_finished and not self._continued and not self._requests:
            self._continued = True
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _end(self) -> None:
        """The client has closed its side; it may still read."""
        self.ended = True
        if self._partial is not None:
            self._partial.close()
            self._partial = None
        if self.busy:
            self.update()
            self.look()
        else:
            self.close()

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self.unsent)
        except BlockingIOError:
            return
        except OSError:
            return self.close()
        del self.unsent[:sent]
        self.active = monotonic()
        if len(self.unsent) <= LOW and self.held is not None:
            held, self.held = self.held, None
            held()
        if not self.unsent and not self.closed:
            if self.finishing or (self.ended and not self._requests):
                self._part()
            else:
                self.update()
                if self.ended:
                    self.look()

    def _part(self) -> None:
        """End our side of the connection, everything being sent."""
        if self._parted:
            return
        self._parted = True
        try:
            if self._reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif not self.ended:
                self._socket.shutdown(socket.SHUT_WR)
                self.active = monotonic()
                self.update()
                return self._linger()
        except OSError:
            pass  # the client was quicker
        self.close()

    def _linger(self) -> None:
        """Read what still comes until the client has closed its side, or sends nothing for a while."""
        end = self.active + LINGER
        if end > monotonic():
            self.loop.at(end, self._linger)
        else:
            self.close()

    def _drop_requests(self) -> None:
        for request in self._requests:
            request.close()
        self._requests.clear()
        if self._partial is not None:
            self._partial.close()
            self._partial = None

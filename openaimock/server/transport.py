"""A client's socket: reading, buffered sending, and an orderly end. A protocol such as HTTP/1.1 says what the bytes mean."""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..types.clock import monotonic
from .loop import Loop
from .poller import READ, WRITE

#: Bytes read from the socket at once.
RECEIVE = 65536
#: Bytes sent in one turn of the loop, so that one client does not hold up the others.
SEND = 1024 * 1024
#: A reply pauses when more bytes than HIGH are unsent, and resumes when no more than LOW are.
HIGH, LOW = 65536, 16384
#: Small pieces are joined up to this many bytes before they wait in the buffer.
JOIN = 65536
#: Seconds of silence before a connection that we closed for sending is closed for reading too. Closing at once while the client
#: still sends would reset the connection, and a reset may destroy what the client has not read yet.
LINGER = 1.0
#: A client that closed its sending side counts as gone if nothing is due for it within this many seconds.
PATIENCE = 1.0
#: Seconds after which a chunk sent to a client that is gone has come back as a reset.
ECHO = 0.02
#: SO_LINGER on, with no time: closing sends a reset.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class ConnectionProtocol(Protocol):
    """What reads the bytes of a connection and answers them."""

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""

    @property
    def partial(self) -> bool:
        """Whether a message has been received in part."""

    @property
    def reads(self) -> bool:
        """Whether more bytes are welcome now."""

    @property
    def due(self) -> float | None:
        """When the running answer sends something, by ``clock.monotonic``; None when there is none."""

    def received(self, data: bytes) -> None:
        """Take bytes from the client."""

    def peer_ended(self) -> None:
        """Note that the client sends no more; it may still read."""

    def lost(self) -> None:
        """Note that the connection is closed: stop what is running."""

    def retire(self, deadline: float) -> None:
        """Note that the server stops: end at once what cannot end by the deadline."""


class Transport:
    """A connected socket in the loop. Only the loop's thread may use it.

    ``protocol`` is set right after construction, and may be replaced to hand the connection over to another protocol;
    ``update`` is called after that.
    """

    __slots__ = (
        "_on_close",
        "_pending",
        "_reset",
        "_shut",
        "_socket",
        "_watched",
        "active",
        "closed",
        "ended",
        "finishing",
        "loop",
        "paused",
        "protocol",
        "unsent",
    )

    protocol: ConnectionProtocol

    def __init__(self, loop: Loop, sock: socket.socket, on_close: Callable[[Transport], None]) -> None:
        self.loop = loop
        #: Called once when the client has read enough for a paused answer to resume.
        self.paused: Callable[[], None] | None = None
        #: Bytes that the socket has not taken yet.
        self.unsent = 0
        #: When a byte last went either way.
        self.active = monotonic()
        #: The client sends no more.
        self.ended = False
        #: Nothing more is answered; what still arrives is discarded.
        self.finishing = False
        self.closed = False
        self._pending: deque[bytes | bytearray | memoryview] = deque()
        self._socket = sock
        self._on_close = on_close
        self._reset = False
        self._shut = False
        self._watched = 0

    def send(self, data: bytes) -> None:
        """Send what the socket takes now, and the rest as it takes more. Large data is referenced, not copied."""
        if self.closed or not data:
            return
        if self.unsent:
            return self._buffer(data)
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self.close()
        if sent < len(data):
            self._buffer(memoryview(data)[sent:] if sent else data)
            self.update()

    def _buffer(self, data: bytes | memoryview) -> None:
        size = len(data)
        last = self._pending[-1] if self._pending else None
        if type(last) is bytearray and len(last) + size <= JOIN:
            last += data
        else:
            self._pending.append(bytearray(data) if size < JOIN else data)
        self.unsent += size
        self.loop.unsent += size

    def finish(self, reset: bool = False) -> None:
        """End the connection once everything is sent: in an orderly way, or by a reset."""
        self.finishing = True
        self._reset = reset
        if not self.unsent:
            self._end()

    def close(self) -> None:
        """Close the socket now, and let the protocol know."""
        if self.closed:
            return
        self.closed = True
        self.loop.watch(self._socket.fileno(), self._watched, 0, self._on_ready)
        self._socket.close()
        self._on_close(self)
        self._pending.clear()
        self.loop.unsent -= self.unsent
        self.unsent = 0
        self.protocol.lost()

    def abandon(self) -> None:
        """Close the file descriptor and nothing else: in a forked child the connection belongs to the parent."""
        self.closed = True
        self._socket.close()

    def update(self) -> None:
        """Watch the socket for what is useful now."""
        reading = not self.ended and (self.finishing or self.protocol.reads)
        events = (READ if reading else 0) | (WRITE if self.unsent else 0)
        if events != self._watched and not self.closed:
            self.loop.watch(self._socket.fileno(), self._watched, events, self._on_ready)
            self._watched = events

    def probe(self) -> None:
        """The client sends no more: close if nothing is due soon, else check whether what is sent comes back as a reset."""
        due = self.protocol.due
        if due is not None and not self.unsent:
            now = monotonic()
            if due > now + PATIENCE:
                self.close()
            else:
                self.loop.at(now + ECHO, self._read_reset)

    def _read_reset(self) -> None:
        try:
            if not self.closed:
                self._socket.recv(RECEIVE)
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def _on_ready(self, events: int) -> None:
        try:
            # An error is found by the operation that is watched.
            if events != READ and self._watched & WRITE:
                self._flush()
            if events != WRITE and self._watched & READ:
                self._read()
        except Exception:
            self.close()
            raise

    def _read(self) -> None:
        if self.closed:
            return
        try:
            data = self._socket.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            return self.close()
        self.active = monotonic()
        if not data:
            self.ended = True
            self.protocol.peer_ended()
            if self.protocol.busy or self.unsent:
                self.update()
                self.probe()
            else:
                self.close()
        elif not self.finishing:
            self.protocol.received(data)

    def _flush(self) -> None:
        pending, total = self._pending, 0
        try:
            while pending and total < SEND:
                piece = pending[0]
                sent = self._socket.send(piece)
                total += sent
                if sent == len(piece):
                    pending.popleft()
                else:
                    pending[0] = memoryview(piece)[sent:]
                    break
        except BlockingIOError:
            pass
        except OSError:
            return self.close()
        if total:
            self.active = monotonic()
            self.unsent -= total
            self.loop.unsent -= total
            self._drained()

    def _drained(self) -> None:
        """Resume the paused answer when little is left to be sent, and end what has only waited for that."""
        if self.unsent <= LOW and self.paused is not None:
            resume, self.paused = self.paused, None
            resume()
        if not self.unsent and not self.closed:
            if self.finishing or (self.ended and not self.protocol.busy):
                self._end()
            else:
                self.update()
                if self.ended:
                    self.probe()

    def _end(self) -> None:
        """End our side of the connection once everything is sent."""
        if self._shut:
            return
        self._shut = True
        try:
            if self._reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            elif not self.ended:
                self._socket.shutdown(socket.SHUT_WR)
                self.active = monotonic()
                self.update()
                return self._linger()
        except OSError:
            pass  # the client closed first
        self.close()

    def _linger(self) -> None:
        """Discard what still arrives until the client closes its side, or sends nothing for a while."""
        end = self.active + LINGER
        if end > monotonic():
            self.loop.at(end, self._linger)
        else:
            self.close()

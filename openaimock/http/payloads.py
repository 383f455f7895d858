"""Payloads: the forms of what an operation sends: JSON, a stream of events, or raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, BinaryIO, NamedTuple

from ..errors import APIError
from .json import dump
from .sse import Frame, LastEvent, data

#: Status lines as WSGI wants them.
STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


_IN_STREAM = "The server had an error while processing your request. Sorry about that!"


class Raw(NamedTuple):
    """A response of given bytes."""

    body: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _error_event(number: int) -> bytes:
    return data(APIError(500, _IN_STREAM, type="server_error").body())[0]


class Stored(NamedTuple):
    """A response of ``length`` bytes from a file, which is closed at the end."""

    file: BinaryIO
    length: int
    content_type: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()

    def pieces(self) -> Iterator[bytes]:
        """The bytes in pieces."""
        with self.file:
            while piece := self.file.read(65536):
                yield piece

    def whole(self) -> Raw:
        """The same response, read to the end."""
        return Raw(b"".join(self.pieces()), self.content_type, headers=self.headers)


class Events(NamedTuple):
    """A stream of server-sent events; ``error(n)`` is what the API sends in place of event ``n`` when it fails there."""

    frames: Iterable[Frame]
    error: Callable[[int], bytes] = _error_event
    #: Of a recorded stream; else the usual ones.
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()


def has_events(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether an answer with these headers is a stream of server-sent events."""
    return any(name.lower() == "content-type" and "event-stream" in value for name, value in headers)


class LastPiece:
    """Recognizes the last piece of an answer by its length (None when unknown), or by its last event when it is a stream."""

    __slots__ = ("_last_event", "_length", "_size")

    def __init__(self, headers: Iterable[tuple[str, str]], length: int | None) -> None:
        self._length = length
        self._size = 0
        self._last_event = LastEvent() if has_events(headers) else None

    def is_last(self, piece: bytes) -> bool:
        """Whether nothing is known to follow this piece, the next one of the answer."""
        self._size += len(piece)
        return self._size == self._length or (self._last_event is not None and self._last_event.ends(piece))


class Proxied(NamedTuple):
    """An answer of another server: its ``pieces`` are sent as they arrive. ``length`` is that of the body, None when unknown."""

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: Iterator[bytes]
    length: int | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of server-sent events."""
        return has_events(self.headers)

    def whole(self) -> Raw:
        """The same answer with its body read to the end."""
        kind = next((value for name, value in self.headers if name == "content-type"), "application/octet-stream")
        headers = tuple(header for header in self.headers if header[0] != "content-type")
        return Raw(b"".join(self.pieces), kind, self.status, headers)


class JSON(NamedTuple):
    """A JSON response of ``tokens`` tokens, from which a pace computes its time.

    ``payload`` is a value, or its JSON as bytes. ``again(ask, reply, context)`` makes the response to another request, whose body
    is equal or differs in one text (``app.variants``); None where that is not faster.
    """

    payload: Any
    tokens: float = 0.0
    again: Callable[[Any, Any, Any], JSON] | None = None

    def encoded(self) -> bytes:
        """The bytes to send."""
        return self.payload if type(self.payload) is bytes else encode(self.payload)


def status_line(status: int) -> str:
    """The status line of a status."""
    return STATUS.get(status) or f"{status} Status"


def encode(payload: Any) -> bytes:
    """JSON as the API sends it."""
    return dump(payload).encode()

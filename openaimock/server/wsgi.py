"""WSGI: the environ of a request, and the head and framing of a response."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from waitress.utilities import build_http_date

from .parser import ParsedRequest, variables

#: Headers about the framing and the connection, which the server sets whatever the application sends.
_HOP = frozenset({"content-length", "connection", "transfer-encoding", "keep-alive"})
#: Headers whose values differ from response to response.
_VARYING = frozenset({"x-request-id", "content-length"})


def server_environ(host: str, port: int, more: dict[str, Any]) -> dict[str, Any]:
    """The part of the environ that all requests to a server share, with the host's extensions."""
    return {
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_SOFTWARE": "openaimock",
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        **more,
    }


def request_environ(connection: dict[str, Any], request: ParsedRequest) -> dict[str, Any]:
    """The environ of one request; ``connection`` is the part that the requests of its connection share."""
    plain = request.plain
    environ = connection.copy()
    environ["wsgi.input"] = request.get_body_stream()
    if plain is not None:
        environ.update(plain.variables)
    else:
        protocol = "HTTP/1.1" if request.version == "1.1" else "HTTP/1.0"
        line = request.command, request.request_uri, request.path, request.query
        environ.update(variables(*line, protocol, request.headers))
    return environ


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"date: {build_http_date(second)}"


class _Block(NamedTuple):
    """Headers as they are sent, with what they say about the length of the body and the connection."""

    text: str
    length: int | None
    dated: bool
    closes: bool


#: Most responses of a mock have the same headers but for a few.
@lru_cache(maxsize=64)
def _block(headers: tuple[tuple[str, str], ...]) -> _Block:
    """The headers of a response without those about framing. ValueError for a line break in one."""
    lines: list[str] = []
    length: int | None = None
    dated = closes = False
    for name, value in headers:
        lower = name.lower()
        if lower not in _HOP:
            lines.append(f"{name}: {value}")
            dated = dated or lower == "date"
        elif lower == "content-length":
            length = int(value)
        elif lower == "connection":
            if "close" in value.lower():
                closes = True
            else:
                lines.append(f"{name}: {value}")
    return _Block(_joined(lines), length, dated, closes)


def _joined(lines: list[str]) -> str:
    """Lines as they are sent. ValueError for a line break in one."""
    text = "".join([f"{line}\r\n" for line in lines])
    if text.count("\n") > len(lines) or text.count("\r") > len(lines):
        raise ValueError("a line break in the status or in a header")
    return text


class Response:
    """A response being sent: ``head`` once, then a ``frame`` for each piece of the body, then the ``tail``."""

    __slots__ = ("_chunked", "_headers", "_remaining", "_status", "_written", "begun", "keep", "mute", "swift", "version")

    def __init__(self, request: ParsedRequest) -> None:
        #: The head has been made; status and headers can no longer change.
        self.begun = False
        self.version = "1.1" if request.version == "1.1" or request.error else "1.0"
        connection = request.headers.get("CONNECTION", "").lower()
        #: Whether the connection may serve another request after this one.
        self.keep = "close" not in connection if self.version == "1.1" else "keep-alive" in connection
        if request.ambiguous:
            self.keep = False
        #: The head has been made, and each piece of the body only needs its length before it.
        self.swift = False
        #: No body may follow the head.
        self.mute = request.command == "HEAD"
        self._status = ""
        self._headers: Iterable[tuple[str, str]] = ()
        self._written: list[bytes] = []
        self._chunked = False
        #: How many bytes of the declared length are still to come.
        self._remaining: int | None = None

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """WSGI's ``start_response``."""
        if exc_info:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status:
            raise AssertionError("start_response was called a second time without exc_info")
        self._status = status
        self._headers = headers
        return self._written.append

    @property
    def has_events(self) -> bool:
        """Whether the body is a stream of server-sent events."""
        for name, value in self._headers:
            if name.lower() == "content-type":
                return value.startswith("text/event-stream")
        return False

    def head(self, length: int | None) -> bytes:
        """Status and headers; ``length`` is that of the body, None when it is not known yet. ValueError when they are invalid."""
        status = self._status
        if not status:
            raise AssertionError("the application sent a body before it called start_response")
        if status[0] == "1":
            raise ValueError(f"the status {status[:3]} is not a final one; a client would wait for another")
        if self._written and length is not None:
            length += sum(map(len, self._written))
        block = _block(tuple([header for header in self._headers if header[0] not in _VARYING]))
        if block.length is not None:
            length = block.length
        lines = [f"HTTP/{self.version} {status}"]
        for name, value in self._headers:
            if name == "x-request-id":
                lines.append(f"x-request-id: {value}")
            elif name == "content-length":
                length = int(value)
        if block.closes:
            self.keep = False
        if not block.dated:
            lines.append(_date(int(time.time())))
        self._frame_by(length, bare=status[:3] in ("204", "304"), lines=lines)
        if not self.keep:
            lines.append("connection: close")
        elif self.version == "1.0":
            lines.append("connection: keep-alive")
        data = f"{_joined(lines)}{block.text}\r\n".encode("latin-1")
        self.begun = True
        return data

    def _frame_by(self, length: int | None, *, bare: bool, lines: list[str]) -> None:
        """Decide what marks the end of the body: its length, chunks, or the end of the connection."""
        if bare:
            self.mute = True
        elif self.mute:  # HEAD: the length that GET would send, as far as it is known
            if length:
                lines.append(f"content-length: {length}")
        elif length is not None:
            self._remaining = length
            lines.append(f"content-length: {length}")
        elif self.version == "1.1":
            self._chunked = True
            self.swift = not self._written
            lines.append("transfer-encoding: chunked")
        else:
            self.keep = False

    def frame(self, data: bytes) -> bytes:
        """A piece of the body as it is sent."""
        if self._written:
            data = b"".join((*self._written, data))
            self._written.clear()
        if self.mute or not data:
            return b""
        if self._chunked:
            return b"%x\r\n%b\r\n" % (len(data), data)
        if self._remaining is not None:
            data = data[: self._remaining]
            self._remaining -= len(data)
        return data

    def tail(self) -> bytes:
        """The end of the body. One that is shorter than declared ends with the connection."""
        if self._remaining:
            self.keep = False
        return b"0\r\n\r\n" if self._chunked else b""

"""WSGI: the environ of a request, and the head and framing of a response."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from waitress.utilities import build_http_date

from .parser import ParsedRequest

#: Headers about the framing and the connection, which the server sets whatever the application sends.
_HOP = frozenset({"content-length", "connection", "transfer-encoding", "keep-alive"})
#: Cache of header names that are none of these; more names than an application uses are not cached.
_PLAIN: set[str] = set()
_NAMES = 256


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
    environ = connection.copy()
    path = request.path
    environ["REQUEST_METHOD"] = request.command
    environ["PATH_INFO"] = "/" + path.lstrip("/") if path[:2] == "//" else path
    environ["QUERY_STRING"] = request.query
    environ["REQUEST_URI"] = request.request_uri
    environ["SERVER_PROTOCOL"] = "HTTP/1.1" if request.version == "1.1" else "HTTP/1.0"
    environ["wsgi.input"] = request.get_body_stream()
    for key, value in request.headers.items():
        environ[_variable(key)] = value
    return environ


@lru_cache(maxsize=512)
def _variable(key: str) -> str:
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"date: {build_http_date(second)}"


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
        kind = next((value for name, value in self._headers if name.lower() == "content-type"), "")
        return kind.startswith("text/event-stream")

    def head(self, length: int | None) -> bytes:
        """Status and headers; ``length`` is that of the body, None when it is not known yet. ValueError when they are invalid."""
        status = self._status
        if not status:
            raise AssertionError("the application sent a body before it called start_response")
        if status[0] == "1":
            raise ValueError(f"the status {status[:3]} is not a final one; a client would wait for another")
        if self._written and length is not None:
            length += sum(map(len, self._written))
        lines = [f"HTTP/{self.version} {status}"]
        dated = False
        for name, value in self._headers:
            if name in _PLAIN:
                lines.append(f"{name}: {value}")
                continue
            lower = name.lower()
            if lower not in _HOP:
                lines.append(f"{name}: {value}")
                if lower == "date":
                    dated = True
                elif len(_PLAIN) < _NAMES:
                    _PLAIN.add(name)
            elif lower == "content-length":
                length = int(value)
            elif lower == "connection":
                if "close" in value.lower():
                    self.keep = False
                else:
                    lines.append(name + ": " + value)
        if not dated:
            lines.append(_date(int(time.time())))
        self._frame_by(length, bare=status[:3] in ("204", "304"), lines=lines)
        if not self.keep:
            lines.append("connection: close")
        elif self.version == "1.0":
            lines.append("connection: keep-alive")
        head = "\r\n".join(lines)
        if head.count("\n") >= len(lines) or head.count("\r") >= len(lines):
            raise ValueError("a line break in the status or in a header")
        data = head.encode("latin-1") + b"\r\n\r\n"
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

"""WSGI: the environ of a request, and the head and framing of a response."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..types.clock import http_date
from .parser import PlainRequest

if TYPE_CHECKING:
    from .parsed import ParsedRequest

#: Headers about the framing and the connection, which the server sets whatever the application sends.
_HOP = frozenset({"content-length", "connection", "transfer-encoding", "keep-alive"})
#: Headers whose values differ from response to response.
_VARYING = frozenset({"x-request-id", "content-length"})
#: A chunk of a body, the last chunk with the end, and the end alone.
CHUNK, _LAST_CHUNK, _END = b"%x\r\n%b\r\n", b"%x\r\n%b\r\n0\r\n\r\n", b"0\r\n\r\n"
#: Layouts of headers that are kept.
LAYOUTS = 64


def server_environ(host: str, port: int, more: dict[str, Any]) -> dict[str, Any]:
    """The part of the environ that all requests to a server share, with the host's extensions."""
    return {
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_SOFTWARE": "openaimock",
        "SCRIPT_NAME": "",
        # The values of these two and of the input are those of each request.
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
        "wsgi.input": None,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        **more,
    }


def request_environ(request: PlainRequest | ParsedRequest, address: str, port: str) -> dict[str, Any]:
    """The environ of a request from a client at this address."""
    environ = request.head.environ.copy()
    environ["REMOTE_ADDR"] = address
    environ["REMOTE_PORT"] = port
    environ["wsgi.input"] = request.body
    return environ


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"date: {http_date(second)}\r\n"


class _Block(NamedTuple):
    """Headers as they are sent, with what they say about the body and the connection."""

    text: str
    length: int | None
    dated: bool
    closes: bool
    #: Whether the body is a stream of server-sent events.
    has_events: bool


#: Most responses of a mock have the same headers but for a few.
@lru_cache(maxsize=64)
def _block(headers: tuple[tuple[str, str], ...]) -> _Block:
    """The headers of a response without those about framing. ValueError for a line break in one."""
    lines: list[str] = []
    length = content_type = None
    dated = closes = False
    for name, value in headers:
        lower = name.lower()
        if lower not in _HOP:
            lines.append(_line(f"{name}: {value}"))
            dated = dated or lower == "date"
            if lower == "content-type" and content_type is None:
                content_type = value
        elif lower == "content-length":
            length = int(value)
        elif lower == "connection":
            if "close" in value.lower():
                closes = True
            else:
                lines.append(_line(f"{name}: {value}"))
    has_events = content_type is not None and content_type.startswith("text/event-stream")
    return _Block("".join(lines), length, dated, closes, has_events)


def _line(text: str) -> str:
    """A line of the head as it is sent. ValueError for a line break in it."""
    if "\n" in text or "\r" in text:
        raise ValueError("a line break in the status or in a header")
    return f"{text}\r\n"


class _Layout(NamedTuple):
    """A list of headers: the place and name of each one that varies, the last one first, and all others."""

    varying: tuple[tuple[int, str], ...]
    constant: list[tuple[str, str]]
    block: _Block


#: The layout of the last list of headers of a length that begins with a header.
_layouts: dict[tuple[int, Any], _Layout] = {}


def _layout(headers: list[tuple[str, str]]) -> _Layout:
    """The layout of a list of headers. To compare it with the last one is much cheaper than to read or to hash it."""
    key = len(headers), headers[0] if headers else None
    layout = _layouts.get(key)
    if layout is not None:
        constant = headers.copy()
        for place, name in layout.varying:
            if headers[place][0] != name:
                break
            del constant[place]
        if constant == layout.constant:
            return layout
    varying = tuple([(place, name) for place, (name, _) in enumerate(headers) if name in _VARYING][::-1])
    constant = [header for header in headers if header[0] not in _VARYING]
    layout = _Layout(varying, constant, _block(tuple(constant)))
    if len(_layouts) >= LAYOUTS:
        _layouts.clear()
    _layouts[key] = layout
    return layout


class _Status(NamedTuple):
    """The first line of a response, and whether a body may follow the head."""

    line: str
    bare: bool


@lru_cache(maxsize=64)
def _status(version: str, status: str) -> _Status:
    """ValueError for a status that cannot be sent."""
    if status[0] == "1":
        raise ValueError(f"the status {status[:3]} is not a final one; a client would wait for another")
    return _Status(_line(f"HTTP/{version} {status}"), status[:3] in ("204", "304"))


class Response:
    """A response being sent: ``head`` once, then a ``frame`` for each piece of the body."""

    __slots__ = ("_chunked", "_headers", "_remaining", "_status", "_written", "begun", "keep", "mute", "swift", "version")

    def __init__(self, request: PlainRequest | ParsedRequest) -> None:
        head = request.head
        #: The head has been made; status and headers can no longer change.
        self.begun = False
        self.version = head.version
        #: Whether the connection may serve another request after this one.
        self.keep = head.keep and not request.ambiguous
        #: The head has been made, and each piece of the body only needs its length before it.
        self.swift = False
        #: No body may follow the head.
        self.mute = head.method == "HEAD"
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

    def head(self, length: int | None) -> bytes:
        """Status and headers; ``length`` is that of the body, None when it is not known yet. ValueError when they are invalid."""
        if not self._status:
            raise AssertionError("the application sent a body before it called start_response")
        status = _status(self.version, self._status)
        headers = list(self._headers)
        layout = _layout(headers)
        block = layout.block
        if length is not None:
            if self._written:
                length += sum(map(len, self._written))
            if block.has_events and length:
                length = None  # events are sent in chunks, even when all of them are there, as the API does
        if block.length is not None:
            length = block.length
        request_id = ""
        for place, name in layout.varying:
            value = headers[place][1]
            if name == "content-length":
                length = int(value)
            else:
                request_id = _line(f"x-request-id: {value}") + request_id
        if block.closes:
            self.keep = False
        date = "" if block.dated else _date(int(time.time()))
        framing = self._framing(length, status.bare)
        if not self.keep:
            framing += "connection: close\r\n"
        elif self.version == "1.0":
            framing += "connection: keep-alive\r\n"
        data = f"{status.line}{request_id}{date}{framing}{block.text}\r\n".encode("latin-1")
        self.begun = True
        return data

    def _framing(self, length: int | None, bare: bool) -> str:
        """Decide what marks the end of the body: its length, chunks, or the end of the connection. The header that says so."""
        if bare:
            self.mute = True
        elif self.mute:  # HEAD: the length that GET would send, as far as it is known
            if length:
                return f"content-length: {length}\r\n"
        elif length is not None:
            self._remaining = length
            return f"content-length: {length}\r\n"
        elif self.version == "1.1":
            self._chunked = True
            self.swift = not self._written
            return "transfer-encoding: chunked\r\n"
        else:
            self.keep = False
        return ""

    def frame(self, data: bytes, last: bool = False) -> bytes:
        """A piece of the body as it is sent; with the last one the end. A body shorter than declared ends with the connection."""
        if self._written:
            data = b"".join((*self._written, data))
            self._written.clear()
        if self._remaining is not None:
            data = data[: self._remaining]
            self._remaining -= len(data)
            if last and self._remaining:
                self.keep = False
        elif self._chunked:
            if not data:
                return _END if last else b""
            return (_LAST_CHUNK if last else CHUNK) % (len(data), data)
        return b"" if self.mute else data

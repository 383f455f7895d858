"""HTTP requests: those with plain heads, which are cached, and all others as waitress's parser reads them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from ..http.forms import MAX_FORM

if TYPE_CHECKING:
    from waitress.utilities import Error

    from .parsed import ParsedRequest

#: The usual request line: a method in upper case, a path that begins with one slash and has no escapes, perhaps a query.
_LINE = re.compile(rb"([A-Z]+) ((/(?!/)[!-\"$&->@-~]*)(?:\?([!-\"$-~]*))?) HTTP/1\.1")
#: A plain header line. A name with ``_`` would be the same in an environ as one with ``-``.
_FIELD = re.compile(rb"([!#$%&'*+.^`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)")
#: The beginning of the line that differs from request to request, in lower case.
_LENGTH = b"\r\ncontent-length:"
#: Longer heads are not cached: this bounds the memory, and such heads are rare.
LONG = 8192
#: Heads that a server caches.
HEADS = 256
#: Larger bodies are left to waitress, which stores them in temporary files.
IN_MEMORY = 512 * 1024
#: Content lengths of more digits than this are left to waitress.
_DIGITS = 15


class ParserLimits:
    """The sizes of the heads and the bodies that are read."""

    max_request_header_size = 256 * 1024

    def __init__(self, max_body: int) -> None:
        self.limit_body(max_body)

    def limit_body(self, max_body: int) -> None:
        """Set the size of the largest body. Forms with files have a limit of their own, that of the API."""
        self.max_request_body_size = max_body + 1  # waitress refuses a body of exactly its limit
        self.in_memory = min(max_body, IN_MEMORY)
        self.forms = self if max_body >= MAX_FORM else ParserLimits(MAX_FORM)


class RequestHead(NamedTuple):
    """The head of a request. Several requests share it, so it does not change."""

    method: str
    path: str
    #: ``1.1``, or ``1.0`` for all others.
    version: str
    #: Whether the connection may serve another request after this one.
    keep: bool
    #: The declared length of the body.
    length: int
    #: The environ of WSGI without the address of the client and the body.
    environ: dict[str, Any]


class PlainRequest:
    """A request with a plain head. Nearly every request is one, and its body comes together with the head."""

    __slots__ = ("_missing", "arrived", "body", "completed", "error", "head", "limits")

    empty = ambiguous = expect_continue = False
    headers_finished = True

    def __init__(self, head: RequestHead, limits: ParserLimits) -> None:
        self.head = head
        self.limits = limits
        #: When its last byte was read, by ``clock.monotonic``.
        self.arrived = 0.0
        self.error: Error | None = None
        self.completed = False
        self.body: BytesIO | None = None
        self._missing = head.length

    def feed(self, data: bytes) -> bytes:
        """Take the bytes of the body; returns those after it."""
        missing, body = self._missing, self.body
        if len(data) < missing:
            if body is None:
                body = self.body = BytesIO()
            self._missing -= body.write(data)
            return b""
        if body is None:
            self.body = BytesIO(data[:missing])
        else:
            body.write(data[:missing])
            body.seek(0)
        self.completed = True
        return data[missing:]

    def close(self) -> None:
        """Nothing is open."""


class RequestReader:
    """Makes requests of the bytes that clients send. ``shared`` is the part of the environ that all of them share.

    Clients send the same head with each request, but for the length of the body, and to parse it is most of the work.
    """

    def __init__(self, limits: ParserLimits, shared: dict[str, Any]) -> None:
        self.limits = limits
        self.shared = shared
        parse = lru_cache(maxsize=HEADS)(partial(_plain_head, shared))
        self._plain_head = lru_cache(maxsize=HEADS)(partial(_sized_head, parse))

    def read(self, data: bytes) -> tuple[PlainRequest | ParsedRequest, bytes]:
        """A request that begins with these bytes, and the bytes after it. It may not be completed."""
        limits = self.limits
        end = data.find(b"\r\n\r\n") + 4
        if 4 < end <= LONG and data[0] > 32:
            head = self._plain_head(data[:end])
            if head is not None and head.length <= limits.in_memory:
                plain = PlainRequest(head, limits)
                return plain, plain.feed(data[end:])
        from .parsed import ParsedRequest  # it imports waitress, which a start does without

        parsed = ParsedRequest(limits, self.shared)
        return parsed, parsed.feed(data)


def _sized_head(parse: Callable[[bytes], RequestHead | None], head: bytes) -> RequestHead | None:
    """A head of up to LONG bytes as waitress parses it; None when it is not plain. ``parse`` gets it with the length 0."""
    start = head.lower().find(_LENGTH)
    if start < 0:
        return parse(head)
    stop = head.index(b"\r\n", start + 2)
    length = head[start + len(_LENGTH) : stop].strip(b" \t")
    plain = parse(b"%b%b 0%b" % (head[:start], _LENGTH, head[stop:]))
    if plain is None or not length.isdigit() or len(length) > _DIGITS:
        return None
    environ = plain.environ.copy()
    environ["CONTENT_LENGTH"] = length.decode()
    return RequestHead(plain.method, plain.path, plain.version, plain.keep, int(length), environ)


def _plain_head(shared: dict[str, Any], head: bytes) -> RequestHead | None:
    """A head whose body has the length 0; None when it is not plain.

    Folded lines, doubled names, other versions, transfer encodings, errors are not plain.
    """
    first, *lines = head.split(b"\r\n")
    start = _request_line(first)
    fields = [_field(line) for line in lines if line]
    if start is None or None in fields:
        return None
    headers: dict[str, str] = dict(fields)  # type: ignore[arg-type]
    return build_head(shared, *start, "1.1", headers, 0) if len(headers) == len(fields) else None


def build_head(
    shared: dict[str, Any], method: str, uri: str, path: str, query: str, version: str, headers: dict[str, str], length: int
) -> RequestHead:
    """The head of a request; ``shared`` is the part of the environ that all requests share, ``headers`` have its names."""
    environ = {
        **shared,
        "REQUEST_METHOD": method,
        "PATH_INFO": "/" + path.lstrip("/") if path[:2] == "//" else path,
        "QUERY_STRING": query,
        "REQUEST_URI": uri,
        "SERVER_PROTOCOL": f"HTTP/{version}",
        **headers,
    }
    connection = headers.get("HTTP_CONNECTION", "").lower()
    keep = "close" not in connection if version == "1.1" else "keep-alive" in connection
    return RequestHead(method, path, version, keep, length, environ)


def variable(name: str) -> str:
    """The name in the environ of a header in upper case with underscores."""
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


@lru_cache(maxsize=1024)
def _request_line(line: bytes) -> tuple[str, str, str, str] | None:
    """Method, URI, path and query of a plain HTTP/1.1 request line, else None."""
    match = _LINE.fullmatch(line)
    if match is None:
        from .parsed import request_line  # it imports waitress, which a start does without

        return request_line(line)
    method, uri, path, query = match.groups(b"")
    return method.decode("ascii"), uri.decode("ascii"), path.decode("ascii"), query.decode("ascii")


@lru_cache(maxsize=1024)
def _field(line: bytes) -> tuple[str, str] | None:
    """The name in the environ and the value of a plain header line, else None."""
    match = _FIELD.fullmatch(line)
    if match is None:
        return None
    name, value = match.groups()
    key = name.upper().replace(b"-", b"_").decode("ascii")
    return None if key in ("TRANSFER_ENCODING", "EXPECT") else (variable(key), value.strip(b" \t").decode("latin-1"))

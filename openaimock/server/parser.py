"""HTTP requests: those with plain heads, which are cached, and all others as waitress's parser reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache, partial
from io import BytesIO
from typing import IO, Any, NamedTuple

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError, crack_first_line, split_uri
from waitress.rfc7230 import HEADER_FIELD_RE
from waitress.utilities import Error

from ..http.forms import MAX_FORM, is_form

_plain_field: Any = HEADER_FIELD_RE.match  # its published type says str
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


class BodyNotStored(Error):
    """The error of a request whose body could not be stored."""

    code = 503
    reason = "Service Unavailable"


class ParserLimits(Adjustments):
    """The settings of waitress's parser. The rest of waitress's settings is unused and not computed."""

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


class ParsedRequest(HTTPRequestParser):
    """A request that waitress's parser reads: any but the plain ones."""

    #: When its last byte was read, by ``clock.monotonic``.
    arrived = 0.0
    #: Whether it declares its length in two ways, so that nothing after it on the connection can be trusted.
    ambiguous = False
    adj: ParserLimits
    # The types at run time; waitress's published types differ.
    command: str = ""  # type: ignore[assignment]
    headers: dict[str, str]
    request_uri: str = ""
    path: str = ""
    query: str = ""

    def __init__(self, limits: ParserLimits, shared: dict[str, Any]) -> None:
        super().__init__(limits)
        self._shared = shared

    @property
    def limits(self) -> ParserLimits:
        """The limits that hold for it."""
        return self.adj

    @cached_property
    def head(self) -> RequestHead:
        """Its head, once it is completed."""
        version = "1.1" if self.version == "1.1" or self.error else "1.0"
        line = self.command, self.request_uri, self.path, self.query
        headers = {_variable(name): value for name, value in self.headers.items()}
        return _head(self._shared, *line, version, headers, self.content_length)

    @cached_property
    def body(self) -> IO[bytes]:
        """The whole body, from its first byte, once it is completed."""
        if self.body_rcv is None:
            return BytesIO()
        buffer: Any = self.body_rcv.getbuf()
        return BytesIO(buffer.strbuf) if buffer.buf is None else buffer.getfile()

    def feed(self, data: bytes) -> bytes:
        """Take the bytes of this request; returns those after it. A body that cannot be stored is an error 503 of the request."""
        try:
            return data[self.received(data) :]
        except OSError as error:  # a large body goes to a temporary file
            self.error = BodyNotStored(f"a body of this size is stored in a temporary file, which failed: {error.strerror}")
            self.completed = True
            return b""

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # waitress does not catch it: a malformed URI, a length of thousands of digits
            raise ParsingError("The URI or the Content-Length cannot be read") from error
        self.ambiguous = self.chunked and "CONTENT_LENGTH" in self.headers
        if is_form(self.headers.get("CONTENT_TYPE", "")):
            self.adj = self.adj.forms


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
    variables: dict[str, str] = dict(fields)  # type: ignore[arg-type]
    return _head(shared, *start, "1.1", variables, 0) if len(variables) == len(fields) else None


def _head(
    shared: dict[str, Any], method: str, uri: str, path: str, query: str, version: str, headers: dict[str, str], length: int
) -> RequestHead:
    """``headers`` are named by the variables of the environ."""
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


def _variable(name: str) -> str:
    """The variable of the environ for a header in upper case with underscores."""
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


@lru_cache(maxsize=1024)
def _request_line(line: bytes) -> tuple[str, str, str, str] | None:
    """Method, URI, path and query of a plain HTTP/1.1 request line, else None."""
    if b"\r" in line or b"\n" in line:
        return None
    try:
        method, uri, version = crack_first_line(line)  # type: ignore[arg-type]
        if version != b"1.1":
            return None
        _, _, path, query, _ = split_uri(uri)
    except (ParsingError, ValueError):
        return None
    return method.decode("latin-1"), uri.decode("latin-1"), path, query  # type: ignore[return-value]


@lru_cache(maxsize=1024)
def _field(line: bytes) -> tuple[str, str] | None:
    """The variable of the environ and the value of a plain header line, else None."""
    match = _plain_field(line)
    if match is None or b"\n" in line:
        return None
    name, value = match.group("name", "value")
    key = name.upper().replace(b"-", b"_").decode("latin-1")
    if b"_" in name or key in ("TRANSFER_ENCODING", "EXPECT"):
        return None
    return _variable(key), value.strip(b" \t").decode("latin-1")

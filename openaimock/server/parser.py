"""HTTP requests as waitress's parser reads them, with a faster path for plain heads, which are cached."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError, crack_first_line, split_uri
from waitress.receiver import FixedStreamReceiver
from waitress.rfc7230 import HEADER_FIELD_RE, ONLY_DIGIT_RE
from waitress.utilities import Error

from ..http.forms import MAX_FORM, is_form

_plain_field: Any = HEADER_FIELD_RE.match  # its published type says str
_digits: Any = ONLY_DIGIT_RE.match
#: Lines of longer heads are not cached: this bounds the memory, and such heads are rare.
LONG = 8192
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
        self.forms = self if max_body >= MAX_FORM else ParserLimits(MAX_FORM)


class ParsedRequest(HTTPRequestParser):
    """A request being read. The parsing of its head is most of the cost of a small request, so heads are cached.

    Anything that is not plain (folded lines, doubled names, other versions, transfer encodings, errors) is left to waitress.
    """

    #: When its last byte was read, by ``clock.monotonic``.
    arrived = 0.0
    #: Whether it declares its length in two ways, so that nothing after it on the connection can be trusted.
    ambiguous = False
    adj: ParserLimits
    # The types at run time; waitress's published types differ.
    command: str = ""  # type: ignore[assignment]
    headers: dict[str, str]
    request_uri: str
    path: str
    query: str
    #: The head, when it is a plain one.
    plain: PlainHead | None = None
    #: The body, when it came together with the head.
    _body = b""

    def received(self, data: bytes) -> int:
        """Take the bytes of this request; returns their number. A body that cannot be stored is an error 503 of the request."""
        if self.body_rcv is None and not (self.header_plus or self.completed):
            end = data.find(b"\r\n\r\n") + 4
            if 4 < end <= LONG and data[0] > 32 and self._parse_plain(data[:end]):
                size = self.content_length
                body = data[end : end + size]
                if len(body) == size < self.adj.max_request_body_size:
                    # Nearly every request arrives like this: nothing is left to be done.
                    self._body = body
                    self.headers_finished = self.completed = True
                    return end + size
        try:
            count: int = super().received(data)
        except OSError as error:  # a large body goes to a temporary file
            self.error = BodyNotStored(f"a body of this size is stored in a temporary file, which failed: {error.strerror}")
            self.completed = True
            return len(data)
        return count

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head, with the same results as waitress."""
        try:
            if len(header_plus) > LONG or not self._parse_plain(header_plus):
                super().parse_header(header_plus)
                self.ambiguous = self.chunked and "CONTENT_LENGTH" in self.headers
            elif self.content_length:
                self.body_rcv = FixedStreamReceiver(self.content_length, OverflowableBuffer(self.adj.inbuf_overflow))
            if is_form(self.headers.get("CONTENT_TYPE", "")):
                self.adj = self.adj.forms
        except ValueError as error:  # waitress does not catch it: a malformed URI, a length of thousands of digits
            raise ParsingError("The URI or the Content-Length cannot be read") from error

    def _parse_plain(self, head: bytes) -> bool:
        plain = _plain_head(head)
        if plain is None:
            return False
        self.plain = plain
        self.headers = plain.headers
        self.version = "1.1"
        self.command, self.request_uri, self.path, self.query = plain.command, plain.uri, plain.path, plain.query
        self.url_scheme = "http"
        self.connection_close = plain.closes
        self.content_length = plain.length
        return True

    def get_body_stream(self) -> BytesIO:
        """The whole body, from its first byte."""
        if self.body_rcv is None:
            return BytesIO(self._body)
        buffer: Any = self.body_rcv.getbuf()
        return BytesIO(buffer.strbuf) if buffer.buf is None else buffer.getfile()


class PlainHead(NamedTuple):
    """A parsed head. Several requests share it, so it does not change."""

    command: str
    uri: str
    path: str
    query: str
    headers: dict[str, str]
    #: Whether the client closes the connection after the answer.
    closes: bool
    length: int
    #: What the head is in the environ of WSGI.
    variables: dict[str, str]


#: Clients send the same head with each request of the same length.
@lru_cache(maxsize=256)
def _plain_head(head: bytes) -> PlainHead | None:
    """A head of up to LONG bytes as waitress parses it; None when it is not plain."""
    first, *lines = head.split(b"\r\n")
    start = _request_line(first)
    fields = [_field(line) for line in lines if line]
    if start is None or None in fields:
        return None
    headers: dict[str, str] = dict(fields)  # type: ignore[arg-type]
    length = headers.get("CONTENT_LENGTH", "0")
    if len(headers) != len(fields) or len(length) > _DIGITS or not _digits(length.encode("latin-1")):
        return None
    closes = headers.get("CONNECTION", "").lower() == "close"
    return PlainHead(*start, headers, closes, int(length), variables(*start, "HTTP/1.1", headers))


def variables(method: str, uri: str, path: str, query: str, protocol: str, headers: dict[str, str]) -> dict[str, str]:
    """The part of a WSGI environ that the head of a request says."""
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/" + path.lstrip("/") if path[:2] == "//" else path,
        "QUERY_STRING": query,
        "REQUEST_URI": uri,
        "SERVER_PROTOCOL": protocol,
        **{name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + name: value for name, value in headers.items()},
    }


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
    """Name and value of a plain header line, else None."""
    match = _plain_field(line)
    if match is None or b"\n" in line:
        return None
    name, value = match.group("name", "value")
    key = name.upper().replace(b"-", b"_").decode("latin-1")
    if b"_" in name or key in ("TRANSFER_ENCODING", "EXPECT"):
        return None
    return key, value.strip(b" \t").decode("latin-1")

"""HTTP requests as waitress's parser reads them, with a short cut for the heads that clients send again and again."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError, crack_first_line, split_uri
from waitress.receiver import FixedStreamReceiver
from waitress.rfc7230 import HEADER_FIELD_RE, ONLY_DIGIT_RE

_plain_field: Any = HEADER_FIELD_RE.match  # its published type says str
_digits: Any = ONLY_DIGIT_RE.match
#: Longer heads are not remembered: it bounds the memory and they are rare.
LONG = 8192
#: Lengths of more digits than this are none that anybody sends.
_DIGITS = 15


class ParserLimits(Adjustments):
    """What waitress's parser wants to know. The rest of waitress's settings are unused, so they are not worked out."""

    def __init__(self, max_body: int) -> None:
        self.max_request_body_size = max_body + 1  # waitress refuses a body of exactly its limit


class ParsedRequest(HTTPRequestParser):
    """A request being read. Most of what a small request costs is the parsing of its header lines, so lines are remembered.

    Whatever is not plain (folded lines, doubled names, other versions, transfer encodings, mistakes) goes waitress's own way.
    """

    #: When its last byte was read, by ``time.monotonic``.
    arrived = 0.0
    adj: ParserLimits
    # As they are; waitress's published types say otherwise.
    command: str = ""  # type: ignore[assignment]
    headers: dict[str, str]
    request_uri: str
    path: str
    query: str
    #: The body, when it came together with the head.
    _body = b""

    def received(self, data: bytes) -> int:
        """Take what belongs to this request; says how many bytes that was."""
        if self.body_rcv is None and not (self.header_plus or self.completed):
            end = data.find(b"\r\n\r\n") + 4
            if 4 < end <= LONG and data[0] > 32 and self._parse_plain(data[:end]):
                size = self.content_length
                body = data[end : end + size]
                if len(body) == size < self.adj.max_request_body_size:
                    # Nearly every request comes so: nothing is left to be done.
                    self._body = body
                    self.headers_finished = self.completed = True
                    return end + size
        taken: int = super().received(data)
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, as waitress would."""
        try:
            if len(header_plus) > LONG or not self._parse_plain(header_plus):
                super().parse_header(header_plus)
            elif self.content_length:
                self.body_rcv = FixedStreamReceiver(self.content_length, OverflowableBuffer(self.adj.inbuf_overflow))
        except ValueError as error:  # waitress lets it through: a URI that is none, a length of thousands of digits
            raise ParsingError("The URI or the Content-Length cannot be read") from error

    def _parse_plain(self, head: bytes) -> bool:
        first, *lines = head.split(b"\r\n")
        start = _request_line(first)
        fields = [_field(line) for line in lines if line]
        if start is None or None in fields:
            return False
        headers: dict[str, str] = dict(fields)  # type: ignore[arg-type]
        length = headers.get("CONTENT_LENGTH", "0")
        if len(headers) != len(fields) or len(length) > _DIGITS or not _digits(length.encode("latin-1")):
            return False
        self.headers = headers
        self.version = "1.1"
        self.command, self.request_uri, self.path, self.query = start
        self.url_scheme = "http"
        self.connection_close = headers.get("CONNECTION", "").lower() == "close"
        self.content_length = int(length)
        return True

    def get_body_stream(self) -> BytesIO:
        """The whole body, from its beginning."""
        if self.body_rcv is None:
            return BytesIO(self._body)
        buffer: Any = self.body_rcv.getbuf()
        return BytesIO(buffer.strbuf) if buffer.buf is None else buffer.getfile()


@lru_cache(maxsize=1024)
def _request_line(line: bytes) -> tuple[str, str, str, str] | None:
    """Method, URI, path and query of a plain HTTP/1.1 request line, else None."""
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

"""HTTP requests that waitress's parser reads: any but those with plain heads and bodies of moderate size."""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
from typing import IO, Any

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError, crack_first_line, split_uri
from waitress.utilities import Error

from ..http.forms import is_form
from .parser import ParserLimits, RequestHead, build_head, variable


class BodyNotStored(Error):
    """The error of a request whose body could not be stored."""

    code = 503
    reason = "Service Unavailable"


class WaitressSettings(Adjustments):
    """The settings of waitress's parser. The rest of waitress's settings is unused and not computed."""

    def __init__(self, limits: ParserLimits) -> None:
        self.limits = limits
        self.max_request_header_size = limits.max_request_header_size

    @property
    def max_request_body_size(self) -> int:  # type: ignore[override]
        """The size of a body that is refused."""
        return self.limits.max_request_body_size


class ParsedRequest(HTTPRequestParser):
    """A request that waitress's parser reads: any but the plain ones."""

    #: When its last byte was read, by ``clock.monotonic``.
    arrived = 0.0
    #: Whether it declares its length in two ways, so that nothing after it on the connection can be trusted.
    ambiguous = False
    adj: WaitressSettings
    # The types at run time; waitress's published types differ.
    command: str = ""  # type: ignore[assignment]
    headers: dict[str, str]
    request_uri: str = ""
    path: str = ""
    query: str = ""

    def __init__(self, limits: ParserLimits, shared: dict[str, Any]) -> None:
        super().__init__(WaitressSettings(limits))
        self._shared = shared

    @property
    def limits(self) -> ParserLimits:
        """The limits that hold for it."""
        return self.adj.limits

    @cached_property
    def head(self) -> RequestHead:
        """Its head, once it is completed."""
        version = "1.1" if self.version == "1.1" or self.error else "1.0"
        line = self.command, self.request_uri, self.path, self.query
        headers = {variable(name): value for name, value in self.headers.items()}
        return build_head(self._shared, *line, version, headers, self.content_length)

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
            self.adj = WaitressSettings(self.adj.limits.forms)


def request_line(line: bytes) -> tuple[str, str, str, str] | None:
    """Method, URI, path and query of an HTTP/1.1 request line as waitress reads it; None for others."""
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

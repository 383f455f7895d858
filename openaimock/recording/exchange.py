"""A recorded exchange: one request and its answer, as they were on the wire, without the encodings of the transport."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

#: The largest body that is unpacked, in bytes.
LARGEST = 256 * 1024 * 1024


class Skipped(ValueError):
    """A recording that no rule can answer, and why."""


class Unknown(Skipped):
    """A request that refers to something that is not among the recordings before it."""


class OwnAnswer(Skipped):
    """A request that the mock answers by itself in a replay as well."""


class Recording(NamedTuple):
    """One exchange. Names of headers are in lower case; the bodies are unpacked.

    ``gaps`` are the milliseconds before each event of a streamed answer, where they are known. ``place`` says where the
    exchange stands, for messages.
    """

    method: str
    path: str
    body: bytes = b""
    status: int = 200
    response: bytes = b""
    headers: Mapping[str, str] = {}
    response_headers: Mapping[str, str] = {}
    query: str = ""
    gaps: tuple[float, ...] = ()
    place: str = ""

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream of server-sent events."""
        if "event-stream" in self.response_headers.get("content-type", ""):
            return True
        return self.response.lstrip()[:6] in (b"data: ", b"data:{", b"event:")


class Event(NamedTuple):
    """One server-sent event: its name ("" for none) and its data."""

    name: str
    data: str


def unpacked(body: bytes, encoding: str = "") -> bytes:
    """A body without its content encoding. ValueError for an encoding that Python has no reader for."""
    encoding = encoding.strip().lower()
    try:
        if body[:2] == b"\x1f\x8b":
            with gzip.open(BytesIO(body)) as file:
                data = file.read(LARGEST + 1)
        elif encoding == "deflate" and body[:1] == b"\x78":
            data = zlib.decompressobj().decompress(body, LARGEST + 1)
        elif body[:4] == b"\x28\xb5\x2f\xfd" or (encoding in ("br", "zstd") and not _is_text(body)):
            raise ValueError(f"the body is compressed with {encoding or 'zstd'}, which Python cannot read")
        else:
            # Most recorders keep the header of a body that they unpacked.
            return body
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"the compressed body cannot be read: {error}") from None
    if len(data) > LARGEST:
        raise ValueError(f"the body has more than {LARGEST:,} bytes")
    return data


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def events(raw: bytes) -> list[Event]:
    """The events of a stream, comments left out."""
    complete: list[Event] = []
    name = ""
    data: list[str] = []
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    for line in [*re.split(r"\r\n|\n|\r", text), ""]:
        if not line:
            if data:
                complete.append(Event(name, "\n".join(data)))
            name, data = "", []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif data and not line.startswith((":", "id:", "retry:")):
            # Some recorders fold long lines.
            data[-1] += line
    return complete


def parsed(raw: bytes | str) -> Any:
    """The JSON of a body; None when it is none, and for what is nested too deeply. Half characters are replaced."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return _clean(value) if "\\u" in text and re.search(r"\\u[dD][89a-fA-F]", text) else value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def header_map(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name; of a repeated one the first."""
    lowered: dict[str, str] = {}
    for name, value in headers:
        lowered.setdefault(name.lower(), value)
    return lowered


def from_base64(text: str) -> bytes | None:
    """The bytes of a base64 text, None when it is none."""
    packed = re.sub(r"\s", "", text).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None

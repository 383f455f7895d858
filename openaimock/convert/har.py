"""HAR, as browsers and proxies write it, and the recordings of Azure's test proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..recording.exchange import from_base64, parsed
from .outcomes import Left, Outcome, headers, recording

JSON = Any
_BINARY = ("audio/", "image/", "video/", "application/octet-stream")


def recognised(document: JSON) -> bool:
    """Whether a document is a HAR."""
    log = document.get("log") if isinstance(document, Mapping) else None
    return isinstance(log, Mapping) and isinstance(log.get("entries"), list)


def read(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The exchanges of a HAR."""
    for number, entry in enumerate(document["log"]["entries"], 1):
        place = f"{name}: entry {number}"
        request = entry.get("request") if isinstance(entry, Mapping) else None
        response = entry.get("response") if isinstance(entry, Mapping) else None
        if not isinstance(request, Mapping) or not isinstance(response, Mapping) or not response.get("status"):
            yield Left(place, "there is no request, or no response")
            continue
        content = response.get("content") or {}
        text = content.get("text")
        if isinstance(text, str):
            text = _text(text, content.get("encoding") == "base64")
        request_headers, response_headers = headers(request.get("headers")), headers(response.get("headers"))
        if content.get("mimeType"):
            response_headers.setdefault("content-type", str(content["mimeType"]))
        # The texts of a HAR are unpacked, whatever the headers say.
        response_headers.pop("content-encoding", None)
        posted = (request.get("postData") or {}).get("text")
        yield recording(
            place,
            request.get("method", "GET"),
            str(request.get("url", "")),
            posted,
            response["status"],
            text,
            request_headers,
            response_headers,
        )


def _text(text: str, packed: bool) -> bytes | str | None:
    """The text of an answer; Polly.js keeps the pieces of a compressed one as a list of hexadecimal or base64 texts."""
    pieces = parsed(text) if text.startswith('["') else None
    if isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces):
        return b"".join(_piece(piece) for piece in pieces)
    return from_base64(text) if packed else text


def _piece(piece: str) -> bytes:
    if re.fullmatch(r"(?:[0-9a-f]{2})+", piece):
        return bytes.fromhex(piece)
    data = from_base64(piece)
    return piece.encode() if data is None else data


def is_proxied(document: JSON) -> bool:
    """Whether a document is a recording of Azure's test proxy."""
    return isinstance(document, Mapping) and isinstance(document.get("Entries"), list)


def read_proxied(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The exchanges of a recording of Azure's test proxy."""
    for number, entry in enumerate(document["Entries"], 1):
        place = f"{name}: entry {number}"
        if not isinstance(entry, Mapping) or "RequestUri" not in entry:
            yield Left(place, "there is no request")
            continue
        request_headers, response_headers = headers(entry.get("RequestHeaders")), headers(entry.get("ResponseHeaders"))
        answer = _joined(entry.get("ResponseBody"))
        if isinstance(answer, str) and response_headers.get("content-type", "").startswith(_BINARY):
            answer = from_base64(answer) or answer
        yield recording(
            place, entry.get("RequestMethod", "GET"), str(entry["RequestUri"]), _joined(entry.get("RequestBody")),
            entry.get("StatusCode"), answer, request_headers, response_headers,
        )  # fmt: skip


def _joined(body: JSON) -> JSON:
    """A text that stands as a list of its lines."""
    if isinstance(body, list) and body and all(isinstance(line, str) for line in body):
        return "".join(body)
    return body

"""HAR, as browsers and proxies write it, and the recordings of Azure's test proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..recording.exchange import from_base64, parsed
from .outcomes import Omission, Outcome, decoded, guarded, headers, recording

JSON = Any
_BINARY = ("audio/", "image/", "video/", "application/octet-stream")


def recognised(document: JSON) -> bool:
    """Whether a document is a HAR."""
    log = document.get("log") if isinstance(document, Mapping) else None
    return isinstance(log, Mapping) and isinstance(log.get("entries"), list)


def read(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The exchanges of a HAR."""
    for number, entry in enumerate(document["log"]["entries"], 1):
        yield guarded(_exchange, entry, f"{name}: entry {number}")


def _exchange(entry: JSON, place: str) -> Outcome:
    request = entry.get("request") if isinstance(entry, Mapping) else None
    response = entry.get("response") if isinstance(entry, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(response, Mapping) or not response.get("status"):
        return Omission(place, "there is no request, or no response")
    content = response.get("content") or {}
    text = content.get("text")
    if text is None and content.get("size"):
        return Omission(place, "the HAR does not hold the body of the answer; export it with content")
    if isinstance(text, str):
        text = _text(text, content.get("encoding") == "base64")
    request_headers, response_headers = headers(request.get("headers")), headers(response.get("headers"))
    if content.get("mimeType"):
        response_headers.setdefault("content-type", str(content["mimeType"]))
    # The texts of a HAR are unpacked, whatever the headers say.
    response_headers.pop("content-encoding", None)
    posted = request.get("postData") or {}
    body = posted.get("text")
    kind = request_headers.setdefault("content-type", str(posted.get("mimeType") or ""))
    if kind.startswith("multipart/"):
        body = _form(posted, kind)
        if body is None:
            return Omission(place, "the HAR does not hold the form of the request with the bytes of its files")
    elif body is not None and _is_packed(posted):
        body = decoded(body)
    return recording(
        place,
        request.get("method", "GET"),
        str(request.get("url", "")),
        body,
        response["status"],
        text,
        request_headers,
        response_headers,
    )


def _is_packed(posted: Mapping[str, JSON]) -> bool:
    return "base64" in (posted.get("encoding"), posted.get("_encoding"))


def _form(posted: Mapping[str, JSON], kind: str) -> bytes | None:
    """A multipart form as bytes. None when there is none, or when the bytes of a file are lost."""
    text = posted.get("text")
    if text and _is_packed(posted):
        return decoded(text)
    if text:
        # Browsers write one character for each byte where a form has files; what was no character is lost.
        has_files = "filename=" in str(text)
        lost = has_files and "\ufffd" in str(text)
        return None if lost else str(text).encode("latin-1" if has_files and max(map(ord, str(text))) < 256 else "utf-8")
    boundary = re.search(r'boundary="?([^";]+)', kind)
    fields = posted.get("params") or []
    if boundary is None or not fields or any("value" not in field for field in fields):
        return None
    parts = [_part(field, boundary[1]) for field in fields]
    return b"".join(parts) + f"--{boundary[1]}--\r\n".encode()


def _part(field: Mapping[str, JSON], boundary: str) -> bytes:
    value = str(field["value"])
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field["name"]}"'
    if field.get("fileName") is None:
        return f"{head}\r\n\r\n{value}\r\n".encode()
    kind = field.get("contentType") or "application/octet-stream"
    head += f'; filename="{field["fileName"]}"\r\nContent-Type: {kind}\r\n\r\n'
    is_binary = max(map(ord, value), default=0) < 256
    return head.encode() + value.encode("latin-1" if is_binary else "utf-8") + b"\r\n"


def _text(text: str, packed: bool) -> bytes | str | None:
    """The text of an answer; Polly.js keeps the pieces of a compressed one as a list of hexadecimal or base64 texts."""
    pieces = parsed(text) if text.startswith('["') else None
    if isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces):
        return b"".join(_piece(piece) for piece in pieces)
    return decoded(text) if packed else text


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
        yield guarded(_proxied, entry, f"{name}: entry {number}")


def _proxied(entry: JSON, place: str) -> Outcome:
    if not isinstance(entry, Mapping) or "RequestUri" not in entry:
        return Omission(place, "there is no request")
    request_headers, response_headers = headers(entry.get("RequestHeaders")), headers(entry.get("ResponseHeaders"))
    answer = _joined(entry.get("ResponseBody"))
    if isinstance(answer, str) and response_headers.get("content-type", "").startswith(_BINARY):
        answer = from_base64(answer) or answer
    return recording(
        place, entry.get("RequestMethod", "GET"), str(entry["RequestUri"]), _joined(entry.get("RequestBody")),
        entry.get("StatusCode"), answer, request_headers, response_headers,
    )  # fmt: skip


def _joined(body: JSON) -> JSON:
    """A text that stands as a list of its lines."""
    if isinstance(body, list) and body and all(isinstance(line, str) for line in body):
        return "".join(body)
    return body

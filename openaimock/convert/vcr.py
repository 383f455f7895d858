"""VCR: cassettes of Python, Ruby, R and Go, and files that hold one exchange in the same words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..recording.exchange import parsed, unpacked
from .outcomes import Omission, Outcome, as_bytes, decoded, guarded, headers, recording

JSON = Any


def recognised(document: JSON) -> bool:
    """Whether a document is a cassette."""
    if not isinstance(document, Mapping):
        return False
    if any(isinstance(document.get(name), list) for name in ("interactions", "http_interactions")):
        return True
    if all(isinstance(document.get(name), Mapping) for name in ("request", "response")):
        return True
    return all(isinstance(document.get(name), list) for name in ("requests", "responses"))


def read(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The exchanges of a cassette, in their order."""
    listed = document.get("interactions", document.get("http_interactions"))
    if listed is None and "requests" in document:
        # VCR's own JSON and LangChain's serializer keep requests and answers apart.
        pairs = zip(document["requests"], document["responses"], strict=False)
        listed = [{"request": request, "response": answer} for request, answer in pairs]
    if listed is None:
        yield guarded(_exchange, document, name)
        return
    for number, entry in enumerate(listed, 1):
        place = f"{name}: interaction {number}"
        if (
            isinstance(entry, Mapping)
            and isinstance(entry.get("request"), Mapping)
            and isinstance(entry.get("response"), Mapping)
        ):
            yield guarded(_exchange, entry, place)
        else:
            yield Omission(place, "there is no request, or no response")


def _exchange(entry: Mapping[str, JSON], place: str) -> Outcome:
    request, response = entry["request"], entry["response"]
    status = response.get("code", response.get("status_code", response.get("status")))
    if isinstance(status, Mapping):
        status = status.get("code")
    url = request.get("uri") or request.get("url") or ""
    if "://" not in str(url):
        url = _guessed(request, str(url))
    request_headers, response_headers = headers(request.get("headers")), headers(response.get("headers"))
    return recording(
        place, request.get("method", "GET"), str(url), _body(request), status, _body(response), request_headers, response_headers
    )


def _guessed(request: Mapping[str, JSON], url: str) -> str:
    """The path that a request went to whose URL is masked, from the members of its body."""
    if url.startswith("/"):
        return url
    request_body = parsed(unpacked(as_bytes(_body(request))))
    members = request_body.keys() if isinstance(request_body, dict) else ()
    for name, path in (
        ("messages", "chat/completions"),
        ("encoding_format", "embeddings"),
        ("input", "responses"),
        ("prompt", "completions"),
    ):
        if name in members:
            return f"/v1/{path}"
    return url


def _body(side: Mapping[str, JSON]) -> JSON:
    """A body: data under ``parsed_body``, a text, or a mapping with a text, bytes or base64."""
    if side.get("parsed_body") is not None:
        return side["parsed_body"]
    body = side.get("body", side.get("content"))
    if isinstance(body, Mapping) and body.keys() & {"string", "base64_string", "encoding"}:
        packed = body.get("base64_string")
        if packed is not None:
            return packed if isinstance(packed, bytes) else decoded(packed)
        text = body.get("string")
        return decoded(text) if text and body.get("encoding") == "base64" else text
    return body

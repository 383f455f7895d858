"""What a reader of a format gives: recorded exchanges, rules that are ready, halves of a batch, and what it leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..recording.exchange import Recording, from_base64, header_map, unpacked

JSON = Any


class Ready(NamedTuple):
    """A rule in the words of a configuration. ``first`` says that in its file the first rule that fits answers."""

    rule: dict[str, JSON]
    place: str
    first: bool = False


class Omission(NamedTuple):
    """Something that does not become a rule, and why."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Half:
    """The request or the answer of one line of a batch; both have the same ``id``."""

    id: str
    place: str
    request: Mapping[str, JSON] | None = None
    answer: Mapping[str, JSON] | None = None


Outcome = Recording | Ready | Omission | Half


def recording(
    place: str,
    method: str,
    url: str,
    body: JSON,
    status: JSON,
    answer: JSON,
    headers: Mapping[str, str],
    response_headers: Mapping[str, str],
) -> Recording | Omission:
    """A recording from what most formats have; Omission when its answer cannot be read."""
    try:
        where = urlsplit(url)
        request = unpacked(as_bytes(body), headers.get("content-encoding", ""))
        response = unpacked(as_bytes(answer), response_headers.get("content-encoding", ""))
    except ValueError as error:
        return Omission(place, str(error))
    code = re.match(r"[1-5]\d\d\b", str(status))
    if code is None:
        return Omission(place, f"{status!r} is not an HTTP status")
    return Recording(
        method=str(method or "GET").upper(),
        path=api_path(where.path),
        query=where.query,
        headers=headers,
        body=request,
        status=int(code[0]),
        response_headers=response_headers,
        response=response,
        place=place,
    )


def guarded(read: Callable[[Any, str], Outcome], entry: JSON, place: str) -> Outcome:
    """What ``read`` makes of one exchange of a file; Omission when it is damaged: the other exchanges are still of use."""
    try:
        return read(entry, place)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError) as error:
        return Omission(place, f"the exchange is damaged ({type(error).__name__}: {error})")


def api_path(path: str) -> str:
    """The path of the API in a path under which a server may have mounted it."""
    match = re.search(r"/(?:openai/deployments/[^/]+|openai/v1|openai|v1)/.*", path)
    return match[0] if match else path


def headers(raw: JSON) -> dict[str, str]:
    """Headers as the formats have them: names with a text or a list of texts, or a list of names and values."""
    pairs: list[tuple[str, str]] = []
    if isinstance(raw, Mapping):
        for name, value in raw.items():
            value = value[0] if isinstance(value, list) and value else "" if isinstance(value, list) else value
            pairs.append((str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value)))
    elif isinstance(raw, list):
        pairs = [
            (str(entry["name"]), str(entry.get("value", ""))) for entry in raw if isinstance(entry, Mapping) and "name" in entry
        ]
    return header_map(pairs)


def decoded(text: JSON) -> bytes:
    """The bytes of a body that is base64. ValueError when it is not."""
    data = from_base64(str(text))
    if data is None:
        raise ValueError("a body that should be base64 is not")
    return data


def as_bytes(body: JSON) -> bytes:
    """A body as bytes: text in UTF-8, data as JSON."""
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode()
    return json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")

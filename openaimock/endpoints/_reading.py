"""Reading requests: the body in the encodings clients send, refused in the API's words when it is not what it should be."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request as BaseRequest

from ..errors import APIError
from ..nouns import Ask
from ..wording import known, not_json, wrong_content_type

#: Past this depth nobody means it; Python's own parser gives up a little later.
_DEEPEST = 200
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Request(BaseRequest):
    """Werkzeug's Request, with the body read once, decoded, and never more of it than ``max_body`` bytes."""

    max_body = 64 * 1024 * 1024
    #: Set by the router: values taken from the path, the path without its prefix, the namespace.
    params: Mapping[str, str] = {}
    routed = ""

    @cached_property
    def raw(self) -> bytes:
        """The body's bytes, after any gzip or deflate. APIError 400, 413 or 415 when they cannot be had."""
        environ = self.environ
        declared = environ.get("CONTENT_LENGTH") or ""
        if declared:
            if not declared.isascii() or not declared.isdigit():
                raise not_json(f"The Content-Length header {declared[:40]!r} is not a number.")
            length = int(declared)
            if length > self.max_body:
                raise self._too_large()
            data = environ["wsgi.input"].read(length) if length else b""
            if len(data) < length:
                raise not_json(f"The body ended after {len(data)} of {length} bytes.")
        elif environ.get("wsgi.input_terminated"):
            data = environ["wsgi.input"].read(self.max_body + 1)
        else:
            data = b""
        encoding = environ.get("HTTP_CONTENT_ENCODING")
        if encoding:
            data = self._decoded(data, encoding.strip().lower())
        if len(data) > self.max_body:
            raise self._too_large()
        return bytes(data)

    def _decoded(self, data: bytes, encoding: str) -> bytes:
        if encoding == "identity":
            return data
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise APIError(415, f"Unsupported content encoding: '{encoding}'. This server reads gzip and deflate.")
        # 32 + 15 takes a gzip or zlib header; deflate without one is tried after (some clients send it so).
        for window in (47, -15) if encoding == "deflate" else (47,):
            inflate = zlib.decompressobj(window)
            try:
                decoded = inflate.decompress(data, self.max_body + 1)
            except zlib.error:
                continue
            if len(decoded) <= self.max_body and not inflate.eof:
                break
            return decoded
        raise not_json(f"The body is not valid {encoding}.")

    def _too_large(self) -> APIError:
        return known(413, message=f"Request body too large: the limit is {self.max_body} bytes.")

    def object(self) -> dict[str, Any]:
        """The JSON object of the body; APIError 400 or 415 when there is none."""
        content_type = self.environ.get("CONTENT_TYPE") or "application/json"
        if "json" not in content_type:
            raise wrong_content_type(content_type)
        value = parse(self.raw)
        if not isinstance(value, dict):
            raise not_json(f"The body is {_kind(value)}, not an object.")
        return value

    def header(self, name: str) -> str | None:
        """One header by its lower-case name."""
        value: str | None = self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return value

    def fields(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields and files of a form, nested as JSON would have them. APIError when it is no form."""
        content_type = self.environ.get("CONTENT_TYPE") or ""
        if not content_type.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            raise wrong_content_type(content_type, "multipart/form-data")
        self.max_content_length = self.max_form_memory_size = self.max_body
        raw = self.raw
        self.environ["wsgi.input"] = _Bytes(raw)
        self.environ["CONTENT_LENGTH"] = str(len(raw))
        try:
            form, files = self.form, self.files
        except (HTTPException, ValueError) as error:
            raise APIError(400, f"Could not parse the multipart form: {getattr(error, 'description', error)}") from None
        if raw and not form and not files:
            raise APIError(400, "Could not parse the multipart form: it holds no part.")
        return nested(form.lists()), nested(files.lists())


def _Bytes(raw: bytes) -> Any:
    from io import BytesIO

    return BytesIO(raw)


def nested(lists: Any) -> dict[str, Any]:
    """Form or query fields as JSON would have them: ``a[]`` a list, ``a[b]`` an object, a repeated name a list."""
    made: dict[str, Any] = {}
    for name, values in lists:
        head, *keys = re.findall(r"[^\[\]]+", name) or [name]
        value = values if name.endswith("[]") or len(values) > 1 else values[0]
        holder = made
        for key in keys:
            inner = holder.setdefault(head, {})
            if not isinstance(inner, dict):
                inner = holder[head] = {}
            holder, head = inner, key
        holder[head] = value
    return made


class _Refused(ValueError):
    """JSON that Python's parser takes and the API does not."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"The key {twice!r} stands twice in one object.")
    return made


def _constant(name: str) -> None:
    raise _Refused(f"{name} is not JSON.")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused(f"The number {text[:40]} is too large.")
    return number


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number).decode


def parse(raw: bytes) -> Any:
    """JSON from the wire, as strictly as the API reads it. APIError 400 in its words, with what is wrong."""
    try:
        text = raw.decode()
        value = _decode(text)
        if _SURROGATE.search(raw):
            # Half of a surrogate pair is no character: it could not be sent back, or to anybody else.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise not_json(f"The body is not valid UTF-8 (byte {error.start}).") from None
    except UnicodeEncodeError:
        raise not_json("The body has an escape of half a surrogate pair.") from None
    except RecursionError:
        raise not_json("The body is nested too deeply.") from None
    except _Refused as error:
        raise not_json(str(error)) from None
    except json.JSONDecodeError as error:
        raise not_json(f"{error.msg} at line {error.lineno}, column {error.colno}." if text else "The body is empty.") from None
    except ValueError:
        # Python's own limit on the digits of an integer.
        raise not_json("The body has a number of too many digits.") from None
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise not_json("The body is nested too deeply.")
    return value


def _depth(value: Any) -> int:
    deepest = 0
    level = [value]
    while level:
        deepest += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return deepest


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API: how its requests become an Ask and a Reply becomes what is sent.

    ``name`` is what rules and the journal call it. ``path`` may hold ``<names>``. ``write(ask, reply, moment)`` gets None for the
    reply only when ``own`` is true: the endpoint then has an answer of its own when no rule matches.
    """

    name: str
    method: str
    path: str
    read: Callable[[Request], Ask]
    write: Callable[..., Any]
    own: bool = False

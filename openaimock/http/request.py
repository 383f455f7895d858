"""Read requests: decode the body, and refuse invalid bodies with the API's own errors."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from ..errors import APIError
from ..types.ask import lazy
from .catalog import api_error, not_json, wrong_content_type
from .json import _kind
from .json_parts import parse_body


class Headers(Mapping[str, str]):
    """The headers of a request by lower-case name, read from the environ on access."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_variable(name)]
        return value

    def __iter__(self) -> Iterator[str]:
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
            elif key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                yield key.replace("_", "-").lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _variable(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


class Request:
    """A WSGI request whose body is read once and decoded, up to ``max_body`` bytes.

    Werkzeug parses forms. Its Request class is not used for JSON: it costs more than the rest of the reading, and its
    import takes half of a mock's start-up time.
    """

    #: Values taken from the path; set by the router.
    params: Mapping[str, str] = {}
    #: The model that the path names (Azure's deployment), which replaces that of the body; set by the router.
    model: str | None = None
    #: The stored objects, for requests that refer to earlier ones; set by the app.
    store: Any = None

    #: The keys that are repeated in one object of the body, once it is parsed.
    repeated_keys: tuple[str, ...] = ()
    #: About as many commas as the JSON body has, once it is parsed; they estimate its values.
    commas: int | None = None

    def __init__(self, environ: dict[str, Any], max_body: int = 64 * 1024 * 1024) -> None:
        self.environ = environ
        self.max_body = max_body
        #: The body before it is decoded, when it is encoded.
        self._encoded: bytes | None = None

    @lazy
    def headers(self) -> Headers:
        """The headers by lower-case name."""
        return Headers(self.environ)

    @lazy
    def query(self) -> dict[str, Any]:
        """The query's fields, nested like JSON."""
        lists: dict[str, list[str]] = {}
        for name, value in parse_qsl(self.environ.get("QUERY_STRING") or "", keep_blank_values=True):
            lists.setdefault(name, []).append(value)
        return nested(lists.items())

    @lazy
    def raw(self) -> bytes:
        """The body's bytes, with gzip or deflate decoded. APIError 400, 413 or 415 when the body cannot be read."""
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
            self._encoded = bytes(data)
            data = self._decoded(data, encoding.strip().lower())
        if len(data) > self.max_body:
            raise self._too_large()
        return bytes(data)

    @property
    def wire(self) -> bytes:
        """The body's bytes as they were received, with their encoding."""
        try:
            raw = self.raw
        except APIError:
            if self._encoded is None:
                raise
            return self._encoded
        return raw if self._encoded is None else self._encoded

    def _decoded(self, data: bytes, encoding: str) -> bytes:
        if encoding == "identity":
            return data
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise APIError(415, f"Unsupported content encoding: '{encoding}'. This server reads gzip and deflate.")
        # 32 + 15 accepts a gzip or zlib header; raw deflate, which some clients send, is tried second.
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
        return api_error(413, limit=self.max_body, used=f"more than {self.max_body}")

    def object(self) -> dict[str, Any]:
        """The JSON object of the body; APIError 400 or 415 when there is none."""
        content_type = self.environ.get("CONTENT_TYPE") or "application/json"
        if "json" not in content_type:
            raise wrong_content_type(content_type)
        repeated: list[str] = []
        value, self.commas = parse_body(self.raw, repeated)
        if repeated:
            self.repeated_keys = tuple(repeated)
        if not isinstance(value, dict):
            raise not_json(f"The body is {_kind(value)}, not an object.")
        if self.model is not None:
            value["model"] = self.model
        return value

    def header(self, name: str) -> str | None:
        """One header by its lower-case name."""
        return self.headers.get(name)

    def fields(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields and files (Werkzeug's FileStorage) of a form, nested like JSON. APIError when the body is not a form."""
        content_type = self.environ.get("CONTENT_TYPE") or ""
        if not content_type.startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            raise wrong_content_type(content_type, "multipart/form-data")
        from werkzeug.exceptions import HTTPException
        from werkzeug.formparser import FormDataParser
        from werkzeug.http import parse_options_header

        raw = self.raw
        kind, options = parse_options_header(content_type)
        try:
            parser = FormDataParser(max_form_memory_size=self.max_body, silent=False)
            _, form, files = parser.parse(BytesIO(raw), kind, len(raw), options)
        except (HTTPException, ValueError) as error:
            raise APIError(400, f"Could not parse the form: {getattr(error, 'description', None) or error}") from None
        if raw and not form and not files:
            raise APIError(400, "Could not parse the form: it has no fields.")
        model = {} if self.model is None else {"model": self.model}
        return nested(form.lists()) | model, nested(files.lists())


def nested(lists: Iterable[tuple[str, list[Any]]]) -> dict[str, Any]:
    """Form or query fields, nested like JSON: ``a[]`` is a list, ``a[b]`` an object, a repeated name a list."""
    fields: dict[str, Any] = {}
    for name, values in lists:
        head, *keys = re.findall(r"[^\[\]]+", name) or [name]
        value = values if name.endswith("[]") or len(values) > 1 else values[0]
        holder = fields
        for key in keys:
            inner = holder.setdefault(head, {})
            if not isinstance(inner, dict):
                inner = holder[head] = {}
            holder, head = inner, key
        holder[head] = value
    return fields

"""Read requests: decode the body, and refuse invalid bodies with the API's own errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from io import SEEK_END, BytesIO
from typing import IO, Any
from urllib.parse import parse_qsl

from ..errors import APIError
from ..types.ask import lazy
from .catalog import api_error, not_json, wrong_content_type
from .encoding import NotDecodable, decoded
from .forms import CHUNK, MAX_FORM, Form, TemporaryFiles, broken_form, is_form, read_form, too_large
from .json import _kind
from .json_parts import parse_body

#: A body of more bytes counts by its size against the memory of the journal.
LARGE = 4096
#: A form in a content encoding unpacks to at most so many times its size, or to as many bytes as any body may have: a small body
#: must not fill the disk.
MOST_PACKED = 100


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

    def pairs(self) -> list[tuple[str, str]]:
        """All names and values: much faster than ``items``."""
        return [(name, value) for key, value in self._environ.items() if (name := _header_name(key))]


@lru_cache(maxsize=1024)
def _header_name(variable: str) -> str:
    """The header of a variable; "" for other variables."""
    if variable.startswith("HTTP_"):
        return variable[5:].replace("_", "-").lower()
    return variable.replace("_", "-").lower() if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else ""


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
        #: The form that the body is, once it is read.
        self._form: Form | None = None

    @lazy
    def headers(self) -> Headers:
        """The headers by lower-case name."""
        return Headers(self.environ)

    @lazy
    def query(self) -> dict[str, Any]:
        """The query's fields, nested like JSON."""
        return nested(_grouped(parse_qsl(self.environ.get("QUERY_STRING") or "", keep_blank_values=True)))

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
        if is_form(self.environ.get("CONTENT_TYPE") or ""):
            self.spool.seek(0)
            return self.spool.read()
        try:
            raw = self.raw
        except APIError:
            if self._encoded is None:
                raise
            return self._encoded
        return raw if self._encoded is None else self._encoded

    def _decoded(self, data: bytes, encoding: str) -> bytes:
        whole = bytearray()
        try:
            for piece in decoded([data], encoding):
                whole += piece
                if len(whole) > self.max_body:
                    raise self._too_large()
        except NotDecodable as error:
            raise not_json(str(error)) from None
        return bytes(whole)

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

    @property
    def base_url(self) -> str:
        """The address of the mock as the client sees it, with the prefix where it is mounted and without a trailing slash."""
        from .address import base_url  # few answers have addresses

        return base_url(self.environ)

    def header(self, name: str) -> str | None:
        """One header by its lower-case name."""
        return self.headers.get(name)

    # Forms

    @lazy
    def _temporary(self) -> TemporaryFiles:
        return TemporaryFiles()

    @lazy
    def spool(self) -> IO[bytes]:
        """The body of a form as it was received: a file that can be read again. APIError 400 or 413."""
        environ = self.environ
        source, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH") or ""
        limit = max(MAX_FORM, self.max_body)
        if length and not (length.isascii() and length.isdigit()):
            raise broken_form(f"The Content-Length header {length[:40]!r} is not a number.")
        if length and int(length) > limit:
            raise too_large(limit, length)
        # The journal keeps the environ for the headers; the body must not stay with it.
        environ["wsgi.input"] = BytesIO()
        if hasattr(source, "seekable") and source.seekable():
            spool: IO[bytes] = source
            size = spool.seek(0, SEEK_END)
        else:
            spool = self._temporary.new()
            most = int(length) if length else limit + 1 if environ.get("wsgi.input_terminated") else 0
            size = _copy(source, spool, most)
        if length and size < int(length):
            raise broken_form(f"The body ended after {size} of {length} bytes.")
        if size > limit:
            raise too_large(limit, f"more than {limit}")
        return spool

    def form(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The texts and files of a form, nested like JSON. APIError 400, 413 or 415 when the body is not a form."""
        content_type = self.environ.get("CONTENT_TYPE") or ""
        if not is_form(content_type):
            raise wrong_content_type(content_type, "multipart/form-data")
        self._form = form = read_form(self._form_pieces(), content_type, self._temporary)
        model = {} if self.model is None else {"model": self.model}
        return nested(_grouped(form.texts)) | model, nested(_grouped(form.files))

    def _form_pieces(self) -> Iterator[bytes]:
        encoding = self.environ.get("HTTP_CONTENT_ENCODING")
        size, limit = 0, max(MAX_FORM, self.max_body)
        if encoding:
            limit = min(limit, max(self.max_body, MOST_PACKED * self.spool.seek(0, SEEK_END)))
        self.spool.seek(0)
        pieces: Iterator[bytes] = iter(lambda: self.spool.read(CHUNK), b"")
        try:
            for piece in decoded(pieces, encoding.strip().lower()) if encoding else pieces:
                size += len(piece)
                if size > limit:
                    raise too_large(limit, f"more than {limit}")
                yield piece
        except NotDecodable as error:
            raise broken_form(str(error)) from None

    @property
    def memory(self) -> int:
        """Bytes that the body takes in the journal, roughly; 0 for a small one."""
        if self._form is not None:
            return 2 * self._form.text_size
        raw = self.raw
        # Beside its text, a small JSON value takes about 60 bytes in Python.
        commas = self.commas
        return 2 * len(raw) + 60 * (raw.count(b",") if commas is None else commas) if len(raw) > LARGE else 0


def _copy(source: Any, target: IO[bytes], most: int) -> int:
    """Copy up to ``most`` bytes; how many there were."""
    size = 0
    while size < most and (piece := source.read(min(CHUNK, most - size))):
        target.write(piece)
        size += len(piece)
    return size


def _grouped(pairs: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, list[Any]]]:
    """The values of each name."""
    lists: dict[str, list[Any]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists.items()


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

"""Chunks: read the text of a file and cut it into overlapping chunks of a number of tokens."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...http.json import dump
from ...text import files, tokens

#: The strategy ``auto`` (API reference: Vector stores).
AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
#: The model whose tokens are counted.
_MODEL = "text-embedding-3-large"
#: The API's limit of a file in tokens, and the bytes that are read of one.
MAX_TOKENS, MAX_BYTES = 5_000_000, 32 * 1024 * 1024
#: Characters that are cut into tokens at once, which bounds the memory of a long text.
_WINDOW = 256 * 1024
#: The file types of the API's documentation of file search. A file without an extension is read as text.
EXTENSIONS = frozenset(
    ["c", "cpp", "cs", "css", "doc", "docx", "go", "html", "java", "js", "json", "md", "pdf", "php", "pptx", "py", "rb", "sh",
     "tex", "ts", "txt"]
)  # fmt: skip


class FileError(Exception):
    """Why a file cannot be used: ``code`` and ``message`` of the API's ``last_error``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.last_error = {"code": code, "message": message}


class Chunks(NamedTuple):
    """A text and the places of its chunks in it."""

    text: str
    spans: list[tuple[int, int]]

    def texts(self) -> list[str]:
        """The text of each chunk."""
        return [self.text[start:end] for start, end in self.spans]

    @property
    def size(self) -> int:
        """Bytes of all chunks; an overlap counts twice."""
        return sum(len(text.encode("utf-8", "replace")) for text in self.texts())

    def encoded(self) -> bytes:
        """The chunks as bytes, for ``decoded``."""
        return dump({"text": self.text, "spans": self.spans}).encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> Chunks:
    """The chunks that ``encoded`` made bytes of."""
    value = json.loads(data.decode("utf-8", "surrogatepass"))
    return Chunks(value["text"], [(start, end) for start, end in value["spans"]])


def strategy(parameter: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ``chunking_strategy`` of a file from that of a request, which may be absent."""
    sizes = parameter["static"] if parameter and parameter["type"] == "static" else AUTO
    return {"type": "static", "static": {name: sizes[name] for name in AUTO}}


def unsupported(names: Iterable[str]) -> list[str]:
    """The extensions of these file names, with their dots, that the API does not accept."""
    extensions = dict.fromkeys(name.rpartition(".")[2].lower() for name in names if "." in name)
    return [f".{extension}" for extension in extensions if extension and extension not in EXTENSIONS]


def parse(data: bytes) -> str:
    """The text of a file. FileError when it is empty, of another type than the API reads, or too large."""
    if not data:
        raise FileError("invalid_file", "The file could not be parsed because it is empty.")
    if len(data) > MAX_BYTES:
        raise FileError("invalid_file", "The file could not be parsed because it is too large.")
    document = files.read_packed(data)
    text = _plain(data) if document is None else document.text
    if not text.strip():
        raise FileError("invalid_file", "The file could not be parsed because it has no text.")
    return text


def _plain(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise FileError("unsupported_file", "The file type is not supported.")
    return data.decode("utf-8-sig", "replace")


def chunked(text: str, sizes: Mapping[str, int]) -> Chunks:
    """The chunks of a text. FileError when it has more tokens than the API accepts."""
    starts = array("Q")
    at = 0
    for window in _windows(text):
        for token in tokens.split(window, _MODEL):
            starts.append(at)
            at += len(token)
        if len(starts) > MAX_TOKENS:
            raise FileError("invalid_file", "The file could not be parsed because it is too large.")
    size, step = sizes["max_chunk_size_tokens"], sizes["max_chunk_size_tokens"] - sizes["chunk_overlap_tokens"]
    starts.append(at)
    last = len(starts) - 1
    spans = []
    for first in range(0, last, step):
        end = min(first + size, last)
        spans.append((starts[first], starts[end]))
        if end == last:
            break
    return Chunks(text, spans)


def _windows(text: str) -> Iterator[str]:
    """The parts of a text, each cut before its last blank."""
    at = 0
    while at < len(text):
        window = text[at : at + _WINDOW]
        if at + _WINDOW < len(text) and (blank := max(window.rfind(" "), window.rfind("\n"))) > 0:
            window = window[:blank]
        yield window
        at += len(window)

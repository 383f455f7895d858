"""Forms: multipart bodies, read piece by piece; the files of a form are on disk when they are large."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import IO, Any, NamedTuple

from ..errors import APIError
from .catalog import api_error, printable

#: The API's limit of one file, and the most bytes of a whole form.
MAX_FILE = 512 * 1024**2
MAX_FORM = MAX_FILE + 1024**2
#: A file of more bytes than this is kept on disk while its request is answered.
IN_MEMORY = 256 * 1024
#: The most bytes of one text, the most bytes of all texts, and the most parts of a form.
MAX_TEXT, MAX_TEXTS, MAX_PARTS = 8 * 1024**2, 32 * 1024**2, 200
#: Bytes that are read at once.
CHUNK = 65536
#: The longest boundary that RFC 2046 allows.
_BOUNDARY = 70


class UploadedFile:
    """A file of a form, of ``size`` bytes. They can be read while its request is answered; the journal keeps the rest."""

    __slots__ = ("_stream", "content_type", "filename", "size")

    def __init__(self, filename: str, content_type: str, size: int, stream: IO[bytes] | None) -> None:
        self.filename = filename
        self.content_type = content_type
        self.size = size
        # A weak reference, so that the bytes go with the request. None: they are gone.
        self._stream: Callable[[], IO[bytes] | None] = (lambda: None) if stream is None else weakref.ref(stream)

    def __repr__(self) -> str:
        return f"UploadedFile({self.filename!r}, {self.content_type!r}, {self.size})"

    def open(self) -> IO[bytes]:
        """The bytes as a file, at its start. ValueError when the request is over."""
        stream = self._stream()
        if stream is None:
            raise ValueError("The bytes of an uploaded file can be read only while its request is answered.")
        stream.seek(0)
        return stream

    def read(self) -> bytes:
        """All bytes."""
        return self.open().read()

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces."""
        stream = self.open()
        while chunk := stream.read(1024 * 1024):
            yield chunk


class Form(NamedTuple):
    """The texts and files of a form in their order, by their names as sent (``image[]``)."""

    texts: list[tuple[str, str]]
    files: list[tuple[str, UploadedFile]]

    @property
    def text_size(self) -> int:
        """Characters of all texts."""
        return sum(len(text) for _, text in self.texts)


def is_form(content_type: str) -> bool:
    """Whether a Content-Type header says that the body is a form with files."""
    return content_type[:19].lower() == "multipart/form-data"


def broken_form(detail: str) -> APIError:
    """The API's error for a form that cannot be read; ``detail`` is a sentence."""
    return APIError(400, f"Could not parse multipart form. {detail}")


def read_form(pieces: Iterable[bytes], content_type: str, temporary: TemporaryFiles) -> Form:
    """The form of a body in pieces; ``temporary`` holds the bytes of its files.

    APIError 400 when it is broken or incomplete, 413 when something in it is too large.
    """
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.http import parse_options_header
    from werkzeug.sansio.multipart import Epilogue, MultipartDecoder, NeedData, State

    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary.isascii() or not 0 < len(boundary) <= _BOUNDARY:
        raise broken_form("The Content-Type header has no valid boundary.")
    decoder = MultipartDecoder(boundary.encode(), MAX_TEXT + CHUNK, max_parts=MAX_PARTS)
    parts = _Parts(temporary)
    try:
        for piece in chain(pieces, (None,)):
            decoder.receive_data(piece)
            while not isinstance(event := decoder.next_event(), (NeedData, Epilogue)):
                parts.add(event)
    except RequestEntityTooLarge:
        if decoder.state is State.PREAMBLE:
            raise broken_form(_OTHER_BOUNDARY) from None
        raise too_large(f"{MAX_TEXT} bytes of a text and {MAX_PARTS} parts") from None
    except UnicodeDecodeError:
        raise broken_form("The headers of a part are not UTF-8.") from None
    except ValueError as error:
        if decoder.complete:
            detail = _OTHER_BOUNDARY if decoder.state is State.PREAMBLE else "The body ends before the form does."
        else:
            detail = f"{error}."
        raise broken_form(detail) from None
    return parts.form


def several_files(name: str) -> APIError:
    """The error for several files under a name that takes one."""
    return APIError(400, f"Invalid '{name}': expected one file, but got several instead.", param=name, code="invalid_type")


_OTHER_BOUNDARY = "The body does not contain the boundary that the Content-Type header names."


def too_large(limit: Any, used: Any = "more than that") -> APIError:
    """The API's error for content of more bytes than the limit."""
    return api_error(413, limit=limit, used=used)


class TemporaryFiles:
    """Files without names, in memory while they are small. They are closed when this object goes."""

    def __init__(self) -> None:
        self._files: list[IO[bytes]] = []

    def new(self) -> IO[bytes]:
        """A new file."""
        from tempfile import SpooledTemporaryFile

        self._files.append(SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - closed in __del__
        return self._files[-1]

    def __del__(self) -> None:
        for file in self._files:
            file.close()


class _Parts:
    """Takes the events of the parser and collects the parts of a form."""

    def __init__(self, temporary: TemporaryFiles) -> None:
        self.form = Form([], [])
        self._temporary = temporary
        self._part: Any = None
        self._text = bytearray()
        self._stream: IO[bytes] | None = None
        self._size = self._texts = 0

    def add(self, event: Any) -> None:
        """The next event: the head of a part, or a piece of its content."""
        kind = type(event).__name__
        if kind == "Data":
            self._write(event.data)
            if not event.more_data:
                self._end()
        elif kind in ("Field", "File"):
            if not event.name:
                raise broken_form("A part has no name.")
            self._part, self._size = event, 0
            self._text.clear()
            if kind == "File":
                self._stream = self._temporary.new()

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        if self._stream is not None:
            if self._size > MAX_FILE:
                raise too_large(MAX_FILE, self._size)
            self._stream.write(data)
            return
        self._texts += len(data)
        if self._size > MAX_TEXT or self._texts > MAX_TEXTS:
            raise too_large(MAX_TEXT if self._size > MAX_TEXT else MAX_TEXTS, self._texts)
        self._text += data

    def _end(self) -> None:
        part, stream = self._part, self._stream
        if stream is None:
            try:
                self.form.texts.append((part.name, self._text.decode()))
            except UnicodeDecodeError:
                raise broken_form(f"The field '{printable(part.name)}' is not UTF-8.") from None
            return
        content_type = part.headers.get("content-type", "")
        self.form.files.append((part.name, UploadedFile(part.filename, content_type, self._size, stream)))
        self._stream = None

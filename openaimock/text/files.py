"""Count the tokens of a file or a sound in a prompt, as far as its content can be known.

Text is read from plain files, from the text operators of a PDF and from Office documents; a file at an address or behind an id
counts as a short document (``api.stored_parts`` corrects the latter).
"""

from __future__ import annotations

import base64
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from . import tokens


class Document(NamedTuple):
    """What can be read of a file: its text and its pages (0 unless it is a PDF)."""

    text: str = ""
    pages: int = 0


#: What stands around a file in a prompt.
AROUND = 10
#: A file that cannot be read: one at an address, one behind an id, one in an unknown format.
UNKNOWN = 200
#: Bytes of a file, and of what unpacking it gives, that are looked at.
LARGEST = 2 * 1024 * 1024


def count(part: Mapping[str, Any], encoding: str, page: int) -> int:
    """Tokens of a file part (``file`` of chat, ``input_file`` of Responses).

    ``page`` is what each page of a PDF costs beside its text: chat shows pages as pictures, too.
    """
    inner = part.get("file")
    about = inner if isinstance(inner, dict) else part
    data = about.get("file_data")
    return count_content(data if isinstance(data, str) else "", str(about.get("filename") or ""), encoding, page)


def count_content(data: str | bytes, filename: str, encoding: str, page: int) -> int:
    """Tokens of a file with this content: a data URL, bare base64, or its bytes."""
    text, pages = _count(data, encoding) if data else (0, 0)
    if not text and not pages:
        return AROUND + UNKNOWN
    return AROUND + tokens.count_encoded(filename, encoding) + text + pages * page


#: Counts of files, by vocabulary and way to count, length and hash. The hash stands for the file, which does not stay in memory.
_counts: dict[tuple[str, str, int, int], tuple[int, int]] = {}


def _count(data: str | bytes, encoding: str) -> tuple[int, int]:
    """Tokens of a file's text, and its pages; worked out once for the same file."""
    tokenizer = tokens.tokenizer(encoding)
    key = (encoding, tokenizer.name, len(data), hash(data))
    counted = _counts.get(key)
    if counted is None:
        document = read(data)
        counted = tokenizer.count(document.text), document.pages
        if len(_counts) >= 256:
            _counts.clear()
        _counts[key] = counted
    return counted


def read(data: str | bytes) -> Document:
    """What can be read of a data URL, of bare base64, or of the bytes of a file; an empty Document when nothing can."""
    may_be_text, raw = True, data[:LARGEST]
    if isinstance(data, str):
        head, comma, letters = data.partition(",")
        may_be_text = not comma or head.startswith(("data:text", "data:application"))
        try:
            raw = base64.b64decode((letters if comma else data)[: LARGEST // 3 * 4])
        except ValueError:
            return Document()
    assert isinstance(raw, bytes)
    document = read_packed(raw)
    if document is not None:
        return document
    if b"\0" in raw[:1024] or not may_be_text:
        return Document()
    return Document(raw.decode("utf-8", "replace"))


def read_packed(raw: bytes) -> Document | None:
    """What can be read of a PDF or an Office document; None for other bytes."""
    if raw.startswith(b"%PDF"):
        return _pdf(raw)
    if raw.startswith(b"PK"):
        return Document(_office(raw))
    return None


# PDF

_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
#: A shown text: in parentheses, or in hexadecimal digits.
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.){0,4096})\)|<([0-9A-Fa-f\s]{2,4096})>|(T\*|T[dDm]|ET)(?![A-Za-z])")


def _pdf(raw: bytes) -> Document:
    """The text of a PDF's content streams. Letters of subset fonts have numbers of their own: each counts as some letter."""
    texts: list[str] = []
    for content in _streams(raw):
        if re.search(rb"T[jJ](?![A-Za-z])", content) and re.search(rb"BT\s", content):
            texts.append("".join(map(_shown, _SHOWN.finditer(content))))
    return Document(" ".join(" ".join(texts).split()), max(1, len(_PAGE.findall(raw))))


def _streams(raw: bytes) -> Iterator[bytes]:
    """The streams of a PDF, unpacked, as far as the limit allows."""
    left = LARGEST
    start = raw.find(b"stream")
    while start >= 0 and left > 0:
        start += len(b"stream")
        end = raw.find(b"endstream", start)
        if end < 0:
            return
        content = raw[start:end].lstrip(b"\r\n")[:left]
        with suppress(zlib.error):  # a stream that is not packed
            content = zlib.decompressobj().decompress(content, left)
        left -= len(content)
        yield content
        start = raw.find(b"stream", end + len(b"endstream"))


def _shown(match: re.Match[bytes]) -> str:
    if match[3]:
        return " "
    if match[1] is not None:
        return match[1].decode("latin-1")
    digits = re.sub(rb"\s", b"", match[2])
    # Four digits a letter begin with zeros.
    width = 4 if len(digits) % 4 == 0 and digits[:2] == b"00" else 2
    return "".join("e " if at % 5 == 4 else "e" for at in range(len(digits) // width))


# Office

_TEXTS = re.compile(r"word/document\.xml|xl/sharedStrings\.xml|xl/worksheets/sheet\d+\.xml|ppt/slides/slide\d+\.xml")


def _office(raw: bytes) -> str:
    """The text of a Word, Excel or PowerPoint document."""
    texts: list[str] = []
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in archive.namelist():
                if _TEXTS.fullmatch(name) and left > 0:
                    with archive.open(name) as member:
                        xml = member.read(left)
                    left -= len(xml)
                    texts.append(re.sub(r"(?:<[^<>]*>)+", " ", xml.decode("utf-8", "replace")))
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError, ValueError):
        pass
    return " ".join(" ".join(texts).split())


# Sound

#: Tokens of a second of sound.
SECOND = 10
#: Bytes of a second where the sound does not say: MP3 at 96 kbit/s.
_BYTES = 12_000


def count_sound(part: Mapping[str, Any]) -> int:
    """Tokens of an ``input_audio`` part: by its length in time, which a WAV says and an MP3 is guessed to have."""
    inner = part.get("input_audio")
    data = inner.get("data") if isinstance(inner, dict) else None
    if not isinstance(data, str):
        return 0
    rate = _BYTES
    try:
        header = base64.b64decode(data[:64])
    except ValueError:
        header = b""
    if header[:4] == b"RIFF" and len(header) >= 32:
        rate = int.from_bytes(header[28:32], "little") or _BYTES
    return round(len(data) * 3 / 4 / rate * SECOND)

"""Tokens of files and sounds in a prompt."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.text import files, tokens

TEXT = "The quarterly report says that sales grew by a third in the north."


def url(raw: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


def part(raw: bytes, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "input_file", "file_data": url(raw, kind), **more}


def pdf(content: bytes, pages: int = 1) -> bytes:
    packed = zlib.compress(content)
    listed = b"".join(b"<< /Type /Page >>\n" for _ in range(pages))
    return b"%PDF-1.4\n<< /Type /Pages >>\n" + listed + b"<< >> stream\n" + packed + b"\nendstream\n%%EOF"


def office(name: str, xml: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, xml)
        archive.writestr("other.xml", "<a>not counted</a>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (TEXT.encode(), "text/plain"),
        (TEXT.encode(), "application/json"),
        (pdf(b"BT /F1 12 Tf (" + TEXT.encode() + b") Tj ET"), "application/pdf"),
        (office("word/document.xml", f"<w:p><w:t>{TEXT}</w:t></w:p>"), "application/vnd.openxmlformats"),
        (office("ppt/slides/slide1.xml", f"<a:t>{TEXT}</a:t>"), "application/vnd.openxmlformats"),
    ],
)
def test_the_text_of_a_file_is_counted(raw: bytes, kind: str) -> None:
    assert files.count(part(raw, kind), "o200k_base", 0) == files.AROUND + tokens.count(TEXT)


def test_the_name_of_a_file_is_counted() -> None:
    named = files.count(part(b"Hello", "text/plain", filename="a.txt"), "o200k_base", 0)
    assert named == files.AROUND + tokens.count("Hello") + tokens.count("a.txt")


def test_chat_holds_its_file_in_an_object() -> None:
    flat = part(b"Hello", "text/plain")
    inner = {"type": "file", "file": {"file_data": flat["file_data"]}}
    assert files.count(inner, "o200k_base", 250) == files.count(flat, "o200k_base", 250)


def test_pages_of_a_pdf_are_pictures_in_chat() -> None:
    document = part(pdf(b"BT (Hello) Tj ET", pages=3), "application/pdf")
    both = (files.count(document, "o200k_base", page) for page in (250, 0))
    assert next(both) - next(both) == 3 * 250


def test_letters_in_hexadecimal_count_as_letters() -> None:
    assert len(files.read(url(pdf(b"BT <0102030405> Tj <00410042> Tj ET"), "application/pdf")).text) == 8


@pytest.mark.parametrize(
    "about",
    [
        {"file_id": "file-1"},
        {"file_url": "https://example.com/a.pdf"},
        {"file_data": "data:image/tiff;base64,AAAA"},
        {"file_data": "data:application/zip;base64,UEsDBA=="},
        {"file_data": "data:text/plain;base64,A"},
    ],
)
def test_a_file_that_cannot_be_read_counts_as_a_short_document(about: dict[str, str]) -> None:
    assert files.count({"type": "input_file", **about}, "o200k_base", 0) == files.AROUND + files.UNKNOWN


@given(raw=st.binary(max_size=300), start=st.sampled_from([b"", b"%PDF-1.4 stream\n", b"PK\x03\x04", b"(" * 50, b"stream" * 20]))
def test_any_bytes_have_a_count(raw: bytes, start: bytes) -> None:
    assert files.count(part(start + raw, "application/pdf"), "o200k_base", 250) >= files.AROUND


def test_what_a_packed_stream_unpacks_to_is_bounded() -> None:
    bomb = pdf(b"BT (" + b"a" * (8 * files.LARGEST) + b") Tj ET")
    assert len(files.read(url(bomb, "application/pdf")).text) <= files.LARGEST


def test_counts_of_files_in_memory_are_bounded() -> None:
    for number in range(300):
        files.count(part(f"text {number}".encode(), "text/plain"), "o200k_base", 0)
    assert len(files._counts) <= 256


def test_a_sound_costs_ten_tokens_a_second() -> None:
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0" + struct.pack("<II", 16_000, 32_000)
    sound = {"data": base64.b64encode(header + bytes(3 * 32_000)).decode(), "format": "wav"}
    assert files.count_sound({"type": "input_audio", "input_audio": sound}) == 30


@pytest.mark.parametrize("sound", [None, {}, {"data": ""}, {"data": "!"}])
def test_a_sound_without_data_costs_nothing(sound: Any) -> None:
    assert files.count_sound({"type": "input_audio", "input_audio": sound}) == 0

"""Chunks: what can be read of a file, and where a text is cut."""

import io
import zipfile
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.api.vector_stores import chunks
from openaimock.text import tokens

SMALL = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}
WORDS = " ".join(f"word{number}" for number in range(2000))


def failure(data):
    with pytest.raises(chunks.FileError) as error:
        chunks.parse(data)
    return error.value.last_error


def sizes(size, overlap):
    return {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}


def test_a_short_text_is_one_chunk():
    assert chunks.chunked("Hello there.", chunks.AUTO).texts() == ["Hello there."]


def test_chunks_have_the_size_and_the_overlap():
    texts = chunks.chunked(WORDS, SMALL).texts()
    counts = [len(tokens.split(text, "text-embedding-3-large")) for text in texts]
    assert set(counts[:-1]) == {100}
    assert counts[-1] <= 100
    for one, other in pairwise(texts):
        shared = "".join(tokens.split(one, "text-embedding-3-large")[50:])
        assert other.startswith(shared)


def test_without_an_overlap_the_chunks_are_the_text():
    assert "".join(chunks.chunked(WORDS, sizes(100, 0)).texts()) == WORDS


@given(st.text(max_size=2000), st.integers(100, 120), st.integers(0, 50))
def test_every_character_is_in_a_chunk(text, size, overlap):
    cut = chunks.chunked(text, sizes(size, overlap))
    covered = 0
    for start, end in cut.spans:
        assert start <= covered < end
        covered = end
    assert covered == len(text)
    assert chunks.decoded(cut.encoded()) == cut


def test_a_long_text_is_cut_in_windows(monkeypatch):
    monkeypatch.setattr(chunks, "_WINDOW", 100)
    assert "".join(chunks.chunked(WORDS, sizes(100, 0)).texts()) == WORDS
    assert "".join(chunks.chunked("x" * 1000, sizes(100, 0)).texts()) == "x" * 1000


def test_a_text_of_too_many_tokens_is_refused(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_TOKENS", 100)
    with pytest.raises(chunks.FileError, match="too large"):
        chunks.chunked(WORDS, SMALL)


def test_the_strategy_auto_is_the_static_one_of_the_documentation():
    assert chunks.strategy(None) == chunks.strategy({"type": "auto"})
    assert chunks.strategy(None) == {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
    assert chunks.strategy({"type": "static", "static": SMALL}) == {"type": "static", "static": SMALL}


def test_text_files_are_read():
    assert chunks.parse("héllo".encode()) == "héllo"


def test_text_with_a_byte_order_mark():
    assert chunks.parse(b"\xef\xbb\xbfhello") == "hello"
    assert chunks.parse("hello".encode("utf-16")) == "hello"


def test_a_pdf_is_read():
    packed = zlib.compress(b"BT (Hello from a page) Tj ET")
    pdf = b"%PDF-1.4\n1 0 obj <</Type /Page>> endobj\n2 0 obj << >> stream\n" + packed + b"\nendstream endobj"
    assert chunks.parse(pdf) == "Hello from a page"


def test_a_word_document_is_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<w:p><w:t>Hello there</w:t></w:p>")
    assert chunks.parse(file.getvalue()) == "Hello there"


def test_an_empty_file_is_invalid():
    message = "The file could not be parsed because it is empty."
    assert failure(b"") == {"code": "invalid_file", "message": message}


@pytest.mark.parametrize("data", [b" \n", b"%PDF-1.4 nothing", b"PK\x03\x04 broken"])
def test_a_file_without_text_is_invalid(data):
    assert failure(data)["code"] == "invalid_file"


def test_other_content_is_unsupported():
    assert failure(b"a\0b") == {"code": "unsupported_file", "message": "The file type is not supported."}


def test_extensions_that_are_not_supported():
    names = ["a.png", "b.PNG", "c.csv", "d.txt", "e.MD", "f.py", "upload", "ends.with.", ".md"]
    assert chunks.unsupported(names) == [".png", ".csv"]


def test_a_large_file_is_invalid(monkeypatch):
    monkeypatch.setattr(chunks, "MAX_BYTES", 10)
    assert failure(b"x" * 11)["code"] == "invalid_file"


def test_a_zip_bomb_is_read_as_far_as_the_limit_allows():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "a" * 50_000_000)
    assert len(chunks.parse(file.getvalue())) <= 2 * 1024 * 1024

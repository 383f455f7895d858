"""Headers of uploaded images, written by Pillow."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from openaimock.media.images import image_info


def saved(format: str, mode: str = "RGB", size: tuple[int, int] = (37, 21), **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, format, **options)
    return file.getvalue()


def comment() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "x" * 100)
    return info


@pytest.mark.parametrize(
    ("data", "format", "alpha"),
    [
        (saved("PNG"), "png", False),
        (saved("PNG", "RGBA"), "png", True),
        (saved("PNG", "LA"), "png", True),
        (saved("PNG", "P"), "png", False),
        (saved("PNG", "P", transparency=0, pnginfo=comment()), "png", True),
        (saved("PNG", "1"), "png", False),
        (saved("JPEG"), "jpeg", False),
        (saved("JPEG", progressive=True), "jpeg", False),
        (saved("JPEG", "L", comment=b"x" * 5_000), "jpeg", False),
        (saved("JPEG", exif=b"Exif\x00\x00" + bytes(40_000)), "jpeg", False),
        (saved("GIF", "P"), "gif", False),
        (saved("GIF", "P", transparency=0), "gif", True),
        (saved("GIF", "P", transparency=0, comment=b"x" * 600), "gif", True),
        (saved("WEBP"), "webp", False),
        (saved("WEBP", lossless=True), "webp", False),
        (saved("WEBP", "RGBA", lossless=True, exact=True), "webp", True),
        (saved("WEBP", "RGBA", quality=50), "webp", True),
        (saved("WEBP", exif=b"Exif\x00\x00" + bytes(20)), "webp", False),
    ],
)
def test_the_header_tells_format_size_and_alpha(data, format, alpha):
    assert image_info(data) == (format, 37, 21, alpha)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", b"RIFF\x24\x00\x00\x00WAVEfmt ", saved("BMP"), saved("TIFF")])
def test_other_data_is_no_image(data):
    assert image_info(data) is None


@pytest.mark.parametrize("data", [saved("PNG")[:20], saved("JPEG")[:30], saved("GIF", "P")[:8], saved("WEBP")[:22]])
def test_a_file_cut_off_within_its_header_is_no_image(data):
    assert image_info(data) is None


def test_a_png_of_no_width_is_no_image():
    data = bytearray(saved("PNG"))
    data[16:20] = bytes(4)
    assert image_info(bytes(data)) is None


FILES = [saved("PNG", "P", transparency=0), saved("JPEG"), saved("GIF", "P", comment=b"hi"), saved("WEBP"), saved("WEBP", "RGBA")]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_damaged_files_raise_no_error(data, draw):
    damaged = bytearray(data[: draw.draw(st.integers(0, len(data)))])
    for _ in range(draw.draw(st.integers(0, 4)) if damaged else 0):
        damaged[draw.draw(st.integers(0, min(60, len(damaged)) - 1))] = draw.draw(st.integers(0, 255))
    info = image_info(bytes(damaged))
    assert info is None or (info.width > 0 and info.height > 0)

"""Tokens of images: sizes from the first bytes of a file, and the API's rules."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.params.models import family
from openaimock.text import images
from openaimock.text.facts import Patches, Tiles
from openaimock.text.images import Size

SIDES = st.integers(1, 16_000)


def url(raw: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0" + bytes(40)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(20)


def jpeg(width: int, height: int, before: int = 500) -> bytes:
    """A JPEG with a segment of so many bytes (a camera's data) before the frame."""
    segment = b"\xff\xe1" + struct.pack(">H", before + 2) + bytes(before)
    return b"\xff\xd8" + segment + b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + bytes(40)


def webp(width: int, height: int, kind: bytes) -> bytes:
    head = b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0"
    if kind == b"VP8X":
        return head + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + bytes(20)
    if kind == b"VP8L":
        return head + b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(20)
    return head + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(20)


@given(width=SIDES, height=SIDES, before=st.integers(0, 60_000))
def test_the_size_of_every_kind_of_image_is_read(width: int, height: int, before: int) -> None:
    files = [png(width, height), gif(width, height), jpeg(width, height, before)]
    files += [webp(width, height, kind) for kind in (b"VP8 ", b"VP8L", b"VP8X")]
    assert [images.measure(url(raw)) for raw in files] == [Size(width, height)] * 6


@given(raw=st.binary(max_size=200), at=st.integers(0, 40))
def test_damaged_images_have_no_size_and_raise_nothing(raw: bytes, at: int) -> None:
    for whole in (png(8, 8), gif(8, 8), jpeg(8, 8), webp(8, 8, b"VP8X")):
        size = images.measure(url(whole[:at] + raw))
        assert size is None or min(size) > 0


@pytest.mark.parametrize(
    "address", ["", "https://example.com/a.png", "data:,", "data:image/png,abc", "data:image/png;base64,!!!", "file-123"]
)
def test_an_address_without_an_image_has_no_size(address: str) -> None:
    assert images.measure(address) is None


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        # Examples of the API's guide.
        ("gpt-4o", Size(1024, 1024), "high", 765),
        ("gpt-4o", Size(2048, 4096), "high", 1105),
        ("gpt-4o", Size(4096, 8192), "low", 85),
        ("gpt-4.1-mini", Size(1024, 1024), "", 1659),
        ("gpt-4.1-mini", Size(1800, 2400), "", 2353),
        ("o4-mini", Size(1024, 1024), "", 1762),
        # A tile for an image no larger than one, whatever the detail if it is not low.
        ("gpt-4o-2024-08-06", Size(100, 50), "auto", 255),
        ("gpt-4o-mini", Size(512, 512), "", 8500),
        ("gpt-4o-mini", Size(512, 512), "low", 2833),
        ("gpt-4-turbo", Size(513, 512), "", 425),
        ("gpt-5-2025-08-07", Size(512, 512), "", 210),
        ("gpt-5-chat-latest", Size(512, 512), "low", 70),
        ("o1", Size(512, 512), "", 225),
        ("computer-use-preview", Size(1024, 768), "", 581),
        ("openai/gpt-4o", Size(512, 512), "", 255),
        ("ft:gpt-4o-mini:acme::x", Size(512, 512), "", 8500),
        ("some-model", Size(512, 512), "", 255),
        # Patches.
        ("gpt-5-mini", Size(512, 512), "", 308),
        ("gpt-5-nano", Size(128, 128), "", 24),
        ("gpt-5.4-nano", Size(512, 512), "", 308),
        ("gpt-5-mini", Size(2048, 2048), "low", 308),
        ("gpt-5.2", Size(4000, 4000), "", 1826),
        ("gpt-5.4", Size(4000, 4000), "high", 3000),
        ("gpt-5.4", Size(3200, 3200), "original", 12000),
        ("gpt-5.5", Size(3200, 3200), "auto", 12000),
        ("gpt-5.5", Size(3200, 3200), "high", 3000),
    ],
)
def test_images_cost_what_the_rules_say(model: str, size: Size, detail: str, tokens: int) -> None:
    assert images.cost(size, detail, family(model).image or images.USUAL) == tokens


def test_an_image_at_an_address_counts_as_a_small_picture() -> None:
    assert images.count("https://example.com/a.png", "", None) == images.cost(images.UNKNOWN, "", images.USUAL) == 425


@given(width=SIDES, height=SIDES, rule=st.sampled_from([Tiles(85, 170), Patches(1.2), Patches(1.2, 2500, 10_000)]))
def test_low_detail_never_costs_more(width: int, height: int, rule: Tiles | Patches) -> None:
    size = Size(width, height)
    assert 0 < images.cost(size, "low", rule) <= images.cost(size, "high", rule)


@given(width=SIDES, height=SIDES)
def test_an_image_stays_within_the_budget_of_patches(width: int, height: int) -> None:
    assert images.cost(Size(width, height), "high", Patches(1.2)) <= 1844

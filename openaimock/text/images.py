"""Count the tokens of an image: its size from its first bytes, then the API's published rule for the model.

(OpenAI's guide: Images and vision, section "Calculating costs".)
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from .facts import Patches, Tiles


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


#: An image whose size cannot be known (at an address, by the id of a file, in another format) counts as a small web picture.
UNKNOWN = Size(600, 300)
#: The rule for models of which none is known.
USUAL = Tiles(85, 170)
#: An image is scaled down until its longer side has so many pixels; the second for ``detail: original``.
_SIDE, _ORIGINAL_SIDE = 2048, 6000
#: Patches of a page of a PDF that is shown as a picture, and of one for models that know ``detail: original``.
_PAGE, _ORIGINAL_PAGE = 208, 825


def count(url: str, detail: str, rule: Tiles | Patches | None) -> int:
    """Tokens of an image by its address or data URL; ``detail`` is the API's word, "" for none."""
    return cost(measure(url) or UNKNOWN, detail, rule or USUAL)


def page(rule: Tiles | Patches | None) -> int:
    """Tokens of a page of a PDF, shown as a picture."""
    rule = rule or USUAL
    if isinstance(rule, Tiles):
        return rule.base + rule.tile
    return math.ceil(rule.multiplier * (_ORIGINAL_PAGE if rule.original else _PAGE))


@lru_cache(maxsize=1024)
def cost(size: Size, detail: str, rule: Tiles | Patches) -> int:
    """Tokens of an image of a size."""
    if isinstance(rule, Tiles):
        return rule.base + (0 if detail == "low" else rule.tile * _tiles(size))
    if detail == "low":
        patches = _patches(_within(size, 512), 256)
    elif rule.original and (detail == "original" or (rule.full and detail != "high")):
        side = _ORIGINAL_SIDE if rule.original <= 10_000 else max(size)
        patches = _patches(_within(size, side), rule.original)
    else:
        patches = _patches(_within(size, _SIDE), rule.limit)
    return math.ceil(patches * rule.multiplier)


def _within(size: Size, side: float) -> Size:
    """The size scaled down until its longer side fits."""
    scale = min(1.0, side / max(size))
    return Size(max(1, int(size.width * scale)), max(1, int(size.height * scale)))


def _tiles(size: Size) -> int:
    """Squares of 512 pixels that cover an image within 2048 by 2048 pixels, whose shorter side is 768 at most."""
    size = _within(size, 2048)
    scale = min(1.0, 768 / min(size))
    return math.ceil(int(size.width * scale) / 512) * math.ceil(int(size.height * scale) / 512)


def _patches(size: Size, most: int) -> int:
    """Squares of 32 pixels that cover an image; one that needs more than ``most`` is scaled down to whole squares."""
    across, down = math.ceil(size.width / 32), math.ceil(size.height / 32)
    if across * down <= most:
        return across * down
    scale = math.sqrt(32 * 32 * most / (size.width * size.height))
    wide, high = size.width * scale / 32, size.height * scale / 32
    scale *= min(max(1, math.floor(wide)) / wide, max(1, math.floor(high)) / high)
    across = math.ceil(round(size.width * scale / 32, 6))
    return min(most, across * math.ceil(round(size.height * scale / 32, 6)))


# Sizes. Only the bytes that tell are decoded: an image may have megabytes.


def measure(url: str) -> Size | None:
    """The size of the PNG, JPEG, GIF or WebP image in a data URL; None for any other address or content."""
    head, comma, _ = url[:256].partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    start = len(head) + 1

    def read(at: int, length: int) -> bytes:
        """Some bytes of the image, fewer where it ends."""
        first, skipped = divmod(at, 3)
        letters = url[start + first * 4 : start + ((at + length + 2) // 3) * 4]
        try:
            return base64.b64decode(letters)[skipped : skipped + length]
        except ValueError:
            return b""

    magic = read(0, 12)
    for beginning, parse in _FORMATS:
        if magic.startswith(beginning):
            size = parse(read)
            return size if size and all(0 < side <= 1_000_000 for side in size) else None
    return None


Read = Callable[[int, int], bytes]


def _png(read: Read) -> Size | None:
    header = read(16, 8)
    return Size(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big"))


def _gif(read: Read) -> Size | None:
    header = read(6, 4)
    return Size(int.from_bytes(header[:2], "little"), int.from_bytes(header[2:], "little"))


#: Markers of JPEG that begin a frame and so tell the size.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(read: Read) -> Size | None:
    at = 2
    for _ in range(256):  # segments before the frame; a real file has some ten
        segment = read(at, 9)
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        if segment[1] in _FRAMES:
            return Size(int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big"))
        at += 1 if segment[1] == 0xFF else 2 + int.from_bytes(segment[2:4], "big")
    return None


def _webp(read: Read) -> Size | None:
    header = read(12, 18)
    kind = header[:4]
    if kind == b"VP8X":
        return Size(1 + int.from_bytes(header[12:15], "little"), 1 + int.from_bytes(header[15:18], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(header[9:13], "little")
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        return Size(int.from_bytes(header[14:16], "little") & 0x3FFF, int.from_bytes(header[16:18], "little") & 0x3FFF)
    return None


_FORMATS: tuple[tuple[bytes, Callable[[Read], Size | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8\xff", _jpeg),
    (b"GIF8", _gif),
    (b"RIFF", _webp),
)

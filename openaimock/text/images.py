"""Count the tokens of an image: its size from its first bytes, then the API's published rule for the model.

(OpenAI's guide: Images and vision, section "Calculating costs".)
"""

from __future__ import annotations

import base64
import math
from functools import lru_cache
from typing import NamedTuple

from ..media.images import image_info
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
#: An image with a longer side than this many pixels counts as one of unknown size.
_LONGEST_SIDE = 1_000_000
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


#: The first bytes of an image that are decoded, then more when the header is longer: an image may have megabytes.
_HEADER, _LONG_HEADER = 4 * 1024, 1024 * 1024


def measure(url: str) -> Size | None:
    """The size of the PNG, JPEG, GIF or WebP image in a data URL; None for any other address or content."""
    head, comma, _ = url[:256].partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    start = len(head) + 1
    for length in (_HEADER, _LONG_HEADER):
        letters = url[start : start + length // 3 * 4]
        try:
            size = size_of(base64.b64decode(letters[: len(letters) // 4 * 4]))
        except ValueError:
            return None
        if size is not None:
            return size
        if len(url) - start <= length // 3 * 4:
            return None
    return None


def size_of(data: bytes) -> Size | None:
    """The size of the PNG, JPEG, GIF or WebP image that begins with these bytes; None for other content."""
    info = image_info(data)
    return Size(info.width, info.height) if info is not None and max(info.width, info.height) <= _LONGEST_SIDE else None

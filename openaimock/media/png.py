"""PNG pictures drawn from a text: the same text and size always give the same pixels.

| background  | PNG colour type | bytes per pixel |
| ----------- | --------------- | --------------- |
| opaque      | 2 (RGB)         | 3               |
| transparent | 6 (RGBA)        | 4               |

The API's own opaque pictures have colour type 2 as well. The file format is that of the PNG specification
(W3C, https://www.w3.org/TR/png-3/), compressed by the standard library's zlib.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: The longest side of a picture, in pixels.
MAX_SIDE = 4096

#: The API sends at most this many partial images before the final one (``partial_images``).
MAX_PARTIALS = 3

#: A picture is drawn in square cells; its shorter side has at most this many, so a large picture costs little more.
_CELLS = 512

#: The shorter side of the first partial image has this many cells; each later partial image has twice as many.
_FIRST_PARTIAL_CELLS = 8

#: The colour of an opaque background changes in this many steps from top to bottom.
_BANDS = 16

#: The shapes: half the width of a row, as a share of the shape's radius, from the row's place in -1 (top) to 1 (bottom).
_SHAPES: tuple[Callable[[float], float], ...] = (
    lambda y: math.sqrt(1.0 - y * y),  # circle
    lambda y: 1.0,  # square
    lambda y: (y + 1.0) / 2.0,  # triangle
    lambda y: 1.0 - abs(y),  # diamond
)
_SHAPE_COUNT = 5


class _Shape(NamedTuple):
    """One shape: the centre and the radius as shares of the picture's sides, and an RGB colour."""

    half_width: Callable[[float], float]
    x: float
    y: float
    radius: float
    colour: bytes


class _Scene(NamedTuple):
    """A picture before its size is chosen: the background's first and last RGB colour, and shapes from back to front."""

    top: bytes
    bottom: bytes
    shapes: tuple[_Shape, ...]


def picture(text: str, width: int, height: int, *, transparent: bool = False) -> bytes:
    """A PNG file of ``width`` by ``height`` pixels (1 to 4096 each), drawn from the hash of ``text``.

    The pixels depend on the arguments alone; the compressed bytes may differ between versions of zlib.
    ValueError when a side is out of range.
    """
    _check_sides(width, height)
    return _encode(_scene(text), width, height, max(1, min(width, height) // _CELLS), transparent)


def progression(text: str, width: int, height: int, partials: int, *, transparent: bool = False) -> Iterator[bytes]:
    """Yield ``partials`` (0 to 3) coarse PNG files, each finer than the one before, then the same file as ``picture``.

    All files have the full size in pixels, as the API's partial images have. ValueError when an argument is out of range.
    """
    _check_sides(width, height)
    if not 0 <= partials <= MAX_PARTIALS:
        raise ValueError(f"the number of partial images is {partials}, which is not in 0 to {MAX_PARTIALS}")
    return _progression(text, width, height, partials, transparent)


def _progression(text: str, width: int, height: int, partials: int, transparent: bool) -> Iterator[bytes]:
    scene = _scene(text)
    side = min(width, height)
    finest = max(1, side // _CELLS)
    for index in range(partials):
        yield _encode(scene, width, height, max(finest, side // (_FIRST_PARTIAL_CELLS << index)), transparent)
    yield _encode(scene, width, height, finest, transparent)


def _check_sides(width: int, height: int) -> None:
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError(f"the size {width}x{height} is not within 1x1 to {MAX_SIDE}x{MAX_SIDE}")


def _scene(text: str) -> _Scene:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=64).digest()
    shapes = []
    for index in range(_SHAPE_COUNT):
        kind, x, y, radius, *colour = digest[8 + 7 * index : 15 + 7 * index]
        shapes.append(_Shape(_SHAPES[kind % len(_SHAPES)], x / 255, y / 255, 0.12 + radius / 1000, bytes(colour)))
    return _Scene(digest[0:3], digest[3:6], tuple(shapes))


def _encode(scene: _Scene, width: int, height: int, cell: int, transparent: bool) -> bytes:
    compressor = zlib.compressobj(1)
    compressed = [
        compressor.compress(row) for row, repeats in _rows(scene, width, height, cell, transparent) for _ in range(repeats)
    ]
    compressed.append(compressor.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, 6 if transparent else 2, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"".join(compressed)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _rows(scene: _Scene, width: int, height: int, cell: int, transparent: bool) -> Iterator[tuple[bytes, int]]:
    """The picture's rows, each with PNG's filter type 0 in front, and how often each is repeated downwards."""
    alpha = b"\xff" if transparent else b""
    pixel_bytes = 3 + len(alpha)
    side = min(width, height)
    for top in range(0, height, cell):
        middle = top + cell / 2
        row = bytearray((bytes(4) if transparent else _background(scene, middle / height)) * width)
        for shape in scene.shapes:
            radius = shape.radius * side
            y = (middle - shape.y * height) / radius
            if not -1.0 <= y <= 1.0:
                continue
            half = shape.half_width(y) * radius
            # Both ends snap to the cells, which makes a coarse picture coarse in both directions.
            start = max(0, int((shape.x * width - half) / cell) * cell)
            end = min(width, int((shape.x * width + half) / cell) * cell)
            if start < end:
                row[start * pixel_bytes : end * pixel_bytes] = (shape.colour + alpha) * (end - start)
        yield b"\x00" + row, min(cell, height - top)


def _background(scene: _Scene, place: float) -> bytes:
    step = min(_BANDS - 1, int(place * _BANDS))
    return bytes(first + (last - first) * step // (_BANDS - 1) for first, last in zip(scene.top, scene.bottom, strict=True))

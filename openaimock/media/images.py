"""Format, size and alpha channel of an uploaded image, read from its header without decoding the pixels.

| format | what is read                                        | specification                          |
| ------ | --------------------------------------------------- | -------------------------------------- |
| png    | IHDR, and whether a tRNS chunk precedes the pixels  | https://www.w3.org/TR/png-3/           |
| jpeg   | the first frame header (SOF)                        | ITU-T T.81                             |
| gif    | the logical screen, the first graphic control block | GIF89a                                 |
| webp   | VP8, VP8L or VP8X                                   | RFC 9649                               |
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

#: A header is looked for in at most this many chunks, markers or blocks.
MAX_PARTS = 10_000
#: The transparent colour of a GIF is looked for in at most this many bytes.
MAX_GIF_BYTES = 1 << 20

#: JPEG's frame headers: C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: JPEG's markers without a length: TEM and RST0 to RST7.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})


class ImageInfo(NamedTuple):
    """What a header says: ``format`` (png, jpeg, gif or webp), ``width`` and ``height`` in pixels, ``has_alpha``."""

    format: str
    width: int
    height: int
    has_alpha: bool


def image_info(data: bytes) -> ImageInfo | None:
    """What the header of ``data`` says, or None when it is no PNG, JPEG, GIF or WebP image, or its header is broken.

    Only the header is read: a file that is cut off after it still counts as an image.
    """
    for signature, offset, read in _READERS:
        if data[offset : offset + len(signature)] == signature:
            try:
                info = read(data)
            except (struct.error, IndexError):  # the file ends within its header
                return None
            return info if info and info.width > 0 and info.height > 0 else None
    return None


#: The last bytes of a file, in which the end of its picture must be.
TAIL = 65536


def is_whole(info: ImageInfo, head: bytes, tail: bytes, size: int) -> bool:
    """Whether a file of ``size`` bytes has the end of its picture; ``head`` and ``tail`` are its first and last bytes."""
    if info.format == "png":
        return b"IEND" in tail
    if info.format == "jpeg":
        return b"\xff\xd9" in tail
    return info.format != "webp" or size >= int.from_bytes(head[4:8], "little") + 8


def _png(data: bytes) -> ImageInfo | None:
    length, kind, width, height, depth, colour = struct.unpack_from(">I4sIIBB", data, 8)
    if kind != b"IHDR" or length != 13 or depth not in (1, 2, 4, 8, 16) or colour not in (0, 2, 3, 4, 6):
        return None
    return ImageInfo("png", width, height, colour in (4, 6) or _png_transparency(data))


def _png_transparency(data: bytes) -> bool:
    """Whether a tRNS chunk stands before the first IDAT chunk."""
    offset = 8
    for _ in range(MAX_PARTS):
        if offset + 8 > len(data):
            return False
        length, kind = struct.unpack_from(">I4s", data, offset)
        if kind in (b"tRNS", b"IDAT", b"IEND"):
            return bool(kind == b"tRNS")
        offset += 12 + length
    return False


def _jpeg(data: bytes) -> ImageInfo | None:
    offset = 2
    for _ in range(MAX_PARTS):
        if data[offset] != 0xFF:
            return None
        marker = data[offset + 1]
        if marker == 0xFF:  # a fill byte
            offset += 1
        elif marker in _JPEG_BARE:
            offset += 2
        elif marker in (0xD9, 0xDA):  # the end of the image or the pixels, and no frame header before
            return None
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, offset + 5)
            return ImageInfo("jpeg", width, height, False)
        else:
            (length,) = struct.unpack_from(">H", data, offset + 2)
            if length < 2:
                return None
            offset += 2 + length
    return None


def _gif(data: bytes) -> ImageInfo | None:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    return ImageInfo("gif", width, height, _gif_transparency(data, 13 + _gif_colours(flags)))


def _gif_colours(flags: int) -> int:
    """The bytes of the global colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_transparency(data: bytes, offset: int) -> bool:
    """Whether the graphic control block before the first picture names a transparent colour."""
    end = min(len(data), MAX_GIF_BYTES)
    for _ in range(MAX_PARTS):
        if offset + 4 > end or data[offset] != 0x21:
            return False
        if data[offset + 1] == 0xF9:
            return bool(data[offset + 3] & 1)
        offset += 2
        while offset < end and data[offset]:
            offset += 1 + data[offset]
        offset += 1
    return False


def _webp(data: bytes) -> ImageInfo | None:
    kind = data[12:16]
    if data[8:12] != b"WEBP":
        return None
    if kind == b"VP8X":
        size = int.from_bytes(data[24:27], "little"), int.from_bytes(data[27:30], "little")
        return ImageInfo("webp", 1 + size[0], 1 + size[1], bool(data[20] & 0x10)) if len(data) >= 30 else None
    if kind == b"VP8L":
        signature, bits = struct.unpack_from("<BI", data, 20)
        if signature != 0x2F:
            return None
        return ImageInfo("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1))
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageInfo("webp", width & 0x3FFF, height & 0x3FFF, False)
    return None


#: The formats: their signature, where it stands, and the function that reads the header after it.
_READERS: tuple[tuple[bytes, int, Callable[[bytes], ImageInfo | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, _png),
    (b"\xff\xd8\xff", 0, _jpeg),
    (b"GIF87a", 0, _gif),
    (b"GIF89a", 0, _gif),
    (b"RIFF", 0, _webp),
)

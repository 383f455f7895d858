"""Headers of FLAC and MP3 files."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .audio_header import AudioInfo, BrokenAudio

#: At most this many MP3 frames are counted (22 minutes at 44.1 kHz); the rest is estimated from their mean length.
MAX_FRAMES = 50_000
#: At most this many ID3 tags in a row are skipped.
MAX_TAGS = 10
#: The first MP3 frame is looked for in this many bytes after the ID3 tag.
MAX_SEARCH = 65_536

_STREAMINFO_BYTES = 42


def read_flac(data: bytes) -> AudioInfo | BrokenAudio:
    """The STREAMINFO block of a FLAC file."""
    if len(data) < _STREAMINFO_BYTES or data[4] & 0x7F or int.from_bytes(data[5:8], "big") != 34:
        return BrokenAudio("flac", "its first block is not a STREAMINFO block")
    packed = int.from_bytes(data[18:26], "big")
    rate, channels, samples = packed >> 44, (packed >> 41 & 7) + 1, packed & 0xF_FFFF_FFFF
    if not rate:
        return BrokenAudio("flac", "its sample rate is 0 Hz")
    return AudioInfo("flac", samples / rate if samples else None, rate, channels)


class _Frame(NamedTuple):
    """An MPEG audio frame: bytes, samples per channel, rate in Hz, channels, and MPEG version (1, 2 or 2.5)."""

    length: int
    samples: int
    rate: int
    channels: int
    version: float


_BITRATES = {
    # (version 1?, layer): kbit/s by index 1 to 14
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_VERSIONS = {0: 2.5, 2: 2, 3: 1}
_RATES = {1: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 2.5: (11_025, 12_000, 8_000)}


def _frame(data: bytes, offset: int) -> _Frame | None:
    """The frame whose header stands at ``offset``, or None. Frames of free bit rate are not read."""
    if offset + 4 > len(data):
        return None
    first, second, third, fourth = data[offset : offset + 4]
    version, layer = _VERSIONS.get(second >> 3 & 3), 4 - (second >> 1 & 3)
    bitrate, rate = third >> 4, third >> 2 & 3
    if first != 0xFF or second < 0xE0 or version is None or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    hertz = _RATES[version][rate]
    bits = _BITRATES[version == 1, layer][bitrate - 1] * 1_000
    padding = third >> 1 & 1
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 1 else 1_152
    length = (12 * bits // hertz + padding) * 4 if layer == 1 else samples // 8 * bits // hertz + padding
    return _Frame(length, samples, hertz, 1 if fourth >> 6 == 3 else 2, version)


def is_mp3(data: bytes) -> bool:
    """Whether the file starts with an ID3 tag, or with two MPEG audio frames in a row (or one that is the whole file)."""
    return data[:3] == b"ID3" or _starts_frames(data, 0)


def _starts_frames(data: bytes, offset: int) -> bool:
    frame = _frame(data, offset)
    if frame is None:
        return False
    following = _frame(data, offset + frame.length)
    return offset + frame.length >= len(data) if following is None else following.rate == frame.rate


def read_mp3(data: bytes) -> AudioInfo | BrokenAudio:
    """The MPEG audio frames after an ID3 tag, by the Xing, Info or VBRI header if there is one, else counted."""
    start = _after_id3(data)
    candidates = (offset for offset in range(start, min(len(data), start + MAX_SEARCH)) if data[offset] == 0xFF)
    offset = next((offset for offset in candidates if _starts_frames(data, offset)), len(data))
    first = _frame(data, offset)
    if first is None:
        return BrokenAudio("mp3", "it has no MPEG audio frame")
    has_header, frames = _frames_in_header(data, offset, first)
    if not frames:
        frames = _count_frames(data, offset + first.length if has_header else offset)
    return AudioInfo("mp3", frames * first.samples / first.rate, first.rate, first.channels)


def _after_id3(data: bytes) -> int:
    offset = 0
    for _ in range(MAX_TAGS):
        if data[offset : offset + 3] != b"ID3" or offset + 10 > len(data):
            break
        size = 0
        for byte in data[offset + 6 : offset + 10]:
            size = size << 7 | byte & 0x7F
        offset += 10 + size + (10 if data[offset + 5] & 0x10 else 0)
    return offset


def _frames_in_header(data: bytes, offset: int, frame: _Frame) -> tuple[bool, int]:
    """Whether the first frame is a Xing, Info or VBRI header, which is no sound, and the frames that it counts (0: none)."""
    side_information = {(True, 2): 32, (True, 1): 17, (False, 2): 17, (False, 1): 9}[frame.version == 1, frame.channels]
    xing = offset + 4 + side_information
    try:
        if data[xing : xing + 4] in (b"Xing", b"Info"):
            flags, frames = struct.unpack_from(">II", data, xing + 4)
            return True, frames if flags & 1 else 0
        vbri = offset + 36
        if data[vbri : vbri + 4] == b"VBRI":
            return True, struct.unpack_from(">I", data, vbri + 14)[0]
    except struct.error:  # the file ends within the header
        return True, 0
    return False, 0


def _count_frames(data: bytes, start: int) -> int:
    """The frames from ``start`` to the first byte that starts none; past ``MAX_FRAMES`` an estimate."""
    offset = start
    for number in range(MAX_FRAMES):
        frame = _frame(data, offset)
        if frame is None or offset + frame.length > len(data):
            return number
        offset += frame.length
    return round(MAX_FRAMES * (len(data) - start) / (offset - start))

"""Headers of Ogg, MP4 and WebM files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from .audio_header import AudioInfo, BrokenAudio

#: At most this many Ogg pages (from the end) or Matroska elements are read: with blocks of 20 ms, an hour.
MAX_PARTS = 200_000
#: At most this many MP4 boxes of one level are read.
MAX_BOXES = 500

_OPUS_RATE = 48_000
_NO_GRANULE = 0xFFFF_FFFF_FFFF_FFFF


def read_ogg(data: bytes) -> AudioInfo | BrokenAudio:
    """The first page's header packet and the granule position of the last page of the same stream."""
    if len(data) < 28:
        return BrokenAudio("ogg", "it ends within its first page")
    serial, packet = data[14:18], data[27 + data[26] : 91 + data[26]]
    try:
        if packet[:8] == b"OpusHead":
            channels, skip = struct.unpack_from("<BH", packet, 9)
            rate = _OPUS_RATE
        elif packet[:7] == b"\x01vorbis":
            channels, rate, skip = *struct.unpack_from("<BI", packet, 11), 0
        elif packet[:5] == b"\x7fFLAC":
            streaminfo = int.from_bytes(packet[27:35], "big")
            rate, channels, skip = streaminfo >> 44, (streaminfo >> 41 & 7) + 1, 0
        else:
            return BrokenAudio("ogg", "its first packet is neither Opus, Vorbis nor FLAC")
    except struct.error:
        return BrokenAudio("ogg", "it ends within its first packet")
    if not rate or not channels:
        return BrokenAudio("ogg", f"its header has {channels} channels and a sample rate of {rate} Hz")
    granule = _last_granule(data, serial)
    return AudioInfo("ogg", None if granule is None else max(0, granule - skip) / rate, rate, channels)


def _last_granule(data: bytes, serial: bytes) -> int | None:
    end = len(data)
    for _ in range(MAX_PARTS):
        offset = data.rfind(b"OggS", 0, end)
        if offset <= 0:  # the first page holds the header alone
            return None
        if data[offset + 14 : offset + 18] == serial:
            granule: int = struct.unpack_from("<Q", data, offset + 6)[0]
            if granule != _NO_GRANULE:
                return granule
        end = offset + 3  # the next match ends before this one starts
    return None


class _Box(NamedTuple):
    """An MP4 box: its type, and where its body starts and ends."""

    kind: bytes
    start: int
    end: int


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    """The boxes of one level; stops at the first that is cut off or has an impossible size."""
    offset = start
    for _ in range(MAX_BOXES):
        if offset + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, offset)
        head = 8
        if size == 1 and offset + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, offset + 8)
            head = 16
        elif size == 0:  # to the end of the file
            size = end - offset
        if size < head or offset + size > end:
            return
        yield _Box(kind, offset + head, offset + size)
        offset += size


def _find_box(data: bytes, box: _Box, *path: bytes) -> _Box | None:
    """The first box at a path of types below ``box``."""
    for kind in path:
        match = next((child for child in _boxes(data, box.start, box.end) if child.kind == kind), None)
        if match is None:
            return None
        box = match
    return box


def read_mp4(data: bytes) -> AudioInfo | BrokenAudio:
    """The movie header, and the sample rate and channels of the first audio track."""
    whole = _Box(b"", 0, len(data))
    header = _find_box(data, whole, b"moov", b"mvhd")
    movie = _find_box(data, whole, b"moov")
    if movie is None or header is None:
        return BrokenAudio("mp4", "it has no complete 'moov' box with a movie header")
    try:
        scale, length = _times(data, header, (">II", 12), (">IQ", 20))
        if not scale:
            return BrokenAudio("mp4", "the time scale in its movie header is 0")
        extends = _find_box(data, movie, b"mvex", b"mehd")
        if length in (0, 0xFFFFFFFF, _NO_GRANULE):  # a fragmented file has its duration elsewhere, or nowhere
            length = _times(data, extends, (">I", 4), (">Q", 4))[0] if extends else 0
        rate, channels = _sound(data, movie)
    except struct.error:
        return BrokenAudio("mp4", "it ends within its movie header")
    return AudioInfo("mp4", length / scale if length else None, rate, channels)


def _times(data: bytes, box: _Box, version0: tuple[str, int], version1: tuple[str, int]) -> tuple[int, ...]:
    """The numbers of a box by its version: each argument is their struct format and offset in the box."""
    layout, offset = version1 if _unpack(data, "B", box, 0)[0] else version0
    return _unpack(data, layout, box, offset)


def _unpack(data: bytes, layout: str, box: _Box, offset: int) -> tuple[int, ...]:
    """The numbers at an offset in a box. struct.error when they do not fit in it."""
    start = box.start + offset
    return struct.unpack(layout, data[start : min(box.end, start + struct.calcsize(layout))])


def _sound(data: bytes, movie: _Box) -> tuple[int | None, int | None]:
    """The sample rate and channels of the first track whose handler is ``soun``; None where there is none."""
    for track in _boxes(data, movie.start, movie.end):
        handler = _find_box(data, track, b"mdia", b"hdlr") if track.kind == b"trak" else None
        if handler is None or data[handler.start + 8 : handler.start + 12] != b"soun":
            continue
        table = _find_box(data, track, b"mdia", b"minf", b"stbl", b"stsd")
        if table is not None:
            # 8 bytes before the first entry; the entry's channels stand at byte 24, its rate (16.16 bits) at byte 32.
            channels, _, _, _, rate = _unpack(data, ">HHHHI", table, 32)
            return rate >> 16 or None, channels or None
    return None, None


# Matroska (RFC 9559): the elements that are read, and those whose children are.
_SEGMENT, _INFO, _TRACKS, _TRACK, _AUDIO, _CLUSTER, _GROUP = (
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0xAE,
    0xE1,
    0x1F43B675,
    0xA0,
)
_DESCEND = frozenset({_SEGMENT, _INFO, _TRACKS, _TRACK, _AUDIO, _CLUSTER, _GROUP})
_SCALE, _DURATION, _RATE, _CHANNELS, _TIMESTAMP = 0x2AD7B1, 0x4489, 0xB5, 0x9F, 0xE7
_BLOCKS = frozenset({0xA3, 0xA1})  # SimpleBlock and Block


def _variable_int(data: bytes, offset: int, keep_marker: bool) -> tuple[int, int] | None:
    """An EBML number and its length in bytes; None where the data ends or the number is longer than 8 bytes."""
    if offset >= len(data) or not data[offset]:
        return None
    length = 9 - data[offset].bit_length()
    if offset + length > len(data):
        return None
    number = int.from_bytes(data[offset : offset + length], "big")
    return number if keep_marker else number & (1 << 7 * length) - 1, length


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements in the order of the file, with at most 8 bytes of each; a parent comes before its children.

    Because children directly follow their parent's header, a parent of unknown size needs no special case.
    """
    offset = 0
    for _ in range(MAX_PARTS):
        name = _variable_int(data, offset, True)
        size = _variable_int(data, offset + name[1], False) if name else None
        if name is None or size is None:
            return
        offset += name[1] + size[1]
        yield name[0], data[offset : offset + min(size[0], 8)]
        if name[0] not in _DESCEND:
            offset += size[0]


def read_webm(data: bytes) -> AudioInfo | BrokenAudio:
    """The duration of the segment, else the time of its last block, and the first audio track's rate and channels."""
    scale, cluster, last = 1_000_000, 0, 0  # nanoseconds per unit of time; the cluster's and the last block's time
    duration: float | None = None
    rate: int | None = None
    channels: int | None = None
    segment = False
    for name, body in _elements(data):
        if name == _CLUSTER and duration:
            break  # the sound starts here, and nothing else is missing
        if name == _SEGMENT:
            segment = True
        elif name == _SCALE:
            scale = int.from_bytes(body, "big") or scale
        elif name == _DURATION:
            duration = _float(body)
        elif name == _RATE and rate is None:
            rate = int(_float(body) or 0) or None
        elif name == _CHANNELS and channels is None:
            channels = int.from_bytes(body, "big") or None
        elif name == _TIMESTAMP:
            cluster = int.from_bytes(body, "big")
        elif name in _BLOCKS and len(body) >= 4:
            # After the track's number, of one byte up to track 127, a block has its time relative to the cluster.
            last = max(last, cluster + struct.unpack_from(">h", body, 1)[0])
    if not segment:
        return BrokenAudio("webm", "it has no segment")
    units = duration or last
    return AudioInfo("webm", units * scale / 1e9 if units else None, rate, channels)


def _float(body: bytes) -> float | None:
    """An EBML float of 4 or 8 bytes; None when it is of another length or not a finite, positive number."""
    if len(body) not in (4, 8):
        return None
    number: float = struct.unpack(">f" if len(body) == 4 else ">d", body)[0]
    return number if 0 < number < 1e15 else None

"""Duration, sample rate and channels of an uploaded audio file, read from its headers without decoding it.

| format | signature                       | where the duration comes from                                              |
| ------ | ------------------------------- | -------------------------------------------------------------------------- |
| wav    | ``RIFF`` or ``RF64`` + ``WAVE`` | bytes in the ``data`` chunk / bytes per second in ``fmt``                  |
| flac   | ``fLaC``                        | samples in STREAMINFO (RFC 9639)                                           |
| mp3    | ``ID3`` or a frame header       | frames in the Xing, Info or VBRI header, else the frames are counted       |
| ogg    | ``OggS``                        | the last page's granule position (Opus: RFC 7845; Vorbis, FLAC)            |
| mp4    | ``ftyp`` at byte 4              | ``mvhd``, else ``mehd`` (ISO/IEC 14496-12); m4a is the same                |
| webm   | ``1A 45 DF A3``                 | ``Duration``, else the last block's time (Matroska, RFC 9559)              |
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from ._containers import read_mp4, read_ogg, read_webm
from ._frames import is_mp3, read_flac, read_mp3
from .audio_header import AudioInfo, BrokenAudio

#: A RIFF file is read up to this many chunks.
MAX_CHUNKS = 1_000

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
#: The WAV codings whose frames have ``channels * bits / 8`` bytes.
_UNCOMPRESSED = frozenset({_PCM, _FLOAT, _ALAW, _MULAW})

#: Programs that write a WAV to a pipe leave these sizes, because they do not know the length yet.
_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF})


def audio_info(data: bytes) -> AudioInfo | BrokenAudio | None:
    """What the headers of an audio file say.

    AudioInfo when they can be read; its ``seconds`` is None when the file does not tell how long it lasts. BrokenAudio
    when the file has the signature of a format but its headers are wrong. None when no format of the table fits.
    """
    for matches, read in _READERS:
        if matches(data):
            return read(data)
    return None


def _read_wav(data: bytes) -> AudioInfo | BrokenAudio:
    form: _WavForm | None = None
    offset, size64 = 12, None
    for _ in range(MAX_CHUNKS):
        if offset + 8 > len(data):
            break
        name, size = struct.unpack_from("<4sI", data, offset)
        body = offset + 8
        if name == b"ds64" and len(data) >= body + 16:  # RF64 keeps the size of its data chunk here
            (size64,) = struct.unpack_from("<Q", data, body + 8)
        elif name == b"fmt ":
            problem = _form_problem(data, body, size)
            if problem:
                return BrokenAudio("wav", problem)
            form = _wav_form(data, body, size)
        elif name == b"data":
            if form is None:
                return BrokenAudio("wav", "the 'data' chunk comes before any 'fmt ' chunk")
            return _wav_info(form, _data_bytes(size, size64, len(data) - body))
        offset = body + size + (size & 1)  # chunks start at even offsets
    return BrokenAudio("wav", "it has no 'data' chunk" if form else "it has no 'fmt ' chunk")


_WavForm = tuple[int, int, int, int, int]


def _wav_form(data: bytes, body: int, size: int) -> _WavForm:
    """The coding, channels, sample rate, bytes per second and bytes per frame of a ``fmt`` chunk."""
    coding, channels, rate, byte_rate, align = struct.unpack_from("<HHIIH", data, body)
    if coding == _EXTENSIBLE and size >= 26 and len(data) >= body + 26:
        (coding,) = struct.unpack_from("<H", data, body + 24)  # the first two bytes of the sub-format's GUID
    return coding, channels, rate, byte_rate, align


def _form_problem(data: bytes, body: int, size: int) -> str | None:
    if size < 14 or len(data) < body + min(size, 16):
        return f"its 'fmt ' chunk has {min(size, len(data) - body)} bytes, fewer than 16"
    coding, channels, rate, _, align = _wav_form(data, body, size)
    if not channels or not rate:
        return f"its 'fmt ' chunk has {channels} channels and a sample rate of {rate} Hz"
    if coding not in _UNCOMPRESSED:
        return None
    bits = struct.unpack_from("<H", data, body + 14)[0] if size >= 16 else 8 * align // channels
    if not bits or align != channels * ((bits + 7) // 8):
        return f"its 'fmt ' chunk has {align} bytes per frame for {channels} channels of {bits} bits"
    return None


def _data_bytes(size: int, size64: int | None, rest: int) -> int:
    """The bytes of sound that are there: a cut-off file has fewer than its header says, a streamed one says nothing."""
    if size == 0xFFFFFFFF and size64 is not None:
        return min(size64, rest)
    return rest if size in _UNKNOWN_SIZES else min(size, rest)


def _wav_info(form: _WavForm, sound_bytes: int) -> AudioInfo:
    coding, channels, rate, byte_rate, align = form
    if coding in _UNCOMPRESSED:
        return AudioInfo("wav", sound_bytes // align / rate, rate, channels)
    return AudioInfo("wav", sound_bytes / byte_rate if byte_rate else None, rate, channels)


def _starts(signature: bytes, offset: int = 0) -> Callable[[bytes], bool]:
    return lambda data: data[offset : offset + len(signature)] == signature


#: The formats: whether a file has one's signature, and the function that reads it. MP3 is last, for its signature is short.
_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], AudioInfo | BrokenAudio]], ...] = (
    (lambda data: data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE", _read_wav),
    (_starts(b"fLaC"), read_flac),
    (_starts(b"OggS"), read_ogg),
    (_starts(b"ftyp", 4), read_mp4),
    (_starts(b"\x1a\x45\xdf\xa3"), read_webm),
    (is_mp3, read_mp3),
)

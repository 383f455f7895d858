"""Speech made from a text: a quiet tone that lasts as long as the text takes to say.

| format        | content type | made of                               | rate (Hz) | other names            |
| ------------- | ------------ | ------------------------------------- | --------- | ---------------------- |
| mp3           | audio/mpeg   | silent MPEG-2 Layer III frames        | 24,000    |                        |
| wav           | audio/wav    | 16-bit PCM in RIFF/WAVE               | 24,000    |                        |
| flac          | audio/flac   | verbatim subframes                    | 24,000    |                        |
| pcm           | audio/pcm    | signed 16-bit little-endian, raw      | 24,000    | pcm16, audio/pcm       |
| g711_ulaw     | audio/pcmu   | G.711 mu-law, raw                     | 8,000     | audio/pcmu             |
| g711_alaw     | audio/pcma   | G.711 A-law, raw                      | 8,000     | audio/pcma             |
| opus, aac     |              | not made here: a file must be given   |           |                        |

All are mono. The API's own MP3 speech has the same header: 24 kHz, mono, 128 kbit/s, no ID3 tag and no Xing header.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ._encoders import Encoded, Signal, encode_alaw, encode_flac, encode_mulaw, encode_pcm, encode_silent_mp3, encode_wav
from .speech_rate import speaking_seconds


class AudioFormat(NamedTuple):
    """How one format is made: its content type, its sample rate in Hz and its encoder."""

    content_type: str
    rate: int
    encode: Callable[[Signal], Encoded]


#: The formats that are made here.
FORMATS = {
    "mp3": AudioFormat("audio/mpeg", 24_000, encode_silent_mp3),
    "wav": AudioFormat("audio/wav", 24_000, encode_wav),
    "flac": AudioFormat("audio/flac", 24_000, encode_flac),
    "pcm": AudioFormat("audio/pcm", 24_000, encode_pcm),
    "g711_ulaw": AudioFormat("audio/pcmu", 8_000, encode_mulaw),
    "g711_alaw": AudioFormat("audio/pcma", 8_000, encode_alaw),
}

#: Names of the same formats in chat (``audio.format``) and in the Realtime API.
ALIASES = {"pcm16": "pcm", "audio/pcm": "pcm", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}

#: Formats of the API that are not made here, with their content types, for rules that give a file.
FILE_ONLY = {"opus": "audio/ogg", "aac": "audio/aac"}

#: The shortest speech in seconds: the API refuses to transcribe less than 0.1 s.
MIN_SECONDS = 0.2
#: The longest speech in seconds; the speech of a text that takes longer to say ends there.
MAX_SECONDS = 4 * 3600.0

#: The largest value of a sample, of 32,767: about -30 dB.
AMPLITUDE = 1_000

#: The pitch of the API's voices in Hz. Any other voice has one between 110 and 330 Hz that depends on its name.
VOICES = {
    "onyx": 110,
    "echo": 123,
    "ash": 131,
    "cedar": 139,
    "ballad": 147,
    "verse": 156,
    "fable": 165,
    "sage": 185,
    "alloy": 196,
    "marin": 208,
    "coral": 220,
    "nova": 233,
    "shimmer": 247,
}


class UnsupportedAudioFormat(ValueError):
    """The format is not made here. ``format`` is its name; the text says which formats are, and that a rule can give a file."""

    def __init__(self, format: str) -> None:
        self.format = format
        super().__init__(
            f"This mock makes no {format!r} audio. It makes {', '.join(FORMATS)}. Ask for one of these, "
            f"or give the audio in the rule: `speech: {{file: PATH, format: {format}}}`."
        )


@dataclass(frozen=True)
class Speech:
    """Audio whose length is known before it is made.

    ``format`` is a name in ``FORMATS``, ``rate`` the samples per second, ``seconds`` the duration, ``length`` the bytes in all.
    """

    format: str
    content_type: str
    rate: int
    seconds: float
    length: int
    _signal: Signal

    def chunks(self, size: int = 16_384) -> Iterator[bytes]:
        """Yield the audio in order, in chunks of ``size`` bytes (the last may be shorter). May be called again.

        ValueError when ``size`` is below 1.
        """
        if size < 1:
            raise ValueError(f"the size of a chunk is {size}, which is below 1")
        return _resized(FORMATS[self.format].encode(self._signal).pieces, size)

    def data(self) -> bytes:
        """The whole audio, ``length`` bytes."""
        return b"".join(FORMATS[self.format].encode(self._signal).pieces)


def canonical_format(name: str) -> str:
    """The name in ``FORMATS`` of a format that the API calls ``name``. UnsupportedAudioFormat when it is not made here."""
    format = ALIASES.get(name, name)
    if format not in FORMATS:
        raise UnsupportedAudioFormat(name)
    return format


def speech(text: str, format: str = "mp3", *, voice: str = "alloy", speed: float = 1.0) -> Speech:
    """Speech for ``text`` in a format of the table above, between ``MIN_SECONDS`` and ``MAX_SECONDS`` long.

    MP3 lasts a whole number of 24 ms frames. UnsupportedAudioFormat for a format that is not made here; ValueError when
    ``speed`` is not a positive number.
    """
    format = canonical_format(format)
    row = FORMATS[format]
    seconds = min(MAX_SECONDS, max(MIN_SECONDS, speaking_seconds(text, speed)))
    samples = round(seconds * row.rate)
    if format == "mp3":
        samples = -(-samples // 576) * 576
    signal = Signal(_period(voice, row.rate), samples, row.rate)
    return Speech(format, row.content_type, row.rate, samples / row.rate, row.encode(signal).length, signal)


def pitch(voice: str) -> int:
    """The frequency of a voice's tone in Hz."""
    number = int.from_bytes(hashlib.blake2b(voice.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")
    return VOICES.get(voice, 110 + number % 221)


def _period(voice: str, rate: int) -> tuple[int, ...]:
    length = round(rate / pitch(voice))
    return tuple(round(AMPLITUDE * math.sin(2 * math.pi * index / length)) for index in range(length))


def _resized(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in chunks of ``size``."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        end = len(buffer) // size * size
        for start in range(0, end, size):
            yield bytes(buffer[start : start + size])
        del buffer[:end]
    if buffer:
        yield bytes(buffer)

"""Sounds: the audio of an answer, from the rule's file or base64, or made from the text."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from ...errors import APIError
from ...media import audio
from ...media.audio_header import AudioInfo
from ...media.duration import audio_info
from ...types.reply import Reply
from ..payload import payload

#: Audio tokens of a second of speech that a model makes: one for 50 ms.
TOKENS_PER_SECOND = 20
#: Bytes of a piece of a stream; a multiple of 3, so that the base64 of each piece can be joined.
PIECE = 12_288
#: The API's names for formats that headers call otherwise.
_NAMES = {"ogg": "opus", "mp4": "aac"}


class Sound(NamedTuple):
    """Audio with its format, by the API's name, its content type, and how long it lasts."""

    data: bytes
    format: str
    content_type: str
    seconds: float

    @property
    def tokens(self) -> int:
        """The audio tokens that it counts as."""
        return max(1, math.ceil(self.seconds * TOKENS_PER_SECOND)) if self.data else 0

    @property
    def piece_count(self) -> int:
        """The number of pieces of a stream."""
        return -(-len(self.data) // PIECE)

    def pieces(self) -> Iterator[bytes]:
        """The data in the pieces of a stream."""
        return (self.data[at : at + PIECE] for at in range(0, len(self.data), PIECE))

    def pieces_in_base64(self) -> Iterator[str]:
        """The pieces in base64."""
        return (base64.b64encode(piece).decode() for piece in self.pieces())


def sound(text: str, format: str, voice: str, reply: Reply | None, *, speed: float = 1.0, param: str) -> Sound:
    """The rule's audio, or speech for ``text``. APIError 400, which names ``param``, for a format that is not made here."""
    if reply is not None and reply.speech:
        data = payload(reply.speech)
        info = audio_info(data)
        header = info if isinstance(info, AudioInfo) else AudioInfo("", None, None, None)
        named = reply.speech.get("format") or _NAMES.get(header.format, header.format) or _ending(reply.speech) or format
        seconds = header.seconds if header.seconds is not None else audio.speech(text, "mp3", speed=speed).seconds
        return Sound(data, named, _content_type(named), seconds)
    try:
        speech = audio.speech(text, format, voice=voice, speed=speed)
    except audio.UnsupportedAudioFormat as error:
        raise APIError(400, str(error), param=param, code="unsupported_audio_format") from None
    return Sound(speech.data(), speech.format, speech.content_type, speech.seconds)


def _ending(entry: dict[str, str]) -> str:
    """The format that the name of a file ends with, if the API has it."""
    ending = PurePath(entry.get("file") or "").suffix[1:].lower()
    return ending if ending in audio.FORMATS or ending in audio.FILE_ONLY else ""


def _content_type(format: str) -> str:
    row = audio.FORMATS.get(audio.ALIASES.get(format, format))
    return row.content_type if row else audio.FILE_ONLY.get(format, "application/octet-stream")

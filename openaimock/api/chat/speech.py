"""Speech in chat: the audio of a reply to a request with ``modalities: [text, audio]``, whole and as deltas."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from ...delivery import pace
from ...media.speech_rate import speaking_seconds
from ...text.files import count_sound
from ...types.ask import Ask
from ...types.reply import Reply
from ..audio.sound import TOKENS_PER_SECOND, sound

#: The part of a text that is spoken, in characters.
LONGEST = 4096
#: The characters of base64 in a delta; a multiple of 4, so that each delta can be decoded by itself.
_PIECE = 16_384


def is_requested(ask: Ask) -> bool:
    """Whether a request asks for audio."""
    return "audio" in (ask.body.get("modalities") or ())


def spoken(ask: Ask, reply: Reply) -> Reply:
    """The reply with its audio, where the request asks for it; a reply with calls, or without text and audio, has none.

    APIError 400 for a format that is not made here.
    """
    text = reply.text or ""
    has_data = isinstance(reply.audio, Mapping) and reply.audio.get("data")
    if reply.calls or has_data or not (text or reply.audio or reply.speech):
        return reply
    settings = ask.body.get("audio") or {}
    voice = settings.get("voice") or "alloy"
    name = str(voice.get("id")) if isinstance(voice, Mapping) else str(voice)
    speech = sound(text[:LONGEST], settings.get("format") or "wav", name, reply, param="audio.format")
    return replace(reply, audio={"data": base64.b64encode(speech.data).decode(), **(reply.audio or {})})


def output_tokens(ask: Ask, reply: Reply) -> int:
    """The audio tokens of a reply."""
    if reply.audio is None or not is_requested(ask):
        return 0
    return math.ceil(speaking_seconds((reply.text or "")[:LONGEST]) * TOKENS_PER_SECOND)


def input_tokens(ask: Ask) -> int:
    """The audio tokens of a prompt."""
    contents = (message.get("content") for message in ask.body["messages"])
    parts = (part for content in contents if isinstance(content, list) for part in content)
    return sum(count_sound(part) for part in parts if part.get("type") == "input_audio")


def deltas(audio: Mapping[str, Any], reply: Reply, model: str) -> Iterator[tuple[dict[str, Any], float]]:
    """The ``audio`` of each delta with its tokens: the id, then transcript and data in turns, the expiry at last."""
    yield {"id": audio["id"], "transcript": ""}, 0.0
    texts, _, counts = pace.stream_pieces(audio["transcript"], reply.pace, model)
    data = audio["data"]
    pieces = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
    for text, piece in zip_longest(zip(texts, counts, strict=True), pieces):
        if text is not None:
            yield {"transcript": text[0]}, text[1]
        if piece is not None:
            yield {"data": piece}, 0.0
    yield {"expires_at": audio["expires_at"]}, 0.0

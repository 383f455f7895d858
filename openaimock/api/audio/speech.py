"""Speech: audio made of a text, whole or as events (API reference: Create speech)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...delivery import pace
from ...http import payloads, sse
from ...http.request import Request
from ...http.sse import Frame
from ...params import audio_rules
from ...params.audio import SPEECH_CREATE
from ...params.models import family
from ...state.namespace import Context
from ...text import tokens
from ...types.ask import Ask
from ...types.reply import Reply
from ..operation import Operation
from .errors import check_model
from .sound import Sound, sound

#: The beginning of the ids of custom voices, which every model accepts.
_CUSTOM = "voice_"


def read(request: Request) -> Ask:
    """The Ask of POST /audio/speech: its text is the input."""
    body = request.object()
    model = check_model(body)
    audio_rules.check(SPEECH_CREATE.shape, body)
    voices = family(model).voices
    voice = body["voice"]
    if voices and isinstance(voice, str) and voice not in voices and not voice.startswith(_CUSTOM):
        raise audio_rules.refusal([audio_rules.not_one_of(voices, ("body", "voice"))])
    format = body.get("response_format") or ""
    stream = body.get("stream_format") == "sse"
    return Ask("audio.speech", body, text=body["input"], model=model, stream=stream, response_format=format)


def write(ask: Ask, reply: Reply | None, context: Context) -> payloads.Raw | payloads.Events:
    """The answer: the rule's audio, or a tone that lasts as long as the text takes to say."""
    body = ask.body
    speech = sound(
        ask.text,
        body.get("response_format") or "mp3",
        _voice(body["voice"]),
        reply,
        speed=body.get("speed") or 1.0,
        param="response_format",
    )
    usage = _usage(ask, reply, speech)
    if ask.stream:
        return payloads.Events(_events(speech, usage))
    if reply is not None and not pace.instant(reply.pace):
        share = usage["output_tokens"] / max(1, speech.piece_count)
        frames = ((piece, share) for piece in speech.pieces())
        return payloads.Events(frames, lambda number: b"", headers=(("content-type", speech.content_type),))
    return payloads.Raw(speech.data, speech.content_type)


def _voice(voice: Any) -> str:
    """The name of a voice, or the id of a custom one."""
    return str(voice["id"]) if isinstance(voice, Mapping) else str(voice)


def _usage(ask: Ask, reply: Reply | None, speech: Sound) -> dict[str, Any]:
    override = dict(reply.usage) if reply is not None and reply.usage else {}
    text = "\n".join(filter(None, (ask.text, ask.body.get("instructions"))))
    prompt = override.get("input_tokens", tokens.count(text, ask.model) if text else 0)
    completion = override.get("output_tokens", speech.tokens)
    return {"input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion, **override}


def _events(speech: Sound, usage: Mapping[str, Any]) -> Iterator[Frame]:
    """The audio in pieces, then the usage. Each piece counts as its share of the output tokens."""
    share = usage["output_tokens"] / max(1, speech.piece_count)
    for piece in speech.pieces_in_base64():
        yield sse.data({"type": "speech.audio.delta", "audio": piece}, share)
    yield sse.data({"type": "speech.audio.done", "usage": usage})


ENDPOINTS = (
    Operation("audio.speech.create", "POST", "/audio/speech", read, write, own=True, params=SPEECH_CREATE, blocking=True),
)

"""Answers of transcriptions: the formats, the events of a stream, and the usage."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from ...delivery import pace
from ...http import payloads, sse
from ...http.api_headers import STREAM_TYPE
from ...http.sse import Frame
from ...media import transcript
from ...media.languages import language_name
from ...media.speech_rate import speaking_seconds
from ...params.model_facts import Listening
from ...text import tokens
from ...types.ask import Ask
from ...types.reply import Reply
from ..shaping import TokenCursor

_TEXT_TYPE = "text/plain; charset=utf-8"
#: Tokens of an answer beside those of its text.
_FRAME_TOKENS = 2


class Heard(NamedTuple):
    """What was heard: the text and how long the audio lasts, with the speakers' segments where the model tells them apart."""

    text: str
    seconds: float
    segments: Sequence[transcript.DiarizedSegment]
    usage: dict[str, Any]
    logprobs: Sequence[transcript.TokenLogprob] | None
    languages: list[dict[str, str]] | None

    @classmethod
    def of(cls, ask: Ask, reply: Reply, listening: Listening, seconds: float | None) -> Heard:
        """What a reply says about a recording of ``seconds``, None when the file does not tell how long it is."""
        text = reply.text or ""
        seconds = speaking_seconds(text) if seconds is None else seconds
        segments: Sequence[transcript.DiarizedSegment] = ()
        if listening.diarizes or ask.body.get("response_format") == "diarized_json":
            segments = transcript.diarized_segments(text, seconds, ask.body.get("known_speaker_names") or ())
            text = " ".join(segment.text.strip() for segment in segments)
        with_logprobs = listening.logprobs and "logprobs" in (ask.body.get("include") or ())
        logprobs = transcript.token_logprobs(text, split=partial(tokens.split, model=ask.model)) if with_logprobs else None
        codes = [ask.body.get("language") or next(iter(ask.body.get("languages") or ()), "en")] if text else []
        languages = [{"code": code} for code in codes] if listening.languages else None
        return cls(text, seconds, segments, _usage(ask, reply, listening, text, seconds), logprobs, languages)

    def details(self) -> dict[str, Any]:
        """The members of an answer that only some requests have."""
        members: dict[str, Any] = {}
        if self.languages is not None:
            members["languages"] = self.languages
        if self.logprobs is not None:
            members["logprobs"] = [entry._asdict() for entry in self.logprobs]
        return members


def _usage(ask: Ask, reply: Reply, listening: Listening, text: str, seconds: float) -> dict[str, Any]:
    override = dict(reply.usage or {})
    if not listening.streams:
        return {"type": "duration", "seconds": math.ceil(seconds), **override}
    prompt = ask.body.get("prompt")
    text_tokens = tokens.count(prompt, ask.model) if prompt else 0
    audio_tokens = round(seconds * transcript.AUDIO_TOKENS_PER_SECOND)
    fixed_input, fixed_output = override.get("input_tokens"), override.get("output_tokens")
    used = text_tokens + audio_tokens if fixed_input is None else fixed_input
    output = tokens.count(text, ask.model) + _FRAME_TOKENS if fixed_output is None else fixed_output
    return {
        "type": "tokens",
        "total_tokens": used + output,
        "input_tokens": used,
        "input_token_details": {"text_tokens": text_tokens, "audio_tokens": used - text_tokens},
        "output_tokens": output,
        **override,
    }


# Whole answers


def whole(ask: Ask, heard: Heard, format: str) -> payloads.JSON | payloads.Raw:
    """The answer in a format."""
    return _FORMATS[format](ask, heard)


def _count(heard: Heard) -> float:
    return heard.usage.get("output_tokens") or 0


def _json(ask: Ask, heard: Heard) -> payloads.JSON:
    if ask.endpoint == "audio.translations":
        return payloads.JSON({"text": heard.text})
    return payloads.JSON({"text": heard.text, **heard.details(), "usage": heard.usage}, _count(heard))


def _plain(ask: Ask, heard: Heard) -> payloads.Raw:
    return payloads.Raw(f"{heard.text}\n".encode("utf-8", "surrogatepass"), _TEXT_TYPE)


def _captions(make: Callable[[Sequence[transcript.Segment]], str]) -> Callable[[Ask, Heard], payloads.Raw]:
    def captions(ask: Ask, heard: Heard) -> payloads.Raw:
        return payloads.Raw(make(_segments(ask, heard)).encode("utf-8", "surrogatepass"), _TEXT_TYPE)

    return captions


def _segments(ask: Ask, heard: Heard) -> list[transcript.Segment]:
    split = partial(tokens.split, model=ask.model)
    return transcript.segments(heard.text, heard.seconds, temperature=float(ask.body.get("temperature") or 0), split=split)


def _verbose(ask: Ask, heard: Heard) -> payloads.JSON:
    """Words and segments as ``timestamp_granularities`` asks for them; a translation is English and has segments only."""
    is_translation = ask.endpoint == "audio.translations"
    granularities = () if is_translation else ask.body.get("timestamp_granularities") or ()
    language = language_name(None if is_translation else ask.body.get("language"))
    task = "translate" if is_translation else "transcribe"
    body: dict[str, Any] = {"task": task, "language": language, "duration": round(heard.seconds, 2), "text": heard.text}
    if "word" in granularities:
        body["words"] = [word._asdict() for word in transcript.words(heard.text, heard.seconds)]
    if "segment" in granularities or not granularities:
        body["segments"] = [segment._asdict() for segment in _segments(ask, heard)]
    if not is_translation:
        # This format counts seconds, whatever the model.
        is_duration = heard.usage.get("type") == "duration"
        body["usage"] = heard.usage if is_duration else {"type": "duration", "seconds": math.ceil(heard.seconds)}
    return payloads.JSON(body, _count(heard))


def _diarized(ask: Ask, heard: Heard) -> payloads.JSON:
    body = {"text": heard.text, "task": "transcribe", "duration": round(heard.seconds, 2)}
    segments = [segment._asdict() for segment in heard.segments]
    return payloads.JSON({**body, "segments": segments, "usage": heard.usage}, _count(heard))


_FORMATS: dict[str, Callable[[Ask, Heard], payloads.JSON | payloads.Raw]] = {
    "json": _json,
    "text": _plain,
    "srt": _captions(transcript.srt),
    "vtt": _captions(transcript.vtt),
    "verbose_json": _verbose,
    "diarized_json": _diarized,
}


# Streams


def streamed(ask: Ask, reply: Reply, heard: Heard) -> payloads.Events:
    """The events: deltas of the text, or the segments of a model that tells speakers apart, then the whole text."""
    pieces = _segment_events(ask, heard) if heard.segments else _deltas(ask, reply, heard)
    done = {"type": "transcript.text.done", "text": heard.text, **heard.details(), "usage": heard.usage}
    headers = (("content-type", STREAM_TYPE), ("cache-control", "no-store"))
    return payloads.Events(_with_end(pieces, done), headers=headers)


def _with_end(pieces: Iterator[Frame], done: dict[str, Any]) -> Iterator[Frame]:
    yield from pieces
    yield sse.data(done)
    yield sse.DONE


def _segment_events(ask: Ask, heard: Heard) -> Iterator[Frame]:
    for segment in heard.segments:
        yield sse.data(segment._asdict(), float(tokens.count(segment.text, ask.model)))


def _deltas(ask: Ask, reply: Reply, heard: Heard) -> Iterator[Frame]:
    texts, _, counts = pace.stream_pieces(heard.text, reply.pace, ask.model)
    logprobs = heard.logprobs
    cursor = TokenCursor([entry.token for entry in logprobs or ()])
    for text, count in zip(texts, counts, strict=True):
        event: dict[str, Any] = {"type": "transcript.text.delta", "delta": text}
        if logprobs is not None:
            event["logprobs"] = [entry._asdict() for entry in logprobs[cursor.next(len(text))]]
        yield sse.data(event, count)

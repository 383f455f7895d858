"""Pace: how a text is cut into pieces and when each event is due."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ..http.json import quote
from ..http.sse import Frame
from ..text import tokens
from ..types.reply import Delay, Pace

#: The pieces of texts up to this length are cached, and so many texts, because a mock repeats few replies.
_CACHED_LENGTH, _CACHE_SIZE = 8192, 128
#: Of longer texts the pieces of the last few are cached, so that the streams of one text share them: they take 25 times its size.
_LONG_LENGTH, _LONG_CACHE_SIZE = 1024 * 1024, 4
_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


class StreamPieces(NamedTuple):
    """The pieces of a streamed text: as text, as JSON, and the tokens of each."""

    texts: Sequence[str]
    json: Sequence[bytes]
    tokens: Sequence[float]


def stream_pieces(text: str, pace: Pace | None, model: str) -> StreamPieces:
    """The pieces in which a stream sends a text."""
    if len(text) > _LONG_LENGTH:
        return _cut_text(text, pace, model)
    cached = _cached_pieces if len(text) <= _CACHED_LENGTH else _cached_long_pieces
    return cached(text, pace, model, tokens.tokenizer(tokens.encoding_name(model)).name)


@lru_cache(_CACHE_SIZE)
def _cached_pieces(text: str, pace: Pace | None, model: str, tokenizer: str) -> StreamPieces:
    return _cut_text(text, pace, model)


@lru_cache(_LONG_CACHE_SIZE)
def _cached_long_pieces(text: str, pace: Pace | None, model: str, tokenizer: str) -> StreamPieces:
    return _cut_text(text, pace, model)


def _cut_text(text: str, pace: Pace | None, model: str) -> StreamPieces:
    by_token = pace is None or (not pace.chunks and pace.chunk == "token")
    cut = pieces(text, pace, model)
    token_counts = [1.0] * len(cut) if by_token else [float(tokens.count(piece, model)) for piece in cut]
    return StreamPieces(cut, [quote(piece).encode() for piece in cut], token_counts)


def instant(pace: Pace | None) -> bool:
    """Whether a stream has no delays."""
    return pace is None or not (pace.ttft or pace.tps or pace.gaps)


def pieces(text: str, pace: Pace | None, model: str) -> list[str]:
    """The pieces of a text for a stream, by token unless the pace says otherwise. Joined they are the text."""
    if pace is None:
        return tokens.split(text, model)
    if pace.chunks:
        return _cut_at_chunks(text, pace.chunks)
    if isinstance(pace.chunk, int):
        return [text[at : at + pace.chunk] for at in range(0, len(text), pace.chunk)]
    return _CUTS[pace.chunk](text, model)


_CUTS: dict[str, Callable[[str, str], list[str]]] = {
    "token": tokens.split,
    "word": lambda text, model: _WORD.findall(text),
    "char": lambda text, model: list(text),
}


def _cut_at_chunks(text: str, chunks: tuple[str, ...]) -> list[str]:
    """The configured chunks as long as they spell the text; the rest follows as one piece."""
    cut = []
    rest = text
    for chunk in chunks:
        if not rest.startswith(chunk):
            break
        cut.append(chunk)
        rest = rest[len(chunk) :]
    return [*cut, rest] if rest else cut


def wait(delay: Delay | None, chance: Callable[[], random.Random]) -> float:
    """Seconds to wait, drawn once; never negative."""
    return 0.0 if delay is None else max(0.0, _draw(delay, chance)) / 1000


def _draw(delay: Delay, chance: Callable[[], random.Random]) -> float:
    if delay.kind == "fixed":
        return delay.a
    if delay.kind == "uniform":
        return chance().uniform(delay.a, delay.b)
    if delay.kind == "normal":
        return chance().gauss(delay.a, delay.b)
    return delay.a * math.exp(chance().gauss(0.0, delay.b))


def drawn(pace: Pace, chance: Callable[[], random.Random]) -> Pace:
    """The pace of one reply, with a number drawn from each of its distributions."""
    ttft, tps = pace.random_ttft, pace.random_tps
    return replace(
        pace,
        ttft=pace.ttft if ttft is None else max(0.0, _draw(ttft, chance)),
        # The tail of a distribution must not stop a stream.
        tps=pace.tps if tps is None else max(tps.a / 10, _draw(tps, chance)),
        random_ttft=None,
        random_tps=None,
    )


def stream(
    frames: Iterable[Frame], latency: float, pace: Pace | None, chance: Callable[[], random.Random], moments: list[float]
) -> Iterator[tuple[float, bytes]]:
    """Each frame with the seconds after the previous one; the seconds since the start are appended to ``moments``.

    The first frame is due after latency and ``ttft``, each further one after the time that the previous frame's tokens take.
    """
    pace = pace or Pace()
    tps, jitter = pace.tps, pace.jitter
    owed = latency + pace.ttft / 1000
    at = 0.0
    if pace.gaps:
        frames = _with_gaps(frames, pace.gaps)
    for data, token_count in frames:
        if pace.gaps:
            owed, token_count = owed + token_count, 0.0
        at += owed
        moments.append(at)
        yield owed, data
        owed = _token_seconds(token_count, pace, chance) if jitter else token_count / tps if tps else 0.0


def _with_gaps(frames: Iterable[Frame], gaps: Sequence[float]) -> Iterator[Frame]:
    """The frames with the seconds before each one, as recorded for the pieces of the text; 0 for the others."""
    left = iter(gaps)
    for data, token_count in frames:
        yield data, next(left, 0.0) / 1000 if token_count else 0.0


def record_times(timed: Iterable[tuple[float, bytes]], moments: list[float]) -> Iterator[tuple[float, bytes]]:
    """Timed pieces, unchanged; the seconds since the start are appended to ``moments``."""
    at = 0.0
    for delay, data in timed:
        at += delay
        moments.append(at)
        yield delay, data


def whole(token_count: float, latency: float, pace: Pace | None, chance: Callable[[], random.Random]) -> float:
    """Seconds until a whole reply is sent: latency, ``ttft`` and the time its tokens take."""
    if pace is None:
        return latency
    return latency + pace.ttft / 1000 + sum(pace.gaps) / 1000 + _token_seconds(token_count, pace, chance)


def _token_seconds(token_count: float, pace: Pace, chance: Callable[[], random.Random]) -> float:
    if not pace.tps or not token_count:
        return 0.0
    swing = 1.0 + pace.jitter * chance().uniform(-1.0, 1.0) if pace.jitter else 1.0
    return token_count / pace.tps * swing

"""Pace: how a text is cut into pieces and when each frame is due."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from ..http.json import quote
from ..http.sse import Frame
from ..text import tokens
from ..types.reply import Delay, Pace

#: The pieces of texts up to so many characters are kept to be said again: a mock says the same few things all day.
_SHORT, _KEPT = 8192, 128
_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


class StreamPieces(NamedTuple):
    """The pieces of a text that a stream sends: as they are, as JSON, and how many tokens each says."""

    texts: Sequence[str]
    json: Sequence[bytes]
    tokens: Sequence[float]


def stream_pieces(text: str, pace: Pace | None, model: str) -> StreamPieces:
    """A text as a stream says it."""
    if len(text) > _SHORT:
        return _spoken(text, pace, model)
    return _remembered(text, pace, model, tokens.tokenizer(tokens.encoding_name(model)).name)


@lru_cache(_KEPT)
def _remembered(text: str, pace: Pace | None, model: str, tokenizer: str) -> StreamPieces:
    return _spoken(text, pace, model)


def _spoken(text: str, pace: Pace | None, model: str) -> StreamPieces:
    by_token = pace is None or (not pace.chunks and pace.chunk == "token")
    cut = pieces(text, pace, model)
    said = [1.0] * len(cut) if by_token else [float(tokens.count(piece, model)) for piece in cut]
    return StreamPieces(cut, [quote(piece).encode() for piece in cut], said)


def instant(pace: Pace | None) -> bool:
    """Whether a stream says everything at once."""
    return pace is None or not (pace.ttft or pace.tps)


def pieces(text: str, pace: Pace | None, model: str) -> list[str]:
    """The pieces a stream sends, whose join is exactly the text: token by token unless the pace says otherwise."""
    if pace is None:
        return tokens.split(text, model)
    if pace.chunks:
        return _as_given(text, pace.chunks)
    if isinstance(pace.chunk, int):
        return [text[at : at + pace.chunk] for at in range(0, len(text), pace.chunk)]
    return _CUTS[pace.chunk](text, model)


_CUTS: dict[str, Callable[[str, str], list[str]]] = {
    "token": tokens.split,
    "word": lambda text, model: _WORD.findall(text),
    "char": lambda text, model: list(text),
}


def _as_given(text: str, chunks: tuple[str, ...]) -> list[str]:
    """The very pieces asked for as long as they spell the text; what they leave over follows in one piece."""
    given = []
    rest = text
    for chunk in chunks:
        if not rest.startswith(chunk):
            break
        given.append(chunk)
        rest = rest[len(chunk) :]
    return [*given, rest] if rest else given


def wait(delay: Delay | None, chance: Callable[[], random.Random]) -> float:
    """Seconds to wait, drawn once; never negative."""
    if delay is None:
        return 0.0
    if delay.kind == "fixed":
        drawn = delay.a
    elif delay.kind == "uniform":
        drawn = chance().uniform(delay.a, delay.b)
    elif delay.kind == "normal":
        drawn = chance().gauss(delay.a, delay.b)
    else:
        drawn = delay.a * math.exp(chance().gauss(0.0, delay.b))
    return max(0.0, drawn) / 1000


def stream(
    frames: Iterable[Frame], latency: float, pace: Pace | None, chance: Callable[[], random.Random], moments: list[float]
) -> Iterator[tuple[float, bytes]]:
    """Each frame, and how many seconds after the one before it is due; ``moments`` gets the seconds since the beginning.

    The first frame comes after latency and ``ttft``, each further one when the tokens of the one before it have been said.
    """
    pace = pace or Pace()
    tps, jitter = pace.tps, pace.jitter
    owed = latency + pace.ttft / 1000
    at = 0.0
    for data, said in frames:
        at += owed
        moments.append(at)
        yield owed, data
        owed = _taken(said, pace, chance) if jitter else said / tps if tps else 0.0


def noted(timed: Iterable[tuple[float, bytes]], moments: list[float]) -> Iterator[tuple[float, bytes]]:
    """Timed pieces as they are; ``moments`` gets the seconds since the beginning."""
    at = 0.0
    for delay, data in timed:
        at += delay
        moments.append(at)
        yield delay, data


def whole(tokens_said: float, latency: float, pace: Pace | None, chance: Callable[[], random.Random]) -> float:
    """Seconds until a whole reply is there: latency, ``ttft`` and the time its tokens take."""
    if pace is None:
        return latency
    return latency + pace.ttft / 1000 + _taken(tokens_said, pace, chance)


def _taken(said: float, pace: Pace, chance: Callable[[], random.Random]) -> float:
    if not pace.tps or not said:
        return 0.0
    swing = 1.0 + pace.jitter * chance().uniform(-1.0, 1.0) if pace.jitter else 1.0
    return said / pace.tps * swing

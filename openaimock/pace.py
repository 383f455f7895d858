"""Pace: how a text is cut into pieces and when each frame is due."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator

from . import tokens
from .nouns import Delay, Pace
from .sse import Frame

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


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
    frames: Iterable[Frame], latency: float, pace: Pace | None, chance: Callable[[], random.Random]
) -> Iterator[tuple[float, bytes]]:
    """Each frame, and how many seconds after the one before it is due.

    The first frame comes after latency and ``ttft``, each further one when the tokens of the one before it have been said.
    """
    pace = pace or Pace()
    owed = latency + pace.ttft / 1000
    for frame in frames:
        yield owed, frame.data
        owed = _spoken(frame.tokens, pace, chance)


def whole(tokens_said: float, latency: float, pace: Pace | None, chance: Callable[[], random.Random]) -> float:
    """Seconds until a whole reply is there: latency, ``ttft`` and the time its tokens take."""
    if pace is None:
        return latency
    return latency + pace.ttft / 1000 + _spoken(tokens_said, pace, chance)


def _spoken(said: float, pace: Pace, chance: Callable[[], random.Random]) -> float:
    if not pace.tps or not said:
        return 0.0
    swing = 1.0 + pace.jitter * chance().uniform(-1.0, 1.0) if pace.jitter else 1.0
    return said / pace.tps * swing

"""How long a text takes to say, and the words that are said, for speech (text to audio) and transcripts (audio to text)."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import NamedTuple

#: Words said in a minute at speed 1.0.
WORDS_PER_MINUTE = 150.0

#: A word of this many letters counts as one; longer and shorter words count in proportion.
_AVERAGE_LETTERS = 5

#: Chinese and Japanese characters are words of their own, because these languages put no spaces between words.
_CHARACTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER_WEIGHT = 0.5
_TOKENS = re.compile(f"([{_CHARACTER}])|[^\\s{_CHARACTER}]+")

_PUNCTUATION = string.punctuation + "“”‘’«»„‹›…–—·¡¿。、！？，：；「」『』（）《》【】・"  # noqa: RUF001


class SpokenWord(NamedTuple):
    """A word without the punctuation around it, where it stands in its text (``start`` to ``end``), and its weight.

    ``weight`` is the time it takes to say, as a share of the time of an average word.
    """

    word: str
    start: int
    end: int
    weight: float


def spoken_words(text: str) -> Iterator[SpokenWord]:
    """Yield the words of ``text`` in order."""
    for match in _TOKENS.finditer(text):
        stripped = match[0].lstrip(_PUNCTUATION)
        word = stripped.rstrip(_PUNCTUATION)
        if word:
            start = match.end() - len(stripped)
            weight = _CHARACTER_WEIGHT if match[1] else (len(word) + 1) / (_AVERAGE_LETTERS + 1)
            yield SpokenWord(word, start, start + len(word), weight)


def speaking_seconds(text: str, speed: float = 1.0) -> float:
    """The seconds that ``text`` takes to say; ``speed`` 2.0 takes half of the time. 0.0 for a text without words.

    ValueError when ``speed`` is not a positive number.
    """
    if not speed > 0:
        raise ValueError(f"the speed is {speed}, which is not a positive number")
    return sum(word.weight for word in spoken_words(text)) * 60.0 / WORDS_PER_MINUTE / speed

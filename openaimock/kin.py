"""Kin: of many rules those whose expected texts share most with what an Ask says, to be explained on a miss."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from heapq import nlargest

from .alike import fold, trigrams
from .matchers import Matcher
from .nouns import Ask
from .rules import Rule, expectations

#: So many pieces of an expected text are kept, spread evenly over it.
_SAMPLES = 12
#: So much of the Ask is looked at.
_LONGEST = 2000
#: So many entries are looked at, those of the rarest pieces first.
_LOOKS = 2_000


class Kin:
    """Pieces of three characters, and the rules that have them in what they expect."""

    def __init__(self) -> None:
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        #: How many pieces each rule has.
        self._sizes: list[int] = []

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules."""
        for rule in rules:
            number = len(self._sizes)
            pieces = {piece for matcher in expectations(rule) for piece in _samples(matcher)}
            for piece in pieces:
                self._having[piece].append(number)
            self._sizes.append(len(pieces))

    def nearest(self, ask: Ask, count: int) -> list[int]:
        """The numbers of the rules that share the greatest part of their pieces, best first."""
        # In one order, so that the same question always gets the same answer.
        having = sorted((self._having[piece] for piece in sorted(_said(ask) & self._having.keys())), key=len)
        counts: Counter[int] = Counter()
        left = _LOOKS
        for numbers in having:
            counts.update(numbers[:left])
            left -= len(numbers)
            if left <= 0:
                break
        sizes = self._sizes
        return nlargest(count, counts, key=lambda number: (counts[number] / sizes[number], -number))


def _samples(matcher: Matcher) -> list[str]:
    words = matcher.words[:_LONGEST]
    folded = f" {fold(words)} "
    last = len(folded) - 2
    return [folded[at : at + 3] for at in range(0, last, max(1, last // _SAMPLES))] if words else []


def _said(ask: Ask) -> set[str]:
    texts = [ask.text, ask.user or "", ask.opening[0].text if ask.opening else "", ask.tool or "", ask.model]
    found: set[str] = set()
    for text in dict.fromkeys(texts):
        found |= trigrams(text[:_LONGEST])
    return found

"""Kin: of many rules those whose expected texts share most with what an Ask says, to be explained on a miss."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain
from sys import intern

from ...text.similarity import fold, trigrams
from ...types.ask import Ask
from ..matchers import Matcher
from ..rule import Rule, expectations

#: So many pieces of an expected text are looked at, spread evenly over it; of all of a rule those are kept that fewest have.
_SAMPLES = 24
_RAREST = 8
#: So much of the Ask is looked at.
_LONGEST = 2000
#: So many entries are looked at, those of the rarest pieces first.
_LOOKS = 500
#: Of so many rules that share most of what was looked at all pieces are looked at.
_CLOSER = 12


class NearestIndex:
    """Pieces of three characters, and the rules that have them in what they expect."""

    def __init__(self) -> None:
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        #: The pieces of each rule.
        self._pieces: list[tuple[str, ...]] = []
        self._known: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules."""
        sampled = [list(dict.fromkeys(map(intern, chain.from_iterable(map(_samples, expectations(rule)))))) for rule in rules]
        self._known.update(chain.from_iterable(sampled))
        for number, pieces in enumerate(sampled, len(self._pieces)):
            rarest = tuple(sorted(pieces, key=self._known.__getitem__)[:_RAREST])
            for piece in rarest:
                self._having[piece].append(number)
            self._pieces.append(rarest)

    def nearest(self, ask: Ask, count: int) -> list[int]:
        """The numbers of the rules that share the greatest part of their pieces, best first."""
        said = _said(ask)
        # In one order, so that the same question always gets the same answer.
        having = sorted([self._having[piece] for piece in sorted(said & self._having.keys())], key=len)
        looked: list[list[int]] = []
        left = _LOOKS
        for numbers in having:
            looked.append(numbers[:left])
            left -= len(numbers)
            if left <= 0:
                break
        counts = Counter(chain.from_iterable(looked))
        # Most share one piece only: they are of interest where there are no others.
        found = [number for number, shared in counts.items() if shared > 1]
        if len(found) < count:
            found = list(counts)
        pieces = self._pieces
        ranked = sorted([(-counts[number] / len(pieces[number]), number) for number in found])
        closer = [(number, pieces[number]) for _, number in ranked[: _CLOSER + count]]
        shares = {number: sum(map(said.__contains__, has)) / len(has) for number, has in closer}
        return sorted(shares, key=lambda number: (-shares[number], number))[:count]


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

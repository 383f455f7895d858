"""NearestIndex: of many rules those whose expected texts share most trigrams with an Ask, to be explained on a miss."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from itertools import chain
from sys import intern

from ...text.similarity import fold, trigrams
from ...types.ask import Ask
from ..matchers import Matcher
from ..rule import Rule, expectations

#: Trigrams sampled evenly from an expected text, and how many of the rarest are stored for each rule.
_SAMPLES = 24
_RAREST = 8
#: Characters read from each text of the Ask.
_LONGEST = 2000
#: Entries visited by a search, those of the rarest trigrams first.
_LOOKS = 500
#: For this many of the best rules all trigrams are compared.
_CLOSER = 12


class NearestIndex:
    """Trigrams and the rules whose expected texts contain them."""

    def __init__(self) -> None:
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        #: The trigrams of each rule.
        self._pieces: list[tuple[str, ...]] = []
        self._known: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules."""
        sampled = deque(
            tuple(dict.fromkeys(map(intern, chain.from_iterable(map(_samples, expectations(rule)))))) for rule in rules
        )
        self._known.update(chain.from_iterable(sampled))
        while sampled:
            rarest = tuple(sorted(sampled.popleft(), key=self._known.__getitem__)[:_RAREST])
            for piece in rarest:
                self._having[piece].append(len(self._pieces))
            self._pieces.append(rarest)

    def nearest(self, ask: Ask, count: int) -> list[int]:
        """The numbers of the rules that share the greatest part of their trigrams, best first."""
        request_pieces = _request_pieces(ask)
        # Sorted, so that the same Ask always gets the same result.
        having = sorted([self._having[piece] for piece in sorted(request_pieces & self._having.keys())], key=len)
        looked: list[list[int]] = []
        left = _LOOKS
        for numbers in having:
            looked.append(numbers[:left])
            left -= len(numbers)
            if left <= 0:
                break
        counts = Counter(chain.from_iterable(looked))
        # Rules that share a single trigram count only when there are no others.
        numbers = [number for number, shared in counts.items() if shared > 1]
        if len(numbers) < count:
            numbers = list(counts)
        pieces = self._pieces
        ranked = sorted([(-counts[number] / len(pieces[number]), number) for number in numbers])
        closer = [(number, pieces[number]) for _, number in ranked[: _CLOSER + count]]
        shares = {number: sum(map(request_pieces.__contains__, has)) / len(has) for number, has in closer}
        return sorted(shares, key=lambda number: (-shares[number], number))[:count]


def _samples(matcher: Matcher) -> list[str]:
    words = matcher.plain_text[:_LONGEST]
    folded = f" {fold(words)} "
    last = len(folded) - 2
    return [folded[at : at + 3] for at in range(0, last, max(1, last // _SAMPLES))] if words else []


def _request_pieces(ask: Ask) -> set[str]:
    texts = [ask.text, ask.user or "", ask.opening[0].text if ask.opening else "", ask.tool or "", ask.model]
    pieces: set[str] = set()
    for text in dict.fromkeys(texts):
        pieces |= trigrams(text[:_LONGEST])
    return pieces

"""Fuzzy: which of many texts may be alike enough, from the letters they share, counted for all texts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from zlib import crc32

from .alike import LONG, fold, needed

#: Words are told apart by so many numbers: enough to tell texts apart, few enough to keep a table of.
_WORDS = 256
#: So many sums are kept to be used again.
_KEPT = 2000


class Fuzzy:
    """Expected texts with their thresholds, and the numbers of the rules that have them."""

    def __init__(self, case_sensitive: bool) -> None:
        self._case_sensitive = case_sensitive
        #: Short texts by their letters; long ones, which are always compared by words, by these.
        self._letters = _Side()
        self._long = _Side()
        #: The short ones by words, made when the first long message comes.
        self._words: _Side | None = None
        self._short: list[tuple[str, float, int]] = []

    def add(self, value: str, threshold: float, number: int) -> None:
        """A rule that wants a text at least ``threshold`` like ``value``."""
        text = fold(value, self._case_sensitive)
        if len(text) > LONG:
            self._long.add(_words(text), threshold, number)
            return
        self._letters.add(text, threshold, number)
        self._short.append((text, threshold, number))
        if self._words:
            self._words.add(_words(text), threshold, number)

    def find(self, value: str, found: list[int]) -> None:
        """Append the numbers of the rules whose texts may be alike enough, and of all that are."""
        text = fold(value, self._case_sensitive)
        if len(text) <= LONG:
            self._letters.find(text, found)
            if self._long:
                self._long.find(_words(text), found)
            return
        if self._words is None:
            words = _Side()
            for short, threshold, number in self._short:
                words.add(_words(short), threshold, number)
            self._words = words
        tokens = _words(text)
        self._words.find(tokens, found)
        self._long.find(tokens, found)


def _words(text: str) -> list[int]:
    return [crc32(word.encode("utf-8", "surrogatepass")) % _WORDS for word in text.split()]


class _Side:
    """Texts as tokens (letters or words), in bands of similar length: few bands can hold what is like a message."""

    def __init__(self) -> None:
        self._bands: dict[int, _Band] = {}

    def __bool__(self) -> bool:
        return bool(self._bands)

    def add(self, tokens: Sequence[str | int], threshold: float, number: int) -> None:
        # The longest of a band has 1.4 times the length of the shortest.
        band = (len(tokens) ** 2).bit_length()
        self._bands.setdefault(band, _Band()).add(tokens, threshold, number)

    def find(self, tokens: Sequence[str | int], found: list[int]) -> None:
        counts = Counter(tokens)
        for band in list(self._bands.values()):
            wanted = band.wanted(len(tokens))
            if wanted:
                band.find(counts, wanted, found)


class _Band:
    """Texts as counts of their tokens, side by side: bit n of every number here belongs to text n.

    difflib's ratio is at most 2 * shared / total, where ``shared`` counts the tokens that both have (its ``quick_ratio``).
    ``_levels[token][k]`` has the texts in which the token comes more than k times, so the sum of the levels that a message
    reaches is, in every bit, what it shares with that text. They are added like columns of a sum on paper, all texts at once: for
    10,000 texts each step takes a tenth of a microsecond.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        #: Threshold -> size -> the texts of it.
        self._sizes: dict[float, dict[int, int]] = {}
        self._levels: dict[str | int, list[int]] = {}
        #: The sum of a token's first levels, as digits: messages use the same few letters about as often.
        self._sums: dict[tuple[str | int, int], list[int]] = {}

    def add(self, tokens: Sequence[str | int], threshold: float, number: int) -> None:
        bit = 1 << len(self._numbers)
        # First the number, last the size by which others find it: another thread may be looking.
        self._numbers.append(number)
        for token, count in Counter(tokens).items():
            levels = self._levels.setdefault(token, [])
            levels += [0] * (count - len(levels))
            for level in range(count):
                levels[level] |= bit
        self._sums = {}
        sizes = self._sizes.setdefault(threshold, {})
        sizes[len(tokens)] = sizes.get(len(tokens), 0) | bit

    def wanted(self, length: int) -> dict[int, int]:
        """How many tokens must be shared at least, and by which texts; texts too long or too short are left out."""
        wanted: dict[int, int] = {}
        for threshold, sizes in list(self._sizes.items()):
            # A ratio of t needs a size from length * t / (2 - t) to length * (2 - t) / t.
            stretch = 2.0 / max(threshold, 1e-9) - 1.0
            smallest, largest = length / stretch - 1, length * stretch + 1
            for size, texts in list(sizes.items()):
                if smallest <= size <= largest:
                    least = needed(threshold, size + length)
                    wanted[least] = wanted.get(least, 0) | texts
        return wanted

    def find(self, counts: Mapping[str | int, int], wanted: Mapping[int, int], found: list[int]) -> None:
        """Append the numbers of the texts that share as much as is wanted."""
        sums = self._sums
        parts = [sums.get(item) or self._sum(*item) for item in counts.items()]
        digits = _add([list(filter(None, column)) for column in zip_longest(*parts, fillvalue=0)])
        fitting = 0
        for least, texts in wanted.items():
            fitting |= _reach(digits, least, texts)
        bits = f"{fitting:b}"[::-1]
        at = bits.find("1")
        while at >= 0:
            found.append(self._numbers[at])
            at = bits.find("1", at + 1)

    def _sum(self, token: str | int, count: int) -> list[int]:
        """In every bit, how often a text has a token, but no more than ``count`` times; as binary digits."""
        levels = self._levels.get(token)
        if not levels:
            return []
        sums = self._sums
        if len(sums) >= _KEPT:
            sums.clear()
        found = sums[token, count] = _add([levels[:count]])
        return found


def _add(columns: list[list[int]]) -> list[int]:
    """The sum in every bit, as binary digits, least first, of numbers whose digits stand in columns.

    By full adders: three bits of a column become one and a carry to the next column.
    """
    digits = []
    carries: list[int] = []
    while columns or carries:
        ones = columns.pop(0) + carries if columns else carries
        carries = []
        total = ones[0] if ones else 0
        rest = iter(ones[1:])
        for b, c in zip(rest, rest, strict=False):
            either = total ^ b
            carries.append(total & b | either & c)
            total = either ^ c
        if ones and not len(ones) % 2:
            carries.append(total & ones[-1])
            total ^= ones[-1]
        digits.append(total)
    return digits


def _reach(digits: list[int], least: int, columns: int) -> int:
    """Those of some columns whose sum is at least ``least``."""
    if least >> len(digits):
        return 0
    reaching = columns
    for at, digit in enumerate(digits):
        reaching = digit & reaching if least >> at & 1 else digit | reaching
    return reaching & columns

"""Fuzzy: which of many texts may be alike enough, from the letters they share, counted for all texts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from math import isqrt, sqrt
from typing import Any, NamedTuple
from zlib import crc32

from ...text.similarity import LONG, fold, fold_cached

#: Words are told apart by so many numbers: enough to tell texts apart, few enough to keep a table of.
_WORDS = 256
#: So many sums are kept to be used again.
_KEPT = 1500
#: Tokens are summed up together while their counts have so few combinations: messages use the same few letters about as often.
_COMBINATIONS = 80
#: What a text must share is reckoned in parts of a token (1 << 6 of them), so that hardly a text passes by rounding.
_PARTS = 6
#: Up to so many texts of a band are picked out one by one, and up to so many groups of tokens all looked at.
_FEW = 32


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
        self._letters.add(_letters(text), threshold, number)
        self._short.append((text, threshold, number))
        if self._words:
            self._words.add(_words(text), threshold, number)

    def find(self, value: str, found: list[int]) -> None:
        """Append the numbers of the rules whose texts may be alike enough, and of all that are."""
        text = fold_cached(value, self._case_sensitive)
        if len(text) <= LONG:
            self._letters.find(_letters(text), found)
            if self._long:
                self._long.find(_words(text), found)
            return
        if self._words is None:
            words = _Side()
            for short, threshold, number in self._short:
                words.add(_words(short), threshold, number)
            self._words = words
        counts = _words(text)
        self._words.find(counts, found)
        self._long.find(counts, found)


class _Said(NamedTuple):
    """A text as tokens, letters or numbers of words: how many, which (some perhaps more than once), and how often each."""

    size: int
    tokens: Iterable[str | int]
    count: Callable[[Any], int]


def _letters(text: str) -> _Said:
    return _Said(len(text), text, text.count)


def _words(text: str) -> _Said:
    words = text.split()
    counts = dict.fromkeys(range(_WORDS), 0)
    for word, count in Counter(words).items():
        counts[crc32(word.encode("utf-8", "surrogatepass")) % _WORDS] += count
    return _Said(len(words), [number for number, count in counts.items() if count], counts.__getitem__)


class _Side:
    """Texts as counts of tokens (letters or words), in bands of similar length: few bands can hold what is like a message."""

    def __init__(self) -> None:
        self._bands: dict[int, _Band] = {}

    def __bool__(self) -> bool:
        return bool(self._bands)

    def add(self, said: _Said, threshold: float, number: int) -> None:
        # The longest of a band has twice the length of the shortest: 46 to 90 letters, as most sentences have, are one.
        power = (said.size**2).bit_length() // 2
        band = self._bands.get(power)
        if band is None:
            band = self._bands[power] = _Band(isqrt(2 << 2 * power))
        band.add(said, threshold, number)

    def find(self, said: _Said, found: list[int]) -> None:
        for band in list(self._bands.values()):
            if band.reaches(said.size):
                band.find(said, found)


class _Band:
    """Texts as counts of their tokens, side by side: bit n of every number here belongs to text n.

    difflib's ratio is at most 2 * shared / total, where ``shared`` counts the tokens that both have (its ``quick_ratio``).
    ``_counts[token]`` has how often each text has a token, as binary digits: number k has digit k of all texts. What a message
    shares with each text is the sum of the smaller counts. Counts are compared, and added like columns of a sum on paper, for all
    texts at once: for 10,000 texts each step takes a tenth of a microsecond.
    """

    def __init__(self, longest: int) -> None:
        self._numbers: list[int] = []
        self._counts: dict[str | int, list[int]] = {}
        #: What every text is given in advance, as digits in ``_PARTS``: the less, the longer it is, for it must share the more.
        self._given = [0] * _PARTS
        self._most = _least(1.0, longest)
        #: Threshold -> the texts that have it.
        self._texts: dict[float, int] = {}
        self._shortest, self._longest, self._loosest = longest, 0, 1.0
        #: Counts additions, so that sums which were made meanwhile are known to be old.
        self._version = 0
        self._sums: tuple[int, _Sums | None] = (0, None)

    def add(self, said: _Said, threshold: float, number: int) -> None:
        bit = 1 << len(self._numbers)
        # First the number, last the threshold by which others find it: another thread may be looking.
        self._numbers.append(number)
        for token in set(said.tokens):
            _put(self._counts.setdefault(token, []), said.count(token), bit)
        _put(self._given, self._most - _least(threshold, said.size), bit)
        self._version += 1
        self._shortest, self._longest = min(self._shortest, said.size), max(self._longest, said.size)
        self._loosest = min(self._loosest, threshold)
        self._texts[threshold] = self._texts.get(threshold, 0) | bit

    def reaches(self, length: int) -> bool:
        """Whether any text is so long that it may be like a message of this length."""
        # A ratio of t needs a size from length * t / (2 - t) to length * (2 - t) / t.
        stretch = 2.0 / max(self._loosest, 1e-9) - 1.0
        return self._shortest <= length * stretch + 1 and length / stretch - 1 <= self._longest

    def find(self, said: _Said, found: list[int]) -> None:
        """Append the numbers of the texts that share as much with a message as they must."""
        version, sums = self._sums
        if sums is None or version != self._version:
            version = self._version
            sums = _Sums(self._counts, self._given, (1 << len(self._numbers)) - 1)
            self._sums = version, sums
        digits = self._given[:_PARTS] + _add(sums.of(said))
        fitting = 0
        for threshold, texts in list(self._texts.items()):
            fitting |= _reach(digits, self._most + _least(threshold, said.size), texts)
        if fitting.bit_count() > _FEW:
            bits = f"{fitting:b}"[::-1]
            found += [number for number, bit in zip(self._numbers, bits, strict=False) if bit == "1"]
            return
        while fitting:
            lowest = fitting & -fitting
            found.append(self._numbers[lowest.bit_length() - 1])
            fitting ^= lowest


def _put(digits: list[int], number: int, bit: int) -> None:
    """Write a number in one bit of binary digits."""
    digits += [0] * (number.bit_length() - len(digits))
    for at in range(number.bit_length()):
        if number >> at & 1:
            digits[at] |= bit


def _least(threshold: float, size: int) -> int:
    """What a text of this size adds to what must be shared, in parts of a token, never more than the truth."""
    return max(0, int(threshold * size / 2 * (1 << _PARTS) - 1e-6))


class _Sums:
    """Sums of what a message shares with every text, by groups of tokens; those that were made are kept."""

    def __init__(self, counts: Mapping[str | int, list[int]], given: list[int], every: int) -> None:
        self._counts = counts
        self._given = given[_PARTS:]
        self._every = every
        self._groups: list[list[str | int]] = [[]]
        often = {
            token: sum(digit.bit_count() << at for at, digit in enumerate(digits)) / max(1, every.bit_count())
            for token, digits in list(counts.items())
        }
        combinations = 1.0
        for token in sorted(often, key=lambda token: (-often[token], str(token))):
            # Most counts of a letter are so many different ones about its average.
            usual = 1 + 2 * sqrt(often[token])
            combinations *= usual
            if self._groups[-1] and combinations > _COMBINATIONS:
                combinations = usual
                self._groups.append([])
            self._groups[-1].append(token)
        #: The group of each token.
        self._at = {token: at for at, group in enumerate(self._groups) for token in group}
        #: For each group the sums, by how often its tokens come.
        self._kept: list[dict[tuple[int, ...], list[int]]] = [{} for _ in self._groups]
        self._size = 0

    def of(self, said: _Said) -> list[list[int]]:
        """Numbers as binary digits, whose sum has in every bit what a message shares with a text, and what is given."""
        groups, count = self._groups, said.count
        touched: Iterable[int] = range(len(groups))
        if len(groups) > _FEW:
            where = self._at
            # What is given comes with the first group.
            touched = {0, *[where[token] for token in set(said.tokens) if token in where]}
        sums = []
        for at in touched:
            key = tuple(map(count, groups[at]))
            sums.append(self._kept[at].get(key) or self._sum(at, key))
        return sums

    def _sum(self, at: int, key: tuple[int, ...]) -> list[int]:
        if self._size >= _KEPT:
            self._kept, self._size = [{} for _ in self._groups], 0
        shared = [_smaller(self._counts[token], count, self._every) for token, count in zip(self._groups[at], key, strict=True)]
        found = _add(shared if at else [self._given, *shared])
        while len(found) > 1 and not found[-1]:
            found.pop()
        self._kept[at][key] = found
        self._size += 1
        return found


def _add(numbers: Sequence[Sequence[int]]) -> list[int]:
    """The sum in every bit, as binary digits, least first, of numbers given as such digits.

    By full adders: three bits of a column become one and a carry to the next column.
    """
    digits: list[int] = []
    columns: list[list[int]] = [list(filter(None, column)) for column in zip_longest(*numbers, fillvalue=0)]
    carries: list[int] = []
    for column in columns:
        column += carries
        carries = _column(column, digits)
    while carries:
        carries = _column(carries, digits)
    return digits or [0]


def _column(bits: list[int], digits: list[int]) -> list[int]:
    """Append the digit of one column; gives what is carried to the next."""
    carries = []
    total = bits[0] if bits else 0
    rest = iter(bits[1:])
    for b, c in zip(rest, rest, strict=False):
        either = total ^ b
        carries.append(total & b | either & c)
        total = either ^ c
    if bits and not len(bits) % 2:
        carries.append(total & bits[-1])
        total ^= bits[-1]
    digits.append(total)
    return carries


def _smaller(digits: list[int], count: int, every: int) -> list[int]:
    """In every bit the smaller of a number, given as digits, and a count."""
    reaching = _reach(digits, count, every)
    below = every ^ reaching
    return [digit & below | reaching if count >> at & 1 else digit & below for at, digit in enumerate(digits)]


def _reach(digits: list[int], least: int, columns: int) -> int:
    """Those of some columns whose sum is at least ``least``."""
    if least >> len(digits):
        return 0
    reaching = columns
    for at, digit in enumerate(digits):
        reaching = digit & reaching if least >> at & 1 else digit | reaching
    return reaching & columns

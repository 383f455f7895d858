"""Fuzzy candidates: which of many texts may be similar enough, by the letters they share, counted for all texts at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from math import isqrt, sqrt
from typing import Any, NamedTuple
from zlib import crc32

from ...text.similarity import LONG, fold, fold_cached
from .neighbours import Expected, Neighbours

#: Words are hashed into this many buckets: enough to distinguish texts, few enough for a table.
_WORD_BUCKETS = 256
#: The size of the cache of sums.
_CACHED_SUMS = 1500
#: Tokens form one group while their counts have at most this many combinations, so that cached sums of a group are reused.
_COMBINATIONS = 80
#: Required shared tokens are counted in fractions of a token (1 / 64), so that rounding lets few texts pass.
_FRACTION_BITS = 6
#: Up to this many results are extracted bit by bit, and up to this many groups are all summed.
_FEW = 32


class Fuzzy:
    """Expected texts with their thresholds and rule numbers."""

    def __init__(self, case_sensitive: bool) -> None:
        self._case_sensitive = case_sensitive
        #: Short texts are indexed by letters, by their places, long ones, which are always compared by words, by words.
        self._letters = _TokenIndex()
        self._long = _TokenIndex()
        #: The short texts by words, built for the first long message.
        self._words: _TokenIndex | None = None
        self._short: list[Expected] = []
        self._neighbours = Neighbours(self._similar, self._short)

    def add(self, value: str, threshold: float, number: int) -> None:
        """Add a rule that expects a text with at least ``threshold`` similarity to ``value``."""
        text = fold(value, self._case_sensitive)
        if len(text) > LONG:
            self._long.add(_words(text), threshold, number)
            return
        place = len(self._short)
        self._short.append(Expected(text, threshold, number))
        self._letters.add(_letters(text), threshold, place)
        self._neighbours.add(place)
        if self._words:
            self._words.add(_words(text), threshold, number)

    def find(self, value: str, numbers: list[int]) -> None:
        """Append the numbers of all rules whose texts are similar enough, and of few others."""
        text = fold_cached(value, self._case_sensitive)
        if len(text) <= LONG:
            near = self._neighbours.of(text)
            numbers += [self._short[place].number for place in (self._similar(text, 0) if near is None else near)]
            if self._long:
                self._long.find(_words(text), numbers)
            return
        if self._words is None:
            words = _TokenIndex()
            for short, threshold, number in self._short:
                words.add(_words(short), threshold, number)
            self._words = words
        counts = _words(text)
        self._words.find(counts, numbers)
        self._long.find(counts, numbers)

    def _similar(self, text: str, changes: int) -> list[int]:
        """The places of the short texts that may be similar enough to a text after so many changes of single letters."""
        places: list[int] = []
        self._letters.find(_letters(text), places, changes)
        return places


class _TokenCounts(NamedTuple):
    """A text as tokens (letters or word buckets): their number, the tokens (perhaps with duplicates), and the count of each."""

    size: int
    tokens: Iterable[str | int]
    count: Callable[[Any], int]


def _letters(text: str) -> _TokenCounts:
    return _TokenCounts(len(text), text, text.count)


def _words(text: str) -> _TokenCounts:
    words = text.split()
    counts = dict.fromkeys(range(_WORD_BUCKETS), 0)
    for word, count in Counter(words).items():
        counts[crc32(word.encode("utf-8", "surrogatepass")) % _WORD_BUCKETS] += count
    return _TokenCounts(len(words), [number for number, count in counts.items() if count], counts.__getitem__)


class _TokenIndex:
    """Texts as counts of tokens, in bands of similar length: only few bands can hold texts similar to a message."""

    def __init__(self) -> None:
        self._bands: dict[int, _Band] = {}

    def __bool__(self) -> bool:
        return bool(self._bands)

    def add(self, text: _TokenCounts, threshold: float, number: int) -> None:
        # The longest text of a band has twice the length of the shortest: most sentences, of 46 to 90 letters, are in one.
        power = (text.size**2).bit_length() // 2
        band = self._bands.get(power)
        if band is None:
            band = self._bands[power] = _Band(isqrt(2 << 2 * power))
        band.add(text, threshold, number)

    def find(self, text: _TokenCounts, numbers: list[int], changes: int = 0) -> None:
        """Append the numbers of the texts that may be similar enough, also after so many changes of single tokens."""
        for band in list(self._bands.values()):
            if band.reaches(max(0, text.size - changes), text.size + changes):
                band.find(text, numbers, changes)


class _Band:
    """Texts as counts of their tokens, side by side: bit n of every number here belongs to text n.

    difflib's ratio is at most 2 * shared / total, where ``shared`` counts the tokens that both have (its ``quick_ratio``).
    ``_counts[token]`` has the count of a token in each text as binary digits: number k has digit k of all texts. A message
    shares with each text the sum of the smaller counts. Counts of all texts are compared and added at once, digit by digit:
    for 10,000 texts each step takes a tenth of a microsecond.
    """

    def __init__(self, longest: int) -> None:
        self._numbers: list[int] = []
        self._counts: dict[str | int, list[int]] = {}
        #: A head start for each text in fractions of a token: a longer text, which must share more, gets less.
        self._head_start = [0] * _FRACTION_BITS
        self._maximum = _tokens_needed(1.0, longest)
        #: Threshold -> the texts that have it.
        self._texts: dict[float, int] = {}
        self._shortest, self._longest, self._loosest = longest, 0, 1.0
        #: The number of additions; sums of an older version are discarded.
        self._version = 0
        self._sums: tuple[int, _Sums | None] = (0, None)

    def add(self, text: _TokenCounts, threshold: float, number: int) -> None:
        bit = 1 << len(self._numbers)
        # The number first and the threshold last, because another thread may search at the same time.
        self._numbers.append(number)
        for token in set(text.tokens):
            _write_number(self._counts.setdefault(token, []), text.count(token), bit)
        _write_number(self._head_start, self._maximum - _tokens_needed(threshold, text.size), bit)
        self._version += 1
        self._shortest, self._longest = min(self._shortest, text.size), max(self._longest, text.size)
        self._loosest = min(self._loosest, threshold)
        self._texts[threshold] = self._texts.get(threshold, 0) | bit

    def reaches(self, shortest: int, longest: int) -> bool:
        """Whether the band has texts of a length that can be similar to a message of a length between these."""
        # A ratio of t needs a size from length * t / (2 - t) to length * (2 - t) / t.
        stretch = 2.0 / max(self._loosest, 1e-9) - 1.0
        return self._shortest <= longest * stretch + 1 and shortest / stretch - 1 <= self._longest

    def find(self, text: _TokenCounts, numbers: list[int], changes: int) -> None:
        """Append the numbers of the texts that share enough tokens with a message; each change may add a shared one."""
        version, sums = self._sums
        if sums is None or version != self._version:
            version = self._version
            sums = _Sums(self._counts, self._head_start, (1 << len(self._numbers)) - 1)
            self._sums = version, sums
        digits = self._head_start[:_FRACTION_BITS] + _add(sums.of(text))
        fitting = 0
        for threshold, texts in list(self._texts.items()):
            least = self._maximum + _tokens_needed(threshold, text.size) - (changes << _FRACTION_BITS)
            fitting |= _at_least(digits, max(0, least), texts)
        if fitting.bit_count() > _FEW:
            bits = f"{fitting:b}"[::-1]
            numbers += [number for number, bit in zip(self._numbers, bits, strict=False) if bit == "1"]
            return
        while fitting:
            lowest = fitting & -fitting
            numbers.append(self._numbers[lowest.bit_length() - 1])
            fitting ^= lowest


def _write_number(digits: list[int], number: int, bit: int) -> None:
    """Write a number in one bit of binary digits."""
    digits += [0] * (number.bit_length() - len(digits))
    for at in range(number.bit_length()):
        if number >> at & 1:
            digits[at] |= bit


def _tokens_needed(threshold: float, size: int) -> int:
    """The share of a text of this size in the required shared tokens, in fractions of a token, rounded down."""
    return max(0, int(threshold * size / 2 * (1 << _FRACTION_BITS) - 1e-6))


class _Sums:
    """Sums of the tokens that a message shares with every text, by groups of tokens, with a cache."""

    def __init__(self, counts: Mapping[str | int, list[int]], head_start: list[int], all_texts: int) -> None:
        self._counts = counts
        self._head_start = head_start[_FRACTION_BITS:]
        self._every = all_texts
        self._groups: list[list[str | int]] = [[]]
        often = {
            token: sum(digit.bit_count() << at for at, digit in enumerate(digits)) / max(1, all_texts.bit_count())
            for token, digits in list(counts.items())
        }
        combinations = 1.0
        for token in sorted(often, key=lambda token: (-often[token], str(token))):
            # The usual number of different counts of a letter around its average.
            usual = 1 + 2 * sqrt(often[token])
            combinations *= usual
            if self._groups[-1] and combinations > _COMBINATIONS:
                combinations = usual
                self._groups.append([])
            self._groups[-1].append(token)
        #: The group of each token.
        self._at = {token: at for at, group in enumerate(self._groups) for token in group}
        #: For each group the sums by the counts of its tokens.
        self._cache: list[dict[tuple[int, ...], list[int]]] = [{} for _ in self._groups]
        self._size = 0

    def of(self, text: _TokenCounts) -> list[list[int]]:
        """Numbers as binary digits; their sum has in every bit the shared tokens of one text plus its head start."""
        groups, count = self._groups, text.count
        touched: Iterable[int] = range(len(groups))
        if len(groups) > _FEW:
            where = self._at
            # The head start is part of the first group.
            touched = {0, *[where[token] for token in set(text.tokens) if token in where]}
        sums = []
        for at in touched:
            key = tuple(map(count, groups[at]))
            sums.append(self._cache[at].get(key) or self._sum(at, key))
        return sums

    def _sum(self, at: int, key: tuple[int, ...]) -> list[int]:
        if self._size >= _CACHED_SUMS:
            self._cache, self._size = [{} for _ in self._groups], 0
        shared = [_minimum(self._counts[token], count, self._every) for token, count in zip(self._groups[at], key, strict=True)]
        digits = _add(shared if at else [self._head_start, *shared])
        while len(digits) > 1 and not digits[-1]:
            digits.pop()
        self._cache[at][key] = digits
        self._size += 1
        return digits


def _add(numbers: Sequence[Sequence[int]]) -> list[int]:
    """The sum in every bit of numbers in binary digits, as binary digits, lowest first.

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
    """Append the digit of one column; returns the carries to the next column."""
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


def _minimum(digits: list[int], count: int, all_texts: int) -> list[int]:
    """In every bit the minimum of a number, in binary digits, and a count."""
    reaching = _at_least(digits, count, all_texts)
    below = all_texts ^ reaching
    return [digit & below | reaching if count >> at & 1 else digit & below for at, digit in enumerate(digits)]


def _at_least(digits: list[int], least: int, columns: int) -> int:
    """The columns whose sum is at least ``least``."""
    if least >> len(digits):
        return 0
    reaching = columns
    for at, digit in enumerate(digits):
        reaching = digit & reaching if least >> at & 1 else digit | reaching
    return reaching & columns

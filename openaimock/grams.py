"""Grams: which of many needles may stand in a text, found by walking the text's pieces of four bytes once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

#: Up to this many needles are looked for one by one: that is as quick, and needs nothing to be built.
FEW = 24
#: So many of a needle's rarest grams are used one after the other where many needles share them.
_DEPTH = 4
#: A needle longer than twice this is as well known by its two ends.
_END_BYTES = 200


def fold(text: str) -> str:
    """A text in which case is forgotten more thoroughly than any matcher forgets it.

    Character by character, so that what stands in a text stands in its fold, whether a matcher compares ``lower()``, the text
    itself, or a regex under IGNORECASE (for which the long s is an s, the dotless i an i, and a dotted capital I an i
    without the dot that ``lower()`` leaves beside it).
    """
    return text.upper() if text.isascii() else text.lower().upper().replace("\u0307", "")


def encode(text: str) -> bytes:
    """A folded text as bytes; lone surrogates, which JSON may carry, included."""
    return text.encode("utf-8", "surrogatepass")


def views(data: bytes) -> list[memoryview]:
    """All pieces of four bytes, each as a number, in four rows: a view makes them without a slice for every one."""
    view = memoryview(data)
    return [view[start : start + (len(data) - start) // 4 * 4].cast("I") for start in range(min(4, len(data) - 3))]


def pieces(data: bytes) -> set[int]:
    """All different pieces of four bytes."""
    return set().union(*views(data))


def read(texts: Iterable[str]) -> tuple[bytes, set[int]]:
    """Of folded texts that must all be there the longest, and the grams of all."""
    encoded = sorted(map(encode, texts), key=len)
    grams: set[int] = set()
    for data in encoded:
        grams |= pieces(data) if len(data) <= 2 * _END_BYTES else pieces(data[:_END_BYTES]) | pieces(data[-_END_BYTES:])
    return encoded[-1], grams


class Needle(NamedTuple):
    """What must stand in a text for a rule to fit: ``text``, and all of ``grams``, rarest first."""

    text: bytes
    grams: tuple[int, ...]
    number: int


Table = dict[int, "list[Needle] | Table"]
#: Where needles stand that have no more grams than led there.
_END = -1


class Grams:
    """Needles and the numbers of the rules that need them. Numbers come out that may fit, and all that do."""

    def __init__(self) -> None:
        self._few: list[Needle] = []
        self._table: Table = {}
        self._short: dict[bytes, list[int]] = {}
        self._known: Counter[int] = Counter()

    def __bool__(self) -> bool:
        return bool(self._few or self._table or self._short)

    def note(self, grams: Iterable[int]) -> None:
        """Count the grams of a needle that is about to be added, so that the rare ones are known."""
        self._known.update(grams)

    def add(self, longest: bytes, grams: Iterable[int], number: int) -> None:
        """A rule that needs some texts, as ``read`` gave them."""
        if not grams:
            self._short.setdefault(longest, []).append(number)
            return
        needle = Needle(longest, tuple(sorted(grams, key=self._known.__getitem__)[:_DEPTH]), number)
        if self._table:
            _put(self._table, needle, 0)
            return
        self._few.append(needle)
        if len(self._few) > FEW:
            table: Table = {}
            for waiting in self._few:
                _put(table, waiting, 0)
            # In this order, so that another thread which looks meanwhile finds them in one place at least.
            self._table, self._few = table, []

    def find(self, text: str, found: list[int]) -> None:
        """Append the numbers of the rules whose needles a folded text may hold."""
        data = encode(text)
        found += [number for text, _, number in self._few if text in data]
        if self._table:
            self._find_long(data, found)
        if self._short:
            self._find_short(data, found)

    def _find_long(self, data: bytes, found: list[int]) -> None:
        table = self._table
        grams: set[int] = set().union(*[filter(table.__contains__, view) for view in views(data)])
        every: set[int] = set()
        pending = [table[gram] for gram in grams]
        while pending:
            held = pending.pop()
            if isinstance(held, list):
                found += [number for text, _, number in held if text in data]
                continue
            # To make a set of all pieces takes longest, and is not often needed.
            every = every or {_END, *pieces(data)}
            pending += [held[gram] for gram in held.keys() & every]

    def _find_short(self, data: bytes, found: list[int]) -> None:
        short = self._short
        if len(short) <= FEW:
            for text, numbers in list(short.items()):
                if text in data:
                    found += numbers
            return
        for size in (1, 2, 3):
            for text in short.keys() & {data[at : at + size] for at in range(len(data) - size + 1)}:
                found += short[text]


def _put(table: Table, needle: Needle, depth: int) -> None:
    gram = needle.grams[depth] if depth < len(needle.grams) else _END
    held = table.get(gram)
    if isinstance(held, dict):
        _put(held, needle, depth + 1)
    elif held is None:
        table[gram] = [needle]
    elif gram == _END or len(held) < FEW:
        held.append(needle)
    else:
        deeper: Table = {}
        for other in (*held, needle):
            _put(deeper, other, depth + 1)
        table[gram] = deeper

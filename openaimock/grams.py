"""Grams: which of many needles may stand in a text, found by walking the text's pieces of four bytes once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import nsmallest
from typing import NamedTuple

#: Up to this many needles are looked for one by one: that is as quick, and needs nothing to be built.
FEW = 24
#: So many of a needle's rarest grams are used one after the other where many needles share them.
_DEPTH = 4
#: A longer needle is as well known by its beginning.
_LONGEST = 400


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


def pieces(data: bytes) -> set[int]:
    """All pieces of four bytes, each as a number: a view makes them without a slice for every one."""
    view = memoryview(data)
    found: set[int] = set()
    for start in range(min(4, len(data) - 3)):
        found.update(view[start : start + (len(data) - start) // 4 * 4].cast("I"))
    return found


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

    def note(self, texts: Iterable[str]) -> None:
        """Count the grams of needles that are about to be added, so that the rare ones are known."""
        for text in texts:
            self._known.update(pieces(encode(text)[:_LONGEST]))

    def add(self, texts: Iterable[str], number: int) -> None:
        """A rule that needs all of some folded texts, none of which is empty."""
        needles = sorted((encode(text)[:_LONGEST] for text in texts), key=len)
        longest = needles[-1]
        grams = set().union(*map(pieces, needles))
        if not grams:
            self._short.setdefault(longest, []).append(number)
            return
        known = self._known
        needle = Needle(longest, tuple(nsmallest(_DEPTH, grams, key=lambda gram: (known[gram], gram))), number)
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
        _look(self._few, data, found)
        if self._table:
            _walk(self._table, pieces(data), data, found)
        if self._short:
            self._find_short(data, found)

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


def _walk(table: Table, grams: set[int], data: bytes, found: list[int]) -> None:
    for gram in table.keys() & grams:
        held = table[gram]
        if isinstance(held, dict):
            _walk(held, grams, data, found)
        else:
            _look(held, data, found)
    if _END in table:
        _look(table[_END], data, found)  # type: ignore[arg-type]


def _look(needles: list[Needle], data: bytes, found: list[int]) -> None:
    found += [number for text, _, number in needles if text in data]

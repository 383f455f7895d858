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


class Needs(NamedTuple):
    """Folded texts that must all be there, the longest first, and the pieces of four bytes in them."""

    texts: tuple[bytes, ...]
    pieces: set[int]

    @property
    def short(self) -> list[bytes]:
        """The texts that have no such piece."""
        return [data for data in self.texts if len(data) < 4]


def read(texts: Iterable[str]) -> Needs:
    """What is to be looked for of some folded texts, none of which is empty."""
    encoded = sorted(map(encode, texts), key=len, reverse=True)
    found: set[int] = set()
    for data in encoded:
        found |= pieces(data) if len(data) <= 2 * _END_BYTES else pieces(data[:_END_BYTES]) | pieces(data[-_END_BYTES:])
    return Needs(tuple(encoded), found)


class Needle(NamedTuple):
    """What a rule needs: ``text`` and all of ``others``; it stands in the table under ``grams``, the rarest first."""

    text: bytes
    others: tuple[bytes, ...]
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
        self._short: dict[bytes, list[Needle]] = {}
        self._known: Counter[int | bytes] = Counter()

    def __bool__(self) -> bool:
        return bool(self._few or self._table or self._short)

    def note(self, needs: Needs) -> None:
        """Count the pieces of a needle that is about to be added, so that the rare ones are known."""
        self._known.update(needs.pieces)
        self._known.update(needs.short)

    def add(self, needs: Needs, number: int) -> None:
        """A rule that needs what was read."""
        known = self._known.__getitem__
        grams = sorted(needs.pieces, key=known)[:_DEPTH]
        needle = Needle(needs.texts[0], needs.texts[1:], tuple(grams), number)
        short = min(needs.short, key=known, default=None)
        # A short text is looked for in a slower way: it must be much the rarer.
        if short is not None and (not grams or known(short) * FEW < known(grams[0])):
            self._short.setdefault(short, []).append(needle)
            return
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
        """Append the numbers of the rules that a folded text may fit."""
        data = encode(text)
        found += _present(self._few, data)
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
                found += _present(held, data)
                continue
            # To make a set of all pieces takes longest, and is not often needed.
            every = every or {_END, *pieces(data)}
            pending += [held[gram] for gram in held.keys() & every]

    def _find_short(self, data: bytes, found: list[int]) -> None:
        short = self._short
        if len(short) <= FEW:
            texts = [text for text in list(short) if text in data]
        else:
            slices = {data[at : at + size] for size in (1, 2, 3) for at in range(len(data) - size + 1)}
            texts = list(short.keys() & slices)
        for text in texts:
            found += _present(short[text], data)


def _present(needles: list[Needle], data: bytes) -> list[int]:
    """The numbers of the needles of which everything is there."""
    return [
        number for text, others, _, number in needles if text in data and (not others or all(other in data for other in others))
    ]


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

"""Grams: which of many needles a text may contain, by one pass over the text's four-byte pieces."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from struct import Struct
from typing import NamedTuple, Union

#: Up to this many needles are searched one by one, which is as fast and needs no table.
FEW = 24
#: Where many needles share grams, this many of the rarest grams of each are used in turn.
_DEPTH = 4
#: Where more needles share a gram, a table of their next grams follows: a search for each needle would take longer.
_SHARED = 3
#: Of a needle longer than twice this only the two ends are used.
_END_BYTES = 200


def fold(text: str) -> str:
    """A text with case ignored at least as far as any matcher ignores it.

    Folding works character by character, so that a substring stays a substring, whether a matcher compares ``lower()``, the
    text itself, or a regex under IGNORECASE (which treats the long s as s, the dotless i as i, and a dotted capital I as i
    without the dot that ``lower()`` adds).
    """
    return text.upper() if text.isascii() else text.lower().upper().replace("\u0307", "")


def encode(text: str) -> bytes:
    """A folded text as bytes, lone surrogates (which JSON may contain) included."""
    return text.encode("utf-8", "surrogatepass")


def grams(data: bytes) -> tuple[int, ...]:
    """All four-byte pieces as numbers, in four rows."""
    first, second, third, fourth = _rows(len(data))
    return first(data) + second(data) + third(data) + fourth(data)


@lru_cache(maxsize=512)
def _rows(size: int) -> list[Callable[[bytes], tuple[int, ...]]]:
    """The functions that read every fourth piece of so many bytes, from the first four places on."""
    return [
        Struct(f"={start}x{(size - start) // 4}I{(size - start) % 4}x" if size >= start else f"={size}x").unpack
        for start in range(4)
    ]


def pieces(data: bytes) -> set[int]:
    """The distinct four-byte pieces."""
    return set(grams(data))


class Needs(NamedTuple):
    """Folded texts that must all be present, the longest first, and their distinct four-byte pieces.

    The pieces of all rules wait until they are counted: an array takes a tenth of the memory of a set.
    """

    texts: tuple[bytes, ...]
    pieces: array[int]

    @property
    def has_short(self) -> bool:
        """Whether some text is shorter than four bytes; the last one is the shortest."""
        return len(self.texts[-1]) < 4

    @property
    def short(self) -> list[bytes]:
        """The texts shorter than four bytes."""
        return [data for data in self.texts if len(data) < 4]


def read(texts: Iterable[str]) -> Needs:
    """The search data of folded texts, none of which is empty."""
    encoded = sorted(map(encode, texts), key=len, reverse=True)
    distinct: set[int] = set()
    for data in encoded:
        distinct |= pieces(data) if len(data) <= 2 * _END_BYTES else pieces(data[:_END_BYTES]) | pieces(data[-_END_BYTES:])
    return Needs(tuple(encoded), array("I", distinct))


class Needle(NamedTuple):
    """The texts a rule requires: ``text`` and all of ``others``; it is indexed under ``grams``, the rarest first."""

    text: bytes
    others: tuple[bytes, ...]
    grams: tuple[int, ...]
    number: int


#: The needles under a gram: one, a few, or a table by their next gram.
Entry = Union[Needle, "list[Needle]", "Table"]
Table = dict[int, Entry]
#: The key of needles that have no further grams.
_END = -1


class Grams:
    """Needles and the numbers of their rules. A search returns all matching numbers and perhaps a few others."""

    def __init__(self) -> None:
        self._few: list[Needle] = []
        self._table: Table = {}
        #: The keys of the table: a set finds those that a text has in half of the time.
        self._keys: set[int] = set()
        self._short: dict[bytes, list[Needle]] = {}
        self._known: Counter[int | bytes] = Counter()

    def __bool__(self) -> bool:
        return bool(self._few or self._table or self._short)

    def note(self, needs: Needs) -> None:
        """Count the pieces of a needle before it is added, so that rare ones are known."""
        self._known.update(needs.pieces)
        if needs.has_short:
            self._known.update(needs.short)

    def add(self, needs: Needs, number: int) -> None:
        """Add a rule that requires some texts."""
        frequency = self._known.__getitem__
        rarest = sorted(needs.pieces, key=frequency)[:_DEPTH]
        needle = Needle(needs.texts[0], needs.texts[1:], tuple(rarest), number)
        short = min(needs.short, key=frequency) if needs.has_short else None
        # The search for short texts is slower: it pays only for much rarer ones.
        if short is not None and (not rarest or frequency(short) * FEW < frequency(rarest[0])):
            self._short.setdefault(short, []).append(needle)
            return
        if self._table:
            _put(self._table, needle, 0)
            self._keys.add(rarest[0])
            return
        self._few.append(needle)
        if len(self._few) > FEW:
            table: Table = {}
            for waiting in self._few:
                _put(table, waiting, 0)
            # In this order, so that a concurrent search finds the needles in at least one place.
            self._table, self._keys = table, set(table)
            self._few = []

    def find(self, text: str, numbers: list[int]) -> None:
        """Append the numbers of the rules that may match a folded text."""
        data = encode(text)
        numbers += _present(self._few, data)
        if self._table:
            self._find_long(data, numbers)
        if self._short:
            self._find_short(data, numbers)

    def _find_long(self, data: bytes, numbers: list[int]) -> None:
        table, text_grams = self._table, grams(data)
        pending = [table[gram] for gram in self._keys.intersection(text_grams)]
        distinct: set[int] = set()
        for entry in pending:
            if isinstance(entry, dict):
                distinct = distinct or {_END, *text_grams}
                pending += [entry[gram] for gram in entry.keys() & distinct]
            else:
                numbers += _present(entry if isinstance(entry, list) else [entry], data)

    def _find_short(self, data: bytes, numbers: list[int]) -> None:
        short = self._short
        if len(short) <= FEW:
            texts = [text for text in list(short) if text in data]
        else:
            slices = {data[at : at + size] for size in (1, 2, 3) for at in range(len(data) - size + 1)}
            texts = list(short.keys() & slices)
        for text in texts:
            numbers += _present(short[text], data)


def _present(needles: list[Needle], data: bytes) -> list[int]:
    """The numbers of the needles whose texts are all present."""
    return [
        number for text, others, _, number in needles if text in data and (not others or all(other in data for other in others))
    ]


def _put(table: Table, needle: Needle, depth: int) -> None:
    gram = needle.grams[depth] if depth < len(needle.grams) else _END
    entry = table.get(gram)
    if isinstance(entry, dict):
        _put(entry, needle, depth + 1)
    elif entry is None:
        table[gram] = needle
    elif isinstance(entry, Needle):
        table[gram] = [entry, needle]
    elif gram == _END or len(entry) < _SHARED:
        entry.append(needle)
    else:
        deeper: Table = {}
        for other in (*entry, needle):
            _put(deeper, other, depth + 1)
        table[gram] = deeper

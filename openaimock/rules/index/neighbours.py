"""Neighbours: which rules may accept a message that is almost an expected text, without a look at all rules.

Most messages that a fuzzy rule answers differ from its text in one place, so the text is found by its beginning or its end. The
number of letters that two texts do not have in the same order is a distance: texts that are similar to a message with few changed
letters are nearly as similar to the found text. These other texts are looked up once for each found text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...text.similarity import common_ends, may_reach_after

#: Letters at the beginning and at the end of a text by which it is found.
_ANCHOR = 16
#: The letters by which a message may differ from the found text, removed and added ones together: one letter replaced, or two.
_CHANGES = (2, 4)
#: The most texts that are compared with a found text: with more, a look at all rules is as fast.
_MOST = 256
#: The number of found texts whose neighbours are cached.
_CACHED = 4096


class Expected(NamedTuple):
    """A folded text, the least similarity to it, and the number of the rule."""

    text: str
    threshold: float
    number: int


class Neighbours:
    """Finds expected texts by their beginnings and ends.

    ``similar(text, changes)`` gives the places of those that may be similar to a text, to judge by its letters, of which so many
    are changed.
    """

    def __init__(self, similar: Callable[[str, int], list[int]], texts: Sequence[Expected]) -> None:
        self._similar = similar
        self._texts = texts
        #: The places of texts by the hash of their beginning or end; of several texts the first.
        self._places: dict[int, int] = {}
        #: How many texts were added so far.
        self._added = 0
        #: The neighbours of a text, by its place, the changes and how many were added; None where there are too many.
        self._cache: dict[tuple[int, int, int], Sequence[int] | None] = {}

    def add(self, place: int) -> None:
        """Add the text at a place, which ``similar`` already finds."""
        text = self._texts[place].text
        self._places.setdefault(hash(text[:_ANCHOR]), place)
        self._places.setdefault(hash(text[-_ANCHOR:]), place)
        self._added += 1

    def of(self, message: str) -> Sequence[int] | None:
        """The places of all texts that may be similar enough to a folded message; None where only a look at all can tell."""
        for anchor in (message[:_ANCHOR], message[-_ANCHOR:]):
            place = self._places.get(hash(anchor))
            if place is None:
                continue
            text = self._texts[place].text
            changed = len(text) + len(message) - 2 * common_ends(text, message)
            for changes in _CHANGES:
                if changed <= changes:
                    return self._around(place, changes)
        return None

    def _around(self, place: int, changes: int) -> Sequence[int] | None:
        key = (place, changes, self._added)
        try:
            return self._cache[key]
        except KeyError:
            pass
        text = self._texts[place].text
        places: Sequence[int] | None = self._similar(text, changes)
        if places is not None and len(places) > _MOST:
            places = None
        elif places is not None:
            texts = self._texts
            places = [at for at in places if may_reach_after(text, texts[at].text, texts[at].threshold, changes)]
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[key] = places
        return places

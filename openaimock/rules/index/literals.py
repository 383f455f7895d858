"""Literals: the pieces of plain text that whatever a regex or a pattern finds must hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from ...text import regex
from .ngrams import fold

#: What a pattern needs: every text of one of the alternatives. None: nothing is known.
Needs = tuple[tuple[str, ...], ...] | None
#: An alternation of more branches than this tells too little to be worth its entries.
_BRANCHES = 64
_PLAIN = re.compile(r"[^\\.^$*+?{}\[\]|()]*")


def of_regex(pattern: str) -> Needs:
    """The folded texts of which a match holds all (one alternative) or the one or the other (several)."""
    if _PLAIN.fullmatch(pattern):
        return ((fold(pattern),),) if fold(pattern) else None
    try:
        return _read(regex.parse(pattern)).needs()
    except regex.ERRORS:
        return None


def of_glob(pattern: str) -> Needs:
    """The same for a shell pattern. What follows a bracket is left alone: what it means depends on too much."""
    texts = [fold(text) for text in re.split(r"[*?]", pattern.partition("[")[0])]
    return (tuple(filter(None, texts)),) if any(texts) else None


@cache
def _method(op: Any) -> str:
    """The method of a walk that reads an operation of the parser's."""
    name = f"_{str(op).lower()}"
    return name if hasattr(_Reading, name) else "_gap"


def _read(items: Iterable[tuple[Any, Any]], before: str = "") -> _Reading:
    reading = _Reading(before)
    reading.read(items)
    reading.stop()
    return reading


class _Reading:
    """A walk over a parsed regex. ``run`` is the text read without a gap, ``sure`` the texts that stopped, all needed."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.sure: list[str] = []
        self.branches: Needs = None

    def read(self, items: Iterable[tuple[Any, Any]]) -> None:
        for op, given in items:
            getattr(self, _method(op))(given)

    def stop(self) -> None:
        """Whatever follows need not stand beside what was read."""
        text = fold(self.run)
        if text:
            self.sure.append(text)
        self.run = ""

    def needs(self) -> Needs:
        """The texts that are sure, unless one of the branches says more."""
        best = max(map(len, self.sure), default=0)
        if self.branches and min(max(map(len, texts)) for texts in self.branches) > best:
            return self.branches
        return (tuple(self.sure),) if best else None

    # What each operation tells

    def _gap(self, given: Any) -> None:
        self.stop()

    def _at(self, given: Any) -> None:
        """What matches between characters: the text goes on."""

    _assert = _assert_not = _at

    def _literal(self, code: int) -> None:
        self.run += chr(code)

    def _in(self, members: Any) -> None:
        # [Ww] is one letter when case is forgotten.
        texts = {fold(chr(given)) if _method(op) == "_literal" else None for op, given in members}
        if len(texts) == 1 and None not in texts:
            self.run += chr(members[0][1])
        else:
            self.stop()

    def _subpattern(self, given: Any) -> None:
        self.read(given[-1])

    def _atomic_group(self, items: Any) -> None:
        self.read(items)

    def _max_repeat(self, given: Any) -> None:
        least, _, items = given
        if least:
            self.read(items)
        self.stop()

    _min_repeat = _possessive_repeat = _max_repeat

    def _branch(self, given: Any) -> None:
        found: list[tuple[str, ...]] = []
        for items in given[1]:
            # What stands before all branches stands before each.
            found += _read(items, self.run).needs() or [()]
        self.stop()
        if all(found) and len(found) <= _BRANCHES and (self.branches is None or len(found) < len(self.branches)):
            self.branches = tuple(found)

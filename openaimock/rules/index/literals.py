"""Literals: the plain texts that every match of a regex or glob contains."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from ...text import regex
from .ngrams import fold

#: The required texts of a pattern: all texts of at least one alternative. None: unknown.
Needs = tuple[tuple[str, ...], ...] | None
#: An alternation of more branches is not selective enough to be indexed.
_BRANCHES = 64
_PLAIN = re.compile(r"[^\\.^$*+?{}\[\]|()]*")


def of_regex(pattern: str) -> Needs:
    """The folded texts that a match contains: all texts of one of the alternatives."""
    if _PLAIN.fullmatch(pattern):
        return ((fold(pattern),),) if fold(pattern) else None
    try:
        return _read(regex.parse(pattern)).needs()
    except regex.ERRORS:
        return None


def of_glob(pattern: str) -> Needs:
    """The same for a glob. Text after a bracket is ignored."""
    texts = [fold(text) for text in re.split(r"[*?]", pattern.partition("[")[0])]
    return (tuple(filter(None, texts)),) if any(texts) else None


@cache
def _method(op: Any) -> str:
    """The method of the reader for an operation of the parser."""
    name = f"_{str(op).lower()}"
    return name if hasattr(_LiteralReader, name) else "_gap"


def _read(items: Iterable[tuple[Any, Any]], before: str = "") -> _LiteralReader:
    reading = _LiteralReader(before)
    reading.read(items)
    reading.stop()
    return reading


class _LiteralReader:
    """A walk over a parsed regex. ``run`` is the current literal text, ``sure`` lists the complete ones, all required."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.sure: list[str] = []
        self.branches: Needs = None

    def read(self, items: Iterable[tuple[Any, Any]]) -> None:
        for op, argument in items:
            getattr(self, _method(op))(argument)

    def stop(self) -> None:
        """End the current literal text."""
        text = fold(self.run)
        if text:
            self.sure.append(text)
        self.run = ""

    def needs(self) -> Needs:
        """The required texts, or the branches where they are more selective."""
        best = max(map(len, self.sure), default=0)
        if self.branches and min(max(map(len, texts)) for texts in self.branches) > best:
            return self.branches
        return (tuple(self.sure),) if best else None

    # Operations

    def _gap(self, argument: Any) -> None:
        self.stop()

    def _at(self, argument: Any) -> None:
        """A position between characters does not end the literal text."""

    _assert = _assert_not = _at

    def _literal(self, code: int) -> None:
        self.run += chr(code)

    def _in(self, members: Any) -> None:
        # [Ww] is one letter when case is ignored.
        texts = {fold(chr(code)) if _method(op) == "_literal" else None for op, code in members}
        if len(texts) == 1 and None not in texts:
            self.run += chr(members[0][1])
        else:
            self.stop()

    def _subpattern(self, argument: Any) -> None:
        self.read(argument[-1])

    def _atomic_group(self, items: Any) -> None:
        self.read(items)

    def _max_repeat(self, argument: Any) -> None:
        least, _, items = argument
        if least:
            self.read(items)
        self.stop()

    _min_repeat = _possessive_repeat = _max_repeat

    def _branch(self, argument: Any) -> None:
        alternatives: list[tuple[str, ...]] = []
        for items in argument[1]:
            # The text before the alternation precedes each branch.
            alternatives += _read(items, self.run).needs() or [()]
        self.stop()
        if (
            all(alternatives)
            and len(alternatives) <= _BRANCHES
            and (self.branches is None or len(alternatives) < len(self.branches))
        ):
            self.branches = tuple(alternatives)

"""Parts: JSON values that requests repeat, kept as the same objects, with what was computed about each of them.

An agent sends the same tools, system prompt and beginning of a conversation with every request. A part that comes again is
found by its JSON text, so it is not parsed again, and nothing about it is computed twice. The values of parts are shared between
requests: nothing may change them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

#: Characters at the beginning of a text by which parts are found, and parts with the same beginning that are kept.
ANCHOR, PER_ANCHOR = 64, 8
#: Estimated bytes of all parts together; a part that is estimated at more than the share is not kept.
LIMIT, SHARE = 40 * 1024 * 1024, 16
#: Bytes of a part for each character of its text (the text, the value, results of the same size), and beside them.
PER_CHARACTER, PER_PART = 4, 1024
#: Results that are kept for one part.
MAX_FACTS = 32
#: Stands for a result that is not there. Other threads may clear the results at any moment.
_ABSENT: Any = object()


class Part:
    """A value, its JSON text, and the results about it by their keys."""

    __slots__ = ("commas", "facts", "text", "value")

    def __init__(self, text: str, value: Any, commas: int) -> None:
        self.text = text
        self.value = value
        #: The number of commas of the text, which estimates the number of values.
        self.commas = commas
        self.facts: dict[Hashable, Any] = {}

    def fact(self, key: Hashable, compute: Callable[[Any], T]) -> T:
        """The result with this key, computed once."""
        facts = self.facts
        result: T = facts.get(key, _ABSENT)
        if result is not _ABSENT:
            return result
        result = compute(self.value)
        if len(facts) >= MAX_FACTS:
            facts.clear()
        facts[key] = result
        return result


class _Generation:
    """Parts by the beginning of their text and by the identity of their value."""

    __slots__ = ("by_anchor", "by_id", "size")

    def __init__(self) -> None:
        self.by_anchor: dict[str, list[Part]] = {}
        self.by_id: dict[int, Part] = {}
        self.size = 0


class Parts:
    """The parts of recent requests, at most about ``limit`` bytes of them.

    There are two generations. A part of the old one that comes again moves to the young one; when that holds half of the limit,
    it becomes the old one, and what did not come again is dropped.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.clear()

    def clear(self) -> None:
        """Drop all parts."""
        self._young, self._old = _Generation(), _Generation()

    @property
    def size(self) -> int:
        """The estimated bytes of all parts."""
        return self._young.size + self._old.size

    def find(self, text: str, at: int) -> Part | None:
        """The part whose text begins at a place of a text."""
        anchor = text[at : at + ANCHOR]
        for part in self._young.by_anchor.get(anchor, ()):
            if text.startswith(part.text, at):
                return part
        for part in self._old.by_anchor.get(anchor, ()):
            if text.startswith(part.text, at):
                self._keep(anchor, part)
                return part
        return None

    def add(self, text: str, at: int, end: int, value: Any) -> int:
        """Keep a value that was parsed from a place of a text; the number of commas there."""
        commas = text.count(",", at, end)
        if (end - at) * PER_CHARACTER <= self.limit // SHARE:
            self._keep(text[at : at + ANCHOR], Part(text[at:end], value, commas))
        return commas

    def _keep(self, anchor: str, part: Part) -> None:
        young = self._young
        if young.size >= self.limit // 2:
            self._old = young
            young = self._young = _Generation()
        siblings = young.by_anchor.setdefault(anchor, [])
        if len(siblings) >= PER_ANCHOR:
            # Its value stays known by identity, for the requests that still use it.
            del siblings[0]
        siblings.append(part)
        young.by_id[id(part.value)] = part
        young.size += len(part.text) * PER_CHARACTER + PER_PART

    def of(self, value: object) -> Part | None:
        """The part with this very value."""
        part = self._young.by_id.get(id(value)) or self._old.by_id.get(id(value))
        return part if part is not None and part.value is value else None


#: The parts of all mocks of a process: pure functions of their texts, nothing of a mock.
PARTS = Parts()


def once_each(values: Iterable[Any], key: Hashable, compute: Callable[[Any], T]) -> list[T]:
    """``once`` for each value of a list."""
    # As in ``Parts.of``, without a call for each value.
    young, old = PARTS._young.by_id, PARTS._old.by_id
    results: list[T] = []
    for value in values:
        place = id(value)
        part = young.get(place) or old.get(place)
        if part is None or part.value is not value:
            results.append(compute(value))
        else:
            # Most results are there: a call for each of a long conversation would cost more than the test.
            result = part.facts.get(key, _ABSENT)
            results.append(part.fact(key, compute) if result is _ABSENT else result)
    return results


def once(value: Any, key: Hashable, compute: Callable[[Any], T]) -> T:
    """``compute(value)``, computed once for a part; ``key`` names the function and what else the result depends on."""
    part = PARTS.of(value)
    return compute(value) if part is None else part.fact(key, compute)

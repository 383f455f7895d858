"""A regular expression as an automaton: one state for each character of the pattern, one edge for each way from one to the next.

Two edges between the same states are two ways to divide the same text, which the analysis of slow patterns looks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .regex_charsets import Alphabet

#: Larger automata are not analysed.
MOST_STATES = 2000
MOST_EDGES = 20_000
#: So many copies stand for a fixed number of equal characters, and so many for a bounded number of equal groups.
_COPIES = 3
_GROUP_COPIES = 9
_UNLIMITED = 0xFFFFFFFF
#: The start of a search is a state as well: it repeats over what stands before the match.
START = 0

#: A test between two characters: its kind, and the set of characters that it speaks of.
Condition = tuple[str, int]
Conditions = tuple[Condition, ...]
Ends = list[tuple[int, Conditions]]


class TooLarge(ValueError):
    """The pattern is too large to be analysed."""


class Edge(NamedTuple):
    """A way from one state to another over any character of the set ``chars``."""

    source: int
    target: int
    chars: int


class Repeat(NamedTuple):
    """A repeat of the pattern: its node of the parse tree, its states ``low`` to ``high`` and the edges made for it."""

    node: tuple[Any, Any]
    low: int
    high: int
    first_edge: int
    last_edge: int


class Fragment(NamedTuple):
    """A part of the pattern: where it begins, where it ends, and each way to match nothing."""

    first: Ends
    last: Ends
    empty: list[Conditions]


@dataclass
class Automaton:
    """What was built from a parse tree."""

    alphabet: Alphabet
    chars: list[int]
    edges: list[Edge]
    #: Loops of one character that are used only where repeats stand side by side: those of optional characters.
    options: list[Edge]
    repeats: list[Repeat]
    #: The number of choices of a bounded repeat of one character, by its state.
    choices: dict[int, int]
    #: States from which the match cannot fail.
    sure: set[int]
    #: Look-around and atomic groups: they are matched on their own.
    inner: list[tuple[Any, int]]


def build(tree: Any, alphabet: Alphabet, flags: int) -> Automaton:
    """The automaton of a parse tree. Raises TooLarge."""
    return _Builder(alphabet).build(tree, flags)


class _Builder:
    def __init__(self, alphabet: Alphabet) -> None:
        self.alphabet = alphabet
        self.automaton = Automaton(alphabet, [alphabet.all], [], [], [], {}, set(), [])

    def build(self, tree: Any, flags: int) -> Automaton:
        whole = self.sequence(tree, flags)
        automaton = self.automaton
        automaton.sure = {state for state, conditions in whole.last if self.is_sure(state, conditions)}
        self.connect([(START, ())], whole.first)
        automaton.edges.append(Edge(START, START, self.alphabet.all))
        return automaton

    def is_sure(self, state: int, conditions: Conditions) -> bool:
        kinds = {kind for kind, _ in conditions}
        # ``[\s\S]*$`` reaches the end whatever the text is.
        loops = self.automaton.chars[state] == self.alphabet.all and Edge(state, state, self.alphabet.all) in self.automaton.edges
        return kinds <= {"rest"} or (kinds == {"end"} and loops)

    # Parts

    def sequence(self, items: Iterable[tuple[Any, Any]], flags: int) -> Fragment:
        whole = Fragment([], [], [()])
        for node in items:
            whole = self.concatenate(whole, self.node(node, flags))
        return whole

    def node(self, node: tuple[Any, Any], flags: int) -> Fragment:
        name, argument = node[0].name, node[1]
        chars = self.single(node, flags)
        if chars is not None:
            return self.character(chars)
        if name == "SUBPATTERN":
            _, added, removed, items = argument
            return self.sequence(items, (flags | added) & ~removed)
        if name == "BRANCH":
            return self.alternatives([self.sequence(items, flags) for items in argument[1]])
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self.repeat(node, flags)
        if name == "ATOMIC_GROUP":
            return self.atomic(argument, flags)
        if name == "GROUPREF_EXISTS":
            _, yes, no = argument
            return self.alternatives([self.sequence(yes, flags), self.sequence(no or (), flags)])
        if name == "GROUPREF":
            # The text of a group is fixed when it is compared: there is no choice in it.
            text = self.character(self.alphabet.all)
            return Fragment(text.first, text.last, [(("fail", 0),)])
        return Fragment([], [], [(self.condition(name, argument, flags),)])

    def condition(self, name: str, argument: Any, flags: int) -> Condition:
        """What an anchor or a look-around says of the characters beside it."""
        if name == "AT":
            return self.anchor(argument.name, flags)
        if name in ("ASSERT", "ASSERT_NOT"):
            direction, items = argument
            self.automaton.inner.append((items, flags))
            one = self.single(items[0], flags) if len(items) == 1 else None
            if direction > 0 and one is not None:
                return ("next", one if name == "ASSERT" else self.alphabet.all & ~one)
        return ("fail", 0)

    def anchor(self, name: str, flags: int) -> Condition:
        newline = self.alphabet.newline
        if name == "AT_END":
            return ("end", newline)
        if name == "AT_END_STRING":
            return ("end", 0)
        if name in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            return ("begin", newline if name == "AT_BEGINNING" and flags & re.MULTILINE else 0)
        word = self.alphabet.category("WORD", flags)
        return ("boundary" if name == "AT_BOUNDARY" else "no boundary", word)

    def single(self, node: tuple[Any, Any], flags: int) -> int | None:
        """The set of a node that is exactly one character."""
        name, argument = node[0].name, node[1]
        if name == "LITERAL":
            return self.alphabet.literal(argument, flags)
        if name == "NOT_LITERAL":
            return self.alphabet.all & ~self.alphabet.literal(argument, flags)
        if name == "ANY":
            return self.alphabet.all if flags & re.DOTALL else self.alphabet.all & ~self.alphabet.newline
        if name == "IN":
            return self.alphabet.members(argument, flags)
        if name == "SUBPATTERN" and len(argument[3]) == 1:
            return self.single(argument[3][0], (flags | argument[1]) & ~argument[2])
        return None

    def character(self, chars: int) -> Fragment:
        state = len(self.automaton.chars)
        if state >= MOST_STATES:
            raise TooLarge
        self.automaton.chars.append(chars)
        return Fragment([(state, ())], [(state, ())], [])

    # Repeats

    def repeat(self, node: tuple[Any, Any], flags: int) -> Fragment:
        low, first_edge = len(self.automaton.chars), len(self.automaton.edges)
        least, most, items = node[1]
        most = int(most)
        possessive = node[0].name == "POSSESSIVE_REPEAT"
        chars = self.single(items[0], flags) if len(items) == 1 else None
        if most == 0 or not len(items):
            return Fragment([], [], [()])
        if chars is not None:
            part = self.repeat_character(chars, least, most, possessive)
        else:
            if possessive:
                self.automaton.inner.append(([(_Named("MAX_REPEAT"), node[1])], flags))
            part = self.repeat_group(items, least, most, flags)
        high, last_edge = len(self.automaton.chars), len(self.automaton.edges)
        self.automaton.repeats.append(Repeat(node, low, high, first_edge, last_edge))
        return part

    def repeat_character(self, chars: int, least: int, most: int, possessive: bool) -> Fragment:
        whole = Fragment([], [], [()])
        for _ in range(min(max(least, 1), _COPIES) - 1 if most > 1 else 0):
            whole = self.concatenate(whole, self.character(chars))
        last = self.character(chars)
        state = last.last[0][0]
        if least != most:
            loop = Edge(state, state, chars)
            (self.automaton.edges if most > 1 else self.automaton.options).append(loop)
            if most < _UNLIMITED:
                self.automaton.choices[state] = most - least + 1
        after: Conditions = (("rest", self.alphabet.all & ~chars),) if possessive and most >= _UNLIMITED else ()
        whole = self.concatenate(whole, Fragment(last.first, [(state, after)], []))
        return Fragment(whole.first, whole.last, [after] if least == 0 else [])

    def repeat_group(self, items: Any, least: int, most: int, flags: int) -> Fragment:
        if least == most and _is_fixed(items):
            most = least = min(most, _COPIES)
        if most <= _GROUP_COPIES:
            whole = Fragment([], [], [()])
            for _ in range(most - least):
                part = self.concatenate(self.sequence(items, flags), whole)
                whole = Fragment(part.first, part.last, [()])
            for _ in range(least):
                whole = self.concatenate(self.sequence(items, flags), whole)
            return whole
        body = self.sequence(items, flags)
        self.connect(body.last, body.first)
        loop = Fragment(body.first, body.last, [()] if least == 0 else body.empty[:1])
        if least <= _GROUP_COPIES:
            for _ in range(least - 1):
                loop = self.concatenate(self.sequence(items, flags), loop)
            return loop
        if body.empty:
            # Any of the many required rounds may be those that match nothing.
            self.connect(body.last, body.first)
        # What follows is reached from the last round alone, not from the first.
        return self.concatenate(loop, self.sequence(items, flags))

    def atomic(self, items: Any, flags: int) -> Fragment:
        """What an atomic group matched is not divided in another way afterwards."""
        if len(items) == 1 and items[0][0].name == "MAX_REPEAT":
            least, most, body = items[0][1]
            if len(body) == 1 and self.single(body[0], flags) is not None:
                return self.repeat((_Named("POSSESSIVE_REPEAT"), (least, most, body)), flags)
        self.automaton.inner.append((items, flags))
        return self.sequence(items, flags)

    # Joints

    def concatenate(self, left: Fragment, right: Fragment) -> Fragment:
        self.connect(left.last, right.first)
        first = left.first + [(state, empty + after) for empty in left.empty for state, after in right.first]
        last = right.last + [(state, before + empty) for empty in right.empty for state, before in left.last]
        return Fragment(_twice(first), _twice(last), _twice(before + after for before in left.empty for after in right.empty))

    def alternatives(self, parts: list[Fragment]) -> Fragment:
        return Fragment(
            _twice(end for part in parts for end in part.first),
            _twice(end for part in parts for end in part.last),
            _twice(empty for part in parts for empty in part.empty),
        )

    def connect(self, sources: Ends, targets: Ends) -> None:
        edges = self.automaton.edges
        for source, before in sources:
            for target, after in targets:
                chars = self.passing(source, before + after, target)
                if chars:
                    edges.append(Edge(source, target, chars))
            if len(edges) > MOST_EDGES:
                raise TooLarge

    def passing(self, source: int, conditions: Conditions, target: int) -> int:
        """The characters of ``target`` that can follow ``source`` where the conditions hold between them."""
        before, chars = self.automaton.chars[source], self.automaton.chars[target]
        for kind, bits in conditions:
            if kind in ("next", "rest", "end"):
                chars &= bits
            elif kind == "begin":
                chars = chars if before & bits else 0
            elif kind in ("boundary", "no boundary"):
                after_word = kind == "no boundary"
                if not before & ~bits:
                    chars &= bits if after_word else ~bits
                elif not before & bits:
                    chars &= ~bits if after_word else bits
        return chars


def _is_fixed(items: Any) -> bool:
    """Whether a sequence has no choice in it, so that copies of it divide a text in one way only."""
    for operation, argument in items:
        name = operation.name
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            if argument[0] != argument[1] or not _is_fixed(argument[2]):
                return False
        elif name == "SUBPATTERN":
            if not _is_fixed(argument[3]):
                return False
        elif name in ("BRANCH", "GROUPREF_EXISTS"):
            return False
    return True


class _Named(NamedTuple):
    """An operation that the parse tree does not have."""

    name: str


def _twice(items: Iterable[Any]) -> list[Any]:
    """The items, equal ones at most twice: two ways are as ambiguous as many."""
    counts: dict[Any, int] = {}
    result = []
    for item in items:
        counts[item] = counts.get(item, 0) + 1
        if counts[item] <= 2:
            result.append(item)
    return result

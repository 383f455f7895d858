"""Slow regular expressions: repeats that divide the same text in so many ways that a failing match takes too long.

A backtracking matcher tries each path through the pattern's automaton before it gives up. Two kinds of patterns have too many:

- Exponential: inside a loop, one text leads from a state back to it along two paths, as in ``(a+)+`` or ``(a|aa)+``.
- Polynomial: loops follow each other and one text fits both, as in ``\\w+\\w+\\w+$``. A text of n characters can be divided in
  about n to the power of the number of such loops.

Paths count only where the match can still fail behind them. One or two overlapping loops (`.*a.*b`) are what people write, and
their time grows with the square of the text: they are accepted. The start of a search counts as a loop, since it moves over
the text too. A pattern is slow when a text of 1,000 characters can take it a hundred million steps, about a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from math import factorial, inf, log
from typing import Any, NamedTuple

from .regex_automaton import START, Automaton, Edge, Repeat, TooLarge, build
from .regex_charsets import Alphabet

__all__ = ["TooLarge", "slow_nodes"]

_TEXT_LENGTH = 1000
_SLOW_STEPS = 1e8
#: The analysis itself ends after so many steps.
_MOST_STEPS = 60_000
#: A text repeats one of many characters, or a space, sooner than one certain character such as a comma.
_RARE = 4
#: Texts seldom hold longer runs of white space, or of digits: ``\s*(.*?)\s*$`` is not slow in practice.
_SPACES = 30
_DIGITS = 100


def slow_nodes(tree: Any) -> list[tuple[Any, Any]]:
    """The repeats, as nodes of the parse tree, that make a pattern slow. Raises TooLarge."""
    alphabet = Alphabet(tree)
    waiting = [(tree, int(tree.state.flags), True)]
    budget = _Budget()
    while waiting:
        items, flags, outermost = waiting.pop()
        automaton = build(items, alphabet, flags)
        slow = _exponential(automaton, budget) or _polynomial(automaton, outermost, budget)
        if slow:
            return slow
        waiting += [(inner, inner_flags, False) for inner, inner_flags in automaton.inner]
    return []


class _Budget:
    def __init__(self) -> None:
        self.left = _MOST_STEPS

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooLarge


# Exponential time


def _exponential(automaton: Automaton, budget: _Budget) -> list[tuple[Any, Any]]:
    """The innermost repeat with two paths over the same text; none is an empty list."""
    for repeat in automaton.repeats:
        edges = automaton.edges[repeat.first_edge : repeat.last_edge]
        if edges and _is_ambiguous(_failing(edges, automaton.sure), budget):
            return [repeat.node]
    return []


def _failing(edges: Iterable[Edge], sure: set[int]) -> list[Edge]:
    """The edges behind which the match can fail: only there it goes back and tries another path."""
    return [edge for edge in edges if edge.source not in sure and edge.target not in sure]


def _is_ambiguous(edges: list[Edge], budget: _Budget) -> bool:
    component = _components(edges)
    budget.spend(len(edges))
    inside: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        if component[edge.source] == component[edge.target]:
            inside[component[edge.source]].append(edge)
    return any(
        # A simple circle has one path only.
        len(members) > len({edge.source for edge in members}) and _has_two_paths(members, budget)
        for members in inside.values()
    )


def _has_two_paths(edges: list[Edge], budget: _Budget) -> bool:
    """Whether two paths over the same text begin in one state, part, and meet again. All states lie on circles."""
    outgoing: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        outgoing[edge.source].append(edge)
    # Pairs of states where the two paths may stand, and from which pairs each was reached.
    reached_from: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    waiting = [(state, state) for state in outgoing]
    pairs = set(waiting)
    while waiting:
        left, right = pair = waiting.pop()
        for left_edge, right_edge in _steps(outgoing, left, right):
            budget.spend()
            if not left_edge.chars & right_edge.chars:
                continue
            target = _ordered(left_edge.target, right_edge.target)
            if left == right and target[0] == target[1]:
                return True  # two edges between the same states
            reached_from[target].add(pair)
            if target not in pairs:
                pairs.add(target)
                waiting.append(target)
    # Two paths that parted and come back to one state.
    return any(origin[0] != origin[1] for pair, origins in reached_from.items() if pair[0] == pair[1] for origin in origins)


def _steps(outgoing: dict[int, list[Edge]], left: int, right: int) -> Iterator[tuple[Edge, Edge]]:
    """The steps of two paths at once; from one state only the steps by two different edges."""
    if left != right:
        yield from ((first, second) for first in outgoing[left] for second in outgoing[right])
        return
    edges = outgoing[left]
    yield from ((first, second) for number, first in enumerate(edges) for second in edges[:number])


def _ordered(left: int, right: int) -> tuple[int, int]:
    return (left, right) if left <= right else (right, left)


# Polynomial time


class _Chain(NamedTuple):
    """Loops that follow each other, with the logarithm of the number of divisions of a text among them."""

    divisions: float
    loops: tuple[int, ...]


def _polynomial(automaton: Automaton, searches: bool, budget: _Budget) -> list[tuple[Any, Any]]:
    """The repeats of the chain of loops with the most divisions, when these are too many; none is an empty list."""
    edges = _failing([*automaton.edges, *automaton.options], automaton.sure)
    if not searches:
        edges = [edge for edge in edges if edge.source != START]
    graph = _Graph(edges, automaton, budget)
    if graph.most_steps() < log(_SLOW_STEPS):
        return []
    # The start of the search counts where the loop that it leads to divides the same text further.
    start = graph.component.get(START)
    best: dict[int, dict[tuple[int, bool], _Chain]] = defaultdict(dict)
    for loop in sorted(graph.successors, reverse=True):
        # A component comes before all those that it leads to.
        _improve(best[loop], (0, False), _Chain(0.0, ()))
        links_of_loop = list(graph.links(loop))
        for (links, begun), chain in best[loop].items():
            if _steps_of(links, chain) >= log(_SLOW_STEPS):
                return [node for number in chain.loops if (node := _repeat_of(automaton.repeats, graph.states[number]))]
            for other in graph.successors[loop] if not begun else ():
                _improve(best[other], (links, False), chain)
            for other, divisions, limited in links_of_loop:
                if limited and (begun or loop == start):
                    continue
                added = (other,) if chain.loops[-1:] == (loop,) else (loop, other)
                longer = _Chain(chain.divisions + divisions, chain.loops + added)
                _improve(best[other], (links + (not limited), loop == start), longer)
    return []


def _steps_of(links: int, chain: _Chain) -> float:
    """The logarithm of the steps of a failing search. The unlimited links share the text, in their order."""
    return log(_TEXT_LENGTH) + chain.divisions - log(factorial(links) * max(links, 1) ** links)


def _improve(chains: dict[tuple[int, bool], _Chain], key: tuple[int, bool], chain: _Chain) -> None:
    if key not in chains or chains[key].divisions < chain.divisions:
        chains[key] = chain


def _repeat_of(repeats: Sequence[Repeat], states: set[int]) -> tuple[Any, Any] | None:
    """The smallest repeat around the states; None for the start of the search."""
    return next((repeat.node for repeat in repeats if repeat.low <= min(states) and max(states) < repeat.high), None)


class _Graph:
    """The components of an automaton, those that loop, and which of these one text can fit."""

    def __init__(self, edges: list[Edge], automaton: Automaton, budget: _Budget) -> None:
        self.budget = budget
        self.blank = automaton.alphabet.blank
        self.component = _components(edges)
        self.states: dict[int, set[int]] = defaultdict(set)
        for state, number in self.component.items():
            self.states[number].add(state)
        self.outgoing: dict[int, list[Edge]] = defaultdict(list)
        self.successors: dict[int, set[int]] = {number: set() for number in self.states}
        #: The most rounds of each component that loops.
        self.loops: dict[int, float] = {}
        repeated: dict[int, int] = defaultdict(int)
        for edge in edges:
            self.outgoing[edge.source].append(edge)
            source, target = self.component[edge.source], self.component[edge.target]
            if source != target:
                self.successors[source].add(target)
            else:
                repeated[source] |= edge.chars
                self.loops[source] = automaton.choices.get(edge.source, inf)
        for number, chars in repeated.items():
            for characters, longest in ((automaton.alphabet.blank, _SPACES), (automaton.alphabet.digits, _DIGITS)):
                if not chars & ~characters:
                    self.loops[number] = min(self.loops[number], longest)
        self.reached: dict[int, set[int]] = {}
        for number in sorted(self.states):
            self.reached[number] = {number}.union(*(self.reached[other] for other in self.successors[number]))

    def most_steps(self) -> float:
        """The logarithm of the most steps that the loops could take if one text fitted all of them."""
        unlimited = sum(choices == inf for choices in self.loops.values())
        links = max(unlimited - 1, 0)
        limited = sum(log(choices) for choices in self.loops.values() if choices < inf)
        return log(_TEXT_LENGTH) * (links + 1) - log(factorial(links) * max(links, 1) ** links) + limited

    def links(self, loop: int) -> Iterator[tuple[int, float, bool]]:
        """The loops behind this one that the same text fits: each with the logarithm of the number of divisions, and whether
        a bounded repeat limits it.
        """
        if loop not in self.loops:
            return
        for other in self.reached[loop] - {loop}:
            if other in self.loops:
                shortest = self._shortest(loop, other)
                if shortest < inf:
                    unlimited = _TEXT_LENGTH / shortest
                    choices = min(self.loops[loop], self.loops[other])
                    yield other, log(min(unlimited, choices)), choices < unlimited

    def _shortest(self, loop: int, other: int) -> float:
        """The length of the shortest text that goes round in both loops and also leads from the one to the other."""
        return min(self._between(first, second, loop, other) for first in self.states[loop] for second in self.states[other])

    def _between(self, first: int, second: int, loop: int, other: int) -> float:
        # Three paths at once: round the one loop, from the one to the other, and round the other.
        goal = (first, second, second)
        waiting = [(0, (first, first, second))]
        done = set()
        while waiting:
            length, position = heappop(waiting)
            if position == goal and length:
                return length
            if position in done:
                continue
            done.add(position)
            for step, target in self._steps(position, loop, other):
                if target not in done:
                    heappush(waiting, (length + step, target))
        return inf

    def _steps(self, position: tuple[int, int, int], loop: int, other: int) -> Iterator[tuple[int, tuple[int, int, int]]]:
        first, middle, second = position
        for round_first in self.outgoing[first]:
            if self.component[round_first.target] != loop:
                continue
            for round_second in self.outgoing[second]:
                both = round_first.chars & round_second.chars
                if not both or self.component[round_second.target] != other:
                    continue
                for edge in self.outgoing[middle]:
                    self.budget.spend()
                    chars = both & edge.chars
                    if chars and other in self.reached[self.component[edge.target]]:
                        step = 1 if chars & self.blank or chars.bit_count() > 2 else _RARE
                        yield step, (round_first.target, edge.target, round_second.target)


# Components


def _components(edges: Iterable[Edge]) -> dict[int, int]:
    """The strongly connected components (Tarjan): a number for each state; a component has a higher one than all it leads to."""
    outgoing: dict[int, list[int]] = {}
    for edge in edges:
        outgoing.setdefault(edge.source, []).append(edge.target)
        outgoing.setdefault(edge.target, [])
    search = _Search(outgoing)
    for root in outgoing:
        search.visit(root)
    return search.component


class _Search:
    """The depth-first search of Tarjan's algorithm, without recursion."""

    def __init__(self, outgoing: dict[int, list[int]]) -> None:
        self.outgoing = outgoing
        self.component: dict[int, int] = {}
        self.count = 0
        self._order: dict[int, int] = {}
        self._lowest: dict[int, int] = {}
        self._open: list[int] = []

    def visit(self, root: int) -> None:
        calls = [self._enter(root)] if root not in self._order else []
        while calls:
            state, targets = calls[-1]
            target = next(targets, None)
            if target is None:
                calls.pop()
                self._leave(state)
                if calls:
                    self._lower(calls[-1][0], self._lowest[state])
            elif target not in self._order:
                calls.append(self._enter(target))
            elif target not in self.component:
                self._lower(state, self._order[target])

    def _enter(self, state: int) -> tuple[int, Iterator[int]]:
        self._order[state] = self._lowest[state] = len(self._order)
        self._open.append(state)
        return state, iter(self.outgoing[state])

    def _lower(self, state: int, order: int) -> None:
        self._lowest[state] = min(self._lowest[state], order)

    def _leave(self, state: int) -> None:
        if self._lowest[state] < self._order[state]:
            return
        member = None
        while member != state:
            member = self._open.pop()
            self.component[member] = self.count
        self.count += 1

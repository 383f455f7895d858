"""The rulebook: all rules in file order, which of them answers an Ask, and which were nearest when none does."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..types.ask import Ask, Match
from .index import Index, Rank, Ranked, in_order
from .index.nearest import NearestIndex
from .match import Miss, fit
from .rule import Rule

#: So few rules are asked one after the other: an index would take longer to look into.
_FEW = 3
#: Up to so many rules are all explained on a miss; of more, so many of each kind of promising ones for each that is asked for.
_ALL = 100
_PROMISING = 2
#: Seconds that entering a rule in the index takes.
_ENTERING = 1e-4


class Verdict(NamedTuple):
    """What one rule says to an Ask: a Match, or a Miss; ``spent`` when it would fit but its ``times`` are used up."""

    rule: Rule
    outcome: Match | Miss
    spent: bool = False

    @property
    def reason(self) -> str:
        """Why the rule does not answer, "" when it could."""
        if isinstance(self.outcome, Miss):
            return str(self.outcome)
        return f"it fits, but its {self.rule.times} times are used up" if self.spent else ""

    @property
    def nearness(self) -> float:
        """From 0 to 1: how nearly the rule would have answered."""
        return self.outcome.nearness if isinstance(self.outcome, Miss) else 1.0

    @property
    def kinship(self) -> float:
        """A quick estimate of the nearness."""
        return self.outcome.kinship if isinstance(self.outcome, Miss) else 1.0


class RuleSet:
    """Rules in file order; ``first`` makes that order decide alone (``match: first``)."""

    def __init__(self, rules: Iterable[Rule] = (), *, first: bool = False) -> None:
        self.rules: list[Rule] = []
        self.first = first
        self._index = Index(first)
        self._kin = NearestIndex()
        #: The last Ask that no rule answered, and the rules that were tried: these are what is told next.
        self._missed: tuple[Ask, list[list[Ranked]]] | None = None
        self._adding = threading.Lock()
        #: As long as it is the same, the same body gets the same answer; None when that is not sure.
        self._edition: object | None = object()
        self.add(rules)

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules; they are numbered on from those that are there."""
        with self._adding:
            added = [
                rule if rule.number == number else replace(rule, number=number)
                for number, rule in enumerate(rules, len(self.rules))
            ]
            self.rules += added
            self._edition = object() if self._edition and all(rule.steady for rule in added) else None

    def match(self, ask: Ask, hits: Mapping[str, int]) -> Match | None:
        """The rule that answers: highest priority, then score, then file order, among those not used up."""
        edition, known = self._edition, ask.answer
        if known is not None and known[0] is edition:
            return known[1]
        few = len(self.rules) <= _FEW
        match = plain_match(self.rules, ask, hits, self.first) if few else self._look_up(ask, hits)
        if match is not None and edition is not None:
            ask.answer = edition, match
        return match

    def _look_up(self, ask: Ask, hits: Mapping[str, int]) -> Match | None:
        index = self._indexed()
        best: Match | None = None
        won: Rank | None = None
        values: dict[str, Any] = {}
        tried: list[list[Ranked]] = []
        for each in index.rounds:
            if each.best is None or (won is not None and each.best > won):
                continue
            found = each.find(ask, values)
            tried.append(found)
            for rank, rule in found:
                if won is not None and rank > won:
                    # Neither can those that follow win: they come with the best first.
                    break
                if rule.times is not None and spent(rule, hits):
                    continue
                match = fit(rule, ask)
                if isinstance(match, Miss):
                    continue
                rank = index.rank(rule, match.score)
                if won is None or rank < won:
                    best, won = match, rank
        if best is None:
            self._missed = ask, tried
        return best

    def _indexed(self) -> Index:
        """The index, with all rules in it: they are entered when they are first needed."""
        index = self._index
        if len(index) < len(self.rules):
            with self._adding:
                index.add(self.rules[len(index) :])
        return index

    def verdicts(self, ask: Ask, hits: Mapping[str, int]) -> list[Verdict]:
        """What every rule says, in file order."""
        return [verdict(rule, ask, hits) for rule in self.rules]

    def nearest(self, ask: Ask, hits: Mapping[str, int], count: int = 3) -> list[Verdict]:
        """The rules that all but answered, best first: those that are used up, then those that miss by little."""
        rules = self.rules if len(self.rules) <= _ALL else self._promising(ask, hits, count)
        verdicts = [verdict(rule, ask, hits) for rule in rules]
        # Texts are compared in full for those that will be shown.
        shown = sorted(verdicts, key=lambda found: (isinstance(found.outcome, Miss), -found.kinship))[:count]
        return sorted(shown, key=lambda found: (isinstance(found.outcome, Miss), -found.nearness, -found.kinship))

    def _promising(self, ask: Ask, hits: Mapping[str, int], count: int) -> list[Rule]:
        """Of very many rules those worth explaining, in file order."""
        index, kin = self._indexed(), self._kin
        if len(kin) < len(index):
            with self._adding:
                kin.add(self.rules[len(kin) : len(index)])
        missed = self._missed
        candidates = in_order(missed[1]) if missed and missed[0] is ask else index.candidates(ask)
        numbers = set(kin.nearest(ask, _PROMISING * count))
        for at, rule in enumerate(candidates):
            # What the first thing looked up says yes to fits in part; what is used up may fit in all.
            if at < _PROMISING * count or (spent(rule, hits) and isinstance(fit(rule, ask), Match)):
                numbers.add(rule.number)
        numbers.update(range(count - len(numbers)))
        return [self.rules[number] for number in sorted(numbers)]

    def cost(self, ask: Ask) -> float:
        """How many seconds a match may take, at a guess; 0 for what is quick, as most are."""
        waiting = len(self.rules) - len(self._index)
        if waiting > _ALL:
            return waiting * _ENTERING
        return self._indexed().cost.of(ask.size)


def spent(rule: Rule, hits: Mapping[str, int]) -> bool:
    """Whether a rule has answered as often as its ``times`` allow."""
    return rule.times is not None and hits.get(rule.id, 0) >= rule.times


def verdict(rule: Rule, ask: Ask, hits: Mapping[str, int]) -> Verdict:
    """What one rule says to an Ask."""
    return Verdict(rule, fit(rule, ask), spent(rule, hits))


def plain_match(rules: Sequence[Rule], ask: Ask, hits: Mapping[str, int], first: bool) -> Match | None:
    """The answer by walking all rules: what every quicker way must give too."""
    best: Match | None = None
    for rule in rules:
        if rule.times is not None and spent(rule, hits):
            continue
        found = fit(rule, ask)
        if isinstance(found, Miss):
            continue
        if first:
            return found
        if best is None or (rule.priority, found.score) > (best.rule.priority, best.score):
            best = found
    return best

"""The RuleSet: all rules in file order, the rule that answers an Ask, and the nearest rules when none does."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..types.ask import Ask, Match
from .conditions import depends_on_prompt_only
from .index import Index, Rank, Ranked, in_order
from .index.nearest import NearestIndex
from .match import Miss, fit
from .rule import Rule

#: Up to this number of rules a plain loop is faster than the index.
_SMALL_RULESET = 3
#: On a miss, up to this many rules are all explained; of more rules, this many candidates of each kind per requested verdict.
_FULLY_EXPLAINED = 100
_CANDIDATES = 2
#: This many of the nearest rules are ordered by exact comparisons.
_CLOSE = 20
#: Matches are cached by the prompt: so many of them, of prompts up to this number of messages and characters.
_CACHED, _MESSAGES, _CHARACTERS = 1024, 4, 2000
#: Seconds that indexing one rule takes.
_INDEX_SECONDS = 1e-4
#: Seconds that a match with an unsafe regex may take.
_UNSAFE_SECONDS = 1.0


class Verdict(NamedTuple):
    """The result of one rule for an Ask: a Match or a Miss; ``spent`` when its ``times`` are used up."""

    rule: Rule
    outcome: Match | Miss
    spent: bool = False

    @property
    def reason(self) -> str:
        """Why the rule does not answer; "" when it could."""
        if isinstance(self.outcome, Miss):
            return str(self.outcome)
        return f"it matches, but its {self.rule.times} times are used up" if self.spent else ""

    @property
    def nearness(self) -> float:
        """From 0 to 1: how nearly the rule matches."""
        return self.outcome.nearness if isinstance(self.outcome, Miss) else 1.0

    @property
    def quick_nearness(self) -> float:
        """A fast estimate of ``nearness``."""
        return self.outcome.quick_nearness if isinstance(self.outcome, Miss) else 1.0


class RuleSet:
    """Rules in file order; with ``first`` only that order decides (``match: first``)."""

    def __init__(self, rules: Iterable[Rule] = (), *, first: bool = False) -> None:
        self.rules: list[Rule] = []
        self.first = first
        self._index = Index(first)
        self._nearest_index = NearestIndex()
        #: The last Ask that no rule answered, and its candidates, which an explanation needs next.
        self._missed: tuple[Ask, list[list[Ranked]]] | None = None
        self._adding = threading.Lock()
        #: Some rule's matcher waits for a helper process.
        self._unsafe = False
        #: Some rule's match depends on the hits or the scenarios of a namespace.
        self.reads_state = False
        #: While it is the same object, equal bodies get the same match; None when some rule depends on more than the body.
        self._edition: object | None = object()
        #: No rule reads more than the prompt. Then the matches of short prompts are cached, each with its edition.
        self._reads_prompt_only = True
        self._matches: dict[Hashable, tuple[object, Match]] = {}
        self.add(rules)

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules; their numbers continue those of the present rules."""
        with self._adding:
            added = [
                rule if rule.number == number else replace(rule, number=number)
                for number, rule in enumerate(rules, len(self.rules))
            ]
            self.rules += added
            self._unsafe = self._unsafe or any(rule.unsafe for rule in added)
            self.reads_state = self.reads_state or any(rule.reads_state for rule in added)
            self._reads_prompt_only = self._reads_prompt_only and all(map(_reads_prompt_only, added))
            self._edition = object() if self._edition and all(rule.cacheable for rule in added) else None

    def match(self, ask: Ask, hits: Mapping[str, int]) -> Match | None:
        """The rule that answers: highest priority, then score, then file order, among those not used up."""
        edition, cached = self._edition, ask.answer
        if cached is not None and cached[0] is edition:
            return cached[1]
        if len(self.rules) <= _SMALL_RULESET:
            match = plain_match(self.rules, ask, hits, self.first)
        elif edition is None or not self._reads_prompt_only or not _is_short(ask):
            match = self._look_up(ask, hits)
        else:
            match = self._match_of_prompt(ask, hits, edition)
        if match is not None and edition is not None:
            ask.answer = edition, match
        return match

    def _match_of_prompt(self, ask: Ask, hits: Mapping[str, int], edition: object) -> Match | None:
        """The match of an earlier request with the same prompt, else a new one: tests ask the same with other parameters."""
        key = (ask.operation, ask.endpoint, ask.answers_prompt, ask.model, ask.stream, ask.text, *ask.messages)
        cached = self._matches.get(key)
        if cached is not None and cached[0] is edition:
            return cached[1]
        match = self._look_up(ask, hits)
        if match is not None:
            if len(self._matches) >= _CACHED:
                self._matches.clear()
            self._matches[key] = edition, match
        return match

    def _look_up(self, ask: Ask, hits: Mapping[str, int]) -> Match | None:
        index = self._indexed()
        best: Match | None = None
        won: Rank | None = None
        values: dict[str, Any] = {}
        tried: list[list[Ranked]] = []
        for table_round in index.rounds:
            if table_round.best is None or (won is not None and table_round.best > won):
                continue
            ranked = table_round.find(ask, values)
            tried.append(ranked)
            for rank, rule in ranked:
                if won is not None and rank > won:
                    # The others of this round rank lower still.
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
        """The index with all rules; rules are indexed on first use."""
        index = self._index
        if len(index) < len(self.rules):
            with self._adding:
                index.add(self.rules[len(index) :])
        return index

    def verdicts(self, ask: Ask, hits: Mapping[str, int]) -> list[Verdict]:
        """The verdict of every rule, in file order."""
        return [verdict(rule, ask, hits) for rule in self.rules]

    def nearest(self, ask: Ask, hits: Mapping[str, int], count: int = 3) -> list[Verdict]:
        """The nearest rules, best first: used up ones that match, then the nearest misses."""
        rules = self.rules if len(self.rules) <= _FULLY_EXPLAINED else self._candidates(ask, hits, count)
        verdicts = [verdict(rule, ask, hits) for rule in rules]
        return by_nearness(verdicts)[:count]

    def _candidates(self, ask: Ask, hits: Mapping[str, int], count: int) -> list[Rule]:
        """Of very many rules those worth explaining, in file order."""
        index, trigrams = self._indexed(), self._nearest_index
        if len(trigrams) < len(index):
            with self._adding:
                trigrams.add(self.rules[len(trigrams) : len(index)])
        missed = self._missed
        candidates = in_order(missed[1]) if missed and missed[0] is ask else index.candidates(ask)
        numbers = set(trigrams.nearest(ask, _CANDIDATES * count))
        for at, rule in enumerate(candidates):
            # A candidate of the index matches in part; a used up rule may match in whole.
            if at < _CANDIDATES * count or (spent(rule, hits) and isinstance(fit(rule, ask), Match)):
                numbers.add(rule.number)
        numbers.update(range(count - len(numbers)))
        return [self.rules[number] for number in sorted(numbers)]

    def cost(self, ask: Ask) -> float:
        """Estimated seconds of a match; 0 for the usual fast ones."""
        if ask.answer is not None and ask.answer[0] is self._edition:
            return 0.0
        if self._unsafe:
            return _UNSAFE_SECONDS
        waiting = len(self.rules) - len(self._index)
        if waiting > _FULLY_EXPLAINED:
            return waiting * _INDEX_SECONDS
        return self._indexed().cost.of(ask.size)


def _reads_prompt_only(rule: Rule) -> bool:
    return not rule.conditions or all(map(depends_on_prompt_only, rule.conditions))


def _is_short(ask: Ask) -> bool:
    return len(ask.messages) <= _MESSAGES and ask.size <= _CHARACTERS


def by_nearness(verdicts: Sequence[Verdict], *, exact: bool = False) -> list[Verdict]:
    """Verdicts in the order that every report has: used up rules that match, then the nearest misses.

    The nearest by a fast estimate come first, ordered by exact comparisons, which take long. The others follow, ordered by the
    estimate, or by exact comparisons when ``exact``.
    """
    estimated = sorted(verdicts, key=lambda verdict: (isinstance(verdict.outcome, Miss), -verdict.quick_nearness))
    close, others = estimated[:_CLOSE], estimated[_CLOSE:]
    return _by_comparison(close) + (_by_comparison(others) if exact else others)


def _by_comparison(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: (isinstance(verdict.outcome, Miss), -verdict.nearness))


def spent(rule: Rule, hits: Mapping[str, int]) -> bool:
    """Whether a rule has answered as often as its ``times`` allow."""
    return rule.times is not None and hits.get(rule.id, 0) >= rule.times


def verdict(rule: Rule, ask: Ask, hits: Mapping[str, int]) -> Verdict:
    """The verdict of one rule on an Ask."""
    return Verdict(rule, fit(rule, ask), spent(rule, hits))


def plain_match(rules: Sequence[Rule], ask: Ask, hits: Mapping[str, int], first: bool) -> Match | None:
    """The match by a loop over all rules: the reference for the index."""
    best: Match | None = None
    for rule in rules:
        if rule.times is not None and spent(rule, hits):
            continue
        outcome = fit(rule, ask)
        if isinstance(outcome, Miss):
            continue
        if first:
            return outcome
        if best is None or (rule.priority, outcome.score) > (best.rule.priority, best.score):
            best = outcome
    return best

"""Prefilters: necessary conditions of a rule that can be looked up without testing the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ...types.ask import Ask
from ..conditions import Condition
from ..matchers import Matcher
from ..rule import SYSTEM, Rule
from . import literals, ngrams

Read = Callable[[Ask], Any]


class Term(NamedTuple):
    """A necessary condition of a rule on one value of an Ask, as a key of a table.

    ``slot`` names the value, ``read`` reads it. ``table`` is ``exact`` (trimmed text), ``lower`` (the same in lower case),
    ``equals`` (JSON), ``grams`` (substrings) or ``fuzzy``. ``optional``: an absent value matches too.
    """

    slot: str
    read: Read
    table: str
    key: Any
    optional: bool = False


#: At least one of these terms must hold.
Prefilter = tuple[Term, ...]
#: The tables from the most to the least selective.
_BY_SELECTIVITY = ("exact", "lower", "equals", "grams", "fuzzy")


def prefilters(rule: Rule) -> list[Prefilter]:
    """All prefilters of a rule; each of them must hold."""
    if rule.flow:
        return _flow_prefilters(rule)
    return [prefilter for condition in rule.conditions for prefilter in _condition_prefilters(condition)]


def _flow_prefilters(rule: Rule) -> list[Prefilter]:
    result = []
    optional = False
    for at, turn in enumerate(rule.flow):
        if turn.role == "assistant":
            continue
        # Parallel results may be in any order.
        if turn.matcher and not any(start <= at < end for start, end in rule.parallel):
            slot = f"messages.{at}" if rule.opens_with_system else f"opening.{at}"
            read = _message_reader(at, rule.opens_with_system)
            prefilter = _prefilter(slot, read, turn.matcher)
            if prefilter:
                result.append(tuple(term._replace(optional=True) for term in prefilter) if optional else prefilter)
        # A shorter conversation matches too, but it has at least one message.
        optional = True
    return result


@lru_cache(maxsize=256)
def _message_reader(at: int, whole: bool) -> Read:
    def read(ask: Ask) -> str | None:
        messages = ask.messages
        if not whole and messages and messages[0].role in SYSTEM:
            messages = ask.opening
        return messages[at].text if at < len(messages) else None

    return read


def _condition_prefilters(condition: Condition) -> list[Prefilter]:
    if condition.branches:
        # The best prefilter of each branch: one of them must hold.
        best = [min(_condition_prefilters(branch), key=selectivity, default=()) for branch in condition.branches]
        return [tuple(term for prefilter in best for term in prefilter)] if all(best) else []
    if condition.parts:
        return [prefilter for part in condition.parts for prefilter in _condition_prefilters(part)]
    if condition.within and condition.texts:
        prefilter = _within(condition.key, condition.within, condition.texts)
    elif condition.value and condition.matcher:
        prefilter = _prefilter(condition.key, condition.value, condition.matcher)
    else:
        prefilter = None
    return [prefilter] if prefilter else []


def _prefilter(slot: str, read: Read, matcher: Matcher) -> Prefilter | None:
    value = matcher.value
    if matcher.invert:
        return None
    if matcher.kind == "equals":
        sure = isinstance(value, (str, int, float))
        return (Term(f"{slot}=", read, "equals", (isinstance(value, bool), value)),) if sure else None
    if matcher.kind == "fuzzy":
        if matcher.threshold <= 0:
            return None
        return (Term(slot, read, "fuzzy", (value, matcher.threshold, matcher.case_sensitive)),)
    if matcher.kind == "exact" or (matcher.kind == "glob" and not set("*?[") & set(value)):
        if matcher.case_sensitive:
            return (Term(slot, read, "exact", value.strip()),)
        return (Term(slot, read, "lower", value.strip().lower()),)
    needs = _needs(matcher)
    return tuple(Term(slot, read, "grams", texts) for texts in needs) if needs else None


def _within(slot: str, matcher: Matcher, texts: Callable[[Ask], Sequence[str]]) -> Prefilter | None:
    """One of several texts must fit, so the joined texts contain its required substrings."""
    needs = _needs(matcher)
    return tuple(Term(slot, lambda ask: "\n".join(texts(ask)), "grams", needed) for needed in needs) if needs else None


def _needs(matcher: Matcher) -> literals.Needs:
    """The folded texts that a value must contain for a matcher to fit."""
    if matcher.kind == "regex":
        return literals.of_regex(matcher.value)
    if matcher.kind == "glob":
        return literals.of_glob(matcher.value)
    if matcher.kind not in ("exact", "contains"):
        return None
    text = ngrams.fold(matcher.value.strip() if matcher.kind == "exact" else matcher.value)
    return ((text,),) if text else None


def selectivity(prefilter: Prefilter) -> tuple[int, int]:
    """The sort key of a prefilter, the most selective first."""
    length = min(max(map(len, term.key)) if term.table == "grams" else 0 for term in prefilter)
    return (max(_BY_SELECTIVITY.index(term.table) for term in prefilter), -length)

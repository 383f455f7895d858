"""Clauses: what must hold of an Ask for a rule to fit, and can be looked up without asking the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...types.ask import Ask
from ..conditions import Condition
from ..matchers import Matcher
from ..rule import SYSTEM, Rule
from . import literals, ngrams

Read = Callable[[Ask], Any]


class Term(NamedTuple):
    """Something that must hold of one value of an Ask for a rule to fit, and that can be looked up.

    ``slot`` names the value, ``read`` reads it. ``how`` is the table: ``exact`` (trimmed text), ``lower`` (the same without
    case), ``equals`` (JSON), ``grams`` (texts that must be in it) or ``fuzzy``. ``optional``: nothing must hold where there
    is no such value.
    """

    slot: str
    read: Read
    how: str
    key: Any
    optional: bool = False


#: One of these must hold.
Prefilter = tuple[Term, ...]
#: The tables from the most telling to the least, where the number of rules with the same key does not decide.
_TELLING = ("exact", "lower", "equals", "grams", "fuzzy")


def clauses(rule: Rule) -> list[Prefilter]:
    """All that must hold for a rule to fit and can be looked up, each on its own."""
    if rule.flow:
        return _flow_clauses(rule)
    return [clause for condition in rule.conditions for clause in _condition_clauses(condition)]


def _flow_clauses(rule: Rule) -> list[Prefilter]:
    found = []
    optional = False
    for at, turn in enumerate(rule.flow):
        if turn.role == "assistant":
            continue
        if turn.matcher:
            slot = f"messages.{at}" if rule.opens_with_system else f"opening.{at}"
            read = _message_reader(at, rule.opens_with_system)
            clause = _clause(slot, read, turn.matcher)
            if clause:
                found.append(tuple(probe._replace(optional=optional) for probe in clause))
        # A conversation that has come less far fits too, but something must have come.
        optional = True
    return found


def _message_reader(at: int, whole: bool) -> Read:
    def read(ask: Ask) -> str | None:
        messages = ask.messages
        if not whole and messages and messages[0].role in SYSTEM:
            messages = ask.opening
        return messages[at].text if at < len(messages) else None

    return read


def _condition_clauses(condition: Condition) -> list[Prefilter]:
    if condition.branches:
        # Of each branch its best: that one of these holds is sure.
        each = [min(_condition_clauses(branch), key=telling, default=()) for branch in condition.branches]
        return [tuple(probe for clause in each for probe in clause)] if all(each) else []
    if condition.parts:
        return [clause for part in condition.parts for clause in _condition_clauses(part)]
    if condition.within:
        clause = _within(condition.key, condition.within)
    elif condition.value and condition.matcher:
        clause = _clause(condition.key, condition.value, condition.matcher)
    else:
        clause = None
    return [clause] if clause else []


def _clause(slot: str, read: Read, matcher: Matcher) -> Prefilter | None:
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


def _within(slot: str, matcher: Matcher) -> Prefilter | None:
    """Of several texts one must fit: then what that one holds stands in all of them, joined."""
    needs = _needs(matcher)
    return tuple(Term(slot, _joined, "grams", texts) for texts in needs) if needs else None


def _needs(matcher: Matcher) -> literals.Needs:
    """The folded texts that a value must hold for a matcher to fit."""
    if matcher.kind == "regex":
        return literals.of_regex(matcher.value)
    if matcher.kind == "glob":
        return literals.of_glob(matcher.value)
    if matcher.kind not in ("exact", "contains"):
        return None
    text = ngrams.fold(matcher.value.strip() if matcher.kind == "exact" else matcher.value)
    return ((text,),) if text else None


def _joined(ask: Ask) -> str:
    return "\n".join([message.text for message in ask.messages])


def telling(clause: Prefilter) -> tuple[int, int]:
    """How much a clause tells, the most telling first."""
    length = min(max(map(len, probe.key)) if probe.how == "grams" else 0 for probe in clause)
    return (max(_TELLING.index(probe.how) for probe in clause), -length)

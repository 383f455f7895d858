"""Explanations: what a miss is told, as text for people and as data for programs, and what would make it fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from math import floor
from typing import Any

from ..errors import APIError
from ..types.ask import Ask, Match
from . import matchers
from .match import Miss
from .matchers import Matcher, Near
from .rule import Rule, conversation, fits_role
from .ruleset import RuleSet, Verdict, verdict

#: So many verdicts are told in full; texts are not compared for the rest of very many.
FULL = 200
#: A word this much like another is a slip of it.
_SLIP = 0.75
#: Below this a fuzzy matcher would take nearly everything, and is not advised.
_LOOSEST = 0.5
#: Texts less alike than this have nothing to compare word by word.
_KIN = 0.35
#: How many words of each text a comparison shows.
_WORDS = 300


def no_match(ask: Ask, nearest: Sequence[Verdict]) -> APIError:
    """The 400 of a request that no rule answers: the nearest rules, best first, and the first thing that did not fit in each."""
    opening = "No matching response found for the provided messages"
    told = [data(verdict) for verdict in nearest]
    lines = [f"{number}. {_line(said['rule'], said['place'], said['reason'])}" for number, said in enumerate(told, 1)]
    text = f"{opening}. Nearest rules: " + "; ".join(lines) if lines else f"{opening}. There are no rules."
    return APIError(
        400,
        text,
        code="no_match",
        headers={"x-should-retry": "false"},
        more={"nearest": told},
    )


def line(verdict: Verdict) -> str:
    """One rule and why it does not answer, on one line."""
    return _line(verdict.rule.id, verdict.rule.place, verdict.reason)


def _line(rule: str, place: str, reason: str) -> str:
    return f"{rule}{f' ({place})' if place else ''}: {reason or 'it fits'}"


def data(verdict: Verdict) -> dict[str, Any]:
    """One verdict as JSON: ``rule``, ``place``, ``reason``, ``where``, what was expected and got, a ``hint`` if there is one."""
    miss, rule = verdict.outcome, verdict.rule
    said: dict[str, Any] = {"rule": rule.id, "place": rule.place}
    if isinstance(miss, Miss):
        near = miss.near
        said |= {"reason": miss.told(near), "where": miss.where}
        if near:
            alike = None if near.alike is None else round(near.alike, 3)
            said |= {"expected": near.expected, "got": near.got, "alike": alike}
        advice = _advice(miss, near)
    else:
        said["reason"] = verdict.reason
        advice = hint(verdict)
    return said | {"hint": advice} if advice else said


# What would make it fit


def hint(verdict: Verdict) -> str:
    """What would make the rule answer, when it is a small thing; "" when it is not. What is said here has been tried."""
    miss = verdict.outcome
    if isinstance(miss, Match):
        return f"it would answer with more than times: {verdict.rule.times}, or after a reset" if verdict.spent else ""
    return _advice(miss, miss.near)


def _advice(miss: Miss, near: Near | None) -> str:
    matcher, value = miss.compared
    if matcher is None or near is None:
        return _role(miss)
    if not isinstance(value, str) or not isinstance(matcher.value, str) or matcher.invert:
        return ""
    if len(value) > matchers.EXPLAINED or len(matcher.value) > matchers.EXPLAINED:
        return ""
    if matcher.kind in ("glob", "equals"):
        return _slip(value, matcher.value.strip("*"))
    for change in _changes(matcher, near.alike):
        if _would_fit(matcher, value, near.alike, change):
            return "it would fit with " + ", ".join(_said(matcher, change))
    return ""


def _would_fit(matcher: Matcher, value: str, alike: float | None, change: Mapping[str, Any]) -> bool:
    """Whether a changed matcher fits. How alike short texts are is known already, by the very measure of fuzzy."""
    if alike is not None and "threshold" in change and max(len(value), len(matcher.value)) <= matchers.BRIEF:
        return bool(alike >= change["threshold"])
    return matchers.compile({**_written(matcher), **change}).fits(value)


def _written(matcher: Matcher) -> dict[str, Any]:
    return {
        "kind": matcher.kind,
        "value": matcher.value,
        "threshold": matcher.threshold,
        "case_sensitive": matcher.case_sensitive,
    }


def _changes(matcher: Matcher, alike: float | None) -> Iterator[dict[str, Any]]:
    """Small changes to a matcher, the smallest first."""
    if matcher.kind == "regex":
        return
    if matcher.case_sensitive:
        yield {"case_sensitive": False}
    if matcher.kind == "exact":
        yield {"kind": "contains", "case_sensitive": False}
        yield {"kind": "fuzzy", "threshold": matchers.THRESHOLD, "case_sensitive": False}
    if alike is not None and alike >= _LOOSEST and matcher.kind in ("exact", "fuzzy"):
        yield {"kind": "fuzzy", "threshold": floor(alike * 100) / 100, "case_sensitive": False}


def _said(matcher: Matcher, change: Mapping[str, Any]) -> Iterator[str]:
    if change.get("kind", matcher.kind) != matcher.kind:
        yield f"matcher {change['kind']}"
    elif "case_sensitive" in change and len(change) == 1:
        yield "case_sensitive: false"
    if change.get("threshold", matchers.THRESHOLD) != matchers.THRESHOLD or (matcher.kind == "fuzzy" and "threshold" in change):
        yield f"threshold: {change['threshold']}"


def _role(miss: Miss) -> str:
    """A word on a role that was misspelt in the request."""
    messages = conversation(miss.rule, miss.ask)
    if not miss.rule.flow or miss.step >= min(len(messages), len(miss.rule.flow)):
        return ""
    wanted, message = miss.rule.flow[miss.step], messages[miss.step]
    return "" if fits_role(wanted, message) else _slip(message.role, wanted.role)


def _slip(given: str, wanted: str) -> str:
    close = get_close_matches(given.lower(), [wanted.lower()], 1, _SLIP)
    return f"is {given!r} a slip for {wanted!r}?" if close else ""


def diff(expected: str, got: str) -> list[list[str]]:
    """Two texts word by word: ``["=", text]`` stands in both, ``["-", text]`` was expected, ``["+", text]`` came instead."""
    left, right = _split(expected), _split(got)
    said: list[list[str]] = []
    for tag, start, end, at, to in SequenceMatcher(None, left, right, False).get_opcodes():
        if tag == "equal":
            said.append(["=", "".join(left[start:end])])
            continue
        if end > start:
            said.append(["-", "".join(left[start:end])])
        if to > at:
            said.append(["+", "".join(right[at:to])])
    return said


def _split(text: str) -> list[str]:
    words = re.findall(r"\s+|\w+|[^\w\s]", text[: 10 * _WORDS])
    return [*words[:_WORDS], "..."] if len(words) > _WORDS else words


# All rules


def report(
    ruleset: RuleSet, ask: Ask, hits: Mapping[str, int], chosen: Rule | None = None, most: int | None = None
) -> dict[str, Any]:
    """What every rule says to an Ask: first the one that answers, then those that fit, then the others, nearest first.

    ``chosen`` is the rule that did answer, when that is past. ``most`` bounds how many are told.
    """
    if chosen is None:
        match = ruleset.match(ask, hits)
        chosen = match.rule if match else None
    rules = len(ruleset.rules)
    few = rules <= FULL
    if few or most is None:
        verdicts = ruleset.verdicts(ask, hits)
    else:
        verdicts = [each for each in ruleset.nearest(ask, hits, most) if each.rule is not chosen]
        verdicts += [verdict(chosen, ask, hits)] if chosen is not None else []
    verdicts.sort(key=lambda each: _order(each, chosen, each.nearness if few else each.kinship))
    shown = verdicts if most is None else verdicts[:most]
    return {
        "matched": chosen is not None,
        "rule": None if chosen is None else chosen.id,
        "rules": rules,
        "verdicts": [_told(each, chosen, ruleset.first, number < FULL) for number, each in enumerate(shown)],
    }


def _order(verdict: Verdict, chosen: Rule | None, nearness: float) -> tuple[Any, ...]:
    if verdict.rule is chosen:
        return (0,)
    if isinstance(verdict.outcome, Match):
        return (2 if verdict.spent else 1, -verdict.rule.priority, -verdict.outcome.score, verdict.rule.number)
    return (3, -nearness, verdict.rule.number)


def _told(verdict: Verdict, chosen: Rule | None, first: bool, full: bool) -> dict[str, Any]:
    rule, outcome = verdict.rule, verdict.outcome
    if isinstance(outcome, Miss) and not full:
        said: dict[str, Any] = {"rule": rule.id, "place": rule.place, "reason": outcome.reason, "where": outcome.where}
    else:
        said = data(verdict)
    said |= {"answers": rule is chosen, "fits": isinstance(outcome, Match), "priority": rule.priority}
    if rule is chosen:
        said["reason"] = ""
        said.pop("hint", None)
    if isinstance(outcome, Match):
        said["score"] = round(outcome.score, 3)
        if rule is not chosen and not verdict.spent and chosen is not None:
            said["reason"] = f"it fits, but {_behind(rule, chosen, first)}"
        return said
    matcher, value = outcome.compared
    compared = full and matcher is not None and matcher.kind in ("exact", "fuzzy") and isinstance(value, str)
    if compared and matcher is not None and (said.get("alike") or 0.0) >= _KIN:
        said["diff"] = diff(matcher.value, value)
    return said


def _behind(rule: Rule, chosen: Rule, first: bool) -> str:
    if first:
        return f"{chosen.id} stands before it"
    if chosen.priority != rule.priority:
        return f"{chosen.id} has a higher priority"
    return f"{chosen.id} scores higher, or as high and stands before it"

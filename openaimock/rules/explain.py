"""Explanations of a miss, as text for people and as data for programs, with a hint that would make the rule match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from math import floor
from typing import Any

from ..errors import APIError
from ..http.json import dump
from ..types.ask import Ask, Match
from . import matchers
from .match import Miss
from .matchers import Comparison, Matcher
from .rule import Rule, conversation, fits_role
from .ruleset import RuleSet, Verdict, by_nearness, verdict

#: A 400 names this many rules, each as JSON of at most so many characters, of which no text is cut below the third number.
NEAREST, _SHORT, _KEPT_OF_EACH = 3, 300, 40
#: At most this many verdicts are reported with a comparison of texts.
DETAILED = 200
#: From this similarity on, a word counts as a misspelling of another.
_SLIP_RATIO = 0.75
#: A fuzzy matcher with a lower threshold would accept nearly everything, so it is not suggested.
_LEAST_THRESHOLD = 0.5
#: Less similar texts are not compared word by word.
_LEAST_DIFF_RATIO = 0.35
#: How many words of each text a comparison contains.
_DIFF_WORDS = 300


def no_match(ask: Ask, nearest: Sequence[Verdict], recordings: str = "") -> APIError:
    """The 400 for a request that no rule answers: the nearest rules, best first, why each misses and what would make it match.

    ``recordings`` is the file whose rules are recordings, if there is one.
    """
    opening = "No matching response found for the provided messages"
    entries = [data(verdict) for verdict in nearest[:NEAREST]]
    recorded = [bool(recordings) and entry["place"].startswith(f"{recordings}:") for entry in entries]
    mixed = any(recorded) and not all(recorded)
    lines = [
        f"{number}. {'recording ' * (mixed and is_recording)}{_line(entry['rule'], entry['place'], _with_hint(entry))}"
        for number, (entry, is_recording) in enumerate(zip(entries, recorded, strict=True), 1)
    ]
    nouns = "recordings" if any(recorded) and not mixed else "rules"
    text = f"{opening}. Nearest {nouns}: " + "; ".join(lines) if lines else f"{opening}. There are no rules."
    if recordings:
        text += f" (To add this request to {recordings}, run again with record.mode 'new'.)"
    return APIError(
        400,
        text,
        code="no_match",
        headers={"x-should-retry": "false"},
        more={"nearest": [_short(entry) for entry in entries]},
    )


def _with_hint(entry: Mapping[str, Any]) -> str:
    """The reason of a verdict with its hint."""
    reason, hint = entry["reason"], entry.get("hint")
    if not hint:
        return str(reason)
    return f"{reason[:-1]}; {hint})" if reason.endswith("similar)") else f"{reason} ({hint})"


def _short(entry: dict[str, Any]) -> dict[str, Any]:
    """A verdict for the error body, cut to ``_SHORT`` characters of JSON."""
    excess = len(dump(entry)) - _SHORT
    if excess > 0 and "expected" in entry:
        # The reason repeats both.
        entry = {key: value for key, value in entry.items() if key not in ("expected", "got")}
        excess = len(dump(entry)) - _SHORT
    for key in ("reason", "place", "hint", "rule", "where"):
        text = entry.get(key)
        if excess > 0 and isinstance(text, str) and len(text) > _KEPT_OF_EACH:
            entry = {**entry, key: clip_middle(text, max(_KEPT_OF_EACH, len(text) - excess - 3))}
            excess = len(dump(entry)) - _SHORT
    return entry


def clip_middle(text: str, length: int) -> str:
    """A text without its middle: the end of a reason says where texts differ."""
    if len(text) <= length:
        return text
    half = max(1, (length - 3) // 2)
    return f"{text[:half]}...{text[-half:]}"


def line(verdict: Verdict) -> str:
    """One rule and why it does not answer, as one line."""
    return _line(verdict.rule.id, verdict.rule.place, verdict.reason)


def _line(rule: str, place: str, reason: str) -> str:
    return f"{rule}{f' ({place})' if place else ''}: {reason or 'it matches'}"


def data(verdict: Verdict) -> dict[str, Any]:
    """One verdict as JSON: rule, place, reason, where, expected, got, similarity, hint."""
    miss, rule = verdict.outcome, verdict.rule
    entry: dict[str, Any] = {"rule": rule.id, "place": rule.place}
    if isinstance(miss, Miss):
        near = miss.comparison
        entry |= {"reason": miss.message(near), "where": miss.where}
        if near:
            similarity = None if near.similarity is None else round(near.similarity, 3)
            entry |= {"expected": near.expected, "got": near.got, "similarity": similarity}
        advice = _advice(miss, near)
    else:
        entry["reason"] = verdict.reason
        advice = hint(verdict)
    return entry | {"hint": advice} if advice else entry


# Hints


def hint(verdict: Verdict) -> str:
    """A small change that would make the rule answer, "" when there is none. The change has been tried."""
    miss = verdict.outcome
    if isinstance(miss, Match):
        return f"it would answer with a higher times than {verdict.rule.times}, or after a reset" if verdict.spent else ""
    return _advice(miss, miss.comparison)


def _advice(miss: Miss, near: Comparison | None) -> str:
    matcher, value = miss.compared
    if matcher is None or near is None:
        return _role_hint(miss)
    if not isinstance(value, str) or not isinstance(matcher.value, str) or matcher.invert:
        return ""
    too_long = max(len(value), len(matcher.value)) > matchers.COMPARED_LENGTH
    if matcher.kind in ("glob", "equals"):
        return _spelling_hint(value, matcher.value.strip("*"))
    for change in _changes(matcher, near.similarity):
        if not (too_long and change.get("kind") == "fuzzy") and _would_fit(matcher, value, near.similarity, change):
            return _change_words(matcher, change)
    return ""


def _would_fit(matcher: Matcher, value: str, similarity: float | None, change: Mapping[str, Any]) -> bool:
    """Whether a changed matcher fits. For short texts ``ratio`` already is the measure that fuzzy uses."""
    if similarity is not None and "threshold" in change and max(len(value), len(matcher.value)) <= matchers.BY_CHARACTER_LENGTH:
        return bool(similarity >= change["threshold"])
    return matchers.compile({**matchers.written(matcher), **change}).fits(value)


def _changes(matcher: Matcher, similarity: float | None) -> Iterator[dict[str, Any]]:
    """Small changes to a matcher, the smallest first."""
    if matcher.kind == "regex":
        return
    if matcher.case_sensitive:
        yield {"case_sensitive": False}
    if matcher.kind == "exact":
        yield {"kind": "contains", "case_sensitive": False}
        yield {"kind": "fuzzy", "threshold": matchers.THRESHOLD, "case_sensitive": False}
    if similarity is not None and similarity >= _LEAST_THRESHOLD and matcher.kind in ("exact", "fuzzy"):
        yield {"kind": "fuzzy", "threshold": floor(similarity * 100) / 100, "case_sensitive": False}


def _change_words(matcher: Matcher, change: Mapping[str, Any]) -> str:
    if change == {"case_sensitive": False}:
        only_case = matcher.kind == "exact"
        return "differs only in case: use case_sensitive: false" if only_case else "would match with case_sensitive: false"
    options = [change["kind"]] if change.get("kind", matcher.kind) != matcher.kind else []
    if change.get("threshold", matchers.THRESHOLD) != matchers.THRESHOLD or matcher.kind == "fuzzy":
        options.append(f"threshold: {change['threshold']}")
    return "would match with " + " and ".join(options)


def _role_hint(miss: Miss) -> str:
    """A hint about a misspelt role in the request."""
    messages = conversation(miss.rule, miss.ask)
    if not miss.rule.flow or miss.step >= min(len(messages), len(miss.rule.flow)):
        return ""
    turn, message = miss.rule.flow[miss.step], messages[miss.step]
    return "" if fits_role(turn, message) else _spelling_hint(message.role, turn.role)


def _spelling_hint(word: str, correct: str) -> str:
    close = get_close_matches(word.lower(), [correct.lower()], 1, _SLIP_RATIO)
    return f"is {word!r} a misspelling of {correct!r}?" if close else ""


def diff(expected: str, got: str) -> list[list[str]]:
    """Two texts word by word: ``["=", text]`` is in both, ``["-", text]`` only in ``expected``, ``["+", text]`` in ``got``."""
    left, right = _split(expected), _split(got)
    segments: list[list[str]] = []
    for tag, start, end, at, to in SequenceMatcher(None, left, right, False).get_opcodes():
        if tag == "equal":
            segments.append(["=", "".join(left[start:end])])
            continue
        if end > start:
            segments.append(["-", "".join(left[start:end])])
        if to > at:
            segments.append(["+", "".join(right[at:to])])
    return segments


def _split(text: str) -> list[str]:
    words = re.findall(r"\s+|\w+|[^\w\s]", text[: 10 * _DIFF_WORDS])
    return [*words[:_DIFF_WORDS], "..."] if len(words) > _DIFF_WORDS else words


# Reports about all rules


def report(
    ruleset: RuleSet, ask: Ask, hits: Mapping[str, int], chosen: Rule | None = None, limit: int | None = None
) -> dict[str, Any]:
    """The verdict of every rule on an Ask: first the rule that answers, then other matching rules, then the nearest misses.

    ``chosen`` is the rule that answered an earlier request. ``limit`` bounds the number of verdicts.
    """
    if chosen is None:
        match = ruleset.match(ask, hits)
        chosen = match.rule if match else None
    rules = len(ruleset.rules)
    few = rules <= DETAILED
    if few or limit is None:
        verdicts = ruleset.verdicts(ask, hits)
    else:
        verdicts = [candidate for candidate in ruleset.nearest(ask, hits, limit) if candidate.rule is not chosen]
        verdicts += [verdict(chosen, ask, hits)] if chosen is not None else []
    # A rule that a header chose answers although it does not match.
    leading = [candidate for candidate in verdicts if candidate.rule is chosen or isinstance(candidate.outcome, Match)]
    misses = by_nearness([other for other in verdicts if other.rule is not chosen and isinstance(other.outcome, Miss)], exact=few)
    if chosen is None:
        # Of very many rules the error compares only some; a report begins with those that the error names.
        first = [candidate.rule.number for candidate in ruleset.nearest(ask, hits, NEAREST)]
        misses.sort(key=lambda miss: first.index(miss.rule.number) if miss.rule.number in first else NEAREST)
    ordered = [*sorted(leading, key=lambda candidate: _order(candidate, chosen)), *misses]
    selected = ordered if limit is None else ordered[:limit]
    return {
        "matched": chosen is not None,
        "rule": None if chosen is None else chosen.id,
        "rules": rules,
        "verdicts": [
            _report_entry(candidate, chosen, ruleset.first, number < DETAILED) for number, candidate in enumerate(selected)
        ],
    }


def _order(verdict: Verdict, chosen: Rule | None) -> tuple[Any, ...]:
    """The place of a rule before the misses: the one that answers, those that could, those whose ``times`` are used up."""
    rule, score = verdict.rule, verdict.outcome.score if isinstance(verdict.outcome, Match) else 0.0
    return (rule is not chosen, verdict.spent, -rule.priority, -score, rule.number)


def _report_entry(verdict: Verdict, chosen: Rule | None, first: bool, full: bool) -> dict[str, Any]:
    rule, outcome = verdict.rule, verdict.outcome
    if isinstance(outcome, Miss) and not full:
        entry: dict[str, Any] = {"rule": rule.id, "place": rule.place, "reason": outcome.reason, "where": outcome.where}
    else:
        entry = data(verdict)
    entry |= {"answers": rule is chosen, "fits": isinstance(outcome, Match), "priority": rule.priority}
    if rule is chosen:
        entry["reason"] = ""
        entry.pop("hint", None)
    if isinstance(outcome, Match):
        entry["score"] = round(outcome.score, 3)
        if rule is not chosen and not verdict.spent and chosen is not None:
            entry["reason"] = f"it matches, but {_why_behind(rule, chosen, first)}"
        return entry
    matcher, value = outcome.compared
    compared = full and matcher is not None and matcher.kind in ("exact", "fuzzy") and isinstance(value, str)
    if compared and matcher is not None and (entry.get("similarity") or 0.0) >= _LEAST_DIFF_RATIO:
        entry["diff"] = diff(matcher.value, value)
    return entry


def _why_behind(rule: Rule, chosen: Rule, first: bool) -> str:
    if first:
        return f"{chosen.id} comes before it in the file"
    if chosen.priority != rule.priority:
        return f"{chosen.id} has a higher priority"
    return f"{chosen.id} scores higher, or equally and comes before it"

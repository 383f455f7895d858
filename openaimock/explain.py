"""Explanations: what a miss is told, as text for people and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import APIError
from .nouns import Ask
from .rulebook import Verdict
from .rules import Miss


def no_match(ask: Ask, nearest: Sequence[Verdict]) -> APIError:
    """The 400 of a request that no rule answers: the nearest rules, best first, and the first thing that did not fit in each."""
    opening = "No matching response found for the provided messages"
    lines = [f"{number}. {line(verdict)}" for number, verdict in enumerate(nearest, 1)]
    text = f"{opening}. Nearest rules: " + "; ".join(lines) if lines else f"{opening}. There are no rules."
    return APIError(
        400,
        text,
        code="no_match",
        headers={"x-should-retry": "false"},
        more={"nearest": [data(verdict) for verdict in nearest]},
    )


def line(verdict: Verdict) -> str:
    """One rule and why it does not answer, on one line."""
    place = f" ({verdict.rule.place})" if verdict.rule.place else ""
    return f"{verdict.rule.id}{place}: {verdict.reason or 'it fits'}"


def data(verdict: Verdict) -> dict[str, Any]:
    """One verdict as JSON: ``rule``, ``place``, ``reason``, ``where``, and what was expected and got, where that can be said."""
    said: dict[str, Any] = {"rule": verdict.rule.id, "place": verdict.rule.place, "reason": verdict.reason}
    if isinstance(verdict.outcome, Miss):
        near = verdict.outcome.near
        said["where"] = verdict.outcome.where
        if near:
            alike = None if near.alike is None else round(near.alike, 3)
            said |= {"expected": near.expected, "got": near.got, "alike": alike}
    return said

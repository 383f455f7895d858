"""Warnings: rules that load without a problem and can never work."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import Problem

Rule = Mapping[str, Any]


def of_rules(rules: Sequence[Rule], scenarios: Mapping[str, str], match: str, unmatched: Any) -> list[Problem]:
    """The warnings about checked rules, in file order.

    ``scenarios`` are the first states, ``match`` and ``unmatched`` the settings of the same names.
    """
    if not rules:
        return [Problem("", "", NO_RULES)] if unmatched == "error" else []
    settable = _settable(rules, scenarios)
    warnings = []
    for rule in rules:
        for message in (*_unset_states(rule, settable), *_unanswered(rule)):
            warnings.append(Problem(rule["place"], "", f"rule '{rule['id']}': {message}"))
    for earlier, later in _shadowed(rules, match):
        warnings.append(
            Problem(
                later["place"], "", f"rule '{later['id']}' never answers: '{earlier['id']}' ({earlier['place']}) is preferred"
            )
        )
    return warnings


NO_RULES = "there are no rules; every request gets an error (a catch-all is 'unmatched: echo', 'unmatched: auto' or a reply)"


def _replies(rule: Rule) -> Iterator[Mapping[str, Any]]:
    yield from rule["replies"]
    yield from (message["reply"] for message in rule["messages"] or () if message["reply"] is not None)


def _settable(rules: Sequence[Rule], scenarios: Mapping[str, str]) -> set[tuple[str, str]]:
    """The pairs of scenario and state that exist at the start or are set by a reply."""
    pairs = set(scenarios.items())
    for rule in rules:
        for reply in _replies(rule):
            if "function" in reply:
                continue
            pairs |= set((reply.get("set_state") or {}).items())
    return pairs


def _unset_states(rule: Rule, settable: set[tuple[str, str]]) -> Iterator[str]:
    """Messages about states of ``when`` that neither ``scenarios`` nor ``set_state`` has."""
    for scenario, state in ((rule["when"] or {}).get("state") or {}).items():
        # A state with a template may have any value.
        if (scenario, state) not in settable and not any(name == scenario and "{{" in value for name, value in settable):
            yield f"no reply sets the scenario '{scenario}' to '{state}', and 'scenarios' does not start there"


def _unanswered(rule: Rule) -> Iterator[str]:
    """A message when a conversation ends with messages that no assistant message or reply answers."""
    messages = rule["messages"]
    if messages and not rule["replies"] and messages[-1]["reply"] is None:
        yield f"the last message ({messages[-1]['role']}) has no answer; add an assistant message after it"


def _shadowed(rules: Sequence[Rule], match: str) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of an earlier rule and a later one that it always precedes: it has the same conditions and no ``times``.

    With ``match: first`` an earlier rule without conditions precedes every later one.
    """
    first: dict[str, Rule] = {}
    catch_all: Rule | None = None
    for rule in rules:
        if match == "first" and catch_all is not None:
            yield catch_all, rule
            continue
        key = _conditions(rule)
        earlier = first.get(key)
        if earlier is not None and (match == "first" or earlier["priority"] >= rule["priority"]):
            yield earlier, rule
        elif rule["times"] is None:
            first[key] = rule
            if rule["when"] == {}:
                catch_all = rule


def _conditions(rule: Rule) -> str:
    """The conditions of a rule as a comparable text; two conversations also need the same assistant messages."""
    return json.dumps([rule["messages"], rule["when"], rule["turns"]], sort_keys=True, default=repr)

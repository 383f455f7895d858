"""Warnings: rules that load without a problem and can never work."""

from __future__ import annotations

import json
from collections import Counter
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


def _replies(rule: Rule) -> list[Mapping[str, Any]]:
    return [*rule["replies"], *[message["reply"] for message in rule["messages"] or () if message["reply"] is not None]]


def _settable(rules: Sequence[Rule], scenarios: Mapping[str, str]) -> set[tuple[str, str]]:
    """The pairs of scenario and state that exist at the start or are set by a reply."""
    pairs = set(scenarios.items())
    for rule in rules:
        for reply in _replies(rule):
            if "set_state" in reply and "function" not in reply:
                pairs |= set((reply["set_state"] or {}).items())
    return pairs


def _unset_states(rule: Rule, settable: set[tuple[str, str]]) -> Iterator[str]:
    """Messages about states of ``when`` that neither ``scenarios`` nor ``set_state`` has."""
    for scenario, state in _expected_states(rule["when"] or {}):
        # A state with a template may have any value.
        if (scenario, state) not in settable and not any(name == scenario and "{{" in value for name, value in settable):
            yield f"no reply sets the scenario '{scenario}' to '{state}', and 'scenarios' does not start there"


def _expected_states(when: Rule) -> Iterator[tuple[str, str]]:
    """The pairs of scenario and state that must all be the present ones."""
    yield from (when.get("state") or {}).items()
    for condition in when.get("all") or ():
        yield from _expected_states(condition)


def _unanswered(rule: Rule) -> Iterator[str]:
    """A message when a conversation ends with messages that no assistant message or reply answers."""
    messages = rule["messages"]
    if messages and not rule["replies"] and messages[-1]["reply"] is None:
        yield f"the last message ({messages[-1]['role']}) has no answer; add an assistant message after it"


def _shadowed(rules: Sequence[Rule], match: str) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of an earlier rule and a later one that it always precedes.

    The earlier one has no ``times``. It has the same conditions, or wider ones and precedence: a higher priority, or the place in
    the file with ``match: first``.
    """
    first = match == "first"
    lowest = min(rule["priority"] for rule in rules)
    equal: dict[str, Rule] = {}
    wide: list[Rule] = []
    signatures = [_signature(rule) for rule in rules]
    counts = Counter(signatures)
    for rule, signature in zip(rules, signatures, strict=True):
        wider = (other for other in wide if (first or other["priority"] > rule["priority"]) and _covers(other["when"], rule))
        # Writing all conditions down takes long, and nearly all rules differ in their texts.
        key = _conditions(rule) if counts[signature] > 1 else None
        earlier = next(wider, None) or (None if key is None else equal.get(key))
        if earlier is not None and (first or earlier["priority"] >= rule["priority"]):
            yield earlier, rule
        elif rule["times"] is None:
            if key is not None:
                equal[key] = rule
            if (first or rule["priority"] > lowest) and len(wide) < _MAX_WIDE and _is_wide(rule["when"]):
                wide.append(rule)


def _signature(rule: Rule) -> int:
    """A number that is the same for rules with equal conditions: a hash of the expected texts."""
    expected = [message["match"] for message in rule["messages"] or ()] + list((rule["when"] or {}).values())
    texts = [matcher.get("value") for matcher in expected if isinstance(matcher, dict)]
    return hash(tuple([text for text in texts if isinstance(text, str)]))


def _conditions(rule: Rule) -> str:
    """The conditions of a rule as a comparable text. Of the assistant's messages in a conversation only the place counts."""
    flow = [
        [message["role"], message["match"], message["parts"], message["tool_call_id"], message["reply"] is None]
        for message in rule["messages"] or ()
    ]
    return json.dumps([flow, rule["when"], rule["turns"]], sort_keys=True, default=repr)


#: Rules with wide conditions that the later rules are compared with.
_MAX_WIDE = 20
#: Conditions that compare one text with a matcher.
_TEXTS = ("user", "system", "assistant", "tool", "message", "text")


def _is_wide(when: Rule | None) -> bool:
    """Whether all conditions compare texts with ``any`` or ``contains``; no condition at all is the widest."""
    return when is not None and all(
        name in _TEXTS and not matcher["invert"] and (matcher["kind"] == "any" or _is_plain_contains(matcher))
        for name, matcher in when.items()
    )


def _is_plain_contains(matcher: Mapping[str, Any]) -> bool:
    return bool(matcher["kind"] == "contains" and not matcher["case_sensitive"] and not matcher["invert"])


def _covers(wide: Rule, rule: Rule) -> bool:
    """Whether every request that a rule matches also meets wide conditions."""
    when = rule["when"]
    if when is None:
        # The last message of a conversation may have any role.
        return not wide
    # Without ``endpoint`` a rule is only for the operations that answer a prompt.
    return "endpoint" not in json.dumps(when, default=repr) and all(
        name in when and _implies(when[name], matcher) for name, matcher in wide.items()
    )


def _implies(narrow: Mapping[str, Any], wide: Mapping[str, Any]) -> bool:
    """Whether a text that fits one matcher always fits another, which is ``any`` or ``contains``."""
    if narrow["invert"]:
        return False
    part, text = wide["value"].lower(), narrow["value"].lower().strip()
    return wide["kind"] == "any" or (narrow["kind"] in ("exact", "contains") and part in text)

"""Joined rules: rules of several processes with the same question and different answers become one rule with ``replies``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

Rule = Mapping[str, Any]
#: What a rule with only these keys asks and answers is known; any other, such as one with ``times``, is left alone.
_KEYS = frozenset({"id", "when", "messages", "reply", "replies", "priority"})


class Joined(NamedTuple):
    """``rules`` are the new rules, each with the answers of other processes; ``replaced`` are the ids of rules to take out.

    ``remaining`` are rules of which only this process's answers are taken out.
    """

    rules: list[Rule]
    replaced: set[str]
    remaining: list[Rule]


def joined(rules: Sequence[Rule], replaced: Mapping[str, Rule | None], existing: Iterable[Any]) -> Joined:
    """New rules joined with the ``existing`` ones of a file.

    ``replaced`` has the rules to take out by their ids, as this process wrote them; None takes out all that the file has there.
    """
    #: Rules of the file with answers of other processes, those answers, and the answers that this process wrote there.
    others: dict[str, tuple[Rule, list[Rule], list[Rule]]] = {}
    for rule in existing:
        key = question(rule)
        if key is None or not isinstance(rule.get("id"), str) or _has_variable(rule):
            continue
        rule = _unescaped(rule)
        own = replaced.get(rule["id"])
        ours = answers(own) if question(own) is not None else []
        if rule["id"] not in replaced or (own is not None and _without(answers(rule), ours)):
            others.setdefault(key, (rule, answers(rule), ours))
    results, gone = [], set(replaced)
    for rule in rules:
        key = question(rule)
        if key not in others:
            results.append(rule)
            continue
        old, before, ours = others.pop(key)
        fresh = _without(answers(rule), ours or before)
        if fresh or old["id"] in replaced:
            gone.add(old["id"])
            results.append(_with_answers({**rule, "id": old["id"]}, [*before, *fresh], old))
        else:
            results.append(old)
    remaining = [
        _with_answers(old, _without(before, ours), old) for old, before, ours in others.values() if old["id"] in replaced
    ]
    return Joined(results, gone, remaining)


def question(rule: Any) -> str | None:
    """The same for rules that the same request matches; None for a rule that is not joined with others."""
    if not isinstance(rule, Mapping) or not rule.keys() <= _KEYS or not isinstance(rule.get("priority", 0), int):
        return None
    answered = isinstance(rule.get("replies"), list) or "reply" in rule
    messages = rule.get("messages")
    if messages is None:
        return dumped({"when": rule["when"]}) if "when" in rule and answered else None
    prompt = _prompt(messages) if isinstance(messages, list) else []
    if not prompt or any(message.get("role") == "assistant" for message in prompt) or answered == (len(prompt) < len(messages)):
        # A conversation of several turns is answered where a request stops in it.
        return None
    return dumped({"messages": prompt})


def _has_variable(rule: Rule) -> bool:
    """Whether a rule of a file has a variable of the environment, which a person wrote."""
    return "${" in json.dumps(rule, default=str).replace("$${", "")


def answers(rule: Any) -> list[Rule]:
    """The replies of a rule with a question, in their order."""
    if "replies" in rule:
        return [*map(_reply, rule["replies"])]
    if "reply" in rule:
        return [_reply(rule["reply"])]
    return [{name: value for name, value in rule["messages"][-1].items() if name != "role"}]


def _reply(reply: Any) -> Rule:
    return reply if isinstance(reply, Mapping) else {"content": reply}


def _prompt(messages: list[Any]) -> list[Any]:
    """The messages of a conversation before its last answer; none for what is no list of messages."""
    if not all(isinstance(message, Mapping) for message in messages):
        return []
    return messages[:-1] if messages and messages[-1].get("role") == "assistant" else messages


def _without(listed: Sequence[Rule], others: Sequence[Rule]) -> list[Rule]:
    """The answers that are not among the others, each of which counts once."""
    counts = Counter(map(dumped, others))
    rest = []
    for answer in listed:
        if counts[dumped(answer)] > 0:
            counts[dumped(answer)] -= 1
        else:
            rest.append(answer)
    return rest


def _with_answers(rule: Rule, replies: Sequence[Rule], old: Rule) -> Rule:
    """A rule with these answers in the place of its own."""
    words = {name: value for name, value in rule.items() if name not in ("reply", "replies")}
    if "messages" in words:
        words["messages"] = _prompt(words["messages"])
    priority = max(rule.get("priority", 0), old.get("priority", 0))
    return {**words, **({"priority": priority} if priority else {}), "replies": list(replies)}


def dumped(value: Any) -> str:
    """A value of a rule as a text to compare. In a file, the text ${ is written as $${; both give the same."""
    return json.dumps(value, sort_keys=True, default=str).replace("$${", "${")


def _unescaped(value: Any) -> Any:
    """A value of a file as it was before it was written."""
    if isinstance(value, str):
        return value.replace("$${", "${")
    if isinstance(value, Mapping):
        return {_unescaped(name): _unescaped(item) for name, item in value.items()}
    return [_unescaped(item) for item in value] if isinstance(value, list) else value

"""Coverage: which rules answered and how often, which never did, and which of their replies nobody has seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..rules.rule import Rule
from ..types.exchange import Exchange
from .namespace import Namespace


def hits(namespaces: Iterable[Namespace]) -> dict[str, int]:
    """How often each rule answered, by its id."""
    total: dict[str, int] = {}
    for namespace in namespaces:
        for id, count in list(namespace.hits.items()):
            total[id] = total.get(id, 0) + count
    return total


def unmatched(namespaces: Iterable[Namespace]) -> list[Exchange]:
    """The exchanges in the journals that no rule matched, in the order in which they came."""
    found = [exchange for namespace in namespaces for exchange in namespace.journal if exchange.unmatched]
    return sorted(found, key=lambda exchange: exchange.order)


def unreached(rule: Rule, counts: Sequence[int], answered: set[tuple[str, int]]) -> list[int]:
    """Which replies of a rule nobody has seen: places in ``replies``, or in ``messages`` for a conversation.

    ``counts`` are the rule's hits in each namespace: every one begins the sequence anew.
    """
    if rule.plans:
        return list(range(min(len(rule.plans), max(counts, default=0)), len(rule.plans)))
    answers = {at for at in rule.answers if at is not None and at >= 0}
    return sorted(at for at in answers if (rule.id, at) not in answered)


def report(rules: Sequence[Rule], namespaces: Iterable[Namespace]) -> dict[str, Any]:
    """Hits of every rule, the rules never hit, and the replies never reached, as JSON."""
    namespaces = list(namespaces)
    total = hits(namespaces)
    answered = {each for namespace in namespaces for each in list(namespace.answered)}
    told = []
    for rule in rules:
        counts = [namespace.hits.get(rule.id, 0) for namespace in namespaces]
        told.append(
            {
                "id": rule.id,
                "place": rule.place,
                "hits": total.get(rule.id, 0),
                "replies": len(rule.plans) or len({at for at in rule.answers if at is not None}),
                "unreached": unreached(rule, counts, answered),
            }
        )
    return {
        "rules": told,
        "never": [each["id"] for each in told if not each["hits"]],
        "unreached": {each["id"]: each["unreached"] for each in told if each["hits"] and each["unreached"]},
    }

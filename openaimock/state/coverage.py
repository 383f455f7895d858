"""Coverage: which rules answered and how often, which never did, and which of their replies were never sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ..rules.rule import Rule
from ..types.exchange import Exchange
from .journal import arrival
from .namespace import Counts
from .store import State


def hits(counts: Iterable[Counts]) -> dict[str, int]:
    """How often each rule answered, by its id."""
    total: dict[str, int] = {}
    for count in counts:
        for id, number in list(count.hits.items()):
            total[id] = total.get(id, 0) + number
    return total


def unmatched(namespaces: Iterable[State]) -> list[Exchange]:
    """The exchanges in the journals that no rule matched, oldest first."""
    exchanges = [exchange for state in namespaces for exchange in state.exchanges() if exchange.unmatched]
    return sorted(exchanges, key=arrival)


def unreached(rule: Rule, counts: Sequence[int], answers: Collection[tuple[str, int]]) -> list[int]:
    """Which replies of a rule were never sent: places in ``replies``, or in ``messages`` for a conversation.

    ``counts`` are the most hits of the rule in a namespace: every namespace starts the sequence again.
    """
    if rule.plans:
        return list(range(min(len(rule.plans), max(counts, default=0)), len(rule.plans)))
    places = {place for place in rule.answers if place is not None and place >= 0}
    return sorted(place for place in places if (rule.id, place) not in answers)


def report(rules: Sequence[Rule], counts: Sequence[Counts]) -> dict[str, Any]:
    """Hits of every rule, the rules never hit, the replies never reached, and the hits that differ from ``expect``, as JSON."""
    total = hits(counts)
    answers = {pair for count in counts for pair in count.answers}
    rows = []
    for rule in rules:
        numbers = [count.most_of(rule.id) for count in counts]
        rows.append(
            {
                "id": rule.id,
                "place": rule.place,
                "hits": total.get(rule.id, 0),
                "replies": len(rule.plans) or len({place for place in rule.answers if place is not None}),
                "unreached": unreached(rule, numbers, answers),
                "expect": None if rule.expect is None else str(rule.expect),
                "unexpected": "" if rule.expect is None else rule.expect.difference(total.get(rule.id, 0)),
            }
        )
    return {
        "rules": rows,
        "never": [row["id"] for row in rows if not row["hits"] and (not row["expect"] or row["unexpected"])],
        "unreached": {row["id"]: row["unreached"] for row in rows if row["hits"] and row["unreached"]},
        "unexpected": {row["id"]: row["unexpected"] for row in rows if row["unexpected"]},
    }

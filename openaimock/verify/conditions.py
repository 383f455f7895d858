"""Conditions: those of a rule's ``when`` at any depth, with the keys that lead to them and the operations that they test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..config.rules import Entry
from ..types import operations


class Condition(NamedTuple):
    """One key of ``when`` with its value in normal form, and the keys that lead to it in the rule.

    ``operations`` are the ids of those that the rule can answer; ``is_named`` when the rule names them.
    """

    key: str
    value: Any
    keys: tuple[str | int, ...]
    operations: frozenset[str]
    is_named: bool


def conditions(entry: Entry) -> Iterator[Condition]:
    """The conditions of a rule, none of one that only answers with errors: it is about what the API refuses."""
    when = entry.rule["when"]
    replies = entry.rule["replies"]
    if when and not (replies and all(reply.get("error") for reply in replies)):
        # The operations of rules that name no endpoint.
        yield from _of(when, ("when",), operations.ANSWERING_IDS, False)


def _of(when: Mapping[str, Any], keys: tuple[str | int, ...], ids: frozenset[str], is_named: bool) -> Iterator[Condition]:
    if when.get("endpoint"):
        ids, is_named = operations.select_all(when["endpoint"]), True
    for key, value in when.items():
        if key in ("all", "any"):
            for at, inner in enumerate(value):
                yield from _of(inner, (*keys, key, at), ids, is_named)
        elif key == "not":
            yield from _of(value, (*keys, key), ids, is_named)
        else:
            yield Condition(key, value, (*keys, key), ids, is_named)

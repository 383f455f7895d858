"""Filters: whether the attributes of a file fit a filter (API reference: ComparisonFilter, CompoundFilter)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def fits(filter: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> bool:
    """Whether attributes fit a checked filter (``params.common.FILTER``); every file fits when there is none.

    An absent attribute differs from every value. Values of different types are unequal and have no order.
    """
    if filter is None:
        return True
    kind = filter["type"]
    if kind == "and":
        return all(fits(inner, attributes) for inner in filter["filters"])
    if kind == "or":
        return any(fits(inner, attributes) for inner in filter["filters"])
    value, operand = attributes.get(filter["key"]), filter["value"]
    if kind in _ORDERED:
        return _kind(value) == _kind(operand) != "boolean" and value is not None and _ORDERED[kind](value, operand)
    listed = operand if isinstance(operand, list) else [operand]
    is_listed = any(_kind(value) == _kind(item) and value == item for item in listed)
    return is_listed if kind in ("eq", "in") else not is_listed


def _kind(value: Any) -> str:
    """The type of a value: true is not the number 1, but 1 is 1.0."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__

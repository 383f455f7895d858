"""Usual items of a Responses input, which no check of single items can refuse: most items of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..types.ask import Ask
from ..types.parts import once_each

_MESSAGE = frozenset(["type", "role", "content"])
_TEXT_PART = frozenset(["type", "text"])
_TEXTS = frozenset(["input_text", "output_text"])
_CALL = frozenset(["type", "call_id", "name", "arguments"])
_RESULT = frozenset(["type", "call_id", "output"])


def unusual_items(ask: Ask) -> Sequence[tuple[int, Mapping[str, Any]]]:
    """The items of the request that need a check, each with its place. They are found once for a request."""
    earlier: Sequence[tuple[int, Mapping[str, Any]]] | None = ask.__dict__.get("unusual_items")
    if earlier is not None:
        return earlier
    items = ask.body.get("input")
    if not isinstance(items, list):
        items = []
    usual = once_each(items, _is_usual, _is_usual)
    unusual = ask.__dict__["unusual_items"] = [(at, item) for at, item in enumerate(items) if not usual[at]]
    return unusual


def _is_usual(item: Mapping[str, Any]) -> bool:
    """Whether an item is a message of texts, a call of a function, or its result as a text, without further members."""
    kind = item.get("type")
    if kind == "function_call":
        return item.keys() <= _CALL
    if kind == "function_call_output":
        return item.keys() <= _RESULT and item["output"].__class__ is str
    if kind not in (None, "message") or "role" not in item or not item.keys() <= _MESSAGE:
        return False
    content = item["content"]
    return content.__class__ is str or all(part["type"] in _TEXTS and part.keys() <= _TEXT_PART for part in content)

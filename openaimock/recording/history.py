"""History: what a recorded request refers to by an id, replaced by the items of the exchanges before it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from .exchange import Unknown

Item = dict[str, Any]
#: The most responses and conversations, and the most items, that are kept; the oldest are dropped first.
MAX_CONVERSATIONS, MAX_ITEMS = 5000, 50_000


class History:
    """The items of the latest responses and conversations, by their ids."""

    def __init__(self) -> None:
        self._conversations: OrderedDict[str, list[Item]] = OrderedDict()
        self._items: OrderedDict[str, Item] = OrderedDict()

    def expanded(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a Responses request with all that it refers to in its ``input``. Unknown when that is missing."""
        before: list[Item] = []
        for name in ("previous_response_id", "conversation"):
            reference = body.get(name)
            id = reference.get("id") if isinstance(reference, dict) else reference
            if not id:
                continue
            if not isinstance(id, str) or id not in self._conversations:
                raise Unknown(f"{name} '{id}' is not among the recordings before it")
            before = self._conversations[id]
        own = [self._resolved(item) for item in items_of(body.get("input"))]
        rest = {name: value for name, value in body.items() if name not in ("previous_response_id", "conversation", "input")}
        return {**rest, "input": [*before, *own]} if before or "input" in body else rest

    def _resolved(self, item: Item) -> Item:
        if not isinstance(item, dict) or item.get("type") != "item_reference":
            return item
        referred = self._items.get(str(item.get("id")))
        if referred is None:
            raise Unknown(f"the item '{item.get('id')}' is not among the recordings before it")
        return referred

    def note(self, request: Mapping[str, Any], expanded: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        """Remember a response, and the request that it answers before and after ``expanded``."""
        output = [item for item in response.get("output") or () if isinstance(item, dict)]
        items = [*items_of(expanded.get("input")), *output]
        for item in items:
            if isinstance(item, dict) and isinstance(item.get("id"), str):
                _put(self._items, item["id"], item, MAX_ITEMS)
        reference = request.get("conversation")
        conversation = reference.get("id") if isinstance(reference, dict) else reference
        for id in (response.get("id"), conversation):
            if isinstance(id, str):
                _put(self._conversations, id, items, MAX_CONVERSATIONS)

    def begin(self, conversation: str, items: Any) -> None:
        """Remember a conversation that was created, or items that were added to one."""
        all_items = [*self._conversations.get(conversation, ()), *items_of(items)]
        _put(self._conversations, conversation, all_items, MAX_CONVERSATIONS)


def _put(entries: OrderedDict[str, Any], id: str, value: Any, limit: int) -> None:
    """Set the latest entry; the oldest one goes when there are more than ``limit``."""
    entries[id] = value
    entries.move_to_end(id)
    if len(entries) > limit:
        entries.popitem(last=False)


def items_of(value: Any) -> list[Item]:
    """The items of an ``input``."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}] if value else []
    return list(value) if isinstance(value, list) else []

"""What is remembered of responses and conversations: the items said so far, and how far a background response is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import APIError
from ...params.errors import ParamError
from ...state.store import State
from ...types.reply import Pace
from .body import Response, conversation_id
from .events import opened
from .item_params import check_item
from .items import Item, unsealed
from .params import LISTING

RESPONSES = "responses"
CONVERSATIONS = "conversations"
#: Every stored item by its id, for ``item_reference``.
_ITEMS = "items"
#: How many responses a namespace keeps: the API keeps them for thirty days, a mock must not grow without end.
KEPT = 10_000
_EVERYTHING = 1_000_000_000

#: What is stored of a response: ``response`` as it is at its end, its own ``input``, the conversation ``before`` it, how its
#: text is cut, and its state: ``queued``, ``in_progress``, or ``ended``.
Record = dict[str, Any]


def collection(conversation: str) -> str:
    """The shelf on which the items of a conversation stand."""
    return f"{CONVERSATIONS}/{conversation}/items"


# Responses


def found(store: State, id: str) -> Record:
    """A stored response; APIError 404 when there is none."""
    record: Record | None = store.get(RESPONSES, id)
    if record is None:
        raise APIError(404, f"Response with id '{id}' not found.")
    return record


def keep(store: State, record: Record) -> None:
    """Store a response; past ``KEPT`` of them the oldest makes room for it."""
    id = record["response"]["id"]
    if store.get(RESPONSES, id) is None and store.count(RESPONSES) >= KEPT:
        oldest = store.page(RESPONSES, limit=1)
        if oldest and oldest.items:
            forget(store, oldest.items[0]["response"]["id"])
    store.put(RESPONSES, id, record)
    for item in record["input"]:
        store.put(_ITEMS, item["id"], item)
    if record["state"] == "ended":
        _settle(store, record)


def _settle(store: State, record: Record) -> None:
    """A response has ended: what was said in it can be referred to, and stands in its conversation."""
    response = record["response"]
    for item in response["output"]:
        store.put(_ITEMS, item["id"], item)
    conversation = conversation_id(response)
    if conversation and store.get(CONVERSATIONS, conversation) is not None:
        append(store, conversation, [*record["input"], *response["output"]])


def forget(store: State, id: str) -> bool:
    """Delete a response and its items; whether there was one."""
    record = store.get(RESPONSES, id)
    if record is None:
        return False
    store.delete(RESPONSES, id)
    if not conversation_id(record["response"]):
        for item in [*record["input"], *record["response"]["output"]]:
            store.delete(_ITEMS, item["id"])
    return True


def shown(record: Record) -> Response:
    """A response as it is now."""
    response: Response = record["response"]
    return response if record["state"] == "ended" else opened(response, record["state"])


_NEXT = {"queued": "in_progress", "in_progress": "ended"}


def moved(store: State, record: Record, state: str = "") -> Record:
    """A background response one step further, or in the given state; one that has ended stays as it is."""
    if record["state"] == "ended":
        return record
    record = {**record, "state": state or _NEXT[record["state"]]}
    store.put(RESPONSES, record["response"]["id"], record)
    if record["state"] == "ended":
        _settle(store, record)
    return record


def cancelled(store: State, record: Record) -> Record:
    """A background response, stopped before it said anything. APIError 400 when it cannot be, as the API says it."""
    response = record["response"]
    if not response["background"]:
        raise APIError(400, "Cannot cancel a synchronous response.", param="response_id")
    if record["state"] != "ended":
        record = {**record, "state": "ended", "response": opened(response, "cancelled")}
        store.put(RESPONSES, response["id"], record)
    elif response["status"] != "cancelled":
        raise APIError(400, f"Cannot cancel {_A[response['status']]} response.", param="response_id")
    return record


_A = {"completed": "a completed", "failed": "a failed", "incomplete": "an incomplete"}


def pace_of(record: Record) -> Pace | None:
    """How the text of a stored response is cut when it is streamed again."""
    given = record["pace"]
    return Pace(chunk=given["chunk"], chunks=tuple(given["chunks"])) if given else None


# What came before


def earlier(store: State | None, body: Mapping[str, Any]) -> list[Item]:
    """The items before a request's own, by ``conversation`` or ``previous_response_id``.

    APIError in the API's words when there is no such conversation (404) or response (400).
    """
    conversation, previous = conversation_id(body), body.get("previous_response_id")
    if store is None:
        return []
    if conversation:
        return said_in(store, conversation)
    if previous:
        if store.get(RESPONSES, previous) is None:
            said = f"Previous response with id '{previous}' not found."
            raise APIError(400, said, param="previous_response_id", code="previous_response_not_found")
        return chained(store, previous)
    return []


def chained(store: State, id: str | None) -> list[Item]:
    """All that was said up to a response and in it. One in the chain that was deleted takes what is before it along."""
    records = []
    while id and (record := store.get(RESPONSES, id)) is not None:
        records.append(record)
        id = record["response"]["previous_response_id"]
    items: list[Item] = []
    for record in reversed(records):
        items += record["before"]
        items += record["input"]
        items += record["response"]["output"]
    return items


def heard(store: State, record: Record) -> list[Item]:
    """All that the model heard before it gave a response: what came before, and the request's own items."""
    return [*chained(store, record["response"]["previous_response_id"]), *record["before"], *record["input"]]


def resolved(store: State | None, items: Sequence[Item]) -> list[Item]:
    """The items, with those they refer to in the place of references. APIError 404 for one that is not stored."""
    if not any(item.get("type") in _REFERENCES for item in items):
        return list(items)
    made = []
    for item in items:
        if item.get("type") not in _REFERENCES or "role" in item:
            made.append(item)
            continue
        stored = None if store is None else store.get(_ITEMS, item["id"])
        if stored is None:
            raise APIError(404, _GONE.format(id=item["id"]), param="input")
        made.append(stored)
    return made


_REFERENCES = (None, "item_reference")
_GONE = (
    "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, "
    "or remove this item from your input."
)


def expanded(items: Iterable[Item]) -> list[Item]:
    """The items for rules to see: in the place of a compaction that was made here what was compacted."""
    made = []
    for item in items:
        if item.get("type") == "compaction":
            made += [inner for inner in unsealed(item.get("encrypted_content") or "") if _sound(inner)]
        else:
            made.append(item)
    return made


def _sound(item: Any) -> bool:
    try:
        check_item(item)
    except ParamError:
        return False
    sound: bool = item.get("type") != "compaction"
    return sound


# Conversations


def conversation(store: State, id: str) -> Item:
    """A conversation; APIError 404 when there is none."""
    stored: Item | None = store.get(CONVERSATIONS, id)
    if stored is None:
        raise APIError(404, f"Conversation with id '{id}' not found.")
    return stored


def said_in(store: State, id: str) -> list[Item]:
    """All items of a conversation, oldest first; APIError 404 when there is none."""
    conversation(store, id)
    page = store.page(collection(id), limit=_EVERYTHING)
    return list(page.items) if page else []


def append(store: State, id: str, items: Iterable[Item]) -> None:
    """Add items to a conversation."""
    for item in items:
        store.put(collection(id), item["id"], item)
        store.put(_ITEMS, item["id"], item)


def remove(store: State, conversation: str, id: str) -> bool:
    """Take an item out of a conversation; whether it was there."""
    store.delete(_ITEMS, id)
    removed: bool = store.delete(collection(conversation), id)
    return removed


# Lists


def listed(items: Sequence[Item], query: Mapping[str, Any]) -> Item:
    """A page of items (given oldest first) as the query asks for it: newest first, twenty, unless it says otherwise."""
    asked = LISTING.coerce(query)
    LISTING.check(asked)
    ordered = list(items) if asked.get("order") == "asc" else list(reversed(items))
    after = asked.get("after")
    if after:
        places = [at for at, item in enumerate(ordered) if item["id"] == after]
        if not places:
            raise APIError(400, f"Item with id '{after}' not found.", param="after")
        ordered = ordered[places[0] + 1 :]
    limit = asked.get("limit") or 20
    return page_of(ordered[:limit], len(ordered) > limit)


def page_of(items: Sequence[Item], more: bool = False) -> Item:
    """A list object of these items."""
    first, last = (items[0]["id"], items[-1]["id"]) if items else ("", "")
    return {"object": "list", "data": list(items), "first_id": first, "has_more": more, "last_id": last}

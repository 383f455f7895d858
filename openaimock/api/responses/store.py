"""Stored responses and conversations: their items, and the progress of background responses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import APIError
from ...http.json import dump
from ...params.errors import ParamError
from ...seed import Ids
from ...state.store import ENTRY, State
from ...types.reply import Pace
from .. import lists
from .body import Response, conversation_id
from .events import unfinished
from .item_params import check_item
from .items import Item, normalize_item, unseal
from .params import LISTING

RESPONSES = "responses"
CONVERSATIONS = "conversations"
#: Every stored item by its id, for ``item_reference``.
_ITEMS = "items"
#: How many responses a namespace stores: the API deletes them after thirty days, a mock limits their number.
MAX_STORED = 10_000
_NO_LIMIT = 1_000_000_000

#: What is stored of a response: the finished ``response``, its own ``input``, the conversation ``before`` it, the ``pace`` that
#: cuts its text, and its ``state``: ``queued``, ``in_progress``, or ``ended``. With a ``place``, the input is stored as it was
#: sent: its items are completed, with ids drawn at that place, when something reads them, because most are never read. For the
#: same reason a plain response is stored as its ``json``.
Record = dict[str, Any]


def collection(conversation: str) -> str:
    """The name of the collection of a conversation's items."""
    return f"{CONVERSATIONS}/{conversation}/items"


# Responses


def response_record(store: State, id: str) -> Record:
    """A stored response; APIError 404 when there is none."""
    return _opened(lists.lookup(store, RESPONSES, id, "Response with id '{id}' not found."))


def _find(store: State, id: str) -> Record | None:
    """A stored response, None when there is none."""
    record: Record | None = store.get(RESPONSES, id)
    return None if record is None else _opened(record)


def _opened(record: Record) -> Record:
    """A record with its response as an object."""
    if "json" not in record:
        return record
    return {**{name: value for name, value in record.items() if name not in _PLAIN}, "response": json.loads(record["json"])}


#: The members that only the record of a plain response has.
_PLAIN = frozenset(["json", "id", "message"])


def save_plain(store: State, record: Record, memory: int = 0) -> None:
    """Store a plain response: its ``json``, its ``id``, and that of its only output item, a ``message``.

    ``memory`` is the bytes of the request and of the response, roughly.
    """
    _put(store, record["id"], record, memory)
    store.put(_ITEMS, record["message"], {_HOLDER: record["id"]})


def _put(store: State, id: str, record: Record, memory: int) -> None:
    """Store a record and its input; past ``MAX_STORED`` the oldest response is deleted."""
    if store.count(RESPONSES) >= MAX_STORED and store.get(RESPONSES, id) is None:
        for oldest in lists.values(store, RESPONSES, 1):
            delete(store, oldest["id"] if "json" in oldest else oldest["response"]["id"])
    store.put(RESPONSES, id, record, size=ENTRY + memory)
    for item in record["input"]:
        if "place" not in record:
            _put_item(store, item)
        elif item.get("id"):
            store.put(_ITEMS, item["id"], {_HOLDER: id})


def _put_item(store: State, item: Item) -> None:
    store.put(_ITEMS, item["id"], item, size=_size(item))


def _size(item: Item) -> int:
    return ENTRY + 2 * len(dump(item))


def save(store: State, record: Record, memory: int = 0) -> None:
    """Store a response; past ``MAX_STORED`` the oldest is deleted. ``memory`` is the bytes of the request, roughly."""
    _put(store, record["response"]["id"], record, memory)
    if record["state"] == "ended":
        _store_output(store, record)


#: The member of an entry of ``_ITEMS`` that stands for an item: the response that has it.
_HOLDER = "response"


def completed(record: Record) -> Record:
    """The record with its input as the API returns it, with an id for each item."""
    if "place" not in record:
        return record
    ids = Ids.resume(record["place"])
    items = [normalize_item(item, ids) for item in record["input"]]
    return {**{name: value for name, value in record.items() if name != "place"}, "input": items}


def own_items(store: State, record: Record) -> list[Item]:
    """The items of a stored response's own input, which can be referred to from now on."""
    if "place" in record:
        record = completed(record)
        store.put(RESPONSES, record["response"]["id"], record)
        for item in record["input"]:
            _put_item(store, item)
    items: list[Item] = record["input"]
    return items


def _stored_item(store: State, id: str) -> Item | None:
    """A stored item by its id."""
    item: Item | None = store.get(_ITEMS, id)
    if item is None or _HOLDER not in item or "type" in item:
        return item
    record = _find(store, item[_HOLDER])
    if record is None:
        return None
    return next((own for own in [*own_items(store, record), *record["response"]["output"]] if own["id"] == id), None)


def _store_output(store: State, record: Record) -> None:
    """Make the output of an ended response available to references and add it to its conversation."""
    response = record["response"]
    for item in response["output"]:
        store.put(_ITEMS, item["id"], item)
    conversation = conversation_id(response)
    if conversation and store.get(CONVERSATIONS, conversation) is not None:
        append(store, conversation, [*record["input"], *response["output"]])


def delete(store: State, id: str) -> bool:
    """Delete a response and its items; whether there was one."""
    record = store.get(RESPONSES, id)
    if record is None:
        return False
    store.delete(RESPONSES, id)
    if "json" in record:
        store.delete(_ITEMS, record["message"])
    elif conversation_id(record["response"]):
        return True
    else:
        for item in record["response"]["output"]:
            store.delete(_ITEMS, item["id"])
    # An item that has no id yet is not stored by itself.
    for item in record["input"]:
        if item.get("id"):
            store.delete(_ITEMS, item["id"])
    return True


def current(record: Record) -> Response:
    """A response in its present state."""
    response: Response = record["response"]
    return response if record["state"] == "ended" else unfinished(response, record["state"])


_NEXT = {"queued": "in_progress", "in_progress": "ended"}


def advance(store: State, record: Record, state: str = "") -> Record:
    """Move a background response to its next state, or to ``state``; one that has ended does not change."""
    if record["state"] == "ended":
        return record
    record = {**record, "state": state or _NEXT[record["state"]]}
    store.put(RESPONSES, record["response"]["id"], record)
    if record["state"] == "ended":
        _store_output(store, record)
    return record


def cancel(store: State, record: Record) -> Record:
    """Stop a background response before it has any output. APIError 400 when it cannot be cancelled."""
    response = record["response"]
    if not response["background"]:
        raise APIError(400, "Cannot cancel a synchronous response.", param="response_id")
    if record["state"] != "ended":
        record = {**record, "state": "ended", "response": unfinished(response, "cancelled")}
        store.put(RESPONSES, response["id"], record)
    elif response["status"] != "cancelled":
        raise APIError(400, f"Cannot cancel {_A[response['status']]} response.", param="response_id")
    return record


_A = {"completed": "a completed", "failed": "a failed", "incomplete": "an incomplete"}


def pace_of(record: Record) -> Pace | None:
    """How the text of a stored response is cut into deltas when it is streamed again."""
    pace = record["pace"]
    return Pace(chunk=pace["chunk"], chunks=tuple(pace["chunks"])) if pace else None


# The conversation before a request


def previous_items(store: State | None, body: Mapping[str, Any]) -> list[Item]:
    """The items before a request's own, by ``conversation`` or ``previous_response_id``.

    APIError in the API's words when there is no such conversation (404) or response (400).
    """
    conversation, previous = conversation_id(body), body.get("previous_response_id")
    if store is None:
        return []
    if conversation:
        return conversation_items(store, conversation)
    if previous:
        if store.get(RESPONSES, previous) is None:
            message = f"Previous response with id '{previous}' not found."
            raise APIError(400, message, param="previous_response_id", code="previous_response_not_found")
        return chain(store, previous)
    return []


def chain(store: State, id: str | None) -> list[Item]:
    """The items of a response and of all responses before it. A deleted response ends the chain."""
    records = []
    while id and (record := _find(store, id)) is not None:
        records.append(record)
        id = record["response"]["previous_response_id"]
    items: list[Item] = []
    for record in reversed(records):
        items += record["before"]
        items += own_items(store, record)
        items += record["response"]["output"]
    return items


def context_items(store: State, record: Record) -> list[Item]:
    """All input of a response: the conversation before it, and the request's own items."""
    return [*chain(store, record["response"]["previous_response_id"]), *record["before"], *own_items(store, record)]


def resolve_references(store: State | None, items: Sequence[Item]) -> list[Item]:
    """The items, with references replaced by the items they name. APIError 404 for one that is not stored."""
    if not any(item.get("type") in _REFERENCES for item in items):
        return list(items)
    resolved = []
    for item in items:
        if item.get("type") in _REFERENCES and "role" not in item:
            stored = None if store is None else _stored_item(store, item["id"])
            if stored is None:
                raise APIError(404, _NOT_STORED.format(id=item["id"]), param="input")
            resolved.append(stored)
        else:
            resolved.append(item)
    return resolved


_REFERENCES = (None, "item_reference")
_NOT_STORED = (
    "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, "
    "or remove this item from your input."
)


def expand_compactions(items: Iterable[Item]) -> list[Item]:
    """The items as rules read them: a compaction made by this mock is replaced by the items it holds."""
    expanded: list[Item] = []
    for item in items:
        if item.get("type") == "compaction":
            inner_items = [inner for inner in unseal(item.get("encrypted_content") or "") if _is_valid(inner)]
            # The output of a compaction repeats the user messages before it.
            texts = [inner.get("content") for inner in inner_items]
            expanded = [other for other in expanded if other.get("content") not in texts] + inner_items
        else:
            expanded.append(item)
    return expanded


def _is_valid(item: Any) -> bool:
    try:
        check_item(item)
    except ParamError:
        return False
    return bool(item.get("type") != "compaction")


# Conversations


def conversation(store: State, id: str) -> Item:
    """A conversation; APIError 404 when there is none."""
    stored: Item = lists.lookup(store, CONVERSATIONS, id, "Conversation with id '{id}' not found.")
    return stored


def conversation_items(store: State, id: str) -> list[Item]:
    """All items of a conversation, oldest first; APIError 404 when there is none."""
    conversation(store, id)
    return lists.values(store, collection(id), _NO_LIMIT)


def append(store: State, id: str, items: Iterable[Item]) -> None:
    """Add items to a conversation."""
    for item in items:
        store.put(collection(id), item["id"], item, size=_size(item))
        _put_item(store, item)


def remove(store: State, conversation: str, id: str) -> bool:
    """Remove an item from a conversation; whether it was there."""
    store.delete(_ITEMS, id)
    removed: bool = store.delete(collection(conversation), id)
    return removed


# Lists


def page_of(items: Sequence[Item], query: Mapping[str, Any]) -> Item:
    """A page of items (oldest first) as the query asks for it. APIError 400 for a wrong query."""
    values = LISTING.coerce(query)
    LISTING.check(values)
    return lists.page_of(items, values)

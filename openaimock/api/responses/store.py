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
from .items import Item, input_items, normalize_item, unseal
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
#: sent: its items are completed, with ids drawn at that place, when something reads them, because most are never read.
Record = dict[str, Any]
#: What is stored of a plain response, for the same reason: its id, that of its only output item, its JSON, the ``input`` as it
#: was sent, the two members of its ``place``, and its ``pace``. It is a tuple without inner objects, which the garbage collector
#: does not visit again.
PlainRecord = Sequence[Any]


def collection(conversation: str) -> str:
    """The name of the collection of a conversation's items."""
    return f"{CONVERSATIONS}/{conversation}/items"


# Responses


def response_record(store: State, id: str) -> Record:
    """A stored response; APIError 404 when there is none."""
    return _opened(lists.lookup(store, RESPONSES, id, "Response with id '{id}' not found."))


def _find(store: State, id: str) -> Record | None:
    """A stored response, None when there is none."""
    record: Record | PlainRecord | None = store.get(RESPONSES, id)
    return None if record is None else _opened(record)


def _opened(record: Record | PlainRecord) -> Record:
    """A record with its response as an object."""
    if isinstance(record, dict):
        return record
    _, _, text, value, source, drawn, pace = record
    opened: Record = {"response": json.loads(text), "input": input_items(value), "place": [source, drawn]}
    return {**opened, "before": [], "pace": pace, "state": "ended"}


def save_plain(store: State, record: PlainRecord, memory: int = 0) -> None:
    """Store a plain response. ``memory`` is the bytes of the request and of the response, roughly."""
    id, message, _, value = record[:4]
    _put(store, id, record, memory)
    store.put(_ITEMS, message, id)
    if value.__class__ is not str:
        _put_holder(store, value, id)


def _put(store: State, id: str, record: Record | PlainRecord, memory: int) -> None:
    """Store a record; past ``MAX_STORED`` the oldest response is deleted."""
    if store.count(RESPONSES) >= MAX_STORED and store.get(RESPONSES, id) is None:
        for oldest in lists.values(store, RESPONSES, 1):
            _delete(store, oldest["response"]["id"] if isinstance(oldest, dict) else oldest[0], oldest)
    store.put(RESPONSES, id, record, size=ENTRY + memory)


def _put_holder(store: State, items: Iterable[Item], id: str) -> None:
    """Make the items of an input that have an id available to references: the id of the response that has them stands there."""
    for item in items:
        if item.get("id"):
            store.put(_ITEMS, item["id"], id)


def _put_item(store: State, item: Item) -> None:
    store.put(_ITEMS, item["id"], item, size=_size(item))


def _size(item: Item) -> int:
    return ENTRY + 2 * len(dump(item))


def save(store: State, record: Record, memory: int = 0) -> None:
    """Store a response; past ``MAX_STORED`` the oldest is deleted. ``memory`` is the bytes of the request, roughly."""
    id = record["response"]["id"]
    _put(store, id, record, memory)
    if "place" in record:
        _put_holder(store, record["input"], id)
    else:
        for item in record["input"]:
            _put_item(store, item)
    if record["state"] == "ended":
        _store_output(store, record)


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
    item: Item | str | None = store.get(_ITEMS, id)
    if not isinstance(item, str):
        return item
    record = _find(store, item)
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
    if record is not None:
        _delete(store, id, record)
    return record is not None


def _delete(store: State, id: str, record: Record | PlainRecord) -> None:
    store.delete(RESPONSES, id)
    items: Iterable[Item]
    if not isinstance(record, dict):
        store.delete(_ITEMS, record[1])
        items = () if isinstance(record[3], str) else record[3]
    elif conversation_id(record["response"]):
        return
    else:
        items = [*record["response"]["output"], *record["input"]]
    # An item that has no id yet is not stored by itself.
    for item in items:
        if item.get("id"):
            store.delete(_ITEMS, item["id"])


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


def pace_record(pace: Pace | None) -> dict[str, Any] | None:
    """A pace as it is stored."""
    return {"chunk": pace.chunk, "chunks": list(pace.chunks)} if pace else None


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


def has_references(items: Iterable[Item]) -> bool:
    """Whether an item stands for a stored one."""
    for item in items:  # noqa: SIM110 (a generator would take three times as long)
        if item.get("type") in _REFERENCES and "role" not in item:
            return True
    return False


def resolve_references(store: State | None, items: Sequence[Item]) -> list[Item]:
    """The items, with references replaced by the items they name. APIError 404 for one that is not stored."""
    if not has_references(items):
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

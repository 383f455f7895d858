"""Conversations: create, retrieve, update and delete them and their items; responses add to them.

(API reference: Conversations; SDK types Conversation, ConversationItem, ConversationItemList, ConversationDeletedResource.)
"""

from __future__ import annotations

from typing import Any

from ..errors import APIError
from ..http import payloads
from ..http.request import Request
from ..state.namespace import Context
from ..types.ask import Ask
from ..types.reply import Reply
from .operation import Operation
from .responses import store as stored
from .responses.items import LENGTH, Item, kept
from .responses.params import CONVERSATION, CONVERSATION_ITEMS, CONVERSATION_UPDATE, check_update
from .responses.store import CONVERSATIONS, collection


def _read(request: Request) -> Ask:
    """The Ask of an operation without a body. Asks here show no messages: rules for what users say are meant for answers."""
    return Ask("conversations", query=request.query)


def _read_create(request: Request) -> Ask:
    body = request.object() if request.raw else {}
    CONVERSATION.check(body)
    return Ask("conversations", body, query=request.query)


def _read_update(request: Request) -> Ask:
    body = request.object()
    check_update(body)
    return Ask("conversations", body)


def _read_items(request: Request) -> Ask:
    body = request.object()
    CONVERSATION_ITEMS.check(body)
    return Ask("conversations", body, query=request.query)


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    made: Item = {
        "id": context.ids.hex("conv_", LENGTH),
        "object": "conversation",
        "created_at": context.created,
        "metadata": ask.body.get("metadata") or {},
    }
    items = _added(ask, context)
    context.store.put(CONVERSATIONS, made["id"], made)
    stored.append(context.store, made["id"], items)
    return payloads.JSON(made)


def _added(ask: Ask, context: Context) -> list[Item]:
    """The items of a request as they will be kept."""
    return [kept(item, context.ids) for item in stored.resolved(context.store, ask.body.get("items") or ())]


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored.conversation(context.store, ask.params["conversation_id"]))


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["conversation_id"]
    made = {**stored.conversation(context.store, id), "metadata": ask.body.get("metadata") or {}}
    context.store.put(CONVERSATIONS, id, made)
    return payloads.JSON(made)


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["conversation_id"]
    for item in stored.said_in(context.store, id):
        stored.remove(context.store, id, item["id"])
    context.store.delete(CONVERSATIONS, id)
    return payloads.JSON({"id": id, "object": "conversation.deleted", "deleted": True})


def _create_items(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["conversation_id"]
    stored.conversation(context.store, id)
    items = _added(ask, context)
    stored.append(context.store, id, items)
    return payloads.JSON(stored.page_of(items))


def _list_items(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored.listed(stored.said_in(context.store, ask.params["conversation_id"]), ask.query))


def _item(ask: Ask, context: Context) -> Any:
    conversation, id = ask.params["conversation_id"], ask.params["item_id"]
    stored.conversation(context.store, conversation)
    item = context.store.get(collection(conversation), id)
    if item is None:
        raise APIError(404, f"Item with id '{id}' not found in conversation '{conversation}'.")
    return item


def _retrieve_item(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_item(ask, context))


def _delete_item(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """Take an item away; the conversation is the answer."""
    item = _item(ask, context)
    stored.remove(context.store, ask.params["conversation_id"], item["id"])
    return _retrieve(ask, reply, context)


_ONE = "/conversations/<conversation_id>"
ENDPOINTS = (
    Operation("conversations", "POST", "/conversations", _read_create, _create, own=True, params=CONVERSATION),
    Operation("conversations", "GET", _ONE, _read, _retrieve, own=True),
    Operation("conversations", "POST", _ONE, _read_update, _update, own=True, params=CONVERSATION_UPDATE),
    Operation("conversations", "DELETE", _ONE, _read, _delete, own=True),
    Operation("conversations", "POST", f"{_ONE}/items", _read_items, _create_items, own=True, params=CONVERSATION_ITEMS),
    Operation("conversations", "GET", f"{_ONE}/items", _read, _list_items, own=True),
    Operation("conversations", "GET", f"{_ONE}/items/<item_id>", _read, _retrieve_item, own=True),
    Operation("conversations", "DELETE", f"{_ONE}/items/<item_id>", _read, _delete_item, own=True),
)

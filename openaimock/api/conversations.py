"""Conversations: create, retrieve, update and delete them and their items; responses add to them.

(API reference: Conversations; SDK types Conversation, ConversationItem, ConversationItemList, ConversationDeletedResource.)
"""

from __future__ import annotations

from typing import Any

from ..http import payloads
from ..http.request import Request
from ..state.namespace import Context
from ..types.ask import Ask
from ..types.reply import Reply
from . import lists
from .operation import Operation
from .reading import no_body
from .responses import store as stored
from .responses.items import Item, new_id, normalize_item
from .responses.params import CONVERSATION, CONVERSATION_ITEMS, CONVERSATION_UPDATE, check_update
from .responses.store import CONVERSATIONS, collection


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
    conversation: Item = {
        "id": new_id("conv_", context.ids),
        "object": "conversation",
        "created_at": context.created,
        "metadata": ask.body.get("metadata") or {},
    }
    items = _new_items(ask, context)
    context.store.put(CONVERSATIONS, conversation["id"], conversation)
    stored.append(context.store, conversation["id"], items)
    return payloads.JSON(conversation)


def _new_items(ask: Ask, context: Context) -> list[Item]:
    """The items of a request as they are stored."""
    return [normalize_item(item, context.ids) for item in stored.resolve_references(context.store, ask.body.get("items") or ())]


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored.conversation(context.store, ask.params["conversation_id"]))


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["conversation_id"]
    conversation = {**stored.conversation(context.store, id), "metadata": ask.body.get("metadata") or {}}
    context.store.put(CONVERSATIONS, id, conversation)
    return payloads.JSON(conversation)


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["conversation_id"]
    for item in stored.conversation_items(context.store, id):
        stored.remove(context.store, id, item["id"])
    context.store.delete(CONVERSATIONS, id)
    return payloads.JSON(lists.deleted(id, "conversation.deleted"))


def _create_items(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["conversation_id"]
    stored.conversation(context.store, id)
    items = _new_items(ask, context)
    stored.append(context.store, id, items)
    return payloads.JSON(lists.list_object(items))


def _list_items(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored.page_of(stored.conversation_items(context.store, ask.params["conversation_id"]), ask.query))


def _item(ask: Ask, context: Context) -> Any:
    conversation, id = ask.params["conversation_id"], ask.params["item_id"]
    stored.conversation(context.store, conversation)
    message = f"Item with id '{{id}}' not found in conversation '{conversation}'."
    return lists.lookup(context.store, collection(conversation), id, message)


def _retrieve_item(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_item(ask, context))


def _delete_item(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """Delete an item; the answer is the conversation."""
    item = _item(ask, context)
    stored.remove(context.store, ask.params["conversation_id"], item["id"])
    return _retrieve(ask, reply, context)


_ONE = "/conversations/<conversation_id>"
_read = no_body("conversations")
ENDPOINTS = (
    Operation("conversations.create", "POST", "/conversations", _read_create, _create, own=True, params=CONVERSATION),
    Operation("conversations.retrieve", "GET", _ONE, _read, _retrieve, own=True),
    Operation("conversations.update", "POST", _ONE, _read_update, _update, own=True, params=CONVERSATION_UPDATE),
    Operation("conversations.delete", "DELETE", _ONE, _read, _delete, own=True),
    Operation(
        "conversations.items.create", "POST", f"{_ONE}/items", _read_items, _create_items, own=True, params=CONVERSATION_ITEMS
    ),
    Operation("conversations.items.list", "GET", f"{_ONE}/items", _read, _list_items, own=True),
    Operation("conversations.items.retrieve", "GET", f"{_ONE}/items/<item_id>", _read, _retrieve_item, own=True),
    Operation("conversations.items.delete", "DELETE", f"{_ONE}/items/<item_id>", _read, _delete_item, own=True),
)

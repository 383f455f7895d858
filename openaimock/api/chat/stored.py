"""Stored chat completions: what was made with ``store: true`` is listed, retrieved, changed and deleted, and so are its messages.

(API reference: Chat Completions; SDK types ChatCompletion, ChatCompletionStoreMessage, ChatCompletionDeleted.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import APIError
from ...http import payloads, sse
from ...http.request import Request
from ...http.sse import Frame
from ...params.errors import missing
from ...params.table import Integer, OneOf, String, table
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ..operation import Operation
from .params import METADATA

#: The shelf of the store where they stand, each with its messages.
SHELF = "chat.completions"
#: What a stored completion says of its request beside the completion itself: the name there, and what it is when not given.
_REQUEST = {
    "tool_choice": None,
    "seed": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
_PAGE = {"after": String(), "limit": Integer(min=1, max=100), "order": OneOf(["asc", "desc"])}
COMPLETIONS = table({**_PAGE, "model": String(), "metadata": METADATA})
MESSAGES = table(_PAGE)
UPDATE = table({"metadata": METADATA})


# Keeping


def keep(ask: Ask, completion: Mapping[str, Any], context: Context) -> None:
    """Keep a whole chat completion, and what was asked."""
    body = ask.body
    made = {
        **completion,
        **{name: usual if body.get(name) is None else body[name] for name, usual in _REQUEST.items()},
        "input_user": body.get("user"),
        "tools": body.get("tools"),
        "metadata": body.get("metadata") or {},
        "response_format": body.get("response_format"),
    }
    messages = [_message(message, f"{made['id']}-{at}") for at, message in enumerate(body["messages"])]
    _put(context, made, {"completion": made, "messages": messages})


def keeping(frames: Iterator[Frame], ask: Ask, completion: Mapping[str, Any], context: Context) -> Iterator[Frame]:
    """The frames of a stream, which is kept when all but its end has left: one that breaks off is not."""
    for frame in frames:
        if frame is sse.DONE:
            keep(ask, completion, context)
        yield frame


def _message(given: Mapping[str, Any], id: str) -> dict[str, Any]:
    """A message of a request as it is listed: text in ``content``, parts in ``content_parts``."""
    content = given.get("content")
    parts = content if isinstance(content, list) else None
    more = {name: value for name, value in given.items() if name not in ("role", "content", "name") and value is not None}
    said = {"id": id, "role": given["role"], "content": None if parts else content, "name": given.get("name")}
    return {**said, "content_parts": parts, **more}


# Asking for what was kept


def _read(request: Request) -> Ask:
    """The Ask of an operation without a body. It shows no messages: rules for what users say are meant for answers."""
    return Ask("chat", query=request.query)


def _read_list(request: Request) -> Ask:
    query = COMPLETIONS.coerce(request.query)
    COMPLETIONS.check(query)
    return Ask("chat", query=query, model=query.get("model") or "")


def _read_messages(request: Request) -> Ask:
    query = MESSAGES.coerce(request.query)
    MESSAGES.check(query)
    return Ask("chat", query=query)


def _put(context: Context, completion: dict[str, Any], record: dict[str, Any]) -> None:
    """Store a completion so that a list can select it by its model and metadata."""
    index = {f"metadata.{name}": text for name, text in (completion["metadata"] or {}).items()}
    context.store.put(SHELF, completion["id"], record, {**index, "model": completion["model"]})


def _read_update(request: Request) -> Ask:
    body = request.object()
    if "metadata" not in body:
        raise missing("metadata").error()
    UPDATE.check(body)
    return Ask("chat", body)


def _kept(ask: Ask, context: Context) -> dict[str, Any]:
    id = ask.params["completion_id"]
    found: dict[str, Any] | None = context.store.get(SHELF, id)
    if found is None:
        said = f"Chat completion with id '{id}' not found. Only those created with `store` set to true can be found."
        raise APIError(404, said)
    return found


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    query = ask.query
    model, metadata = query.get("model"), query.get("metadata") or {}
    page = context.store.page(
        SHELF,
        limit=query.get("limit") or 20,
        after=query.get("after"),
        newest_first=query.get("order") == "desc",
        index=({"model": model} if model else {}) | {f"metadata.{name}": text for name, text in metadata.items()},
    )
    if page is None:
        raise _lost(query["after"])
    return payloads.JSON(_listed([each["completion"] for each in page.items], page.more))


def _list_messages(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    messages = list(_kept(ask, context)["messages"])
    query = ask.query
    if query.get("order") == "desc":
        messages.reverse()
    after = query.get("after")
    if after is not None:
        places = [at for at, message in enumerate(messages) if message["id"] == after]
        if not places:
            raise _lost(after)
        messages = messages[places[0] + 1 :]
    limit = query.get("limit") or 20
    return payloads.JSON(_listed(messages[:limit], len(messages) > limit))


def _lost(after: str) -> APIError:
    return APIError(400, f"Item with id '{after}' not found.", param="after")


def _listed(items: list[dict[str, Any]], more: bool) -> dict[str, Any]:
    first, last = (items[0]["id"], items[-1]["id"]) if items else ("", "")
    return {"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": more}


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_kept(ask, context)["completion"])


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    found = _kept(ask, context)
    made = {**found["completion"], "metadata": ask.body["metadata"] or {}}
    _put(context, made, {**found, "completion": made})
    return payloads.JSON(made)


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = _kept(ask, context)["completion"]["id"]
    context.store.delete(SHELF, id)
    return payloads.JSON({"object": "chat.completion.deleted", "id": id, "deleted": True})


_ONE = "/chat/completions/<completion_id>"
ENDPOINTS = (
    Operation("chat", "GET", "/chat/completions", _read_list, _list, own=True),
    Operation("chat", "GET", _ONE, _read, _retrieve, own=True),
    Operation("chat", "POST", _ONE, _read_update, _update, own=True, params=UPDATE),
    Operation("chat", "DELETE", _ONE, _read, _delete, own=True),
    Operation("chat", "GET", f"{_ONE}/messages", _read_messages, _list_messages, own=True),
)

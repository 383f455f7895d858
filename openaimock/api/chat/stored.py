"""Stored chat completions: what was made with ``store: true`` is listed, retrieved, changed and deleted, and so are its messages.

(API reference: Chat Completions; SDK types ChatCompletion, ChatCompletionStoreMessage, ChatCompletionDeleted.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...http import payloads, sse
from ...http.request import Request
from ...http.sse import Frame
from ...params.errors import missing
from ...params.table import String, table
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..operation import Operation
from .params import METADATA

#: The collection of stored completions, each with its messages.
COLLECTION = "chat.completions"
#: What a stored completion says of its request beside the completion itself: the name there, and what it is when not given.
_REQUEST = {
    "tool_choice": None,
    "seed": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
COMPLETIONS = table({**lists.PAGE, "model": String(), "metadata": METADATA})
MESSAGES = table(lists.PAGE)
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
    context.store.put(COLLECTION, made["id"], {"completion": made, "messages": messages})


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


def _read_update(request: Request) -> Ask:
    body = request.object()
    if "metadata" not in body:
        raise missing("metadata").error()
    UPDATE.check(body)
    return Ask("chat", body)


def _record(ask: Ask, context: Context) -> dict[str, Any]:
    """A stored completion with its messages. APIError 404 when there is none."""
    record: dict[str, Any] = lists.lookup(
        context.store,
        COLLECTION,
        ask.params["completion_id"],
        "Completion {id} not found",
        param="completion_id",
        code="not_found",
    )
    return record


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    model, metadata = ask.query.get("model"), ask.query.get("metadata") or {}

    def selected(record: Any) -> bool:
        completion = record["completion"]
        return (not model or completion["model"] == model) and bool(metadata.items() <= completion["metadata"].items())

    def completion(record: Any) -> Any:
        return record["completion"]

    return payloads.JSON(lists.stored_page(context.store, COLLECTION, ask.query, order="asc", where=selected, view=completion))


def _list_messages(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(lists.page_of(_record(ask, context)["messages"], ask.query, order="asc"))


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_record(ask, context)["completion"])


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = _record(ask, context)
    completion = {**record["completion"], "metadata": ask.body["metadata"] or {}}
    context.store.put(COLLECTION, completion["id"], {**record, "completion": completion})
    return payloads.JSON(completion)


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = _record(ask, context)["completion"]["id"]
    context.store.delete(COLLECTION, id)
    return payloads.JSON(lists.deleted(id, "chat.completion.deleted"))


_ONE = "/chat/completions/<completion_id>"
ENDPOINTS = (
    Operation("chat", "GET", "/chat/completions", _read_list, _list, own=True),
    Operation("chat", "GET", _ONE, _read, _retrieve, own=True),
    Operation("chat", "POST", _ONE, _read_update, _update, own=True, params=UPDATE),
    Operation("chat", "DELETE", _ONE, _read, _delete, own=True),
    Operation("chat", "GET", f"{_ONE}/messages", _read_messages, _list_messages, own=True),
)

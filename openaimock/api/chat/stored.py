"""Stored chat completions, those of requests with ``store: true``: list, retrieve, update and delete them, list their messages.

(API reference: Chat Completions; SDK types ChatCompletion, ChatCompletionStoreMessage, ChatCompletionDeleted.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...http import payloads, sse
from ...http.request import Request
from ...http.sse import Frame
from ...params.common import METADATA
from ...params.errors import missing
from ...params.table import String, table
from ...state.namespace import Context
from ...state.store import ENTRY
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..operation import Operation
from ..reading import no_body, query_of

#: The collection of stored completions, each with its messages.
COLLECTION = "chat.completions"
#: Members of a stored completion that come from its request, and their defaults.
_REQUEST = {
    "tool_choice": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
COMPLETIONS = table({**lists.PAGE, "model": String(), "metadata": METADATA})
MESSAGES = table(lists.PAGE)
UPDATE = table({"metadata": METADATA})


# Storing


def store(ask: Ask, completion: Mapping[str, Any], context: Context) -> None:
    """Store a whole chat completion with its request, in the form in which the API lists it."""
    body = ask.body
    usage = {name: count for name, count in completion["usage"].items() if not name.endswith("_details")}
    entry = {
        **completion,
        "choices": [{**choice, "message": _answer(choice["message"])} for choice in completion["choices"]],
        "usage": usage,
        "request_id": context.request_id,
        **{name: usual if body.get(name) is None else body[name] for name, usual in _REQUEST.items()},
        "seed": context.ids.random.getrandbits(63) if body.get("seed") is None else body["seed"],
        "input_user": body.get("user"),
        "tools": body.get("tools"),
        "metadata": body.get("metadata") or {},
        "response_format": body.get("response_format"),
    }
    messages = [_message(message, f"{entry['id']}-{at}") for at, message in enumerate(body["messages"])]
    _put(context, entry, {"completion": entry, "messages": messages}, ENTRY + context.memory)


def store_at_end(frames: Iterator[Frame], ask: Ask, completion: Mapping[str, Any], context: Context) -> Iterator[Frame]:
    """The frames of a stream; its completion is stored before the last frame, so that a stream that breaks off is not stored."""
    for frame in frames:
        if frame is sse.DONE:
            store(ask, completion, context)
        yield frame


def _answer(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message of a stored choice: calls are null when there are none, and other members are there only with a value."""
    more = {name: value for name, value in message.items() if name not in ("role", "content") and value not in (None, [])}
    return {"role": message["role"], "content": message["content"], "tool_calls": None, "function_call": None, **more}


def _message(message: Mapping[str, Any], id: str) -> dict[str, Any]:
    """A message of a request as it is listed: text in ``content``, parts in ``content_parts``."""
    content = message.get("content")
    parts = content if isinstance(content, list) else None
    more = {name: value for name, value in message.items() if name not in ("role", "content", "name") and value is not None}
    fields = {"id": id, "role": message["role"], "content": None if parts else content, "name": message.get("name")}
    return {**fields, "content_parts": parts, **more}


# Operations on stored completions


def _read_list(request: Request) -> Ask:
    query = COMPLETIONS.coerce(request.query)
    COMPLETIONS.check(query)
    return Ask("chat", query=query, model=query.get("model") or "")


def _put(context: Context, completion: dict[str, Any], record: dict[str, Any], size: int = 0) -> None:
    """Store a completion so that a list can select it by its model and metadata."""
    index = {f"metadata.{name}": text for name, text in (completion["metadata"] or {}).items()}
    context.store.put(COLLECTION, completion["id"], record, {**index, "model": completion["model"]}, size=size)


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
    # Answers have the snapshot of an alias.
    index = ({"model": context.model(model).snapshot} if model else {}) | {
        f"metadata.{name}": text for name, text in metadata.items()
    }

    def completion(record: Any) -> Any:
        return record["completion"]

    return payloads.JSON(lists.stored_page(context.store, COLLECTION, ask.query, order="asc", index=index, view=completion))


def _list_messages(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(lists.page_of(_record(ask, context)["messages"], ask.query, order="asc"))


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_record(ask, context)["completion"])


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = _record(ask, context)
    completion = {**record["completion"], "metadata": ask.body["metadata"] or {}}
    _put(context, completion, {**record, "completion": completion})
    return payloads.JSON(completion)


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = _record(ask, context)["completion"]["id"]
    context.store.delete(COLLECTION, id)
    return payloads.JSON(lists.deleted(id, "chat.completion.deleted"))


_ONE = "/chat/completions/<completion_id>"
_read, _read_messages = no_body("chat"), query_of("chat", MESSAGES)
ENDPOINTS = (
    Operation("chat.completions.list", "GET", "/chat/completions", _read_list, _list, own=True),
    Operation("chat.completions.retrieve", "GET", _ONE, _read, _retrieve, own=True),
    Operation("chat.completions.update", "POST", _ONE, _read_update, _update, own=True, params=UPDATE),
    Operation("chat.completions.delete", "DELETE", _ONE, _read, _delete, own=True),
    Operation("chat.completions.messages.list", "GET", f"{_ONE}/messages", _read_messages, _list_messages, own=True),
)

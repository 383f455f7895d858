"""Responses: create (at once, streamed, in the background), retrieve, cancel, delete, input items, token counts, compaction.

(API reference: Responses; SDK types Response, ResponseStreamEvent, ResponseItemList, InputTokenCountResponse, CompactedResponse.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...errors import APIError
from ...http import payloads
from ...http.catalog import api_error
from ...http.json import dump_with
from ...http.request import Request
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ...types.tools import describe
from ..operation import Operation, VaryingText
from . import store as stored
from .background import watched
from .body import ResponsesAsk, conversation_id, input_tokens, response_for, takes_long, usage
from .echo import texts
from .events import stream_events
from .items import Item, input_items, messages, new_id, normalize_item, seal, text_messages
from .params import COMPACT, INPUT_TOKENS, RESPONSES, check_create, check_not_empty
from .plain import is_plain, plain_answer
from .store import Record
from .stored import broken, live_events

# Create


def read(request: Request) -> ResponsesAsk:
    """The Ask of POST /responses. APIError 400 or 404 for what the API refuses."""
    body = request.object()
    check_create(body)
    items, before = _items(request, body)
    check_not_empty(body)
    instructions, model, stream = body.get("instructions"), body.get("model") or "", bool(body.get("stream"))
    if before or body.get("input").__class__ is not str:
        conversation = messages(stored.expand_compactions([*before, *items]), instructions)
    else:
        conversation = text_messages(body["input"], instructions)
    text = next((message.text for message in reversed(conversation) if message.role == "user"), "")
    ask = ResponsesAsk("responses", body, conversation, text, model, stream)
    ask.items, ask.before, ask.same = items, before, {}
    describe(ask)
    return ask


def _is_alone(ask: Ask) -> bool:
    """Whether reading a request asked the store for nothing."""
    body = ask.body
    items = body.get("input")
    if body.get("previous_response_id") or conversation_id(body):
        return False
    return items.__class__ is str or not stored.has_references(items or ())


def _replace_text(ask: ResponsesAsk, text: str) -> None:
    """Put another text into the last message of an Ask that was just read; LookupError when that is not the user's."""
    source = ask.body["input"]
    if source.__class__ is str:
        new_source: Any = text
        ask.items = input_items(text)
    else:
        if source[-1]["role"] != "user":
            # The text of an assistant is joined with that before it.
            raise LookupError
        new_source = ask.items = [*ask.items[:-1], {**source[-1], "content": text}]
    ask.body = {**ask.body, "input": new_source}
    ask.messages, ask.text = [*ask.messages[:-1], ask.messages[-1]._replace(text=text)], text


def _items(request: Request, body: Mapping[str, Any]) -> tuple[list[Item], list[Item]]:
    """The request's own items, and those of the conversation before them."""
    before = stored.previous_items(request.store, body)
    items = input_items(body.get("input"))
    return (items if body.get("input").__class__ is str else stored.resolve_references(request.store, items)), before


def write(ask: ResponsesAsk, reply: Reply, context: Context) -> payloads.JSON | payloads.Events:
    """The answer to a request to create a response; stored unless the request says otherwise."""
    if not context.prompt_cache and is_plain(ask, reply):
        return plain_answer(ask, reply, context)
    response = response_for(ask, reply, context)
    background = response["background"]
    record: Record = {
        "response": response,
        "input": ask.items,
        "place": context.ids.place,
        "before": list(ask.before) if "conversation" in response else [],
        "pace": stored.pace_record(reply.pace),
        "state": ("in_progress" if ask.stream else "queued") if background else "ended",
    }
    if background:
        record = watched(record, context, streamed=ask.stream)
    # A background response is polled, so it is available even with ``store: false``.
    if "conversation" in response:
        record = stored.completed(record)
    if response["store"] or background:
        stored.save(context.store, record, context.memory)
    elif "conversation" in response:
        stored.append(context.store, response["conversation"]["id"], [*record["input"], *response["output"]])
    if "texts" not in ask.same:
        ask.same["texts"] = texts(ask.body, response)
    written = ask.same["texts"]
    if not ask.stream:
        answer = stored.current(record)
        # A reply with members of its own changes the object.
        payload = dump_with(answer, written).encode() if written and reply.plain else answer
        return payloads.JSON(payload, 0.0 if background else response["usage"]["output_tokens"])
    options = ask.body.get("stream_options") or {}
    events = stream_events(response, reply.pace, obfuscate=bool(options.get("include_obfuscation")), texts=written)
    live = live_events(context.store, response["id"], events) if background else events
    return payloads.Events(live, partial(broken, context.store, response))


# Counting and compacting


def _read_count(request: Request) -> ResponsesAsk:
    body = request.object()
    INPUT_TOKENS.check(body)
    return _unmatched(request, body)


def _read_compact(request: Request) -> ResponsesAsk:
    body = request.object()
    COMPACT.check(body)
    return _unmatched(request, body)


def _unmatched(request: Request, body: dict[str, Any]) -> ResponsesAsk:
    """An Ask without messages: counting does not use up a rule about a message."""
    # Lint reads the parameters that only creation accepts, so their types must be right.
    RESPONSES.check(body)
    items, before = _items(request, body)
    ask = ResponsesAsk("responses", body, model=body.get("model") or "")
    ask.items, ask.before, ask.same = items, before, {}
    return ask


def _count(ask: ResponsesAsk, reply: Reply | None, context: Context) -> payloads.JSON:
    """The number of input tokens of a request; the ``usage`` of a rule overrides it."""
    overrides = (reply.usage if reply else None) or {}
    count = overrides["input_tokens"] if "input_tokens" in overrides else input_tokens(ask, context)
    return payloads.JSON({"object": "response.input_tokens", "input_tokens": count})


def _compact(ask: ResponsesAsk, reply: Reply | None, context: Context) -> payloads.JSON:
    """A conversation with all but the user messages as one item, which rules can still read later."""
    check_not_empty(ask.body)
    id = new_id("resp_", context.ids)
    items = [normalize_item(item, context.ids) for item in stored.expand_compactions([*ask.before, *ask.items])]
    user_messages = [item for item in items if item["type"] == "message" and item["role"] == "user"]
    compaction = normalize_item({"type": "compaction", "encrypted_content": seal(items)}, context.ids)
    tokens = usage(ask, reply or Reply(), context)
    if not tokens["output_tokens"]:
        # The length of the model's summary is not known; it is shorter than the input.
        summary = max(1, tokens["input_tokens"] // 10)
        tokens = {**tokens, "output_tokens": summary, "total_tokens": tokens["input_tokens"] + summary}
    output = [*user_messages, compaction]
    compacted = {"id": id, "object": "response.compaction", "created_at": context.created, "output": output, "usage": tokens}
    return payloads.JSON(compacted, tokens["output_tokens"])


# What is not served


def _read_socket(request: Request) -> Ask:
    """GET /responses opens a WebSocket, which is not served here: 426 makes clients use POST at once. Otherwise 405."""
    if (request.header("upgrade") or "").lower() == "websocket":
        raise APIError(426, "WebSocket connections are not supported here. Send this request as POST /v1/responses instead.")
    refusal = api_error(405, method="GET", path=request.environ.get("PATH_INFO") or "")
    refusal.headers["allow"] = "POST"
    raise refusal


def _not_allowed(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    raise api_error(405, method=ask.method, path=ask.path)


ENDPOINTS = (
    Operation(
        "responses.create",
        "POST",
        "/responses",
        read,
        write,
        params=RESPONSES,
        alone=_is_alone,
        blocking=takes_long,
        varying=VaryingText(("input", "content"), _replace_text),
    ),
    Operation("responses.connect", "GET", "/responses", _read_socket, _not_allowed, own=True),
    Operation(
        "responses.input_tokens.count", "POST", "/responses/input_tokens", _read_count, _count, own=True, params=INPUT_TOKENS
    ),
    Operation("responses.compact", "POST", "/responses/compact", _read_compact, _compact, own=True, params=COMPACT),
)

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
from ...http.request import Request
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ...types.tools import describe
from ..operation import Operation
from . import store as stored
from .body import ResponsesAsk, input_tokens, response_for, usage
from .events import frames
from .items import LENGTH, Item, given_items, kept, messages, sealed
from .params import COMPACT, INPUT_TOKENS, RESPONSES, check_create, check_something
from .store import Record
from .stored import broken, live_events

# Create


def read(request: Request) -> ResponsesAsk:
    """The Ask of POST /responses. APIError 400 or 404 for what the API would not take."""
    body = request.object()
    deployment = request.params.get("deployment")
    if deployment:
        body["model"] = deployment
    check_create(body)
    items, before = _said(request, body)
    check_something(body)
    heard = messages(stored.expanded([*before, *items]), body.get("instructions"))
    text = next((message.text for message in reversed(heard) if message.role == "user"), "")
    ask = ResponsesAsk("responses", body, heard, text, body.get("model") or "", bool(body.get("stream")))
    ask.items, ask.before = items, before
    describe(ask)
    return ask


def _said(request: Request, body: Mapping[str, Any]) -> tuple[list[Item], list[Item]]:
    """The request's own items, and those before them."""
    before = stored.earlier(request.store, body)
    return stored.resolved(request.store, given_items(body.get("input"))), before


def write(ask: ResponsesAsk, reply: Reply, context: Context) -> payloads.JSON | payloads.Events:
    """The answer to a request to create a response; stored unless the request says otherwise."""
    response = response_for(ask, reply, context)
    background = response["background"]
    cut = reply.pace
    record: Record = {
        "response": response,
        "input": [kept(item, context.ids) for item in ask.items],
        "before": list(ask.before) if "conversation" in response else [],
        "pace": {"chunk": cut.chunk, "chunks": list(cut.chunks)} if cut else None,
        "state": ("in_progress" if ask.stream else "queued") if background else "ended",
    }
    # A background response is polled, so it is there for a while even when it is not to be stored.
    if response["store"] or background:
        stored.keep(context.store, record)
    elif "conversation" in response:
        stored.append(context.store, response["conversation"]["id"], [*record["input"], *response["output"]])
    if not ask.stream:
        return payloads.JSON(stored.shown(record), 0.0 if background else response["usage"]["output_tokens"])
    options = ask.body.get("stream_options") or {}
    events = frames(response, cut, obfuscate=bool(options.get("include_obfuscation")))
    live = live_events(context.store, response["id"], events) if background else events
    return payloads.Events(live, partial(broken, context.store, response))


# Stored responses


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
    """An Ask that shows no messages: a rule for what somebody says is not meant for counting it, and would be used up."""
    # Of what only a request to create a response takes: it is looked at by lint, and must be what it seems.
    RESPONSES.check(body)
    items, before = _said(request, body)
    ask = ResponsesAsk("responses", body, model=body.get("model") or "")
    ask.items, ask.before = items, before
    return ask


def _count(ask: ResponsesAsk, reply: Reply | None, context: Context) -> payloads.JSON:
    """How many tokens a request would cost; a rule may say so in its ``usage``."""
    given = (reply.usage if reply else None) or {}
    counted = given["input_tokens"] if "input_tokens" in given else input_tokens(ask)
    return payloads.JSON({"object": "response.input_tokens", "input_tokens": counted})


def _compact(ask: ResponsesAsk, reply: Reply | None, context: Context) -> payloads.JSON:
    """A conversation as one item. What it holds can be read again here, so that rules still see what was said."""
    check_something(ask.body)
    id = context.ids.hex("resp_", LENGTH)
    whole = [kept(item, context.ids) for item in stored.expanded([*ask.before, *ask.items])]
    compaction = kept({"type": "compaction", "encrypted_content": sealed(whole)}, context.ids)
    counted = usage(ask, reply or Reply())
    if not counted["output_tokens"]:
        # A summary is shorter than what it sums up; by how much is the model's secret.
        said = max(1, counted["input_tokens"] // 10)
        counted = {**counted, "output_tokens": said, "total_tokens": counted["input_tokens"] + said}
    made = {"id": id, "object": "response.compaction", "created_at": context.created, "output": [compaction], "usage": counted}
    return payloads.JSON(made, counted["output_tokens"])


# What is not there


def _read_socket(request: Request) -> Ask:
    """GET /responses opens a WebSocket, which is not served here: 426 sends clients to POST at once. Anything else is 405."""
    if (request.header("upgrade") or "").lower() == "websocket":
        raise APIError(426, "WebSocket connections are not supported here. Send this request as POST /v1/responses instead.")
    refusal = api_error(405, method="GET", path=request.environ.get("PATH_INFO") or "")
    refusal.headers["allow"] = "POST"
    raise refusal


def _nothing(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    raise api_error(405, method=ask.method, path=ask.path)


ENDPOINTS = (
    Operation("responses", "POST", "/responses", read, write, params=RESPONSES),
    Operation("responses", "GET", "/responses", _read_socket, _nothing, own=True),
    Operation("responses", "POST", "/responses/input_tokens", _read_count, _count, own=True, params=INPUT_TOKENS),
    Operation("responses", "POST", "/responses/compact", _read_compact, _compact, own=True, params=COMPACT),
)

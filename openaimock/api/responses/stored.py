"""Stored responses: retrieve, delete, cancel and list input items."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...http import payloads
from ...http.catalog import api_error
from ...http.request import Request
from ...http.sse import Frame
from ...state.namespace import Context
from ...state.store import State
from ...types.ask import Ask
from ...types.reply import Reply
from ..operation import Operation
from . import store as stored
from .body import Response
from .events import closing, failed, frames
from .params import RETRIEVING


def live_events(store: State, id: str, events: Iterator[Frame]) -> Iterator[Frame]:
    """The events of a background response: it has ended when they have, and they end when it is cancelled."""
    for number, event in enumerate(events):
        record = store.get(stored.RESPONSES, id)
        if record is not None and record["response"]["status"] == "cancelled":
            yield from closing(record["response"], number)
            return
        yield event
    if (record := store.get(stored.RESPONSES, id)) is not None:
        stored.moved(store, record, "ended")


def broken(store: State, response: Response, number: int) -> bytes:
    """What is sent in the place of an event when a rule lets the stream fail there; the response stays as failed."""
    error = api_error(500)
    failure = failed(response, {"code": error.code or "server_error", "message": error.message})
    record = store.get(stored.RESPONSES, response["id"])
    if record is not None:
        store.put(stored.RESPONSES, response["id"], {**record, "response": failure, "state": "ended"})
    return b"".join(data for data, _ in closing(failure, number))


def _read_stored(request: Request) -> Ask:
    """The Ask of an operation on a stored response."""
    RETRIEVING.check(RETRIEVING.coerce(request.query))
    return Ask("responses", query=request.query)


def _read_list(request: Request) -> Ask:
    return Ask("responses", query=request.query)


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON | payloads.Events:
    """A stored response, whole or as its events; asking moves one in the background a step on."""
    record = stored.found(context.store, ask.params["response_id"])
    asked = RETRIEVING.coerce(ask.query)
    if not asked.get("stream"):
        return payloads.JSON(stored.shown(stored.moved(context.store, record)))
    response = record["response"]
    events = frames(response, stored.pace_of(record), obfuscate=bool(asked.get("include_obfuscation")))
    if record["state"] != "ended":
        events = live_events(context.store, response["id"], events)
    return payloads.Events(islice(events, max(0, asked.get("starting_after", -1) + 1), None))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["response_id"]
    stored.found(context.store, id)
    stored.forget(context.store, id)
    return payloads.JSON({"id": id, "object": "response", "deleted": True})


def _cancel(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = stored.found(context.store, ask.params["response_id"])
    return payloads.JSON(stored.shown(stored.cancelled(context.store, record)))


def _input_items(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = stored.found(context.store, ask.params["response_id"])
    return payloads.JSON(stored.listed(stored.heard(context.store, record), ask.query))


ENDPOINTS = (
    Operation("responses", "GET", "/responses/<response_id>", _read_stored, _retrieve, own=True),
    Operation("responses", "DELETE", "/responses/<response_id>", _read_list, _delete, own=True),
    Operation("responses", "POST", "/responses/<response_id>/cancel", _read_list, _cancel, own=True),
    Operation("responses", "GET", "/responses/<response_id>/input_items", _read_list, _input_items, own=True),
)

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
from .. import lists
from ..operation import Operation
from ..reading import no_body
from . import store as stored
from .background import announce_soon
from .body import Response
from .events import failed_response, final_events, stream_events
from .params import RETRIEVING


def live_events(store: State, id: str, events: Iterator[Frame]) -> Iterator[Frame]:
    """The events of a background response: the last one ends the response; cancelling the response ends the events."""
    for number, event in enumerate(events):
        record = store.get(stored.RESPONSES, id)
        if record is not None and record["response"]["status"] == "cancelled":
            yield from final_events(record["response"], number)
            return
        yield event
    if (record := store.get(stored.RESPONSES, id)) is not None:
        stored.advance(store, record, "ended")


def broken(store: State, response: Response, number: int) -> bytes:
    """The events that replace the rest of a stream which a rule's fault breaks; the response is stored as failed."""
    error = api_error(500)
    failure = failed_response(response, {"code": error.code or "server_error", "message": error.message})
    record = store.get(stored.RESPONSES, response["id"])
    if record is not None:
        store.put(stored.RESPONSES, response["id"], {**record, "response": failure, "state": "ended"})
    return b"".join(data for data, _ in final_events(failure, number))


def _read_stored(request: Request) -> Ask:
    """The Ask of an operation on a stored response."""
    RETRIEVING.check(RETRIEVING.coerce(request.query))
    return Ask("responses", query=request.query)


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON | payloads.Events:
    """A stored response, whole or as its events; each retrieval advances a background response by one state."""
    record = stored.response_record(context.store, ask.params["response_id"])
    query = RETRIEVING.coerce(ask.query)
    if not query.get("stream"):
        return payloads.JSON(stored.current(announce_soon(stored.advance(context.store, record), context)))
    response = record["response"]
    events = stream_events(response, stored.pace_of(record), obfuscate=bool(query.get("include_obfuscation")))
    if record["state"] != "ended":
        events = live_events(context.store, response["id"], events)
    return payloads.Events(islice(events, max(0, query.get("starting_after", -1) + 1), None))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["response_id"]
    stored.response_record(context.store, id)
    stored.delete(context.store, id)
    return payloads.JSON(lists.deleted(id, "response.deleted"))


def _cancel(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = stored.response_record(context.store, ask.params["response_id"])
    return payloads.JSON(stored.current(announce_soon(stored.cancel(context.store, record), context)))


def _input_items(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = stored.response_record(context.store, ask.params["response_id"])
    return payloads.JSON(stored.page_of(stored.context_items(context.store, record), ask.query))


_read = no_body("responses")
ENDPOINTS = (
    Operation("responses.retrieve", "GET", "/responses/<response_id>", _read_stored, _retrieve, own=True),
    Operation("responses.delete", "DELETE", "/responses/<response_id>", _read, _delete, own=True),
    Operation("responses.cancel", "POST", "/responses/<response_id>/cancel", _read, _cancel, own=True),
    Operation("responses.input_items.list", "GET", "/responses/<response_id>/input_items", _read, _input_items, own=True),
)

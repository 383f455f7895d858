"""The events of a streamed response, made from the finished Response, so that a second stream is the same.

(API reference: Streaming events; SDK type ResponseStreamEvent.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...http.json import dump, dump_with
from ...http.sse import Frame
from ...types.reply import Pace
from .body import NO_TOOLS, Response
from .event_stream import EventStream, event_frame
from .item_events import ModelFacts, item_events
from .items import Item

NO_TEXTS: Mapping[str, str] = {}
_ENDS = {"completed": "response.completed", "incomplete": "response.incomplete"}


def stream_events(
    response: Response, cut: Pace | None = None, *, obfuscate: bool = False, texts: Mapping[str, str] = NO_TEXTS
) -> Iterator[Frame]:
    """All events of a finished response, from ``response.created`` to the event of its final status.

    ``cut`` divides texts into deltas. ``obfuscate`` adds the ``obfuscation`` member that hides the length of deltas. ``texts``
    has the JSON of long members of the response.
    """
    stream, facts = EventStream(response, cut, obfuscate), ModelFacts.of(response)
    start = unfinished(response, "queued" if response["background"] else "in_progress")
    snapshot = f'"response":{dump_with(start, texts)}'
    yield stream.frame("response.created", snapshot)
    if response["background"]:
        yield stream.frame("response.queued", snapshot)
        snapshot = f'"response":{dump_with(unfinished(response, "in_progress"), texts)}'
    yield stream.frame("response.in_progress", snapshot)
    for index, item in enumerate(response["output"]):
        yield from item_events(stream, index, item, facts)
    yield from final_events(response, stream.number, texts)


def final_events(response: Response, number: int, texts: Mapping[str, str] = NO_TEXTS) -> Iterator[Frame]:
    """The last events of a stream: the error of a failed response, and the event of the final status."""
    if response["status"] == "failed":
        error = {"code": response["error"]["code"], "message": response["error"]["message"], "param": None}
        yield event_frame("error", dump(error)[1:-1], number)
        number += 1
    kind = _ENDS.get(response["status"], "response.failed")
    yield event_frame(kind, f'"response":{dump_with(_streamed(response), texts)}', number)


def _streamed(response: Response) -> Response:
    """A response as events have it: without ``billing``."""
    return {name: value for name, value in response.items() if name != "billing"}


def unfinished(response: Response, status: str) -> Response:
    """A response before it has any output; only a finished one has ``billing``."""
    tier = response["service_tier"]
    return {
        **_streamed(response),
        "status": status,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "output": [],
        # The tier that serves a request without a choice is known at the end.
        "service_tier": "auto" if tier == "default" else tier,
        "moderation": None,
        "tool_usage": {**response["tool_usage"], **NO_TOOLS},
        "usage": None,
    }


def failed_response(response: Response, error: Item) -> Response:
    """A response that fails before its end: ``error`` has ``code`` and ``message``."""
    return {**unfinished(response, "failed"), "error": error}

"""Background responses and webhooks: a response whose end is to be announced goes on by the clock, and not by retrievals only."""

from __future__ import annotations

from ...state.namespace import Context
from ..jobs import Work
from ..webhooks import endpoints
from . import store as stored
from .store import RESPONSES, Record

#: Seconds of the clock in a state that no retrieval ends.
STEP = 1.0
#: Seconds after which the end of a stream that its client left is no longer waited for.
LONGEST = 3600.0


def _job(id: str) -> str:
    return f"response/{id}"


def watched(record: Record, context: Context, *, streamed: bool) -> Record:
    """The record of a new background response; when the namespace has webhooks it has a job that announces its end."""
    if not endpoints.exist(context):
        return record
    context.jobs.schedule(context.store, _job(record["response"]["id"]), context.now + STEP)
    return {**record, "announced": False, "streamed": streamed}


def announce_soon(record: Record, context: Context) -> Record:
    """The same record; its end, when it has ended, is announced at once."""
    if record.get("announced") is False and record["state"] == "ended":
        context.jobs.schedule(context.store, _job(record["response"]["id"]), context.now)
    return record


def run(id: str, work: Work) -> None:
    """Move a response on, and announce its end once."""
    context, job = work.context, _job(id)
    store = context.store
    record: Record | None = store.get(RESPONSES, id)
    if record is not None and record["state"] != "ended" and not record["streamed"]:
        record = stored.advance(store, record)
    if record is not None and record["state"] != "ended" and context.now < record["response"]["created_at"] + LONGEST:
        return context.jobs.schedule(store, job, context.now + STEP)
    store.schedule(job, None)
    if record is not None and store.update(RESPONSES, id, {"announced": True}, {"announced": False, "state": "ended"}):
        endpoints.emit(context, f"response.{record['response']['status']}", id)

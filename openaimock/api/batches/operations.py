"""Batches: create, list, retrieve, cancel. ``work`` answers their requests.

(API reference: Batch; SDK type Batch.)
"""

from __future__ import annotations

from ...errors import APIError
from ...http import payloads
from ...params.batches import CREATE, LIST
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..operation import Operation
from ..reading import body_of, no_body, query_of
from . import records
from .records import BATCHES, Record, change, job_of

#: A batch whose input file is larger is worked on in the background only: a retrieval does not wait for it.
SMALL = 512 * 1024


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = records.new_record(ask.body, context)
    context.store.put(BATCHES, record["id"], record)
    context.jobs.schedule(context.store, job_of(record["id"]), record["_due"])
    return payloads.JSON(lists.view(record))


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(lists.stored_page(context.store, BATCHES, ask.query, view=lists.view))


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """A batch. Each retrieval moves it on by one status, as far as its requests are answered."""
    record = records.lookup(context.store, ask.params["batch_id"])
    return payloads.JSON(lists.view(_advance(record, context)))


def _advance(record: Record, context: Context) -> Record:
    """Take the steps that are due, at least one when nothing must be waited for."""
    store, job = context.store, job_of(record["id"])
    if record["status"] in records.ENDED:
        return record
    if record["_ready"] <= context.now < record["_due"]:
        change(store, record, _due=context.now)
    if record["_size"] <= SMALL:
        context.jobs.run(store, job)
    else:
        context.jobs.schedule(store, job, context.now)
    current: Record | None = store.get(BATCHES, record["id"])
    return current or record


def _cancel(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    store = context.store
    while True:
        record = records.lookup(store, ask.params["batch_id"])
        if record["status"] in ("cancelling", "cancelled"):
            return payloads.JSON(lists.view(record))
        if record["status"] in records.ENDED:
            raise APIError(409, f"Cannot cancel a batch with status '{record['status']}'.")
        # The batch may get another status at the same time.
        cancelled = records.move(store, record, "cancelling", context.now, _ready=0.0)
        if cancelled is not None:
            context.jobs.schedule(store, job_of(record["id"]), cancelled["_due"])
            return payloads.JSON(lists.view(cancelled))


_ONE = "/batches/<batch_id>"
_read = no_body("batches")
ENDPOINTS = (
    Operation("batches.create", "POST", "/batches", body_of("batches", CREATE), _create, own=True, params=CREATE),
    Operation("batches.list", "GET", "/batches", query_of("batches", LIST), _list, own=True),
    Operation("batches.retrieve", "GET", _ONE, _read, _retrieve, own=True, blocking=True),
    Operation("batches.cancel", "POST", f"{_ONE}/cancel", _read, _cancel, own=True),
)

"""Stored batches: the object of a batch with what the mock needs to work on it, and the changes of its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...state.namespace import Context
from ...state.store import State
from .. import lists, stored_files

BATCHES = "batches"
#: Seconds of the only completion window, and seconds in a status of a batch that is not retrieved.
WINDOW, STEP = 24 * 3600, 1.0
#: Statuses of a batch that has ended.
ENDED = ("completed", "failed", "expired", "cancelled")
#: The member with the time at which a status began, where its name is not that of the status.
_TIMES = {status: f"{status}_at" for status in ("in_progress", "finalizing", "cancelling", *ENDED)}

#: A batch as the API shows it. Members that begin with ``_`` are the mock's own:
#: ``_due`` is when the next step is taken without being asked for, ``_ready`` when the last line is answered,
#: ``_size`` the bytes of the input, ``_ran`` whether the lines were answered, ``_output`` and ``_errors`` the ids of the files to
#: be, with ``_output_size`` and ``_errors_size`` bytes, ``_usage`` the tokens used so far, ``_expires_after`` the policy of these
#: files, ``_announced`` whether its end was announced to webhooks.
Record = dict[str, Any]


def job_of(id: str) -> str:
    """The job that works on a batch."""
    return f"batch/{id}"


def new_record(body: Mapping[str, Any], context: Context) -> Record:
    """The record of a new batch."""
    file = stored_files.get(context.store, body["input_file_id"], context.now)
    return {
        "id": context.ids.hex("batch_"),
        "object": "batch",
        "endpoint": body["endpoint"],
        "model": None,
        "errors": None,
        "input_file_id": body["input_file_id"],
        "completion_window": body["completion_window"],
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": context.created,
        "in_progress_at": None,
        "expires_at": context.created + WINDOW,
        "finalizing_at": None,
        "completed_at": None,
        "failed_at": None,
        "expired_at": None,
        "cancelling_at": None,
        "cancelled_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": usage_object(0, 0),
        "metadata": body.get("metadata"),
        "_due": context.now + STEP,
        "_ready": 0.0,
        "_size": 0 if file is None else file["bytes"],
        "_ran": False,
        "_output": context.ids.id("file-", 22),
        "_errors": context.ids.id("file-", 22),
        "_output_size": 0,
        "_errors_size": 0,
        "_usage": usage_object(0, 0),
        "_expires_after": body.get("output_expires_after"),
        "_announced": False,
    }


def usage_object(prompt: int, completion: int, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """The tokens that a batch used (SDK type BatchUsage)."""
    return {
        "input_tokens": prompt,
        "output_tokens": completion,
        "total_tokens": prompt + completion,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens_details": {"reasoning_tokens": reasoning},
    }


def lookup(store: State, id: str) -> Record:
    """A batch. APIError 404 when there is none."""
    record: Record = lists.lookup(store, BATCHES, id, "No batch found with id '{id}'.")
    return record


def change(store: State, record: Record, **members: Any) -> Record | None:
    """Set members while the status is the one of the record; None when it changed in the meantime, or the batch is gone."""
    changed: Record | None = store.update(BATCHES, record["id"], members, {"status": record["status"]})
    return changed


def move(store: State, record: Record, status: str, moment: float, **members: Any) -> Record | None:
    """Give a batch another status from a moment on; None when it has another one already."""
    return change(store, record, status=status, **{_TIMES[status]: int(moment)}, _due=moment + STEP, **members)


def put_results(context: Context, record: Record) -> dict[str, Any]:
    """Make files of the lines written so far; the members of the batch that name them."""
    members: dict[str, Any] = {}
    policy = {"expires_after": record["_expires_after"]}
    for kind, suffix, member in (("_output", "output", "output_file_id"), ("_errors", "error", "error_file_id")):
        size = record[f"{kind}_size"]
        if size:
            name = f"{record['id']}_{suffix}.jsonl"
            expires_at = stored_files.expires_at(policy, context.created)
            stored_files.put_object(context, record[kind], name, "batch_output", size, expires_at)
            members[member] = record[kind]
    return members

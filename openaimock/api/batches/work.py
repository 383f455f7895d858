"""The work on a batch, step by step: check the input, answer its requests, make the files of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from ...errors import APIError, Hangup
from ...http.json import dump, parse
from ...state.store import State, StateFull
from ...types.clock import monotonic
from .. import stored_files
from ..jobs import Answer, Work
from ..webhooks.endpoints import emit
from . import records
from .check import BatchError, Checked, batch_error, check_input, full_endpoint, numbered_lines
from .records import Record, change, move, usage_object

#: Bytes of results that are kept before they are stored.
_BUFFER = 256 * 1024
#: Seconds after which they are stored in any case.
_SAVE = 0.2
_NO_FILE = "Cannot find file {id}, or organization openaimock does not have access to it."
_EXPIRED = {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}
_FAILED = {"code": "server_error", "message": "The server had an error while processing this request."}


def run(id: str, work: Work) -> None:
    """Take the steps of a batch that are due, and schedule the next one."""
    store, job = work.context.store, records.job_of(id)
    while work.proceed():
        record: Record | None = store.get(records.BATCHES, id)
        if record is None or record["status"] in records.ENDED:
            _announce(record, work)
            return store.schedule(job, None)
        if record["_due"] > work.context.now:
            return work.context.jobs.schedule(store, job, record["_due"])
        _step(record, work)


def _announce(record: Record | None, work: Work) -> None:
    """Tell webhooks about the end of a batch, once."""
    if record is not None and work.context.store.update(
        records.BATCHES, record["id"], {"_announced": True}, {"_announced": False}
    ):
        emit(work.context, f"batch.{record['status']}", record["id"])


def _step(record: Record, work: Work) -> None:
    """One step of a batch, at the time when it was due."""
    store, moment = work.context.store, record["_due"]
    status = record["status"]
    if status != "cancelling" and work.context.now >= record["expires_at"]:
        _expire(record, work)
    elif status == "validating":
        _validate(record, work, moment)
    elif status == "in_progress":
        _answer_all(record, work, moment)
    elif status == "finalizing":
        usage = record["_usage"]
        move(store, record, "completed", moment, usage=usage, **records.put_results(work.context, record))
    else:
        move(store, record, "cancelled", moment, usage=record["_usage"], **records.put_results(work.context, record))


def _input(record: Record, work: Work) -> BinaryIO | None:
    """The input file of a batch; None when there is none."""
    id = record["input_file_id"]
    file = stored_files.get(work.context.store, id, work.context.now)
    return None if file is None else stored_files.open_bytes(work.context.store, id)


def _validate(record: Record, work: Work, moment: float) -> None:
    file = _input(record, work)
    if file is None:
        checked = Checked([_no_file(record)])
    else:
        with file:
            checked = check_input(file, record["_size"], record["endpoint"], work)
    if not work.proceed():
        return
    store = work.context.store
    if checked.errors:
        return _fail(store, record, moment, checked.errors)
    model = work.context.model(checked.model).snapshot if checked.model else None
    move(store, record, "in_progress", moment, model=model, request_counts={"total": checked.total, "completed": 0, "failed": 0})


def _fail(store: State, record: Record, moment: float, errors: Sequence[BatchError]) -> None:
    """End a batch as failed, with these errors."""
    move(store, record, "failed", moment, errors={"object": "list", "data": list(errors)})


def _no_file(record: Record) -> BatchError:
    return batch_error("invalid_request", _NO_FILE.format(id=record["input_file_id"]), "file_id")


def _expire(record: Record, work: Work) -> None:
    """End a batch whose completion window has passed; requests without an answer are errors."""
    store = work.context.store
    current: Record | None = record
    if record["status"] == "in_progress" and not record["_ran"]:
        current = _run(record, work, record["expires_at"], lambda request: None)
    if current is not None:
        results = records.put_results(work.context, current)
        move(store, current, "expired", current["expires_at"], usage=current["_usage"], **results)


def _answer_all(record: Record, work: Work, moment: float) -> None:
    """Answer the requests, and go on when the last of them has its answer."""
    store = work.context.store
    current: Record | None = record
    if not record["_ran"]:
        current = _run(record, work, moment, lambda request: work.perform(full_endpoint(request["url"]), request["body"]))
        if current is None:
            return
        if current["_ready"] > work.context.now:
            change(store, current, _due=current["_ready"])
            return
        moment = max(moment, current["_ready"])
    move(store, current or record, "finalizing", moment)


def _run(record: Record, work: Work, moment: float, perform: Callable[[Mapping[str, Any]], Answer | None]) -> Record | None:
    """Write a result for each request; the record after that, None when the batch was cancelled or is gone.

    ``_ready`` is the time of the last answer: all requests are answered at the same time, from ``moment`` on.
    """
    file = _input(record, work)
    if file is None:
        _fail(work.context.store, record, work.context.now, [_no_file(record)])
        return None
    results = _Results(record, work, moment)
    try:
        results.resume()
        with file:
            for _, line in islice(numbered_lines(file), results.done, None):
                request = parse(line)
                try:
                    answer = perform(request)
                except Hangup:
                    results.add_error(request["custom_id"], _FAILED)
                else:
                    results.add(request["custom_id"], answer)
                if not work.proceed() or (results.is_overdue and not results.save()):
                    return None
            results.members["_ran"] = True
            return results.record if results.save() else None
    except StateFull as full:
        error = batch_error("storage_full", f"The results cannot be stored: {full}.")
        _fail(work.context.store, results.record, work.context.now, [error])
        return None


def _counted(usage: Mapping[str, Any]) -> list[int]:
    """The tokens of a usage object in the order of the parameters of ``usage_object``."""
    return [
        usage["input_tokens"],
        usage["output_tokens"],
        usage["input_tokens_details"]["cached_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    ]


def _first(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The first bytes of a file in pieces."""
    while size and (piece := file.read(min(size, _BUFFER))):
        size -= len(piece)
        yield piece


class _Results:
    """The results of a batch so far: lines of the output file and of the error file, counts, and tokens."""

    def __init__(self, record: Record, work: Work, moment: float) -> None:
        self.record = record
        #: What changes in the record with the next ``save``.
        self.members: dict[str, Any] = {}
        self._context = work.context
        self._store: State = work.context.store
        self._moment, self._ready = moment, max(moment, record["_ready"])
        # A process before this one may have ended in the middle. Its saved results are kept.
        self._counts = dict(record["request_counts"])
        self._tokens = _counted(record["_usage"])
        self._lines: dict[str, list[bytes]] = {"_output": [], "_errors": []}
        self._sizes = {kind: record[f"{kind}_size"] for kind in self._lines}
        self._unsaved, self._saved_at = 0, monotonic()

    @property
    def done(self) -> int:
        """The requests that have a result."""
        return int(self._counts["completed"] + self._counts["failed"])

    def resume(self) -> None:
        """Cut off what was written to the files of results after the counts were last saved."""
        for kind, size in self._sizes.items():
            file = self._store.open_blob(self.record[kind])
            if file is None:
                continue
            with file:
                if size:
                    self._store.put_blob(self.record[kind], _first(file, size))
                else:
                    self._store.delete_blob(self.record[kind])

    def add(self, custom_id: str, answer: Answer | None) -> None:
        """Add an answer; None for a request that was not answered in time."""
        ready, end = self._moment + (0.0 if answer is None else answer.seconds), self.record["expires_at"]
        self._ready = max(self._ready, min(ready, end))
        if answer is None or ready >= end:
            return self.add_error(custom_id, _EXPIRED)
        try:
            body = parse(answer.body)
        except APIError:
            body = answer.body.decode("utf-8", "replace")
        response = {"status_code": answer.status, "request_id": answer.request_id, "body": body}
        if answer.status >= 400:
            return self._write("_errors", custom_id, response, None)
        self._add_usage(body)
        self._write("_output", custom_id, response, None)

    def add_error(self, custom_id: str, error: Mapping[str, str]) -> None:
        """Add a request that has no answer."""
        self._write("_errors", custom_id, None, error)

    def _write(self, kind: str, custom_id: str, response: Any, error: Any) -> None:
        line = {"id": self._context.ids.hex("batch_req_"), "custom_id": custom_id, "response": response, "error": error}
        data = dump(line).encode("utf-8", "surrogatepass") + b"\n"
        self._lines[kind].append(data)
        self._sizes[kind] += len(data)
        self._unsaved += len(data)
        self._counts["completed" if kind == "_output" else "failed"] += 1

    def _add_usage(self, body: Any) -> None:
        usage = body.get("usage") if isinstance(body, dict) else None
        if not isinstance(usage, dict):
            return
        prompt_details = usage.get("input_tokens_details") or usage.get("prompt_tokens_details") or {}
        completion_details = usage.get("output_tokens_details") or usage.get("completion_tokens_details") or {}
        for place, count in enumerate((
            usage.get("input_tokens", usage.get("prompt_tokens")),
            usage.get("output_tokens", usage.get("completion_tokens")),
            prompt_details.get("cached_tokens"),
            completion_details.get("reasoning_tokens"),
        )):  # fmt: skip
            self._tokens[place] += count if isinstance(count, int) else 0

    @property
    def is_overdue(self) -> bool:
        """Whether it is time to save: the batch may have been cancelled, and others look at its counts."""
        return self._unsaved > _BUFFER or monotonic() - self._saved_at > _SAVE

    def save(self) -> bool:
        """Store what was added; False when the batch was cancelled or is gone."""
        for kind, lines in self._lines.items():
            if lines:
                self._store.append_blob(self.record[kind], b"".join(lines))
                lines.clear()
        self._unsaved, self._saved_at = 0, monotonic()
        changed = change(self._store, self.record, **self._progress(), _ready=self._ready, **self.members)
        if changed is None:
            self._give_up()
            return False
        self.record = changed
        return True

    def _give_up(self) -> None:
        """Keep what a cancelled batch has; delete what a deleted one left."""
        current = self._store.get(records.BATCHES, self.record["id"])
        if current is None:
            for kind in self._lines:
                self._store.delete_blob(self.record[kind])
            return
        change(self._store, current, **self._progress())

    def _progress(self) -> dict[str, Any]:
        """The members of the record that say what is stored."""
        sizes = {f"{kind}_size": size for kind, size in self._sizes.items()}
        return {"request_counts": dict(self._counts), "_usage": usage_object(*self._tokens), **sizes}

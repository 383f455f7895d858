"""Stored vector stores: their files, which are processed when the store is next used, their counts and their expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import APIError
from ...http.catalog import printable
from ...state.namespace import Context
from ...state.store import State, StateFull
from .. import lists, stored_files
from .chunks import MAX_BYTES, Chunks, FileError, chunked, decoded, parse, strategy, unsupported

STORES = "vector_stores"
#: How many stores a namespace keeps, and how many files all of them may have together.
MAX_STORES, MAX_ATTACHED = 1000, 100_000
#: The API's limit of files in a store, and how many file batches of a store are kept: past it the oldest is forgotten.
MAX_FILES, MAX_BATCHES = 10_000, 1000
DAY = 86_400
_SUPPORTED_FILES = "https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
STATUSES = ("in_progress", "completed", "failed", "cancelled")

#: A file of a store: the API's object with its ``filename`` and the id of its ``batch``, which may be None.
Entry = dict[str, Any]
_PRIVATE = ("filename", "batch")


def files_of(id: str) -> str:
    """The collection of the files of a store."""
    return f"{STORES}/{id}/files"


def batches_of(id: str) -> str:
    """The collection of the file batches of a store."""
    return f"{STORES}/{id}/file_batches"


def chunks_id(id: str, file_id: str) -> str:
    """The id of the blob of a file's chunks."""
    return f"{STORES}/{id}/{file_id}"


# Stores


def lookup(store: State, id: str) -> dict[str, Any]:
    """A vector store as it is stored; APIError 404 when there is none."""
    stored: dict[str, Any] = lists.lookup(store, STORES, id, "No vector store found with id '{id}'.", param="vector_store_id")
    return stored


def lookup_active(id: str, context: Context) -> dict[str, Any]:
    """A vector store that is used now, which moves its expiry. APIError 404 when there is none, 400 when it has expired."""
    stored = lookup(context.store, id)
    if stored_files.has_expired(stored, context.now):
        raise APIError(400, f"Vector store '{id}' has expired.", param="vector_store_id")
    change = {"last_active_at": context.created, "expires_at": expiry(stored["expires_after"], context.created)}
    return context.store.update(STORES, id, change) or stored


def expiry(after: Mapping[str, Any] | None, active: int) -> int | None:
    """The ``expires_at`` of a store that was last active then."""
    return None if after is None else active + after["days"] * DAY


def view(stored: Mapping[str, Any], entries: Sequence[Entry], now: float) -> dict[str, Any]:
    """The API's object of a store with these files."""
    counts = count(entries)
    status = "expired" if stored_files.has_expired(stored, now) else "in_progress" if counts["in_progress"] else "completed"
    usage = sum(entry["usage_bytes"] for entry in entries)
    return {**stored, "file_counts": counts, "status": status, "usage_bytes": usage}


def count(entries: Iterable[Entry]) -> dict[str, int]:
    """The ``file_counts`` of files."""
    statuses = [entry["status"] for entry in entries]
    return {**{status: statuses.count(status) for status in STATUSES}, "total": len(statuses)}


def delete(store: State, id: str) -> None:
    """Delete a store with all that belongs to it."""
    for entry in entries(store, id):
        remove(store, id, entry["id"])
    for batch in lists.values(store, batches_of(id), MAX_FILES):
        store.delete(batches_of(id), batch["id"])
    store.delete(STORES, id)


# Files


def entries(store: State, id: str) -> list[Entry]:
    """The files of a store as they are stored, oldest first."""
    return lists.values(store, files_of(id), MAX_FILES)


def settled(context: Context, id: str) -> list[Entry]:
    """The files of a store, oldest first, after those that wait are processed and those that were deleted are removed."""
    return [entry for entry in (_settle(context, id, entry) for entry in entries(context.store, id)) if entry is not None]


def _settle(context: Context, id: str, entry: Entry) -> Entry | None:
    store = context.store
    if stored_files.get(store, entry["id"], context.now) is None:
        remove(store, id, entry["id"])
        return None
    if entry["status"] != "in_progress":
        return entry
    try:
        chunks = chunked(parse(_content(store, entry["id"])), entry["chunking_strategy"]["static"])
        store.put_blob(chunks_id(id, entry["id"]), [chunks.encoded()])
        change: dict[str, Any] = {"status": "completed", "usage_bytes": chunks.size}
    except FileError as error:
        change = {"status": "failed", "last_error": error.last_error}
    except StateFull as error:
        change = {"status": "failed", "last_error": {"code": "server_error", "message": f"The chunks do not fit: {error}."}}
    # None: it was cancelled or removed meanwhile.
    updated: Entry | None = store.update(files_of(id), entry["id"], change, {"status": "in_progress"})
    return updated or store.get(files_of(id), entry["id"])


def _content(store: State, file_id: str) -> bytes:
    blob = stored_files.open_bytes(store, file_id)
    if blob is None:
        return b""
    with blob:
        return blob.read(MAX_BYTES + 1)


def chunks(store: State, id: str, file_id: str) -> Chunks:
    """The chunks of a processed file; none when it has failed."""
    blob = store.open_blob(chunks_id(id, file_id))
    if blob is None:
        return Chunks("", [])
    with blob:
        return decoded(blob.read())


def lookup_entry(context: Context, id: str, file_id: str) -> Entry:
    """A settled file of a store; APIError 404 when the store has no such file."""
    lookup(context.store, id)
    message = f"No file found with id '{{id}}' in vector store '{id}'."
    stored = lists.lookup(context.store, files_of(id), file_id, message, param="file_id")
    entry = _settle(context, id, stored)
    if entry is None:
        raise APIError(404, message.replace("{id}", file_id), param="file_id")
    return entry


def attach(id: str, files: Sequence[Mapping[str, Any]], context: Context, batch: str | None = None) -> list[Entry]:
    """Add files to a store, each with its ``file_id``, ``attributes`` and ``chunking_strategy``; they are processed later.

    APIError 404 when one of the files is not uploaded, 400 when the name of one has an extension that the API does not accept, or
    when the store would have too many.
    """
    if not files:
        return []
    store = context.store
    files = list({file["file_id"]: file for file in files}.values())
    sources = [_source(context, file["file_id"]) for file in files]
    if extensions := unsupported(source["filename"] for source in sources):
        listed = printable(", ".join(extensions))
        message = f"Files with extensions [{listed}] are not supported for retrieval. See {_SUPPORTED_FILES}"
        raise APIError(400, message, param="file_ids", code="unsupported_file")
    if store.count(files_of(id)) + len(files) > MAX_FILES:
        raise APIError(400, f"A vector store may have at most {MAX_FILES} files.", param="file_ids")
    if sum(store.count(files_of(other["id"])) for other in lists.values(store, STORES, MAX_FILES)) + len(files) > MAX_ATTACHED:
        raise APIError(400, f"This mock keeps at most {MAX_ATTACHED} files in the vector stores of a namespace.")
    added = []
    for file, source in zip(files, sources, strict=True):
        remove(store, id, source["id"])
        entry = {
            "id": source["id"],
            "object": "vector_store.file",
            "usage_bytes": 0,
            "created_at": context.created,
            "vector_store_id": id,
            "status": "in_progress",
            "last_error": None,
            "chunking_strategy": strategy(file.get("chunking_strategy")),
            "attributes": file.get("attributes") or {},
            "filename": source["filename"],
            "batch": batch,
        }
        store.put(files_of(id), entry["id"], entry)
        added.append(entry)
    return added


def _source(context: Context, file_id: str) -> dict[str, Any]:
    source = stored_files.get(context.store, file_id, context.now)
    if source is None:
        raise APIError(404, f"No such File object: {file_id}", param="file_id")
    return source


def put_batch(store: State, id: str, batch: dict[str, Any]) -> None:
    """Store a file batch of a store; past ``MAX_BATCHES`` the oldest is forgotten."""
    if store.count(batches_of(id)) >= MAX_BATCHES:
        for old in lists.values(store, batches_of(id), 1):
            store.delete(batches_of(id), old["id"])
    store.put(batches_of(id), batch["id"], batch)


def remove(store: State, id: str, file_id: str) -> None:
    """Remove a file from a store."""
    store.delete_blob(chunks_id(id, file_id))
    store.delete(files_of(id), file_id)


def file_view(entry: Entry) -> dict[str, Any]:
    """The API's object of a file."""
    return {name: value for name, value in entry.items() if name not in _PRIVATE}

"""Files of a vector store, alone and in batches: create, retrieve, update, list, delete and cancel them.

(API reference: Vector store files, Vector store file batches; SDK types VectorStoreFile, VectorStoreFileBatch,
VectorStoreFileDeleted, FileContentResponse.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...http import payloads
from ...params import vector_stores as params
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..operation import Operation
from ..reading import body_of, no_body, query_of
from . import store as stored

# Files


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["vector_store_id"]
    stored.lookup_active(id, context)
    return payloads.JSON(stored.file_view(stored.attach(id, [ask.body], context)[0]))


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored.file_view(_entry(ask, context)))


def _entry(ask: Ask, context: Context) -> stored.Entry:
    return stored.lookup_entry(context, ask.params["vector_store_id"], ask.params["file_id"])


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    entry = _entry(ask, context)
    change = {"attributes": ask.body["attributes"] or {}}
    updated = context.store.update(stored.files_of(entry["vector_store_id"]), entry["id"], change)
    return payloads.JSON(stored.file_view(updated or {**entry, **change}))


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["vector_store_id"]
    stored.lookup(context.store, id)
    return payloads.JSON(_page(stored.settled(context, id), ask))


def _page(entries: Sequence[stored.Entry], ask: Ask) -> dict[str, Any]:
    status = ask.query.get("filter")
    views = [stored.file_view(entry) for entry in entries if status is None or entry["status"] == status]
    return lists.page_of(views, ask.query)


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    entry = _entry(ask, context)
    stored.remove(context.store, entry["vector_store_id"], entry["id"])
    return payloads.JSON(lists.deleted(entry["id"], "vector_store.file.deleted"))


def _content(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    entry = _entry(ask, context)
    texts = stored.chunks(context.store, entry["vector_store_id"], entry["id"]).texts()
    data = [{"type": "text", "text": text} for text in texts]
    return payloads.JSON({"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None})


# File batches


def _create_batch(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id, body = ask.params["vector_store_id"], ask.body
    stored.lookup_active(id, context)
    shared = {name: body.get(name) for name in ("chunking_strategy", "attributes")}
    # ``files`` have settings of their own; those of the batch are for ``file_ids``.
    files = body.get("files") or [{"file_id": file_id, **shared} for file_id in body["file_ids"]]
    batch: dict[str, Any] = {
        "id": context.ids.hex("vsfb_"),
        "object": "vector_store.files_batch",
        "created_at": context.created,
        "vector_store_id": id,
        "status": "",
        "file_counts": {},
    }
    entries = stored.attach(id, files, context, batch["id"])
    stored.put_batch(context.store, id, batch)
    return payloads.JSON(_batch_view(batch, entries))


def _batch_view(batch: dict[str, Any], entries: Sequence[stored.Entry]) -> dict[str, Any]:
    counts = stored.count(entries)
    status = batch["status"] or ("in_progress" if counts["in_progress"] else "completed")
    return {**batch, "status": status, "file_counts": counts}


def _batch(ask: Ask, context: Context) -> dict[str, Any]:
    id = ask.params["vector_store_id"]
    stored.lookup(context.store, id)
    message = f"No file batch found with id '{{id}}' in vector store '{id}'."
    batch: dict[str, Any] = lists.lookup(context.store, stored.batches_of(id), ask.params["batch_id"], message, param="batch_id")
    return batch


def _in_batch(entries: Sequence[stored.Entry], batch: dict[str, Any]) -> list[stored.Entry]:
    return [entry for entry in entries if entry["batch"] == batch["id"]]


def _retrieve_batch(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    batch = _batch(ask, context)
    entries = stored.settled(context, batch["vector_store_id"])
    return payloads.JSON(_batch_view(batch, _in_batch(entries, batch)))


def _cancel_batch(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """Cancel the files that are not processed yet; a batch without such files stays as it is."""
    batch = _batch(ask, context)
    id, store = batch["vector_store_id"], context.store
    for entry in _in_batch(stored.entries(store, id), batch):
        if store.update(stored.files_of(id), entry["id"], {"status": "cancelled"}, {"status": "in_progress"}) is not None:
            batch = store.update(stored.batches_of(id), batch["id"], {"status": "cancelled"}) or batch
    return payloads.JSON(_batch_view(batch, _in_batch(stored.entries(store, id), batch)))


def _list_batch(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    batch = _batch(ask, context)
    entries = stored.settled(context, batch["vector_store_id"])
    return payloads.JSON(_page(_in_batch(entries, batch), ask))


_FILES = "/vector_stores/<vector_store_id>/files"
_FILE = f"{_FILES}/<file_id>"
_BATCHES = "/vector_stores/<vector_store_id>/file_batches"
_BATCH = f"{_BATCHES}/<batch_id>"
_read, _read_list = no_body("vector_stores"), query_of("vector_stores", params.FILES_LIST)
_read_batch_list = query_of("vector_stores", params.FILE_BATCHES_LIST_FILES)
_read_create, _read_update, _read_batch = (
    body_of("vector_stores", table) for table in (params.FILES_CREATE, params.FILES_UPDATE, params.FILE_BATCHES_CREATE)
)
ENDPOINTS = (
    Operation("vector_stores.files.create", "POST", _FILES, _read_create, _create, own=True, params=params.FILES_CREATE),
    Operation("vector_stores.files.list", "GET", _FILES, _read_list, _list, own=True, blocking=True),
    Operation("vector_stores.files.retrieve", "GET", _FILE, _read, _retrieve, own=True, blocking=True),
    Operation(
        "vector_stores.files.update", "POST", _FILE, _read_update, _update, own=True, params=params.FILES_UPDATE, blocking=True
    ),
    Operation("vector_stores.files.delete", "DELETE", _FILE, _read, _delete, own=True, blocking=True),
    Operation("vector_stores.files.content", "GET", f"{_FILE}/content", _read, _content, own=True, blocking=True),
    Operation(
        "vector_stores.file_batches.create", "POST", _BATCHES, _read_batch, _create_batch, own=True,
        params=params.FILE_BATCHES_CREATE, blocking=True,
    ),
    Operation("vector_stores.file_batches.retrieve", "GET", _BATCH, _read, _retrieve_batch, own=True, blocking=True),
    Operation("vector_stores.file_batches.cancel", "POST", f"{_BATCH}/cancel", _read, _cancel_batch, own=True, blocking=True),
    Operation(
        "vector_stores.file_batches.list_files", "GET", f"{_BATCH}/files", _read_batch_list, _list_batch, own=True, blocking=True
    ),
)  # fmt: skip

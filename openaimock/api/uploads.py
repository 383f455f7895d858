"""Uploads: a large file in parts: create, add parts, complete, cancel.

(API reference: Uploads; SDK types Upload, UploadPart.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import APIError
from ..http import payloads
from ..http.forms import too_large
from ..http.request import Request
from ..params.uploads import COMPLETE, CREATE, PARTS_CREATE
from ..state.namespace import Context
from ..state.store import State
from ..types.ask import Ask
from ..types.reply import Reply
from . import lists, stored_files
from .files import single_file
from .operation import Operation
from .reading import body_of, no_body

UPLOADS = "uploads"
#: The API's limit of a part, in bytes, and the seconds in which an upload must be completed.
MAX_PART, LIFETIME = 64 * 1024**2, 3600
#: How many uploads a namespace remembers, and the most parts of one.
MAX_UPLOADS, MAX_PARTS = 1000, 10_000
_CHUNK = 1024 * 1024

Upload = dict[str, Any]


def _parts(upload: str) -> str:
    """The name of the collection of an upload's parts. The bytes of a part are the blob with its id."""
    return f"{UPLOADS}/{upload}/parts"


def _read_part(request: Request) -> Ask:
    fields, files = request.form()
    data = single_file(files, "data")
    PARTS_CREATE.check({} if data is None else {"data": data})
    if data is not None and data.size > MAX_PART:
        raise too_large(MAX_PART, data.size)
    return Ask("uploads", fields, files=files)


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    body, store = ask.body, context.store
    _expire(store, context.now)
    if store.count(UPLOADS) >= MAX_UPLOADS:
        for oldest in lists.values(store, UPLOADS, 1):
            _free(store, oldest["id"])
            store.delete(UPLOADS, oldest["id"])
    upload: Upload = {
        "id": context.ids.hex("upload_"),
        "object": "upload",
        "bytes": body["bytes"],
        "created_at": context.created,
        "filename": body["filename"],
        "purpose": body["purpose"],
        "status": "pending",
        "expires_at": context.created + LIFETIME,
        "file": None,
        "_expires_after": body.get("expires_after"),
    }
    store.put(UPLOADS, upload["id"], upload)
    return payloads.JSON(lists.view(upload))


def _add_part(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    upload, store = _pending(ask, context, "receive parts"), context.store
    if store.count(_parts(upload["id"])) >= MAX_PARTS:
        raise APIError(400, f"An upload has at most {MAX_PARTS} parts.")
    file = ask.files["data"]
    part = {"id": context.ids.hex("part_"), "object": "upload.part", "created_at": context.created, "upload_id": upload["id"]}
    stored_files.put_bytes(store, part["id"], file.chunks())
    store.put(_parts(upload["id"]), part["id"], {**part, "_bytes": file.size})
    return payloads.JSON(part)


def _complete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    upload, store, part_ids = _pending(ask, context, "be completed"), context.store, ask.body["part_ids"]
    size = 0
    for place, id in enumerate(part_ids):
        part = store.get(_parts(upload["id"]), id)
        if part is None or id in part_ids[:place]:
            problem = "is named twice" if part else f"was not found in upload '{upload['id']}'"
            raise APIError(400, f"Part '{id}' {problem}.", param=f"part_ids[{place}]", code="invalid_value")
        size += part["_bytes"]
    if size != upload["bytes"]:
        raise APIError(
            400,
            f"The parts have {size} bytes together, but the upload was created for {upload['bytes']} bytes.",
            param="part_ids",
            code="invalid_value",
        )
    _check_md5(store, part_ids, ask.body.get("md5"))
    # Only one of several requests at once completes the upload.
    if store.update(UPLOADS, upload["id"], {"status": "completed"}, {"status": "pending"}) is None:
        _pending(ask, context, "be completed")
    try:
        expires_at = stored_files.expires_at({"expires_after": upload["_expires_after"]}, context.created)
        chunks = _bytes(store, part_ids)
        file = stored_files.add(context, upload["filename"], upload["purpose"], chunks, expires_at)
    except APIError:
        store.update(UPLOADS, upload["id"], {"status": "pending"})
        raise
    _free(store, upload["id"])
    return payloads.JSON(lists.view(store.update(UPLOADS, upload["id"], {"file": file}) or {**upload, "file": file}))


def _check_md5(store: State, part_ids: Sequence[str], expected: str | None) -> None:
    if expected is None:
        return
    checksum = hashlib.md5(usedforsecurity=False)
    for chunk in _bytes(store, part_ids):
        checksum.update(chunk)
    if checksum.hexdigest() != expected.strip().lower():
        raise APIError(400, "The md5 checksum does not match the bytes of the uploaded parts.", param="md5", code="invalid_value")


def _cancel(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    upload, store = _pending(ask, context, "be cancelled"), context.store
    if store.update(UPLOADS, upload["id"], {"status": "cancelled"}, {"status": "pending"}) is None:
        _pending(ask, context, "be cancelled")
    _free(store, upload["id"])
    return payloads.JSON(lists.view({**upload, "status": "cancelled"}))


# Parts of the operations


def _pending(ask: Ask, context: Context, purpose: str) -> Upload:
    """The upload that the path names. APIError 404 when there is none, 400 when it is no longer pending."""
    _expire(context.store, context.now)
    id = ask.params["upload_id"]
    upload: Upload | None = context.store.get(UPLOADS, id)
    if upload is None:
        raise stored_files.no_such_object("Upload", id)
    if upload["status"] != "pending":
        raise APIError(400, f"Upload '{id}' has the status '{upload['status']}'; only a pending upload can {purpose}.")
    return upload


def _bytes(store: State, part_ids: Sequence[str]) -> Iterator[bytes]:
    """The bytes of parts one after another."""
    for id in part_ids:
        file = store.open_blob(id)
        if file is not None:
            with file:
                while chunk := file.read(_CHUNK):
                    yield chunk


def _free(store: State, upload: str) -> None:
    """Delete the parts of an upload."""
    for part in lists.values(store, _parts(upload), MAX_PARTS):
        store.delete_blob(part["id"])
        store.delete(_parts(upload), part["id"])


def _expire(store: State, now: float) -> None:
    """Mark the uploads that were not completed in time, and delete their parts."""
    for upload in lists.values(store, UPLOADS, MAX_UPLOADS):
        if upload["status"] == "pending" and upload["expires_at"] <= now:
            store.update(UPLOADS, upload["id"], {"status": "expired"}, {"status": "pending"})
            _free(store, upload["id"])


_ONE = "/uploads/<upload_id>"
_read_complete = body_of("uploads", COMPLETE)
ENDPOINTS = (
    Operation("uploads.create", "POST", "/uploads", body_of("uploads", CREATE), _create, own=True, params=CREATE),
    Operation("uploads.parts.create", "POST", f"{_ONE}/parts", _read_part, _add_part, own=True, params=PARTS_CREATE),
    Operation(
        "uploads.complete", "POST", f"{_ONE}/complete", _read_complete, _complete, own=True, params=COMPLETE, blocking=True
    ),
    Operation("uploads.cancel", "POST", f"{_ONE}/cancel", no_body("uploads"), _cancel, own=True),
)

"""Stored files: the objects and the bytes of the files in a namespace, whether a client uploaded them or the mock made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from ..errors import APIError
from ..state.namespace import Context
from ..state.store import State, StateFull
from . import lists

#: The collection of file objects. The bytes of a file are the blob with its id.
FILES = "files"
#: Seconds after which a file for batches expires when the request does not say.
BATCH_EXPIRY = 30 * 24 * 3600

File = dict[str, Any]


def add(context: Context, filename: str, purpose: str, chunks: Iterable[bytes], expires_at: int | None = None) -> File:
    """Store a file; its object. APIError 400 when the namespace has no room."""
    store = context.store
    remove_expired(store, context.now)
    id = context.ids.id("file-", 22)
    return put_object(context, id, filename, purpose, put_bytes(store, id, chunks), expires_at)


def put_object(context: Context, id: str, filename: str, purpose: str, size: int, expires_at: int | None) -> File:
    """Store the object of a file whose bytes are stored already."""
    file: File = {
        "object": "file",
        "id": id,
        "purpose": purpose,
        "filename": filename,
        "bytes": size,
        "created_at": context.created,
        "expires_at": expires_at,
        "status": "processed",
        "status_details": None,
    }
    context.store.put(FILES, id, file, {"purpose": purpose})
    return file


def put_bytes(store: State, id: str, chunks: Iterable[bytes]) -> int:
    """Store bytes; their number. APIError 400 when the namespace has no room."""
    try:
        return store.put_blob(id, chunks)
    except StateFull as full:
        raise no_room(full) from None


def no_room(full: StateFull) -> APIError:
    """The error for bytes that the namespace has no room for."""
    return APIError(400, f"This mock cannot store the file: {full}. Delete files, or reset the mock.", code="storage_full")


def expires_at(body: Mapping[str, Any], created: int, default: int | None = None, name: str = "expires_after") -> int | None:
    """When a file expires by a checked request: ``default`` is the number of seconds when the request does not say."""
    policy = body.get(name)
    seconds = policy["seconds"] if policy else default
    return None if seconds is None else created + seconds


def get(store: State, id: str, now: float) -> File | None:
    """The object of a file; None when there is none, or when it has expired."""
    file: File | None = store.get(FILES, id)
    if file is not None and has_expired(file, now):
        delete(store, id)
        return None
    return file


def lookup(context: Context, id: str) -> File:
    """The object of a file. APIError 404 in the API's words when there is none."""
    file = get(context.store, id, context.now)
    if file is None:
        raise no_such_object("File", id)
    return file


def no_such_object(kind: str, id: str) -> APIError:
    """The error for an id that the API's file service does not know; ``kind`` is ``File`` or ``Upload``."""
    return detailed(APIError(404, f"No such {kind} object: {id}", param="id"))


def detailed(error: APIError) -> APIError:
    """An error as the API's file service sends it: with its message once more beside the error object."""
    error.beside = {"detail": {"message": error.message, "code": error.code}}
    return error


def open_bytes(store: State, id: str) -> BinaryIO | None:
    """The bytes of a file, for the caller to close."""
    return store.open_blob(id)


def page(context: Context, query: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the files as a checked query asks for it."""
    remove_expired(context.store, context.now)
    purpose = query.get("purpose")
    return lists.stored_page(context.store, FILES, query, length=10_000, index={"purpose": purpose} if purpose else None)


def delete(store: State, id: str) -> bool:
    """Delete a file with its bytes; whether there was one."""
    store.delete_blob(id)
    return store.delete(FILES, id)


def remove_expired(store: State, now: float) -> None:
    """Delete the files that have expired."""
    for file in lists.values(store, FILES, store.count(FILES)):
        if has_expired(file, now):
            delete(store, file["id"])


def has_expired(stored: Mapping[str, Any], now: float) -> bool:
    """Whether the ``expires_at`` of a stored object, which may be None, has passed."""
    return stored["expires_at"] is not None and stored["expires_at"] <= now

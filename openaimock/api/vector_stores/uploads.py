"""Uploads: the files of the files API that vector stores read."""

from __future__ import annotations

from typing import Any, BinaryIO

from ...state.store import State

FILES = "files"


def get(store: State, id: str, now: float) -> dict[str, Any] | None:
    """The API's object of an uploaded file; None when there is none."""
    file: dict[str, Any] | None = store.get(FILES, id)
    return file


def open_bytes(store: State, id: str) -> BinaryIO | None:
    """The bytes of an uploaded file, for the caller to close."""
    return store.open_blob(id)

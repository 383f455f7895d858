"""Bounded collections: values of which a namespace keeps only the latest, in any store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .store import State


def put_latest(state: State, collection: str, id: str, value: Mapping[str, Any], limit: int) -> None:
    """Store a value as the latest of a collection. Past ``limit`` the oldest eighth goes."""
    state.delete(collection, id)
    state.put(collection, id, {**value, "id": id})
    if state.count(collection) > limit:
        page = state.page(collection, limit=max(1, limit // 8))
        for old in page.items if page is not None else ():
            state.delete(collection, old["id"])

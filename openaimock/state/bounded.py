"""Bounded collections: values of which a namespace keeps only the latest, in any store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .store import State


def put_latest(state: State, collection: str, id: str, value: Mapping[str, Any], limit: int) -> None:
    """Store a value as the latest of a collection. Past ``limit`` the oldest eighth goes."""
    state.delete(collection, id)
    state.put(collection, id, {**value, "id": id})
    _trim(state, collection, limit)


def put_names(state: State, collection: str, names: Iterable[str], limit: int) -> None:
    """Add names to a collection that holds nothing else. Past ``limit`` the oldest go."""
    for name in names:
        state.put(collection, name, {"id": name})
    _trim(state, collection, limit)


def _trim(state: State, collection: str, limit: int) -> None:
    while state.count(collection) > limit:
        page = state.page(collection, limit=max(1, limit // 8))
        if page is None or not page.items:
            return
        for old in page.items:
            state.delete(collection, old["id"])

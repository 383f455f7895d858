"""The store in memory: named shelves of JSON objects in the order they were put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Page(NamedTuple):
    """A piece of a list: its objects and whether more follow."""

    items: list[Any]
    more: bool


class MemoryStore:
    """One namespace's objects. A store knows put, get, delete, page and clear; nothing else is asked of one."""

    def __init__(self) -> None:
        self._shelves: dict[str, dict[str, Any]] = {}

    def put(self, collection: str, id: str, value: Any) -> None:
        """Keep a value; one that is there already is replaced and keeps its place."""
        self._shelves.setdefault(collection, {})[id] = value

    def get(self, collection: str, id: str) -> Any:
        """The value, or None."""
        return self._shelves.get(collection, {}).get(id)

    def delete(self, collection: str, id: str) -> bool:
        """Forget a value; whether there was one."""
        return self._shelves.get(collection, {}).pop(id, None) is not None

    def page(
        self,
        collection: str,
        *,
        limit: int,
        after: str | None = None,
        before: str | None = None,
        newest_first: bool = False,
        where: Callable[[Any], bool] | None = None,
    ) -> Page | None:
        """Up to ``limit`` values past ``after`` or short of ``before`` (ids); None when that id is not on the shelf."""
        everything = dict(self._shelves.get(collection, {}))
        ids = [id for id, value in everything.items() if where is None or where(value) or id in (after, before)]
        if newest_first:
            ids.reverse()
        if after is not None:
            if after not in ids:
                return None
            ids = ids[ids.index(after) + 1 :]
        if before is not None:
            if before not in ids:
                return None
            ids = ids[: ids.index(before)]
        return Page([everything[id] for id in ids[:limit]], len(ids) > limit)

    def clear(self) -> None:
        """Forget everything."""
        self._shelves.clear()

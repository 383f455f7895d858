"""The bytes that large stored objects of all namespaces take: past a limit the oldest of them go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .memory import MemoryState

#: Estimated bytes of all objects with a size: stored responses, chat completions and the items of conversations.
LIMIT = 256 * 1024 * 1024

#: An object: its namespace, collection and id.
Key = tuple["MemoryState", str, str]


class ObjectMemory:
    """The sizes of stored objects of one mock, oldest first. It never calls a namespace, whose lock may be held."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = LIMIT if limit is None else limit
        self.used = 0
        self._lock = threading.Lock()
        self._sizes: OrderedDict[Key, int] = OrderedDict()

    def add(self, key: Key, size: int) -> list[Key]:
        """Count an object, in place of one with the same key. Returns the objects that the caller must delete."""
        with self._lock:
            self.used += size - self._sizes.pop(key, 0)
            self._sizes[key] = size
            oldest: list[Key] = []
            # The newest object stays, even one that is larger than the limit.
            while self.used > self.limit and len(self._sizes) > 1:
                place, freed = self._sizes.popitem(last=False)
                self.used -= freed
                oldest.append(place)
            return oldest

    def remove(self, key: Key) -> None:
        """Forget a deleted object."""
        with self._lock:
            self.used -= self._sizes.pop(key, 0)

    def clear(self, state: MemoryState) -> None:
        """Forget all objects of a namespace."""
        with self._lock:
            for key in [key for key in self._sizes if key[0] is state]:
                self.used -= self._sizes.pop(key)

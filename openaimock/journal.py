"""The journal: the last exchanges of a namespace, kept as references and rendered when somebody reads them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from .nouns import Exchange


class Journal:
    """A bounded list of Exchanges, oldest first."""

    def __init__(self, size: int = 1000) -> None:
        self._kept: deque[Exchange] = deque(maxlen=size)
        self.append = self._kept.append
        self.clear = self._kept.clear

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Exchange]:
        # A copy, since other threads append while somebody reads.
        return iter(list(self._kept))

    def __getitem__(self, at: int) -> Exchange:
        return self._kept[at]

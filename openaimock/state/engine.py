"""Engine: the small interface of a database that holds the state of several processes; SQLite and Redis implement it.

What they have in common stands around it: ``state.shared`` (a namespace over an engine), ``state.shared_store`` (all namespaces
of a mock, and the thread that writes behind), ``state.records`` (exchanges as text). An engine sees texts, bytes and numbers.

Every method is one atomic operation. It may block, is called from many threads, and works after a fork (no connection is used
in two processes). When the database cannot be reached it raises ``StoreUnavailable`` and has changed nothing. Values are JSON
texts that the engine does not read. A namespace is named by any text; ``SYSTEM`` holds what belongs to the whole store: it is
not among ``epochs()``, never expires, and ``reset(None)`` leaves it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple, Protocol

from .store import Cost, Levels

#: The namespace of what belongs to the whole store. No request can name it.
SYSTEM = ""


class Numbers(NamedTuple):
    """A block of numbers, from ``first`` on, and the epoch of the namespace that they belong to."""

    epoch: int
    first: int


class Entry(NamedTuple):
    """An exchange for the journal. ``key`` is unique in the store; a later entry with the same key replaces the record."""

    key: str
    record: str
    #: Bytes that it counts for, at least those of the record.
    size: int
    #: Whether an entry with this key was written before. When that is gone (trimmed or cleared), nothing is written.
    again: bool = False


class Batch(NamedTuple):
    """What one process writes behind for one namespace. ``hits`` counts by rule and answer (-1: a reply of the rule itself)."""

    namespace: str
    #: The batch is dropped when the namespace is in another epoch, because it was reset since.
    epoch: int
    hits: Mapping[tuple[str, int], int]
    entries: Sequence[Entry]
    #: Exchanges that were dropped before they were written, because newer ones needed the room.
    dropped: int = 0


class TextPage(NamedTuple):
    """A part of a collection: JSON texts in order, and whether more follow."""

    items: list[str]
    more: bool


class Blob(NamedTuple):
    """Where the bytes of a blob are: in ``chunks`` numbered pieces under ``key``."""

    key: str
    size: int
    chunks: int


class Engine(Protocol):
    """One database. ``place`` names it for people, without a password."""

    place: str

    def check(self) -> None:
        """Raise ``StoreUnavailable`` unless the database answers."""
        ...

    def close(self) -> None:
        """Close the connections of this process. A later call opens them again."""
        ...

    # Namespaces

    def epochs(self) -> dict[str, int]:
        """The namespaces and the epoch of each. A namespace that is reset or expires and begins again has another epoch."""
        ...

    def numbers(self, name: str, count: int) -> Numbers:
        """Lease ``count`` numbers of a namespace, which begins to exist and counts as used now. The first number is 1."""
        ...

    def reset(self, name: str | None) -> None:
        """Forget one namespace, or all; then add 1 to the counter ``resets``."""
        ...

    def surplus(self, limit: int) -> list[str]:
        """The least recently used namespaces beyond ``limit``."""
        ...

    def write(self, batches: Sequence[Batch], size: int, memory: int) -> None:
        """Write the batches: hits are added, entries appended in order and numbered by one sequence of the whole store.

        Journals keep ``size`` entries per namespace and ``memory`` bytes together; the oldest make room and count as dropped.
        The namespaces count as used now. A batch of another epoch is dropped.
        """
        ...

    # Rules and scenarios

    def claim(self, name: str, rule: str, times: int | None, answer: int, key: str | None) -> int | None:
        """``State.claim``."""
        ...

    def fail(self, name: str, rule: str, reply: int, times: int) -> bool:
        """``State.fail``."""
        ...

    def hits(self, name: str) -> dict[str, int]:
        """``State.hits``."""
        ...

    def answers(self, name: str) -> Set[tuple[str, int]]:
        """``State.answers``: the pairs of rule and answer that were hit, without -1."""
        ...

    def forget_rules(self, name: str, rules: Sequence[str]) -> None:
        """``State.forget_rules``."""
        ...

    def scenarios(self, name: str) -> dict[str, str]:
        """The scenarios that were set; those of the settings are laid under them by the caller."""
        ...

    def set_scenarios(self, name: str, changes: Mapping[str, str]) -> None:
        """``State.set_scenarios``."""
        ...

    def compare_and_set(self, name: str, scenario: str, expected: str | None, new: str, start: str | None) -> bool:
        """``State.compare_and_set``; a scenario that was never set is in the state ``start``."""
        ...

    def take(self, name: str, costs: Sequence[Cost], now: float) -> Levels:
        """``State.take``."""
        ...

    # Journal

    def entries(self, name: str) -> list[tuple[int, str]]:
        """The number and the record of each exchange, oldest first."""
        ...

    def dropped(self, name: str) -> int:
        """``State.dropped``."""
        ...

    def clear_entries(self, name: str) -> int:
        """``State.clear_exchanges``: the number of dropped exchanges stays."""
        ...

    # Objects

    def put(self, name: str, collection: str, id: str, value: str, index: Mapping[str, str]) -> None:
        """``State.put``; the oldest of a collection of more than ``memory.OBJECTS`` makes room."""
        ...

    def get(self, name: str, collection: str, id: str) -> str | None:
        """A stored text."""
        ...

    def delete(self, name: str, collection: str, id: str) -> bool:
        """``State.delete``."""
        ...

    def swap(self, name: str, collection: str, id: str, old: str | None, new: str) -> bool:
        """Replace a text (not its index and place) if it is still ``old``; whether it was. ``old`` None: if there is none."""
        ...

    def count(self, name: str, collection: str) -> int:
        """``State.count``."""
        ...

    def page(
        self,
        name: str,
        collection: str,
        limit: int,
        after: str | None,
        before: str | None,
        newest_first: bool,
        index: Mapping[str, str],
    ) -> TextPage | None:
        """``State.page``. None without an object ``after`` or ``before``; a ``before`` that is not past ``after`` is ignored."""
        ...

    # Blobs

    def append_blob(self, name: str, id: str, data: bytes) -> int:
        """Append at most ``shared.CHUNK`` bytes as one piece; the size now.

        StateFull past ``blobs.TOTAL`` bytes or ``blobs.NUMBER`` blobs of a namespace.
        """
        ...

    def rename_blob(self, name: str, old: str, new: str) -> None:
        """Give a blob another id, in place of the blob with that id. ``old`` need not exist: then ``new`` is empty."""
        ...

    def blob(self, name: str, id: str) -> Blob | None:
        """Where the bytes of a blob are."""
        ...

    def chunk(self, name: str, key: str, number: int) -> bytes | None:
        """One piece, from 0; None when the blob was deleted since."""
        ...

    def delete_blob(self, name: str, id: str) -> bool:
        """``State.delete_blob``."""
        ...

    # Work in the background

    def lease(self, name: str, job: str, holder: str, seconds: float, now: float) -> bool:
        """``State.lease``."""
        ...

    def release(self, name: str, job: str, holder: str) -> None:
        """``State.release``."""
        ...

    def schedule(self, name: str, job: str, at: float | None) -> None:
        """``State.schedule``."""
        ...

    def due(self, name: str, now: float, limit: int) -> list[str]:
        """``State.due``."""
        ...

    # Counters of the whole store

    def counters(self) -> dict[str, int]:
        """All counters, in one quick read: every process reads them many times a second. A counter that is missing is 0.

        ``born`` changes when the database has lost its content, such as a server without persistence that starts again.
        """
        ...

    def increment(self, counter: str) -> int:
        """Add 1 to a counter; its value now."""
        ...

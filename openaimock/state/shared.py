"""SharedState: one namespace whose state several processes share through an engine."""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from io import BufferedReader, RawIOBase
from operator import length_hint
from typing import Any, BinaryIO, NamedTuple

from ..types.exchange import Exchange
from . import records
from .engine import SYSTEM, Engine
from .journal import Journal, JournalMemory, arrival
from .store import Cost, Levels, Page

#: Numbers that are leased at once: few for a namespace that is new, because most are used by one short test.
FIRST_LEASE, LARGEST_LEASE = 16, 1024
#: Bytes of a piece of a blob.
CHUNK = 256 * 1024

_dump = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Journaling(NamedTuple):
    """How the processes of a store keep journals: entries per namespace, the memory of those not written, secrets to mask."""

    size: int
    memory: JournalMemory
    secrets: Sequence[str] = ()


class SharedState:
    """One namespace over an engine (``state.store.State``).

    Numbers are leased in blocks. Hits of rules without a sequence and exchanges of the journal are collected here, and written
    by the store's thread. Everything else asks the engine at once and may block.
    """

    def __init__(
        self, engine: Engine, name: str, start: Mapping[str, str], journaling: Journaling, flush: Callable[[], None]
    ) -> None:
        self.name = name
        self.engine = engine
        #: Writes what this process has collected.
        self._flush = flush
        #: The epoch of the namespace that this object belongs to; 0 before numbers are leased.
        self.epoch = 0
        #: Hits that are not written yet, and exchanges: those appended since the last batch, and those that were running then.
        self.new_hits: deque[tuple[str, int]] = deque()
        self.journal = Journal(journaling.size, journaling.memory)
        self.append, self.charge = self.journal.append, self.journal.charge
        self.running: dict[Exchange, str] = {}
        self._start = dict(start)
        self._numbers: Iterator[int] = iter(())
        self._lease_size = FIRST_LEASE
        self._lock = threading.Lock()

    # Numbers

    @property
    def has_numbers(self) -> bool:
        """Whether the next number is at hand, so that taking it does not block."""
        return length_hint(self._numbers) > 0

    def next_number(self) -> int:
        """The next number of this process."""
        for number in self._numbers:
            return number
        with self._lock:
            # Another thread may have leased some since.
            for number in self._numbers:
                return number
            self._lease()
            return next(self._numbers)

    def _lease(self) -> None:
        self.epoch, first = self.engine.numbers(self.name, self._lease_size)
        self._numbers = iter(range(first, first + self._lease_size))
        self._lease_size = min(4 * self._lease_size, LARGEST_LEASE)

    def begin(self) -> None:
        """Make the namespace exist if this process has collected something for it."""
        with self._lock:
            if not self.epoch and (self.new_hits or len(self.journal)):
                self._lease()

    # Rules

    def claim(self, rule: str, times: int | None = None, *, answer: int = -1, key: str | None = None) -> int | None:
        """Count a hit of a rule."""
        return self.engine.claim(self.name, rule, times, answer, key)

    def count_hit(self, rule: str, answer: int = -1) -> None:
        """Count a hit of a rule with the next batch."""
        self.new_hits.append((rule, answer))

    def fail(self, rule: str, reply: int, times: int) -> bool:
        """Whether this attempt is one of the first ``times``."""
        return self.engine.fail(self.name, rule, reply, times)

    def hits(self) -> Mapping[str, int]:
        """The hits of all rules, read when the first of them is asked for."""
        return LazyMapping(lambda: self.engine.hits(self.name))

    def answers(self) -> Set[tuple[str, int]]:
        """The messages of conversations that answered."""
        return self.engine.answers(self.name)

    def forget_rules(self, rules: Iterable[str]) -> None:
        """Forget what is counted of rules."""
        self.engine.forget_rules(self.name, list(rules))

    # Scenarios and limits

    def scenarios(self) -> Mapping[str, str]:
        """The states of all scenarios, read when the first of them is asked for."""
        return LazyMapping(lambda: self._start | self.engine.scenarios(self.name))

    def set_scenarios(self, changes: Mapping[str, str]) -> None:
        """Put scenarios into states."""
        if changes:
            self.engine.set_scenarios(self.name, changes)

    def compare_and_set(self, scenario: str, expected: str | None, new: str) -> bool:
        """Put a scenario into a state if it is in the expected one."""
        return self.engine.compare_and_set(self.name, scenario, expected, new, self._start.get(scenario))

    def take(self, costs: Sequence[Cost], now: float) -> Levels:
        """Take all costs from their buckets, or none."""
        return self.engine.take(self.name, costs, now)

    # Journal

    def exchanges(self) -> list[Exchange]:
        """The exchanges of this process and those that others have written, oldest first. ``settle`` makes all write."""
        self._flush()
        exchanges = [records.decode(record, order) for order, record in self.engine.entries(self.name)]
        # Batches of several processes are written one after the other.
        return sorted(exchanges, key=arrival)

    def dropped(self) -> int:
        """How many exchanges made room for newer ones."""
        self._flush()
        return self.engine.dropped(self.name)

    def clear_exchanges(self) -> int:
        """Empty the journal."""
        self._flush()
        return self.engine.clear_entries(self.name)

    # Objects

    def put(self, collection: str, id: str, value: Any, index: Mapping[str, str] | None = None, *, size: int = 0) -> None:
        """Store a value."""
        self.engine.put(self.name, collection, id, _dump(value), index or {})

    def get(self, collection: str, id: str) -> Any:
        """A stored value, or None."""
        text = self.engine.get(self.name, collection, id)
        return None if text is None else json.loads(text)

    def delete(self, collection: str, id: str) -> bool:
        """Delete a value; whether there was one."""
        return self.engine.delete(self.name, collection, id)

    def update(self, collection: str, id: str, change: Mapping[str, Any], expected: Mapping[str, Any] | None = None) -> Any:
        """Set members of a stored object if the expected members have these values."""
        while True:
            text = self.engine.get(self.name, collection, id)
            if text is None:
                return None
            value = json.loads(text)
            if any(value.get(name) != member for name, member in (expected or {}).items()):
                return None
            value = {**value, **change}
            if self.engine.swap(self.name, collection, id, text, _dump(value)):
                return value

    def count(self, collection: str) -> int:
        """How many values a collection has."""
        return self.engine.count(self.name, collection)

    def page(
        self,
        collection: str,
        *,
        limit: int,
        after: str | None = None,
        before: str | None = None,
        newest_first: bool = False,
        index: Mapping[str, str] | None = None,
    ) -> Page | None:
        """Up to ``limit`` values past ``after`` or short of ``before``; None when there is no such id."""
        page = self.engine.page(self.name, collection, limit, after, before, newest_first, index or {})
        return None if page is None else Page(list(map(json.loads, page.items)), page.more)

    # Blobs

    def put_blob(self, id: str, chunks: Iterable[bytes]) -> int:
        """Store bytes in place of what was there."""
        part, size = f".part-{uuid.uuid4().hex}", 0
        try:
            for data in _pieces(chunks):
                size = self.engine.append_blob(self.name, part, data)
        except BaseException:
            self.engine.delete_blob(self.name, part)
            raise
        self.engine.rename_blob(self.name, part, id)
        return size

    def append_blob(self, id: str, data: bytes) -> int:
        """Append to a blob."""
        size = 0
        for start in range(0, max(len(data), 1), CHUNK):
            size = self.engine.append_blob(self.name, id, data[start : start + CHUNK])
        return size

    def open_blob(self, id: str) -> BinaryIO | None:
        """A file object that reads a blob; None when there is none."""
        blob = self.engine.blob(self.name, id)
        if blob is None:
            return None
        return BufferedReader(_ChunkReader(lambda number: self.engine.chunk(self.name, blob.key, number), blob.chunks))

    def delete_blob(self, id: str) -> bool:
        """Delete a blob."""
        return self.engine.delete_blob(self.name, id)

    # Work in the background

    def lease(self, job: str, holder: str, seconds: float, now: float) -> bool:
        """Take or renew the right to run a job."""
        return self.engine.lease(self.name, job, holder, seconds, now)

    def release(self, job: str, holder: str) -> None:
        """Give a lease back."""
        self.engine.release(self.name, job, holder)

    def schedule(self, job: str, at: float | None) -> None:
        """Make a job due at a time, or no longer."""
        self.engine.schedule(self.name, job, at)
        # Once more for all namespaces together, so that one read finds what is due.
        self.engine.schedule(SYSTEM, json.dumps([self.name, job]), at)

    def due(self, now: float, limit: int = 100) -> list[str]:
        """The jobs that are due, the longest waiting first."""
        return self.engine.due(self.name, now, limit)

    def reset(self) -> None:
        """Forget everything."""
        self.engine.reset(self.name)
        self.discard()

    def renew(self) -> None:
        """Go on in a database that has lost its content; what this process has collected since the last batch is kept."""
        with self._lock:
            self._numbers, self._lease_size, self.epoch = iter(()), FIRST_LEASE, 0

    def discard(self) -> None:
        """Forget what this process holds of the namespace: the namespace was reset."""
        self.renew()
        with self._lock:
            self.new_hits.clear()
            self.running.clear()
            self.journal.clear()
            self.journal.dropped = 0


class LazyMapping(Mapping[str, Any]):
    """A mapping that is read from the store when it is first used, so that a request that does not use it waits for nothing."""

    def __init__(self, load: Callable[[], dict[str, Any]]) -> None:
        self._load = load
        #: What was read; empty before.
        self.loaded: dict[str, Any] = {}
        self._is_loaded = False

    def _content(self) -> dict[str, Any]:
        if not self._is_loaded:
            self.loaded, self._is_loaded = self._load(), True
        return self.loaded

    def __getitem__(self, key: str) -> Any:
        return self._content()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content())

    def __len__(self) -> int:
        return len(self._content())


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of the stored size, the last one smaller."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= CHUNK:
            yield bytes(buffer[:CHUNK])
            del buffer[:CHUNK]
    if buffer:
        yield bytes(buffer)


class _ChunkReader(RawIOBase):
    """Reads a blob piece by piece. A blob that is deleted meanwhile ends with an OSError."""

    def __init__(self, chunk: Callable[[int], bytes | None], count: int) -> None:
        self._chunk = chunk
        self._count = count
        self._number = 0
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and self._number < self._count:
            data = self._chunk(self._number)
            if data is None:
                raise OSError("the blob was deleted while it was read")
            self._rest, self._number = data, self._number + 1
        size = min(len(self._rest), len(buffer))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

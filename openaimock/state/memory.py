"""State in memory: the default, for one process."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .blobs import Blobs
from .journal import Journal, JournalMemory
from .object_memory import ObjectMemory
from .store import TOLERANCE, Cost, Levels, Page

#: How many claims are remembered by their keys, and how many buckets and objects of one collection a namespace keeps.
CLAIMS, BUCKETS, OBJECTS = 1000, 10_000, 100_000
_NO_INDEX: Mapping[str, str] = MappingProxyType({})


class MemoryState:
    """One namespace in memory (``state.store.State``). ``scenarios`` are the states in which the scenarios start."""

    def __init__(
        self,
        name: str,
        scenarios: Mapping[str, str] | None = None,
        size: int = 1000,
        memory: JournalMemory | None = None,
        objects: ObjectMemory | None = None,
    ) -> None:
        self.name = name
        self._start = dict(scenarios or {})
        self._lock = threading.RLock()
        self._journal = Journal(size, memory or JournalMemory())
        self.append, self.charge, self.exchanges = self._journal.append, self._journal.charge, self._journal.exchanges
        self._objects = objects or ObjectMemory()
        self._has_sizes = False
        self._blobs = Blobs()
        self.put_blob, self.append_blob = self._blobs.put, self._blobs.append
        self.open_blob, self.delete_blob = self._blobs.open, self._blobs.delete
        self._clear()

    def _clear(self) -> None:
        self._hits: dict[str, int] = {}
        self._answers: set[tuple[str, int]] = set()
        self._failures: dict[tuple[str, int], int] = {}
        self._claims: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._scenarios = dict(self._start)
        self.next_number = itertools.count(1).__next__
        self._buckets: OrderedDict[str, tuple[float, float, float]] = OrderedDict()
        self._collections: dict[str, dict[str, tuple[Any, Mapping[str, str]]]] = {}
        self._leases: dict[str, tuple[str, float]] = {}
        self._schedule: dict[str, float] = {}

    # Rules

    def claim(self, rule: str, times: int | None = None, *, answer: int = -1, key: str | None = None) -> int | None:
        """Count a hit of a rule: its number from 0, None when the ``times`` of the rule are used up."""
        with self._lock:
            if key is not None and (rule, key) in self._claims:
                return self._claims[rule, key]
            number = self._hits.get(rule, 0)
            if times is not None and number >= times:
                return None
            self._hits[rule] = number + 1
            if answer >= 0:
                self._answers.add((rule, answer))
            if key is not None:
                self._claims[rule, key] = number
                if len(self._claims) > CLAIMS:
                    self._claims.popitem(last=False)
            return number

    def count_hit(self, rule: str, answer: int = -1) -> None:
        """Count a hit of a rule."""
        self.claim(rule, answer=answer)

    def fail(self, rule: str, reply: int, times: int) -> bool:
        """Whether this attempt at a reply is one of the first ``times``, which fail and do not count as hits."""
        with self._lock:
            failures = self._failures.get((rule, reply), 0)
            if failures >= times:
                return False
            self._failures[rule, reply] = failures + 1
            if rule in self._hits:
                self._hits[rule] -= 1
            return True

    def hits(self) -> Mapping[str, int]:
        """The live counts of all hits: a shared mapping, which the caller only reads."""
        return self._hits

    def answers(self) -> set[tuple[str, int]]:
        """A copy of the messages of conversations that answered."""
        with self._lock:
            return set(self._answers)

    def forget_rules(self, rules: Iterable[str]) -> None:
        """Forget what is counted of these rules."""
        ids = set(rules)
        with self._lock:
            for rule in ids:
                self._hits.pop(rule, None)
            self._answers = {pair for pair in self._answers if pair[0] not in ids}
            self._failures = {pair: count for pair, count in self._failures.items() if pair[0] not in ids}
            self._claims = OrderedDict((pair, number) for pair, number in self._claims.items() if pair[0] not in ids)

    # Scenarios

    def scenarios(self) -> Mapping[str, str]:
        """The live states of all scenarios: a shared mapping, which the caller only reads."""
        return self._scenarios

    def set_scenarios(self, changes: Mapping[str, str]) -> None:
        """Put scenarios into states."""
        if changes:
            with self._lock:
                self._scenarios.update(changes)

    def compare_and_set(self, scenario: str, expected: str | None, new: str) -> bool:
        """Put a scenario into a state if it is in the expected one."""
        with self._lock:
            if self._scenarios.get(scenario) != expected:
                return False
            self._scenarios[scenario] = new
            return True

    # Limits

    def take(self, costs: Sequence[Cost], now: float) -> Levels:
        """Take all costs from their buckets, or none."""
        with self._lock:
            levels = [self._level(cost, now) for cost in costs]
            is_enough = all(level >= cost.amount - TOLERANCE for level, cost in zip(levels, costs, strict=True))
            if is_enough:
                levels = [level - cost.amount for level, cost in zip(levels, costs, strict=True)]
            for level, cost in zip(levels, costs, strict=True):
                # The clocks of several callers may differ: the time of a bucket does not go back.
                _, at, _ = self._buckets.get(cost.bucket, (0.0, now, 0.0))
                at = max(now, at)
                self._buckets[cost.bucket] = level, at, at + (cost.limit - level) * cost.seconds / cost.limit
                self._buckets.move_to_end(cost.bucket)
            # A full bucket needs no entry. The least recently used buckets are full first.
            while self._buckets:
                bucket, (_, _, full_at) = next(iter(self._buckets.items()))
                if full_at > now and len(self._buckets) <= BUCKETS:
                    break
                del self._buckets[bucket]
            return Levels(is_enough, tuple(levels))

    def _level(self, cost: Cost, now: float) -> float:
        level, at, _ = self._buckets.get(cost.bucket, (cost.limit, now, now))
        return min(cost.limit, level + max(0.0, now - at) * cost.limit / cost.seconds)

    # Journal

    def dropped(self) -> int:
        """How many exchanges made room for newer ones."""
        return self._journal.dropped

    def clear_exchanges(self) -> int:
        """Empty the journal."""
        return self._journal.clear()

    # Objects

    def put(self, collection: str, id: str, value: Any, index: Mapping[str, str] | None = None, *, size: int = 0) -> None:
        """Store a value; the oldest of a full collection makes room for it, and the oldest of all that have a size."""
        oldest: Iterable[tuple[MemoryState, str, str]] = ()
        with self._lock:
            # Where the oldest value goes for each new one, a plain dict would search for the first entry longer and longer.
            values = self._collections.setdefault(collection, OrderedDict())
            values[id] = value, index or _NO_INDEX
            if len(values) > OBJECTS:
                self._objects.remove((self, collection, first := next(iter(values))))
                del values[first]
            if size:
                self._has_sizes = True
                oldest = self._objects.add((self, collection, id), size)
        # Outside the lock: two namespaces may delete objects of each other.
        for state, of, other in oldest:
            state.delete(of, other)

    def get(self, collection: str, id: str) -> Any:
        """A stored value, or None."""
        entry = self._collections.get(collection, {}).get(id)
        return None if entry is None else entry[0]

    def delete(self, collection: str, id: str) -> bool:
        """Delete a value; whether there was one."""
        with self._lock:
            values = self._collections.get(collection, {})
            existed = values.pop(id, None) is not None
            if self._has_sizes:
                self._objects.remove((self, collection, id))
            if not values:
                self._collections.pop(collection, None)
            return existed

    def update(self, collection: str, id: str, change: Mapping[str, Any], expected: Mapping[str, Any] | None = None) -> Any:
        """Set members of a stored object if the expected members have these values."""
        with self._lock:
            entry = self._collections.get(collection, {}).get(id)
            if entry is None or any(entry[0].get(name) != value for name, value in (expected or {}).items()):
                return None
            value = {**entry[0], **change}
            self._collections[collection][id] = value, entry[1]
            return value

    def count(self, collection: str) -> int:
        """How many values a collection has."""
        return len(self._collections.get(collection, ()))

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
        with self._lock:
            values = self._collections.get(collection, {})
            if (after is not None and after not in values) or (before is not None and before not in values):
                return None
            ordered = iter(reversed(values.items()) if newest_first else values.items())
            if after is not None:
                for id, _ in ordered:
                    if id == after:
                        break
            items: list[Any] = []
            for id, (value, indexed) in ordered:
                if id == before:
                    break
                if index and any(indexed.get(name) != text for name, text in index.items()):
                    continue
                if len(items) >= limit:
                    return Page(items, True)
                items.append(value)
            return Page(items, False)

    # Work in the background

    def lease(self, job: str, holder: str, seconds: float, now: float) -> bool:
        """Take or renew the right to run a job."""
        with self._lock:
            owner, end = self._leases.get(job, (holder, now))
            if owner != holder and end > now:
                return False
            self._leases[job] = holder, now + seconds
            return True

    def release(self, job: str, holder: str) -> None:
        """Give a lease back."""
        with self._lock:
            if self._leases.get(job, ("", 0.0))[0] == holder:
                del self._leases[job]

    def schedule(self, job: str, at: float | None) -> None:
        """Make a job due at a time, or no longer."""
        with self._lock:
            if at is None:
                self._schedule.pop(job, None)
            else:
                self._schedule[job] = at

    def due(self, now: float, limit: int = 100) -> list[str]:
        """The jobs that are due, the longest waiting first."""
        with self._lock:
            waiting = sorted((at, job) for job, at in self._schedule.items() if at <= now)
        return [job for _, job in waiting[:limit]]

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()
            if self._has_sizes:
                self._objects.clear(self)
            self._journal.clear()
            self._journal.dropped = 0
            self._blobs.clear()

"""Redis: the engine that lets many machines share a mock's state (``store: redis://host:port/db``)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from ..config.redis_address import RedisAddress
from . import blobs
from . import redis_object_scripts as object_scripts
from . import redis_scripts as scripts
from .engine import SYSTEM, Batch, Blob, Numbers, TextPage
from .memory import BUCKETS, CLAIMS, OBJECTS
from .redis_connections import Connections
from .redis_script import Script
from .redis_wire import Part, packed
from .store import TOLERANCE, Cost, Levels, StateFull


class RedisEngine:
    """The state of many machines in one Redis server (``state.engine.Engine``).

    The keys are ``{PREFIX}:NAMESPACE:PART`` for each namespace, and ``{PREFIX}!PART`` for the whole store.
    """

    def __init__(self, address: RedisAddress) -> None:
        self.place = str(address)
        self._connections = Connections(address)
        self._base = f"{{{address.prefix}}}:"
        self._store = f"{{{address.prefix}}}!"
        self._ttl = address.ttl
        self.check, self.close = self._connections.check, self._connections.close

    def _script(self, script: Script, name: str, *arguments: Part) -> Any:
        opening = _opening(self._base, self._store, self._ttl, name)
        return self._connections.script(script, opening, _OPENING, time.time(), *arguments)

    def _run(self, command: str, name: str, part: str, *arguments: Part) -> Any:
        """The answer to a command about one key of a namespace."""
        return self._connections.run(command, f"{self._base}{_quoted(name)}:{part}", *arguments)

    # Namespaces

    def epochs(self) -> dict[str, int]:
        """The namespaces and their epochs."""
        reply = self._connections.run("HGETALL", f"{self._store}epochs")
        epochs = {unquote(name): int(epoch) for name, epoch in _pairs(reply)}
        return dict(sorted(epochs.items(), key=lambda item: item[1]))

    def numbers(self, name: str, count: int) -> Numbers:
        """Lease numbers of a namespace, which begins to exist."""
        epoch, first = self._script(scripts.NUMBERS, name, count)
        return Numbers(int(epoch), int(first))

    def reset(self, name: str | None) -> None:
        """Forget one namespace, or all."""
        if name is None:
            self._script(scripts.RESET_ALL, SYSTEM, self._base)
        else:
            self._script(scripts.RESET, name)

    def surplus(self, limit: int) -> list[str]:
        """The least recently used namespaces beyond a number, and those that were not used for a long time."""
        return [unquote(_text(name)) for name in self._script(scripts.SURPLUS, SYSTEM, limit)]

    def write(self, batches: Sequence[Batch], size: int, memory: int) -> None:
        """Write hits and journal entries."""
        parts: list[Part] = [size, memory, self._base, len(batches)]
        for batch in batches:
            parts += (_quoted(batch.namespace), batch.epoch, batch.dropped, len(batch.hits))
            for (rule, answer), count in batch.hits.items():
                parts += (rule, answer, count)
            parts.append(len(batch.entries))
            for entry in batch.entries:
                parts += (entry.key, entry.record, entry.size, int(entry.again))
        self._script(scripts.WRITE, SYSTEM, *parts)

    # Rules

    def claim(self, name: str, rule: str, times: int | None, answer: int, key: str | None) -> int | None:
        """Count a hit of a rule."""
        number = self._script(scripts.CLAIM, name, rule, "" if times is None else times, answer, key or "", CLAIMS)
        return None if number is None else int(number)

    def fail(self, name: str, rule: str, reply: int, times: int) -> bool:
        """Count a failing attempt, which is no hit."""
        return bool(self._script(scripts.FAIL, name, rule, reply, times))

    def hits(self, name: str) -> dict[str, int]:
        """How often each rule answered."""
        return {rule: int(count) for rule, count in _pairs(self._run("HGETALL", name, "hits"))}

    def answers(self, name: str) -> set[tuple[str, int]]:
        """The messages of conversations that answered."""
        pairs = (_text(pair).rpartition("\0") for pair in self._run("SMEMBERS", name, "answers"))
        return {(rule, int(answer)) for rule, _, answer in pairs}

    def forget_rules(self, name: str, rules: Sequence[str]) -> None:
        """Forget what is counted of rules."""
        self._script(scripts.FORGET_RULES, name, *rules)

    # Scenarios and limits

    def scenarios(self, name: str) -> dict[str, str]:
        """The scenarios that were set."""
        return dict(_pairs(self._run("HGETALL", name, "scenarios")))

    def set_scenarios(self, name: str, changes: Mapping[str, str]) -> None:
        """Put scenarios into states."""
        self._script(scripts.SET_SCENARIOS, name, *(text for pair in changes.items() for text in pair))

    def compare_and_set(self, name: str, scenario: str, expected: str | None, new: str, start: str | None) -> bool:
        """Put a scenario into a state if it is in the expected one."""
        return bool(self._script(scripts.COMPARE_AND_SET, name, scenario, new, _optional(expected), _optional(start)))

    def take(self, name: str, costs: Sequence[Cost], now: float) -> Levels:
        """Take costs from buckets. A clock that is behind that of another machine refills nothing twice."""
        parts = [part for cost in costs for part in (cost.bucket, cost.amount, cost.limit, cost.seconds)]
        is_enough, *levels = self._script(scripts.TAKE, name, now, TOLERANCE, BUCKETS, *parts)
        return Levels(bool(is_enough), tuple(map(float, levels)))

    # Journal

    def entries(self, name: str) -> list[tuple[int, str]]:
        """The exchanges, oldest first."""
        reply = self._script(scripts.ENTRIES, name)
        return [(int(order), _text(record)) for order, record in zip(reply[::2], reply[1::2], strict=True) if record]

    def dropped(self, name: str) -> int:
        """How many exchanges made room for newer ones."""
        return int(self._connections.run("HGET", f"{self._store}dropped", _quoted(name)) or 0)

    def clear_entries(self, name: str) -> int:
        """Empty the journal."""
        return int(self._script(scripts.CLEAR_ENTRIES, name))

    # Objects

    def put(self, name: str, collection: str, id: str, value: str, index: Mapping[str, str]) -> None:
        """Store a text."""
        self._script(object_scripts.PUT, name, collection, id, value, json.dumps(dict(index)) if index else "", OBJECTS)

    def get(self, name: str, collection: str, id: str) -> str | None:
        """A stored text."""
        value = self._run("HGET", name, f"values:{collection}", id)
        return None if value is None else _text(value)

    def delete(self, name: str, collection: str, id: str) -> bool:
        """Delete a text."""
        return bool(self._script(object_scripts.DELETE, name, collection, id))

    def swap(self, name: str, collection: str, id: str, old: str | None, new: str) -> bool:
        """Replace a text that is still the same; with None, store one where there is none."""
        return bool(self._script(object_scripts.SWAP, name, collection, id, _optional(old), new))

    def count(self, name: str, collection: str) -> int:
        """How many texts a collection has."""
        return int(self._run("ZCARD", name, f"ids:{collection}"))

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
        """A part of a collection."""
        labels = [text for pair in index.items() for text in pair]
        place = (_optional(after), _optional(before))
        reply = self._script(object_scripts.PAGE, name, collection, limit, int(newest_first), *place, *labels)
        return None if reply is None else TextPage(list(map(_text, reply[1:])), bool(reply[0]))

    # Blobs

    def append_blob(self, name: str, id: str, data: bytes) -> int:
        """Append one piece to a blob."""
        size = int(self._script(object_scripts.APPEND_BLOB, name, id, data, uuid.uuid4().hex, blobs.TOTAL, blobs.NUMBER))
        if size < 0:
            raise StateFull(f"the blobs of a namespace are limited to {blobs.TOTAL} bytes and {blobs.NUMBER} in number")
        return size

    def rename_blob(self, name: str, old: str, new: str) -> None:
        """Give a blob another id."""
        self._script(object_scripts.RENAME_BLOB, name, old, new, uuid.uuid4().hex)

    def blob(self, name: str, id: str) -> Blob | None:
        """Where a blob is."""
        place = self._run("HGET", name, "blobs", id)
        if place is None:
            return None
        key, size, chunks = _text(place).split()
        return Blob(key, int(size), int(chunks))

    def chunk(self, name: str, key: str, number: int) -> bytes | None:
        """One piece of a blob."""
        data: bytes | None = self._run("GET", name, f"chunk:{key}:{number}")
        return data

    def delete_blob(self, name: str, id: str) -> bool:
        """Delete a blob."""
        return bool(self._script(object_scripts.DELETE_BLOB, name, id))

    # Work in the background

    def lease(self, name: str, job: str, holder: str, seconds: float, now: float) -> bool:
        """Take or renew a lease."""
        return bool(self._script(object_scripts.LEASE, name, job, holder, seconds, now))

    def release(self, name: str, job: str, holder: str) -> None:
        """Give a lease back."""
        self._script(object_scripts.RELEASE, name, job, holder)

    def schedule(self, name: str, job: str, at: float | None) -> None:
        """Make a job due, or no longer."""
        self._script(object_scripts.SCHEDULE, name, job, "" if at is None else at)

    def due(self, name: str, now: float, limit: int) -> list[str]:
        """The jobs that are due."""
        return list(map(_text, self._run("ZRANGEBYSCORE", name, "schedule", "-inf", now, "LIMIT", 0, limit)))

    # Counters

    def counters(self) -> dict[str, int]:
        """All counters."""
        return {name: int(count) for name, count in _pairs(self._connections.run("HGETALL", f"{self._store}counters"))}

    def increment(self, counter: str) -> int:
        """Add 1 to a counter."""
        return int(self._script(object_scripts.INCREMENT, SYSTEM, counter))


#: Parts of ``_opening``.
_OPENING = 5


@lru_cache(1024)
def _opening(base: str, store: str, ttl: int, name: str) -> bytes:
    """What the command of every script about a namespace has behind the name of the script (``state.redis_script``)."""
    quoted = _quoted(name)
    return packed((2, f"{base}{quoted}:", store, ttl, quoted))


@lru_cache(1024)
def _quoted(name: str) -> str:
    """A namespace as a part of a key."""
    return quote(name, safe="", errors="surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _optional(text: str | None) -> str:
    """A text behind a "+", "" for None."""
    return "" if text is None else f"+{text}"


def _pairs(reply: Sequence[bytes]) -> list[tuple[str, str]]:
    """The names and values of a hash."""
    texts = list(map(_text, reply))
    return list(zip(texts[::2], texts[1::2], strict=True))

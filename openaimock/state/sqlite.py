"""SQLite: the engine that lets the processes of one machine share a mock's state in a file (``store: sqlite:///file.db``)."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import blobs
from .engine import SYSTEM, Batch, Blob, Numbers, TextPage
from .memory import BUCKETS, CLAIMS, OBJECTS
from .sqlite_batches import trim_journals, write_batch
from .sqlite_connections import Connections
from .sqlite_schema import OF_NAMESPACES
from .store import TOLERANCE, Cost, Levels, StateFull

_ROWS = list[tuple[Any, ...]]


class SQLiteEngine:
    """The state of several processes in one SQLite file (``state.engine.Engine``)."""

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._connections = Connections(path)
        self._writing = self._connections.writing
        self.close = self._connections.close

    def _rows(self, statement: str, *values: Any) -> _ROWS:
        """The rows of one statement outside of a transaction: it reads, or it changes and locks by itself."""
        db = self._connections.get()
        try:
            return db.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._connections.unavailable(error) from None

    def _change(self, statement: str, *values: Any) -> int:
        """Run one statement that writes; the number of rows that it changed."""
        return self._connections.change(statement, values)[1]

    def check(self) -> None:
        """StoreUnavailable unless the file can be read."""
        self._rows("SELECT 1 FROM counters LIMIT 1")

    # Namespaces

    def epochs(self) -> dict[str, int]:
        """The namespaces and their epochs."""
        return dict(self._rows("SELECT name, epoch FROM namespaces ORDER BY epoch"))

    def numbers(self, name: str, count: int) -> Numbers:
        """Lease numbers of a namespace, which begins to exist."""
        with self._writing() as db:
            change = "UPDATE namespaces SET numbers = numbers + ?, used = ? WHERE name = ? RETURNING epoch, numbers"
            row = db.execute(change, (count, time.time(), name)).fetchone()
            if row is None:
                row = (_increment(db, "epochs"), count)
                statement = "INSERT INTO namespaces (name, epoch, numbers, used) VALUES (?, ?, ?, ?)"
                db.execute(statement, (name, *row, time.time()))
            return Numbers(row[0], row[1] - count + 1)

    def reset(self, name: str | None) -> None:
        """Forget one namespace, or all."""
        # ``IS NOT`` the namespace of the whole store, or ``IS`` the one.
        test, value = ("namespace IS NOT ?", SYSTEM) if name is None else ("namespace IS ?", name)
        with self._writing() as db:
            db.execute(f"DELETE FROM chunks WHERE key IN (SELECT key FROM blobs WHERE {test})", (value,))
            for table in OF_NAMESPACES:
                db.execute(f"DELETE FROM {table} WHERE {test}", (value,))
            db.execute(f"DELETE FROM namespaces WHERE {test.replace('namespace', 'name')}", (value,))
            _increment(db, "resets")

    def surplus(self, limit: int) -> list[str]:
        """The least recently used namespaces beyond a number."""
        return [name for (name,) in self._rows("SELECT name FROM namespaces ORDER BY used DESC LIMIT -1 OFFSET ?", limit)]

    def write(self, batches: Sequence[Batch], size: int, memory: int) -> None:
        """Write hits and journal entries."""
        with self._writing() as db:
            for batch in batches:
                row = db.execute("SELECT epoch FROM namespaces WHERE name = ?", (batch.namespace,)).fetchone()
                if row == (batch.epoch,):
                    write_batch(db, batch, size)
            trim_journals(db, memory)

    # Rules

    def claim(self, name: str, rule: str, times: int | None, answer: int, key: str | None) -> int | None:
        """Count a hit of a rule."""
        if times is not None and times < 1:
            return None
        count = (
            "INSERT INTO hits VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1 "
            "WHERE ? IS NULL OR count < ? RETURNING count"
        )
        if key is None and answer < 0:
            rows, _ = self._connections.change(count, (name, rule, times, times))
            return int(rows[0][0]) - 1 if rows else None
        with self._writing() as db:
            if key is not None:
                earlier = "SELECT number FROM claims WHERE namespace = ? AND rule = ? AND key = ?"
                if (row := db.execute(earlier, (name, rule, key)).fetchone()) is not None:
                    return int(row[0])
            row = db.execute(count, (name, rule, times, times)).fetchone()
            if row is None:
                return None
            number = int(row[0]) - 1
            if answer >= 0:
                db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (name, rule, answer))
            if key is not None:
                db.execute("INSERT INTO claims (namespace, rule, key, number) VALUES (?, ?, ?, ?)", (name, rule, key, number))
                old = "SELECT seq FROM claims WHERE namespace = ? ORDER BY seq DESC LIMIT -1 OFFSET ?"
                db.execute(f"DELETE FROM claims WHERE seq IN ({old})", (name, CLAIMS))
            return number

    def fail(self, name: str, rule: str, reply: int, times: int) -> bool:
        """Count a failing attempt, which is no hit."""
        if times < 1:
            return False
        count = (
            "INSERT INTO failures VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1 WHERE count < ? RETURNING count"
        )
        with self._writing() as db:
            if db.execute(count, (name, rule, reply, times)).fetchone() is None:
                return False
            db.execute("UPDATE hits SET count = count - 1 WHERE namespace = ? AND rule = ?", (name, rule))
            return True

    def hits(self, name: str) -> dict[str, int]:
        """How often each rule answered."""
        return dict(self._rows("SELECT rule, count FROM hits WHERE namespace = ?", name))

    def answers(self, name: str) -> set[tuple[str, int]]:
        """The messages of conversations that answered."""
        return set(self._rows("SELECT rule, answer FROM answers WHERE namespace = ?", name))

    def forget_rules(self, name: str, rules: Sequence[str]) -> None:
        """Forget what is counted of rules."""
        with self._writing() as db:
            for table in ("hits", "answers", "failures", "claims"):
                db.executemany(f"DELETE FROM {table} WHERE namespace = ? AND rule = ?", [(name, rule) for rule in rules])

    # Scenarios and limits

    def scenarios(self, name: str) -> dict[str, str]:
        """The scenarios that were set."""
        return dict(self._rows("SELECT name, state FROM scenarios WHERE namespace = ?", name))

    def set_scenarios(self, name: str, changes: Mapping[str, str]) -> None:
        """Put scenarios into states."""
        with self._writing() as db:
            rows = [(name, scenario, state) for scenario, state in changes.items()]
            db.executemany("INSERT OR REPLACE INTO scenarios VALUES (?, ?, ?)", rows)

    def compare_and_set(self, name: str, scenario: str, expected: str | None, new: str, start: str | None) -> bool:
        """Put a scenario into a state if it is in the expected one."""
        with self._writing() as db:
            row = db.execute("SELECT state FROM scenarios WHERE namespace = ? AND name = ?", (name, scenario)).fetchone()
            if (start if row is None else row[0]) != expected:
                return False
            db.execute("INSERT OR REPLACE INTO scenarios VALUES (?, ?, ?)", (name, scenario, new))
            return True

    def take(self, name: str, costs: Sequence[Cost], now: float) -> Levels:
        """Take costs from buckets."""
        with self._writing() as db:
            levels = [_level(db, name, cost, now) for cost in costs]
            is_enough = all(level >= cost.amount - TOLERANCE for level, cost in zip(levels, costs, strict=True))
            if is_enough:
                levels = [level - cost.amount for level, cost in zip(levels, costs, strict=True)]
            rows = [
                (name, cost.bucket, level, now, now + (cost.limit - level) * cost.seconds / cost.limit)
                for level, cost in zip(levels, costs, strict=True)
            ]
            # The clocks of several processes may differ: the time of a bucket does not go back.
            later = "at = max(at, excluded.at), full_at = excluded.full_at + max(at - excluded.at, 0)"
            keep = f"ON CONFLICT DO UPDATE SET level = excluded.level, {later}"
            db.executemany(f"INSERT INTO buckets VALUES (?, ?, ?, ?, ?) {keep}", rows)
            # A full bucket needs no row.
            db.execute("DELETE FROM buckets WHERE namespace = ? AND full_at <= ?", (name, now))
            full_first = "SELECT bucket FROM buckets WHERE namespace = ? ORDER BY full_at DESC LIMIT -1 OFFSET ?"
            surplus = db.execute(full_first, (name, BUCKETS)).fetchall()
            db.executemany("DELETE FROM buckets WHERE namespace = ? AND bucket = ?", [(name, bucket) for (bucket,) in surplus])
            return Levels(is_enough, tuple(levels))

    # Journal

    def entries(self, name: str) -> list[tuple[int, str]]:
        """The exchanges, oldest first."""
        return self._rows("SELECT seq, record FROM journal WHERE namespace = ? ORDER BY seq", name)

    def dropped(self, name: str) -> int:
        """How many exchanges made room for newer ones."""
        rows = self._rows("SELECT dropped FROM namespaces WHERE name = ?", name)
        return int(rows[0][0]) if rows else 0

    def clear_entries(self, name: str) -> int:
        """Empty the journal."""
        return self._change("DELETE FROM journal WHERE namespace = ?", name)

    # Objects

    def put(self, name: str, collection: str, id: str, value: str, index: Mapping[str, str]) -> None:
        """Store a text."""
        store = (
            "INSERT INTO objects (namespace, collection, id, value, labels) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET value = excluded.value, labels = excluded.labels"
        )
        self._change(store, name, collection, id, value, json.dumps(index) if index else None)
        if self.count(name, collection) > OBJECTS:
            oldest = "SELECT min(seq) FROM objects WHERE namespace = ? AND collection = ?"
            self._change(f"DELETE FROM objects WHERE seq = ({oldest})", name, collection)

    def get(self, name: str, collection: str, id: str) -> str | None:
        """A stored text."""
        rows = self._rows("SELECT value FROM objects WHERE namespace = ? AND collection = ? AND id = ?", name, collection, id)
        return rows[0][0] if rows else None

    def delete(self, name: str, collection: str, id: str) -> bool:
        """Delete a text."""
        statement = "DELETE FROM objects WHERE namespace = ? AND collection = ? AND id = ?"
        return self._change(statement, name, collection, id) > 0

    def swap(self, name: str, collection: str, id: str, old: str | None, new: str) -> bool:
        """Replace a text that is still the same."""
        if old is None:
            statement = "INSERT OR IGNORE INTO objects (namespace, collection, id, value) VALUES (?, ?, ?, ?)"
            return self._change(statement, name, collection, id, new) > 0
        statement = "UPDATE objects SET value = ? WHERE namespace = ? AND collection = ? AND id = ? AND value = ?"
        return self._change(statement, new, name, collection, id, old) > 0

    def count(self, name: str, collection: str) -> int:
        """How many texts a collection has."""
        rows = self._rows("SELECT count FROM collections WHERE namespace = ? AND collection = ?", name, collection)
        return int(rows[0][0]) if rows else 0

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
        db = self._connections.get()
        place = "SELECT seq FROM objects WHERE namespace = ? AND collection = ? AND id = ?"
        try:
            places = [(None,) if id is None else db.execute(place, (name, collection, id)).fetchone() for id in (after, before)]
            if None in places:
                return None
            low, high = (seq for (seq,) in (reversed(places) if newest_first else places))
            if low is not None and high is not None and low >= high:
                # ``before`` does not come after ``after``, and so not at all.
                low, high = (None, high) if newest_first else (low, None)
            rows = db.execute(
                "SELECT value, labels FROM objects WHERE namespace = ? AND collection = ? "
                "AND (? IS NULL OR seq > ?) AND (? IS NULL OR seq < ?) ORDER BY seq " + ("DESC" if newest_first else ""),
                (name, collection, low, low, high, high),
            )
            return _page(rows, limit, index)
        except sqlite3.Error as error:
            raise self._connections.unavailable(error) from None

    # Blobs

    def append_blob(self, name: str, id: str, data: bytes) -> int:
        """Append one piece to a blob."""
        with self._writing() as db:
            total, number = db.execute(
                "SELECT coalesce(sum(size), 0), count(*) FROM blobs WHERE namespace = ?", (name,)
            ).fetchone()
            row = db.execute("SELECT key, size, chunks FROM blobs WHERE namespace = ? AND id = ?", (name, id)).fetchone()
            if total + len(data) > blobs.TOTAL or (row is None and number >= blobs.NUMBER):
                raise StateFull(f"the blobs of a namespace are limited to {blobs.TOTAL} bytes and {blobs.NUMBER} in number")
            key, size, chunks = row or (uuid.uuid4().hex, 0, 0)
            db.execute("INSERT INTO chunks VALUES (?, ?, ?)", (key, chunks, data))
            db.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)", (name, id, key, size + len(data), chunks + 1))
            return int(size + len(data))

    def rename_blob(self, name: str, old: str, new: str) -> None:
        """Give a blob another id."""
        with self._writing() as db:
            _delete_blob(db, name, new)
            moved = db.execute("UPDATE blobs SET id = ? WHERE namespace = ? AND id = ?", (new, name, old)).rowcount
            if not moved:
                db.execute("INSERT INTO blobs VALUES (?, ?, ?, 0, 0)", (name, new, uuid.uuid4().hex))

    def blob(self, name: str, id: str) -> Blob | None:
        """Where a blob is."""
        rows = self._rows("SELECT key, size, chunks FROM blobs WHERE namespace = ? AND id = ?", name, id)
        return Blob(*rows[0]) if rows else None

    def chunk(self, name: str, key: str, number: int) -> bytes | None:
        """One piece of a blob."""
        rows = self._rows("SELECT data FROM chunks WHERE key = ? AND number = ?", key, number)
        return rows[0][0] if rows else None

    def delete_blob(self, name: str, id: str) -> bool:
        """Delete a blob."""
        with self._writing() as db:
            return _delete_blob(db, name, id)

    # Work in the background

    def lease(self, name: str, job: str, holder: str, seconds: float, now: float) -> bool:
        """Take or renew a lease."""
        statement = (
            "INSERT INTO leases VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET holder = excluded.holder, until = excluded.until "
            "WHERE holder = excluded.holder OR until <= ?"
        )
        return self._change(statement, name, job, holder, now + seconds, now) > 0

    def release(self, name: str, job: str, holder: str) -> None:
        """Give a lease back."""
        self._change("DELETE FROM leases WHERE namespace = ? AND job = ? AND holder = ?", name, job, holder)

    def schedule(self, name: str, job: str, at: float | None) -> None:
        """Make a job due, or no longer."""
        if at is None:
            self._change("DELETE FROM schedule WHERE namespace = ? AND job = ?", name, job)
        else:
            self._change("INSERT OR REPLACE INTO schedule VALUES (?, ?, ?)", name, job, at)

    def due(self, name: str, now: float, limit: int) -> list[str]:
        """The jobs that are due."""
        statement = "SELECT job FROM schedule WHERE namespace = ? AND at <= ? ORDER BY at, job LIMIT ?"
        return [job for (job,) in self._rows(statement, name, now, limit)]

    # Counters

    def counters(self) -> dict[str, int]:
        """All counters."""
        return dict(self._rows("SELECT name, value FROM counters"))

    def increment(self, counter: str) -> int:
        """Add 1 to a counter."""
        with self._writing() as db:
            return _increment(db, counter)


def _increment(db: sqlite3.Connection, counter: str) -> int:
    statement = "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value"
    return int(db.execute(statement, (counter,)).fetchone()[0])


def _level(db: sqlite3.Connection, name: str, cost: Cost, now: float) -> float:
    """What a bucket holds now."""
    row = db.execute("SELECT level, at FROM buckets WHERE namespace = ? AND bucket = ?", (name, cost.bucket)).fetchone()
    level, at = row or (cost.limit, now)
    return float(min(cost.limit, level + max(0.0, now - at) * cost.limit / cost.seconds))


def _page(rows: Iterator[tuple[str, str | None]], limit: int, index: Mapping[str, str]) -> TextPage:
    items: list[str] = []
    for value, labels in rows:
        if index:
            indexed = json.loads(labels or "{}")
            if any(indexed.get(label) != text for label, text in index.items()):
                continue
        if len(items) >= limit:
            return TextPage(items, True)
        items.append(value)
    return TextPage(items, False)


def _delete_blob(db: sqlite3.Connection, name: str, id: str) -> bool:
    db.execute("DELETE FROM chunks WHERE key IN (SELECT key FROM blobs WHERE namespace = ? AND id = ?)", (name, id))
    return db.execute("DELETE FROM blobs WHERE namespace = ? AND id = ?", (name, id)).rowcount > 0

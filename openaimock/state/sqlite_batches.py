"""Batches in SQLite: the journal entries and hits of a process, written together, and the limit of the journal."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from .engine import Batch

#: Journal entries that are deleted together to keep the limit of bytes.
_TRIM = 100
#: Rows of one statement: SQLite's oldest limit is 999 values.
_ROWS_AT_ONCE = 200


def write_batch(db: sqlite3.Connection, batch: Batch, size: int) -> None:
    """Write one batch of the present epoch.

    Few statements with many rows each: Python's other threads run during a statement, and would hold up the next one.
    """
    name = batch.namespace
    hits: dict[str, int] = {}
    for (rule, _), count in batch.hits.items():
        hits[rule] = hits.get(rule, 0) + count
    more = "ON CONFLICT DO UPDATE SET count = count + excluded.count"
    _insert(db, "INTO hits", [(name, rule, count) for rule, count in hits.items()], more)
    _insert(db, "OR IGNORE INTO answers", [(name, rule, answer) for rule, answer in batch.hits if answer >= 0])
    new = [(name, entry.key, entry.size, entry.record) for entry in batch.entries if not entry.again]
    _insert(db, "INTO journal (namespace, key, size, record)", new)
    db.executemany(
        "UPDATE journal SET size = ?, record = ? WHERE key = ?",
        [(entry.size, entry.record, entry.key) for entry in batch.entries if entry.again],
    )
    oldest = "SELECT seq FROM journal WHERE namespace = ? ORDER BY seq DESC LIMIT 1 OFFSET ?"
    removed = db.execute(f"DELETE FROM journal WHERE namespace = ? AND seq <= ({oldest})", (name, name, size)).rowcount
    change = "UPDATE namespaces SET used = ?, dropped = dropped + ? WHERE name = ?"
    db.execute(change, (time.time(), removed + batch.dropped, name))


def _insert(db: sqlite3.Connection, target: str, rows: Sequence[tuple[Any, ...]], conflict: str = "") -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        marks = ", ".join([f"({', '.join('?' * len(part[0]))})"] * len(part))
        db.execute(f"INSERT {target} VALUES {marks} {conflict}", [value for row in part for value in row])


def trim_journals(db: sqlite3.Connection, memory: int) -> None:
    """Delete the oldest exchanges of all journals until their bytes are within the limit."""
    used = "SELECT value FROM counters WHERE name = 'journal'"
    while (surplus := db.execute(used).fetchone()[0] - memory) > 0:
        rows = db.execute("SELECT seq, namespace, size FROM journal ORDER BY seq LIMIT ?", (_TRIM,)).fetchall()
        for seq, name, size in rows:
            db.execute("DELETE FROM journal WHERE seq = ?", (seq,))
            db.execute("UPDATE namespaces SET dropped = dropped + 1 WHERE name = ?", (name,))
            surplus -= size
            if surplus <= 0:
                break

"""The tables of a SQLite store (``config.stores`` has their version)."""

from __future__ import annotations

#: The oldest SQLite whose statements can return rows.
OLDEST = (3, 35, 0)

TABLES = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE namespaces (
    name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, numbers INTEGER NOT NULL, used REAL NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE hits (namespace TEXT, rule TEXT, count INTEGER NOT NULL, PRIMARY KEY (namespace, rule)) WITHOUT ROWID;
CREATE TABLE answers (namespace TEXT, rule TEXT, answer INTEGER, PRIMARY KEY (namespace, rule, answer)) WITHOUT ROWID;
CREATE TABLE failures (
    namespace TEXT, rule TEXT, reply INTEGER, count INTEGER NOT NULL, PRIMARY KEY (namespace, rule, reply)
) WITHOUT ROWID;
CREATE TABLE claims (
    seq INTEGER PRIMARY KEY, namespace TEXT, rule TEXT, key TEXT, number INTEGER NOT NULL, UNIQUE (namespace, rule, key)
);
CREATE TABLE scenarios (namespace TEXT, name TEXT, state TEXT NOT NULL, PRIMARY KEY (namespace, name)) WITHOUT ROWID;
CREATE TABLE buckets (
    namespace TEXT, bucket TEXT, level REAL NOT NULL, at REAL NOT NULL, full_at REAL NOT NULL, PRIMARY KEY (namespace, bucket)
) WITHOUT ROWID;
CREATE INDEX buckets_full ON buckets (namespace, full_at);
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT NOT NULL, key TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, record TEXT
);
CREATE INDEX journal_order ON journal (namespace, seq);
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, namespace TEXT, collection TEXT, id TEXT, value TEXT NOT NULL, labels TEXT,
    UNIQUE (namespace, collection, id)
);
CREATE INDEX objects_order ON objects (namespace, collection, seq);
CREATE TABLE collections (
    namespace TEXT, collection TEXT, count INTEGER NOT NULL, PRIMARY KEY (namespace, collection)
) WITHOUT ROWID;
CREATE TABLE blobs (
    namespace TEXT, id TEXT, key TEXT NOT NULL, size INTEGER NOT NULL, chunks INTEGER NOT NULL, PRIMARY KEY (namespace, id)
) WITHOUT ROWID;
CREATE TABLE chunks (key TEXT, number INTEGER, data BLOB NOT NULL);
CREATE UNIQUE INDEX chunks_order ON chunks (key, number);
CREATE TABLE leases (
    namespace TEXT, job TEXT, holder TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (namespace, job)
) WITHOUT ROWID;
CREATE TABLE schedule (namespace TEXT, job TEXT, at REAL NOT NULL, PRIMARY KEY (namespace, job)) WITHOUT ROWID;
CREATE INDEX schedule_order ON schedule (namespace, at);
INSERT INTO counters VALUES ('journal', 0);
CREATE TRIGGER journal_in AFTER INSERT ON journal BEGIN
    UPDATE counters SET value = value + NEW.size WHERE name = 'journal'; END;
CREATE TRIGGER journal_out AFTER DELETE ON journal BEGIN
    UPDATE counters SET value = value - OLD.size WHERE name = 'journal'; END;
CREATE TRIGGER journal_again AFTER UPDATE OF size ON journal BEGIN
    UPDATE counters SET value = value + NEW.size - OLD.size WHERE name = 'journal'; END;
CREATE TRIGGER objects_in AFTER INSERT ON objects BEGIN
    INSERT INTO collections VALUES (NEW.namespace, NEW.collection, 1)
    ON CONFLICT DO UPDATE SET count = count + 1; END;
CREATE TRIGGER objects_out AFTER DELETE ON objects BEGIN
    UPDATE collections SET count = count - 1 WHERE namespace = OLD.namespace AND collection = OLD.collection; END;
"""
#: The tables with rows of namespaces that a reset empties; ``chunks`` go with their blobs.
OF_NAMESPACES = (
    "hits", "answers", "failures", "claims", "scenarios", "buckets", "journal", "objects", "collections", "blobs", "leases",
    "schedule",
)  # fmt: skip

"""Connections to a SQLite store: one for each thread, none of them used across a fork, and the lock of those that write."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..config.stores import APPLICATION_ID, VERSION, of_another, sqlite_problem
from .sqlite_schema import OLDEST, TABLES
from .store import StoreUnavailable

try:
    import fcntl
except ImportError:  # Windows has none; SQLite's own waiting does there
    fcntl = None  # type: ignore[assignment]

#: Seconds that a statement waits for another process that writes.
TIMEOUT = 10.0


class Connections:
    """The connections of one process to a file.

    Writers wait for each other twice: the threads of a process at a lock, the processes at a lock of a file beside the
    database. SQLite itself would try again after pauses that are much longer than a write. The system frees the lock of a
    process that dies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Connections of the parent process must stay open and unused: closing one would free the locks of the parent.
        self._inherited: list[Any] = []
        self._begin()
        _INSTANCES.add(self)

    def _begin(self) -> None:
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock_file: int | None = None
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """Forget the connections of the parent, in the child."""
        self._inherited += [self._local, self._open]
        if self._lock_file is not None:
            os.close(self._lock_file)
        self._begin()

    def get(self) -> sqlite3.Connection:
        """The connection of this thread. StoreUnavailable."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = self._local.connection = self._connect()
            except (sqlite3.Error, OSError) as error:
                raise self.unavailable(error) from None
        return connection

    def unavailable(self, error: Exception) -> StoreUnavailable:
        """The error of the store for one of SQLite or the system."""
        reason = getattr(error, "strerror", None) or str(error)
        return StoreUnavailable(f"the store {self.path} cannot be used: {reason}")

    def _connect(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < OLDEST:
            needed = ".".join(map(str, OLDEST[:2]))
            raise sqlite3.Error(f"SQLite {needed} or newer is needed, this Python has {sqlite3.sqlite_version}")
        if reason := sqlite_problem(self.path):
            raise sqlite3.Error(reason)
        # Another thread must not connect before the new file is closed: that frees the locks of the process (``sqlite_problem``).
        with self._lock:
            if not self.path.exists():
                # No other user may read what clients send; SQLite gives its other files the mode of this one.
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            if fcntl is not None and self._lock_file is None:
                self._lock_file = os.open(f"{self.path}-lock", os.O_RDWR | os.O_CREAT, 0o600)
        connection = sqlite3.connect(self.path, timeout=TIMEOUT, isolation_level=None, check_same_thread=False)
        # One after the other: SQLite does not wait for another process that changes the journal mode of a new file.
        self.lock()
        try:
            # A commit survives the death of the process; only a failure of power can lose the last ones.
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        finally:
            self.unlock()
        self._open.append(connection)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables of a new file. sqlite3.Error for the file of another program or version."""

        def pragma(name: str) -> int:
            return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

        if not pragma("application_id") and not pragma("user_version"):
            connection.execute("BEGIN IMMEDIATE")
            is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if is_empty:
                # Not ``executescript``, which ends the transaction first.
                for statement in _statements(TABLES):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        if reason := of_another(self.path, pragma("application_id"), pragma("user_version")):
            raise sqlite3.Error(reason)

    def close(self) -> None:
        """Close all connections of this process. Their threads must not use them at this moment."""
        with self._lock:
            connections, lock_file = self._open, self._lock_file
            self._local, self._open, self._lock_file = threading.local(), [], None
            for connection in connections:
                connection.close()
            if lock_file is not None:
                os.close(lock_file)

    def change(self, statement: str, values: Sequence[Any]) -> tuple[list[tuple[Any, ...]], int]:
        """Run one statement that writes, as a transaction of its own: the rows that it returns and how many it changed."""
        db = self.get()
        self.lock()
        try:
            cursor = db.execute(statement, values)
            rows = cursor.fetchall()
            return rows, cursor.rowcount
        except sqlite3.Error as error:
            raise self.unavailable(error) from None
        finally:
            self.unlock()

    def writing(self) -> Writing:
        """A context in which one transaction writes: ``with connections.writing() as db: db.execute(...)``."""
        return Writing(self)

    def lock(self) -> None:
        """Wait until no other thread or process writes."""
        self._lock.acquire()
        try:
            if self._lock_file is not None:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        except BaseException:
            self._lock.release()
            raise

    def unlock(self) -> None:
        """Let others write."""
        try:
            if self._lock_file is not None:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)
        finally:
            self._lock.release()


class Writing:
    """One transaction that writes: it is committed at the end of the context, and rolled back by an exception."""

    __slots__ = ("_connections", "_db")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._db = connections.get()

    def __enter__(self) -> sqlite3.Connection:
        self._connections.lock()
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._connections.unlock()
            raise self._connections.unavailable(error) from None
        except BaseException:
            self._connections.unlock()
            raise
        return self._db

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            try:
                self._db.execute("COMMIT" if kind is None else "ROLLBACK")
            except sqlite3.Error as failure:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if kind is None:
                    raise self._connections.unavailable(failure) from None
        finally:
            self._connections.unlock()
        if isinstance(error, sqlite3.Error):
            raise self._connections.unavailable(error) from None


def _statements(script: str) -> list[str]:
    """The statements of a script."""
    statements, begun = [], ""
    for line in script.splitlines():
        begun += line + "\n"
        if sqlite3.complete_statement(begun):
            statements.append(begun)
            begun = ""
    return statements


_INSTANCES: weakref.WeakSet[Connections] = weakref.WeakSet()


def _after_fork() -> None:
    for connections in list(_INSTANCES):
        connections.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""Stores: the addresses that the setting ``store`` accepts, and what prevents the use of one. Nothing is created here."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from . import redis_address

#: What marks a SQLite file as a store of this program (``PRAGMA application_id``), and the version of its tables.
APPLICATION_ID, VERSION = 0x6F_61_6D_6B, 1
#: Bytes of the header of a SQLite file.
_HEADER = 100


def store_problem(address: str, base: Path) -> str | None:
    """Why an address cannot be a store; None when it can. ``base`` is the folder that relative paths start from."""
    scheme = address.partition(":")[0]
    if address == "memory":
        return None
    if scheme not in CHECKS:
        # The rest of an address may hold a password.
        form = f"an address of {scheme[:40]!r}" if "://" in address else repr(address[:80])
        return f"expected 'memory' or {' or '.join(FORMS.values())}, got {form}"
    return CHECKS[scheme](address, base)


def passwords(address: str) -> tuple[str, ...]:
    """The password of an address as it is and as it is written there; () without one."""
    login = address.partition("://")[2].partition("/")[0].rpartition("@")[0]
    written = login.partition(":")[2]
    return (written, unquote(written)) if written else ()


def sqlite_path(address: str, base: Path) -> Path:
    """The file of an address: ``sqlite:///file.db`` is relative to ``base``, ``sqlite:////file.db`` is not. ValueError."""
    scheme, slashes, name = address.partition(":///")
    if scheme != "sqlite" or not slashes or not name or "\0" in name:
        raise ValueError("expected sqlite:///file.db, or sqlite:////folder/file.db for an absolute path")
    if "?" in name or "#" in name:
        raise ValueError("the address of a SQLite file has no options: leave out what follows '?' or '#'")
    return base / name


def sqlite_problem(path: Path) -> str | None:
    """Why a file cannot hold the state, None when it can or does not exist yet. Nothing is created.

    Only SQLite opens the file: to close any other descriptor frees the locks of the whole process, and another process that ends
    would then delete the write-ahead log that this one uses.
    """
    if path.is_dir():
        return f"{path} is a folder, not a file"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    if not path.exists():
        return None if os.access(path.parent, os.W_OK | os.X_OK) else f"cannot create {path}: the folder cannot be written"
    if not os.access(path, os.R_OK):
        return f"cannot read {path}: {os.strerror(errno.EACCES)}"
    size = path.stat().st_size
    if not size:
        return None if os.access(path, os.W_OK) else f"cannot write {path}"
    if size < _HEADER:  # SQLite would overwrite a file of one byte
        return f"{path} is not a SQLite database"
    import sqlite3  # most mocks keep their state in memory

    try:
        application, version = _marks(path)
    except sqlite3.OperationalError as error:
        return f"cannot read {path}: {error}"
    except sqlite3.DatabaseError as error:
        # A store whose log is being copied to the file seems damaged without the log. To open it shows whether it is.
        return f"{path} is not a SQLite database" if "not a database" in str(error) else None
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        return f"cannot write {path} and its folder, as SQLite must"
    # A store that is in use may have its first pages in the write-ahead log only.
    return of_another(path, application, version) if application or version else None


def _marks(path: Path) -> tuple[int, int]:
    """The application id and the version in the first page of a SQLite file. sqlite3.Error."""
    import sqlite3

    # ``immutable``: without the write-ahead log, which SQLite would create.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        return application, version


def of_another(path: Path, application: int, version: int) -> str | None:
    """Why a database with these marks is not a store of this version; None when it is one."""
    if application != APPLICATION_ID:
        return f"{path} is a SQLite database of another program"
    if version != VERSION:
        age = "a newer" if version > VERSION else "an older"
        return f"{path} was written by {age} version of this program (tables {version}, here {VERSION}); name another file"
    return None


def _sqlite(address: str, base: Path) -> str | None:
    try:
        return sqlite_problem(sqlite_path(address, base))
    except ValueError as error:
        return str(error)


#: The form of an address of each kind, and the check of such an address: why it cannot be used, or None.
FORMS: Mapping[str, str] = {"sqlite": "sqlite:///file.db", "redis": redis_address.FORM}
CHECKS: Mapping[str, Callable[[str, Path], str | None]] = {
    "sqlite": _sqlite,
    "redis": redis_address.problem,
    "rediss": redis_address.problem,
}

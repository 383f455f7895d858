"""Stores: the addresses that the setting ``store`` accepts, and what prevents the use of one. Nothing is created here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from . import redis_address

#: What marks a SQLite file as a store of this program (``PRAGMA application_id``), and the version of its tables.
APPLICATION_ID, VERSION = 0x6F_61_6D_6B, 1
_MAGIC = b"SQLite format 3\0"


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
    """Why a file cannot hold the state, None when it can or does not exist yet. Nothing is created."""
    if path.is_dir():
        return f"{path} is a folder, not a file"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    if not path.exists():
        return None if os.access(path.parent, os.W_OK | os.X_OK) else f"cannot create {path}: the folder cannot be written"
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    if not head:
        return None if os.access(path, os.W_OK) else f"cannot write {path}"
    if head[:16] != _MAGIC or len(head) < 100:
        return f"{path} is not a SQLite database"
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        return f"cannot write {path} and its folder, as SQLite must"
    # A store that is in use may have its first pages in the write-ahead log only.
    application, version = int.from_bytes(head[68:72], "big"), int.from_bytes(head[60:64], "big")
    return of_another(path, application, version) if application or version else None


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

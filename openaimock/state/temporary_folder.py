"""Temporary folders that the next process deletes when their own process was killed.

A folder holds a file that is locked as long as its process lives. Without file locks (Windows) folders of killed processes stay.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir, mkdtemp
from typing import IO, NamedTuple

_PREFIX, _LOCK = "openaimock-", "lock"


class TemporaryFolder(NamedTuple):
    """A folder, and its lock while it is in use."""

    path: Path
    lock: IO[bytes] | None

    @classmethod
    def new(cls, use: str = "") -> TemporaryFolder:
        """A new folder that no other user can read, with its use in its name.

        The first one of a process deletes those of killed processes. A forked process holds the lock, too.
        """
        _delete_abandoned_once(Path(gettempdir()))
        path = Path(mkdtemp(prefix=f"{_PREFIX}{use}"))
        # Another process must not see the file before it is locked.
        new = path / f"{_LOCK}.new"
        new.touch(0o600)
        lock = _locked(new)
        if lock is not None:
            new.rename(path / _LOCK)
        return cls(path, lock)

    def delete(self) -> None:
        """Delete the folder with its files."""
        rmtree(self.path, ignore_errors=True)
        if self.lock is not None:
            self.lock.close()


def _locked(path: Path) -> IO[bytes] | None:
    """The open file with a lock; None when another process has the lock, or the system has no such locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    file: IO[bytes] = path.open("r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def delete_abandoned(parent: Path) -> None:
    """Delete the folders of this user whose processes have ended without deleting them."""
    if sys.platform == "win32":
        return
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        # Another process may delete one at the same time.
        with suppress(OSError):
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            file = _locked(lock)
            if file is not None:
                TemporaryFolder(lock.parent, file).delete()


_delete_abandoned_once = cache(delete_abandoned)

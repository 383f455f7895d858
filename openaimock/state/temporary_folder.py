"""Temporary folders that the next process deletes when their own process was killed.

A folder holds a file that is locked as long as its process lives. Without file locks (Windows) folders of killed processes stay.
"""

from __future__ import annotations

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
    def new(cls) -> TemporaryFolder:
        """A new folder. The first one of a process deletes those of killed processes."""
        _delete_abandoned(Path(gettempdir()))
        path = Path(mkdtemp(prefix=_PREFIX))
        # Another process must not see the file before it is locked.
        lock = _locked(path / f"{_LOCK}.new", "wb")
        if lock is not None:
            (path / f"{_LOCK}.new").rename(path / _LOCK)
        return cls(path, lock)

    def delete(self) -> None:
        """Delete the folder with its files."""
        rmtree(self.path, ignore_errors=True)
        if self.lock is not None:
            self.lock.close()


def _locked(path: Path, mode: str) -> IO[bytes] | None:
    """The open file with a lock; None when another process has the lock, or the system has no such locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    file: IO[bytes] = path.open(mode)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@cache
def _delete_abandoned(parent: Path) -> None:
    """Delete the folders whose process has ended without deleting them."""
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        # Folders of other users cannot be opened, and another process may delete one at the same time.
        with suppress(OSError):
            file = _locked(lock, "rb")
            if file is not None:
                TemporaryFolder(lock.parent, file).delete()

"""The private store of several workers: a SQLite file that only they use, removed at the end, or at the next start."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: The beginning of the names of the folders.
PREFIX = "openaimock-workers-"


@contextmanager
def private_store() -> Iterator[str]:
    """The address of a SQLite file in a folder that no other user can read. Folders of processes that were killed are removed."""
    import fcntl  # workers need ``fork``, and so a system that has it

    parent = Path(tempfile.gettempdir())
    remove_stale(parent)
    # Under another name until it is locked, so that another start does not take it for one that was left behind.
    begun = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
    # The lock is held by this process and its workers: it is free when the last of them has ended, however that was.
    lock = os.open(begun / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = begun.rename(begun.with_name(begun.name[1:]))
    owner = os.getpid()
    try:
        yield f"sqlite:///{folder / 'state.db'}"
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def remove_stale(parent: Path) -> None:
    """Remove the folders of this user whose processes have all ended."""
    import fcntl

    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / "lock", os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)

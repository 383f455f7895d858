"""Blobs: bytes kept beside the objects of a namespace, on disk when they are large, bounded in number and size."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from weakref import finalize

from .store import StateFull

#: A blob of more bytes than this is kept in a file.
IN_MEMORY = 256 * 1024
#: Bytes of all blobs of a namespace together, and their number.
TOTAL, NUMBER = 2 * 1024**3, 10_000


class Blobs:
    """The blobs of one namespace. Small ones are kept in memory, others in files of a folder that goes with this object."""

    def __init__(self) -> None:
        self._small: dict[str, bytes] = {}
        self._files: dict[str, tuple[Path, int]] = {}
        self._folder: Path | None = None
        #: Deletes the folder, at the latest with this object.
        self._delete_folder: Callable[[], object] = lambda: None
        self._names = 0
        self._lock = threading.Lock()

    def size(self, id: str) -> int:
        """Bytes of a blob; 0 when there is none."""
        return self._files[id][1] if id in self._files else len(self._small.get(id, b""))

    def put(self, id: str, chunks: Iterable[bytes]) -> int:
        """Store bytes in place of what was there; StateFull when they do not fit, and then nothing changes."""
        part = f"\x00writing {threading.get_ident()}"
        size = 0
        try:
            for chunk in chunks:
                size = self.append(part, chunk)
        except BaseException:
            self.delete(part)
            raise
        with self._lock:
            self._delete(id)
            if part in self._files:
                self._files[id] = self._files.pop(part)
            else:
                self._small[id] = self._small.pop(part, b"")
        return size

    def append(self, id: str, data: bytes) -> int:
        """Append to a blob, which may be new; StateFull when it does not fit."""
        with self._lock:
            total = sum(map(len, self._small.values())) + sum(size for _, size in self._files.values())
            is_new = id not in self._small and id not in self._files
            if total + len(data) > TOTAL or (is_new and len(self._small) + len(self._files) >= NUMBER):
                raise StateFull(f"the blobs of a namespace are limited to {TOTAL} bytes and {NUMBER} in number")
            size = self.size(id) + len(data)
            if id not in self._files and size <= IN_MEMORY:
                self._small[id] = self._small.get(id, b"") + data
            else:
                path = self._files[id][0] if id in self._files else self._new_file()
                with path.open("ab") as file:
                    file.write(self._small.pop(id, b""))
                    file.write(data)
                self._files[id] = path, size
            return size

    def _new_file(self) -> Path:
        if self._folder is None:
            from .temporary_folder import TemporaryFolder  # few mocks store large files

            folder = TemporaryFolder.new()
            self._folder = folder.path
            self._delete_folder = finalize(self, folder.delete)
        self._names += 1
        return self._folder / str(self._names)

    def open(self, id: str) -> BinaryIO | None:
        """A file object that reads a blob; None when there is none."""
        with self._lock:
            if id in self._files:
                return self._files[id][0].open("rb")
            return BytesIO(self._small[id]) if id in self._small else None

    def delete(self, id: str) -> bool:
        """Delete a blob; whether there was one."""
        with self._lock:
            return self._delete(id)

    def _delete(self, id: str) -> bool:
        if id in self._files:
            self._files.pop(id)[0].unlink(missing_ok=True)
            return True
        return self._small.pop(id, None) is not None

    def clear(self) -> None:
        """Delete all blobs."""
        with self._lock:
            self._small.clear()
            self._files.clear()
            self._delete_folder()
            self._folder = None

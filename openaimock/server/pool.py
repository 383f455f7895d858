"""Threads for calls that may block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Pool:
    """Up to ``size`` daemon threads, each started when first needed; they never hold up the interpreter's exit."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(self, job: Callable[[], None]) -> bool:
        """Run the job, which handles its own exceptions, in a thread; False when it waits for one. Called by one thread only."""
        self._jobs.put(job)
        if self._idle.acquire(blocking=False):
            return True
        if self._started == self._size:
            return False
        self._started += 1
        threading.Thread(target=self._work, name=f"openaimock-{self._started}", daemon=True).start()
        return True

    def close(self) -> None:
        """Let the threads end after their jobs."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            self._idle.release()

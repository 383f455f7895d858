"""Processes: which processes share a store, whether they live, and what they have written."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Mapping
from typing import Any

from .engine import SYSTEM, Engine

#: The collection of ``SYSTEM`` with one object for each process.
COLLECTION = "processes"
#: Seconds after which a process that has not reported counts as dead.
DEAD = 5.0


class Processes:
    """The processes of a store as one of them sees them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._host, self._pid = socket.gethostname(), os.getpid()
        #: Names this process in the store; a holder of leases.
        self.id = f"{self._host}:{self._pid}:{uuid.uuid4().hex[:12]}"
        self._is_member = False

    def beat(self, ticket: int) -> None:
        """Report that this process lives, and that it has written what was asked for by this ticket."""
        facts = {"id": self.id, "host": self._host, "pid": self._pid, "at": time.time(), "ticket": ticket}
        self._engine.put(SYSTEM, COLLECTION, self.id, json.dumps(facts), {})
        self._is_member = True

    def leave(self) -> None:
        """Report the end of this process."""
        if self._is_member:
            self._engine.delete(SYSTEM, COLLECTION, self.id)
            self._is_member = False

    def others(self) -> dict[str, int]:
        """The other processes that live, and the last ticket of each."""
        page = self._engine.page(SYSTEM, COLLECTION, 10_000, None, None, False, {})
        living = {}
        for text in page.items if page is not None else ():
            facts = json.loads(text)
            if facts["id"] != self.id and self._lives(facts):
                living[facts["id"]] = int(facts["ticket"])
        return living

    def _lives(self, facts: Mapping[str, Any]) -> bool:
        if time.time() - facts["at"] > DEAD:
            return False
        return facts["host"] != self._host or _exists(facts["pid"])


def _exists(pid: int) -> bool:
    """Whether a process of this machine exists, where the system says so without ending it."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

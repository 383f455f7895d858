"""Processes: which processes share a store, whether they live, and what they have written."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Mapping
from typing import Any

from . import documents
from .engine import SYSTEM, Engine
from .metrics import Snapshot, merge

#: The collection of ``SYSTEM`` with one object for each process.
COLLECTION = "processes"
#: Seconds after which a process that has not reported counts as dead.
DEAD = 5.0
#: Seconds after which it is removed.
REMOVED = 60.0
#: The document with the counts of processes that have ended.
_ENDED = "metrics of ended processes"


class Processes:
    """The processes of a store as one of them sees them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._host, self._pid = socket.gethostname(), os.getpid()
        #: Names this process in the store; a holder of leases.
        self.id = f"{self._host}:{self._pid}:{uuid.uuid4().hex[:12]}"
        self._is_member = False

    def beat(self, ticket: int, metrics: Snapshot) -> None:
        """Report that this process lives, that it has written what was asked for by this ticket, and what it has counted."""
        facts = {"id": self.id, "host": self._host, "pid": self._pid, "at": time.time(), "ticket": ticket, "metrics": metrics}
        self._engine.put(SYSTEM, COLLECTION, self.id, json.dumps(facts), {})
        self._is_member = True

    def leave(self) -> None:
        """Report the end of this process; what it has counted stays."""
        if self._is_member:
            self._is_member = False
            self._end(self.id)

    def others(self) -> dict[str, int]:
        """The other processes that live, and the last ticket of each."""
        return {id: int(facts["ticket"]) for id, facts in self._all().items() if id != self.id and self._lives(facts)}

    def snapshots(self) -> dict[str, Snapshot]:
        """What each process has counted; "" stands for those that have ended."""
        ended = Snapshot(*(documents.read(self._engine, _ENDED) or ()))
        return {"": ended} | {id: Snapshot(*facts["metrics"]) for id, facts in self._all().items()}

    def remove_dead(self) -> None:
        """Remove the processes that ended without a word; what they have counted stays."""
        for id, facts in self._all().items():
            if time.time() - facts["at"] > REMOVED:
                self._end(id)

    def _all(self) -> dict[str, dict[str, Any]]:
        page = self._engine.page(SYSTEM, COLLECTION, 10_000, None, None, False, {})
        return {facts["id"]: facts for facts in map(json.loads, page.items if page is not None else ())}

    def _end(self, id: str) -> None:
        text = self._engine.get(SYSTEM, COLLECTION, id)
        # Of several processes that remove one, the one that deletes it adds its counts.
        if text is not None and self._engine.delete(SYSTEM, COLLECTION, id):
            metrics = Snapshot(*json.loads(text)["metrics"])._replace(running=0)
            documents.change(self._engine, _ENDED, lambda ended: merge([Snapshot(*(ended or ())), metrics]))

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

"""SharedStore: the namespaces of a mock over an engine, and the thread that writes batches and reads the changes of others."""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import math
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import reduce
from typing import Any

from ..text.log import ROOT
from ..types.clock import monotonic
from . import documents
from .batches import collect
from .engine import SYSTEM, Engine
from .journal import JournalMemory
from .metrics import Snapshot
from .namespace import LIMIT, Counts, counts_of
from .processes import Processes
from .shared import Journaling, SharedState
from .store import StoreUnavailable

#: Seconds between two looks for changes of other processes, and between two batches.
INTERVAL, BATCH = 0.05, 0.09
#: A batch with more new exchanges than this is of a busy process: then writing records may take this share of the time. What is
#: left waits for the next batch, as long as it is among the exchanges that the journal keeps.
BUSY, SHARE = 10, 0.015
#: Seconds between two reports of a process that it lives. One that has new counts reports with each batch, as long as that takes
#: no more than this share of its time.
BEAT, BEAT_SHARE = 1.0, 0.01
#: Jobs that are started at one look.
_JOBS = 1000
#: The document with the counts of namespaces that are gone.
_PAST = "coverage of the past"
#: The document with a digest of the rules that the processes loaded last.
_CONFIGURATION = "configuration"
#: Seconds that a reader of the journal waits for the batches of the other processes.
PATIENCE = 2.0


class SharedStore:
    """The namespaces of one mock over an engine (``state.store.Store``).

    ``on_change`` is called with the counters of the store many times a second, ``on_beat`` about once a second.
    """

    blocks = True

    def __init__(
        self,
        engine: Engine,
        settings: Any,
        secrets: Collection[str] = (),
        measure: Callable[[], Snapshot] = Snapshot,
        log: logging.Logger = ROOT,
    ) -> None:
        self.engine = engine
        self.failure: str | None = None
        self.on_change: Callable[[Mapping[str, int]], None] = lambda counters: None
        self.on_beat: Callable[[], None] = lambda: None
        self.log = log
        self._measure = measure
        self._remembers = False
        self._settings = settings
        self._journaling = Journaling(settings.journal_size, JournalMemory(settings.journal_memory), tuple(secrets))
        self._states: OrderedDict[str, SharedState] = OrderedDict()
        self._latest: SharedState | None = None
        self._begin()
        _STORES.add(self)

    def _begin(self) -> None:
        """What belongs to the process and not to its children."""
        self.processes = Processes(self.engine)
        self._lock = threading.RLock()
        self._writing = threading.RLock()
        self._looking = threading.Lock()
        self._entries = 0
        self._resets = self._born = self._ticket = 0
        self._beaten = 0.0
        self._tidied = 0.0
        #: Seconds that a report takes, and whether something was written since the last one.
        self._beat_time = 0.0
        self._has_news = False
        self._written = 0.0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def after_fork(self) -> None:
        """Forget what belongs to the parent, in the child."""
        self._states, self._latest = OrderedDict(), None
        memory = JournalMemory(self._settings.journal_memory)
        self._journaling = self._journaling._replace(memory=memory)
        self._begin()

    # Namespaces

    def may_block(self, name: str) -> bool:
        """Whether the next number of a namespace must be leased."""
        state = self._states.get(name)
        return state is None or not state.has_numbers

    def __getitem__(self, name: str) -> SharedState:
        latest = self._latest
        if latest is not None and latest.name == name:
            return latest
        if self._thread is None:
            self._start()
        with self._lock:
            state = self._states.get(name)
            if state is None:
                state = self._states[name] = self._state(name)
                if len(self._states) > LIMIT:
                    oldest = next(iter(self._states.values()))
                    self.flush([oldest], whole=True)
                    del self._states[oldest.name]
            else:
                self._states.move_to_end(name)
            self._latest = state
            return state

    def _state(self, name: str) -> SharedState:
        return SharedState(self.engine, name, self._settings.scenarios, self._journaling, lambda: self.flush(whole=True))

    def __iter__(self) -> Iterator[SharedState]:
        """The namespaces with all that has happened until now in all processes."""
        self.settle()
        return iter([self._states.get(name) or self._state(name) for name in self.engine.epochs()])

    def __contains__(self, name: str) -> bool:
        return name in self.engine.epochs()

    def reset(self, name: str | None = None) -> None:
        """Forget one namespace, or all."""
        self._forget(name)
        # What another process answers from now on must not go to the state that is gone.
        self._wait_for_others()

    def _forget(self, name: str | None) -> None:
        with self._writing:
            if self._remembers:
                gone = [counts_of(self._state(each)) for each in (self.engine.epochs() if name is None else [name])]
                documents.change(self.engine, _PAST, lambda past: reduce(Counts.merged, gone, _past(past)).as_json())
            self.engine.reset(name)
            self._discard([*self._states] if name is None else [name])

    def _discard(self, names: Collection[str]) -> None:
        with self._lock:
            self._latest = None
            for name in names:
                if name in self._states:
                    self._states.pop(name).discard()

    def follow(self, settings: Any, rules: Collection[str]) -> None:
        """Go on with other settings; what is counted of these rules is forgotten."""
        self._settings = settings
        digest = hashlib.blake2b(repr(settings.rules).encode(), digest_size=16).hexdigest()
        # Every process reads the same files; one of them forgets.
        earlier: list[Any] = []

        def replaced(old: Any) -> Any:
            earlier[:] = [old]
            return digest

        documents.change(self.engine, _CONFIGURATION, replaced)
        if earlier != [digest]:
            for state in self:
                state.forget_rules(rules)

    def counts(self) -> list[Counts]:
        """What is counted of the rules in every namespace, those that are gone included."""
        return [*map(counts_of, self), _past(documents.read(self.engine, _PAST))]

    def due_jobs(self, now: float) -> list[tuple[SharedState, str]]:
        """The jobs that are due in all namespaces."""
        jobs = []
        for key in self.engine.due(SYSTEM, now, _JOBS):
            name, job = json.loads(key)
            if job in self.engine.due(name, now, _JOBS):
                jobs.append((self._states.get(name) or self._state(name), job))
            elif job not in self.engine.due(name, math.inf, _JOBS):
                # Its namespace was reset.
                self.engine.schedule(SYSTEM, key, None)
        return jobs

    def remember(self) -> None:
        """From now on keep the counts of namespaces that go, for the coverage of the whole run."""
        self._remembers = True

    def snapshots(self) -> dict[str, Snapshot]:
        """What each process has counted of its exchanges until now; "" stands for those that have ended."""
        self.settle()
        self._beat()
        return self.processes.snapshots()

    def check(self) -> None:
        """StoreUnavailable unless the store answers."""
        try:
            self.engine.check()
        except StoreUnavailable as error:
            self.note(str(error))
            raise
        self.note(None)

    def look(self) -> None:
        """Find out in the background whether a store that did not answer when the mock started does now."""
        if self._thread is None and self._looking.acquire(blocking=False):

            def look() -> None:
                try:
                    with suppress(StoreUnavailable):
                        self.check()
                finally:
                    self._looking.release()

            threading.Thread(target=look, name="openaimock store check", daemon=True).start()

    def note(self, failure: str | None) -> None:
        """Remember why the store does not answer, None when it does. The log says when that begins and ends."""
        earlier, self.failure = self.failure, failure
        if failure is not None and earlier is None:
            self.log.warning("%s", failure)
        elif failure is None and earlier is not None:
            self.log.warning("the store %s answers again", self.engine.place)

    # The thread

    def _start(self) -> None:
        """Join the processes of the store, and start the thread."""
        with self._lock:
            if self._thread is not None:
                return
            # Not ``check()``: while the server is away, requests must not try to connect one after the other.
            counters = self.engine.counters()
            self.note(None)
            self._resets, self._born, self._ticket = (counters.get(name, 0) for name in ("resets", "born", "ticket"))
            self._beat()
            self.on_change(counters)
            self._stop = threading.Event()
            # It holds no reference to this store, so that a mock that is dropped ends it.
            self._thread = threading.Thread(
                target=_run, args=(weakref.ref(self), self._stop), name="openaimock store", daemon=True
            )
            self._thread.start()

    def tick(self) -> None:
        """Write a batch and read what other processes have changed. StoreUnavailable: everything is tried again the next time."""
        counters = self.engine.counters()
        resets, born = counters.get("resets", 0), counters.get("born", 0)
        if (resets, born) != (self._resets, self._born):
            epochs = self.engine.epochs()
            stale = [state for state in list(self._states.values()) if state.epoch and epochs.get(state.name) != state.epoch]
            if self._born and born != self._born:
                for state in stale:
                    state.renew()
            else:
                self._discard([state.name for state in stale])
            self._resets, self._born = resets, born
        if monotonic() - self._written > BATCH:
            self.flush()
            self._written = monotonic()
        self.on_change(counters)
        ticket = counters.get("ticket", 0)
        if ticket != self._ticket:
            # A reader waits for all that has happened here until now.
            self.flush(whole=True)
            self._ticket = ticket
            self._beat()
        if monotonic() - self._beaten > (max(BATCH, self._beat_time / BEAT_SHARE) if self._has_news else BEAT):
            self._beat()
        if monotonic() - self._tidied > BEAT:
            self._tidied = monotonic()
            self.processes.remove_dead()
            self.on_beat()
            for name in self.engine.surplus(LIMIT):
                self._forget(name)

    def _beat(self) -> None:
        self._has_news, begun = False, time.thread_time()
        self.processes.beat(self._ticket, self._measure())
        self._beat_time, self._beaten = time.thread_time() - begun, monotonic()

    def settle(self) -> None:
        """Wait until what has happened in all processes until now is written."""
        if self._thread is None:
            self._start()
        self.flush(whole=True)
        self._wait_for_others()

    def _wait_for_others(self) -> None:
        """Wait until every other process has written its batch and read what was changed."""
        others = self.processes.others()
        if not others:
            return
        ticket = self.engine.increment("ticket")
        end = monotonic() + PATIENCE
        while monotonic() < end and any(acknowledged < ticket for acknowledged in others.values()):
            time.sleep(INTERVAL / 10)
            others = self.processes.others()

    def close(self) -> None:
        """Write everything and end the thread. The store can be used again."""
        with self._lock:
            thread, self._thread, self._latest = self._thread, None, None
        if thread is None:
            return
        self._stop.set()
        if thread is not threading.current_thread():
            thread.join(PATIENCE)
        # Nothing runs later that could try again.
        with suppress(StoreUnavailable):
            self.flush(whole=True)
            self.processes.leave()
        self.engine.close()

    # Batches

    def flush(self, states: Collection[SharedState] | None = None, whole: bool = False) -> None:
        """Write what the namespaces have collected; ``whole`` takes the time for all of it. StoreUnavailable: it is kept."""
        with self._writing:
            selected = list(self._states.values()) if states is None else states
            for state in selected:
                state.begin()
            is_busy = not whole and sum(len(state.journal) for state in selected) > BUSY
            # By the clock of this thread, so that the result depends less on what else runs on the machine.
            deadline = time.thread_time() + BATCH * SHARE if is_busy else math.inf
            size, secrets = self._settings.journal_size, self._journaling.secrets
            collected = [collect(state, self._new_key, secrets, deadline, whole, size) for state in selected]
            batches = [one.batch for one in collected if not one.is_empty]
            if not batches:
                return
            self._has_news = True
            try:
                self.engine.write(batches, size, self._settings.journal_memory)
            except BaseException:
                for one in collected:
                    one.put_back()
                raise

    def _new_key(self) -> str:
        """The key of another exchange, unlike all others in the store."""
        self._entries += 1
        return f"{self.processes.id}/{self._entries}"


def _past(document: Any) -> Counts:
    """The counts of namespaces that are gone."""
    if document is None:
        return Counts()
    return Counts(document["hits"], {(rule, answer) for rule, answer in document["answers"]}, document["most"])


def _run(reference: weakref.ref[SharedStore], stop: threading.Event) -> None:
    """The life of the thread."""
    while not stop.wait(INTERVAL):
        store = reference()
        if store is None:
            return
        try:
            store.tick()
            store.note(None)
        except StoreUnavailable as error:
            # Requests that need the store say so; the others go on.
            store.note(str(error))
            stop.wait(BEAT)
        except Exception:
            store.log.exception("Writing to the store failed")
            stop.wait(BEAT)
        del store


_STORES: weakref.WeakSet[SharedStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in list(_STORES):
        store.after_fork()


def _at_exit() -> None:
    for store in list(_STORES):
        store.close()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

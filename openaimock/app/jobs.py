"""Jobs: threads that run what is due in the namespaces of a mock, each job by one holder of its lease."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from ..api.jobs import Answer, Work, runner
from ..http.cancellation import Cancellation
from ..http.extensions import Gate, Silence, TimedBody, close_body
from ..state.namespace import Context
from ..state.store import State, StoreUnavailable
from ..types.clock import monotonic
from ..types.exchange import Exchange

if TYPE_CHECKING:
    from . import App, Response

#: Seconds after which a job may be run by another process when its holder no longer renews its lease.
LEASE = 60.0
#: Jobs that run at once in threads of their own.
THREADS = 8
#: Seconds before a job that another thread or process runs is tried again.
RETRY = 0.1
#: Seconds of work after which a long job pauses, and of the pause: other threads need the interpreter.
SLICE, PAUSE = 0.002, 0.001


class JobRunner:
    """Runs the jobs of one mock. Its thread starts with the first job, and it can be used again after ``close``."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._name = os.urandom(8).hex()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        #: Grows when the runner is closed; what belongs to an older generation stops.
        self._generation = 0
        self._is_woken = False
        #: When the jobs that were scheduled here are due, the earliest first.
        self._times: list[float] = []
        self._running: set[tuple[str, str]] = set()
        #: Ends what running jobs wait for.
        self._cancellations: set[Cancellation] = set()

    def schedule(self, store: State, job: str, at: float | None) -> None:
        """Run a job at a time of the mock's clock; None: no longer."""
        store.schedule(job, at)
        if at is not None:
            with self._changed:
                heappush(self._times, at)
            self.wake()

    def wake(self) -> None:
        """Look for jobs that are due: the clock was moved, or one was scheduled."""
        with self._changed:
            if not self._times:
                return
            self._is_woken = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._loop, args=(self._generation,), name="openaimock-jobs", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def take_over(self, other: JobRunner) -> None:
        """Go on with the jobs of another runner for the same namespaces, and stop that one."""
        other.close()
        self._times = list(other._times)
        self.wake()

    def close(self) -> None:
        """Stop: running jobs end at their next pause, and others stay scheduled."""
        with self._changed:
            self._generation += 1
            self._thread = None
            self._changed.notify_all()
            cancellations = list(self._cancellations)
        for cancellation in cancellations:
            cancellation.cancel()

    # The threads

    def _loop(self, generation: int) -> None:
        while True:
            with self._changed:
                if not self._is_woken:
                    self._changed.wait(self._timeout())
                self._is_woken = False
                if generation != self._generation:
                    return
                now = self._app.sender.clock.now()
                while self._times and self._times[0] <= now:
                    heappop(self._times)
            # The jobs stay due.
            with suppress(StoreUnavailable):
                self._start_due(now)

    def look(self) -> None:
        """Start what is due, such as the jobs that another process left when it ended."""
        self._start_due(self._app.sender.clock.now())

    def _timeout(self) -> float | None:
        """How long nothing is to be done; None: until something happens. A shared store has its own look for jobs."""
        clock = self._app.sender.clock
        wait = math.inf if clock.frozen or not self._times else self._times[0] - clock.now()
        return None if wait == math.inf else min(max(wait, 0.0), threading.TIMEOUT_MAX)

    def _start_due(self, now: float) -> None:
        for store, job in self._app.namespaces.due_jobs(now):
            with self._changed:
                if (store.name, job) in self._running or len(self._running) >= THREADS:
                    continue
                self._running.add((store.name, job))
            threading.Thread(target=self._run_here, args=(store, job), name=f"openaimock-{job}", daemon=True).start()

    def _run_here(self, store: State, job: str) -> None:
        try:
            if not self.run(store, job):
                # It runs elsewhere, and is tried again soon.
                time.sleep(RETRY)
        finally:
            with self._changed:
                self._running.discard((store.name, job))
                # Another job may have waited for this thread.
                heappush(self._times, 0.0)
            self.wake()

    def run(self, store: State, job: str) -> bool:
        """Run a job now, in this thread; False when it runs elsewhere. A job that fails is logged and not run again."""
        holder = f"{self._name}/{threading.get_ident()}"
        try:
            if not store.lease(job, holder, LEASE, time.time()):
                return False
        except StoreUnavailable:
            return False
        cancellation = Cancellation()
        with self._changed:
            self._cancellations.add(cancellation)
        try:
            kind, _, id = job.partition("/")
            function = runner(kind)
            if function is None:
                store.schedule(job, None)
            else:
                function(id, self._work(store, job, holder, cancellation))
        except StoreUnavailable as error:
            # The job is still due, and its lease ends by itself.
            self._app.log.warning("The job %s is run again later: %s", job, error)
        except Exception:
            self._app.log.exception("The job %s failed", job)
            store.schedule(job, None)
        finally:
            with suppress(StoreUnavailable):
                store.release(job, holder)
            with self._changed:
                self._cancellations.discard(cancellation)
        return True

    # What a job can draw on

    def journal(self, store: State, exchange: Exchange) -> None:
        """Add an exchange of the mock's own to the journal of a namespace."""
        exchange.order = next(self._app.order)
        store.append(exchange)

    def _work(self, store: State, job: str, holder: str, cancellation: Cancellation) -> Work:
        app, generation = self._app, self._generation
        context = Context(store, app.sender.clock, app.config.seed, app.config, self)
        renewed = turn = monotonic()

        def perform(path: str, body: Any) -> Answer:
            return answer_of(app.perform("POST", path, {}, body, store.name, record=True))

        def proceed() -> bool:
            nonlocal renewed, turn
            now = monotonic()
            if now - turn > SLICE:
                time.sleep(PAUSE)
                turn = monotonic()
            if generation != self._generation:
                return False
            if now - renewed > LEASE / 4:
                renewed = now
                return store.lease(job, holder, LEASE, time.time())
            return True

        return Work(context, perform, proceed, cancellation)


def answer_of(response: Response) -> Answer:
    """A response as a whole, without the waits that a client would have; Hangup where its connection would end."""
    headers = dict(response.headers)
    pieces: list[bytes] = []
    seconds = 0.0
    try:
        for delay, data in timed_pieces(response.body):
            # A hold is for a client that waits, and this answer has none.
            if type(data) is Gate:
                continue
            seconds += delay
            if type(data) is not Silence:
                pieces.append(data)
            if delay == math.inf:
                break
    finally:
        with suppress(Exception):
            close_body(response.body)
    return Answer(response.status, headers.get("x-request-id", ""), b"".join(pieces), seconds)


def timed_pieces(body: Iterable[bytes]) -> Iterable[tuple[float, bytes]]:
    """The pieces of a body with the seconds before each."""
    return body.items if isinstance(body, TimedBody) else ((0.0, piece) for piece in body)

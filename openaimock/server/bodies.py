"""Bodies that take time: sent piece by piece at due times in the loop, or produced by a function in a thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from ..http.extensions import Deferred, Gate, Silence, TimedBody, close_body
from ..types.clock import monotonic
from .pool import Pool
from .transport import HIGH
from .wsgi import CHUNK

if TYPE_CHECKING:
    from .task import Task

#: Bytes and pieces of a timed body that are sent together when they are due together.
BATCH, PIECES = 65536, 256
#: A piece that the server sends more than this many seconds late moves what follows it: the gaps are kept, not the total. The
#: client sees a slow server then, as it would at the API, and not a silence followed by a rush.
LATE = 0.02
#: Pieces that a thread may be ahead of the socket.
ROOM = 16
#: Bytes read ahead to find out whether a stream ends before the server stops.
LOOKAHEAD = 4 * 1024 * 1024


class HeadByte(bytes):
    """A byte of a head that is sent slowly: it is sent as it is, outside the framing of the body."""


class StreamedAnswer:
    """A body that is sent piece by piece in the loop's thread, each piece when it is due and the client has room for it."""

    __slots__ = ("_batch", "_behind", "_body", "_items", "_next", "_over", "_response", "_task", "_transport", "due")

    def __init__(self, task: Task, body: object, items: Iterator[tuple[float, bytes]], batch: int) -> None:
        #: When the next piece is to be sent; ``math.inf`` is never.
        self.due = task.request.arrived
        self._task = task
        self._transport, self._response = task.transport, task.response
        self._body = body
        self._items = items
        self._batch = batch
        self._next: bytes | None = None
        #: The client did not read: what became due in the meantime is sent at once.
        self._behind = False
        self._over = False

    def start(self) -> None:
        """Send what is due at once."""
        connection, loop = self._task.connection, self._transport.loop
        connection.running = self
        if loop.stopping and not self.ends_by(loop.deadline):
            return connection.cancel()
        self._send_due()

    def cancel(self) -> None:
        """The client has left, or the server stops."""
        self._end()
        self._task.request.close()

    def ends_by(self, deadline: float) -> bool:
        """Whether all of the body is due by this moment. What is read to find out is sent later."""
        if not isinstance(self._body, TimedBody):
            return True  # an application's iterator: nothing is known about it
        due, size = self.due, 0
        items: list[tuple[float, bytes]] = []
        rest: Iterator[tuple[float, bytes]] = self._items
        try:
            while due <= deadline and size < LOOKAHEAD:
                delay, data = next(self._items)
                items.append((delay, data))
                size += len(data) + 64
                due += delay
        except StopIteration:
            rest = iter(())
        except Exception as error:  # a hang-up at the end: it comes after the pieces before it
            rest = _raise_later(error)
        self._items = chain(items, rest)
        return due <= deadline

    def pump(self) -> None:
        """Send what is due by now, and wait for the rest."""
        if not self._over:
            try:
                self._send_due()
            except Exception as error:
                self._task.fail(error)

    def _send_due(self) -> None:
        # This is the whole cost of a chunk, in as few calls as possible: thousands of streams pass here all the time.
        now = monotonic()
        due, data, items, transport = self.due, self._next, self._items, self._transport
        batch: list[bytes] = []
        size, more = 0, True
        try:
            while size < self._batch and len(batch) < PIECES:
                if data is None:
                    delay, data = next(items)
                    due += delay
                if due > now:
                    self._behind = False
                    break
                if now - due > LATE and not self._behind:
                    due = now
                if not data and type(data) is Silence:
                    data = None
                    continue
                batch.append(data)
                size += len(data)
                data = None
        except StopIteration:
            more = False
            self._end()
        except BaseException:
            self._end()
            if batch:  # send what came before it
                self._task.send(b"".join(batch))
            raise
        self.due, self._next = due, data
        if batch or not more:
            out = batch[0] if len(batch) == 1 else b"".join(batch)
            if out and more and self._response.swift and type(out) is bytes:
                transport.send(CHUNK % (len(out), out))
            else:
                self._send(out, last=not more)
        if not more or self._over:
            return
        if now < due < math.inf and not (transport.unsent or transport.ended or self._response.mute):
            transport.loop.at(due, self.pump)
        else:
            self._wait(now)

    def _send(self, data: bytes, last: bool) -> None:
        try:
            self._task.send(data, last=last)
        except BaseException:
            self._end()
            raise

    def _wait(self, now: float) -> None:
        transport, response = self._transport, self._response
        if transport.unsent > HIGH:
            transport.paused = self.pump
            self._behind = True
        elif response.mute and response.begun:
            self._end()
            self._task.send(b"", last=True)
        elif self._next is None or self.due <= now:
            transport.loop.at(now, self.pump)
        elif self.due == math.inf and transport.loop.stopping:
            self._end()
            self._task.connection.finish()
        else:
            if self.due < math.inf:
                transport.loop.at(self.due, self.pump)
            elif type(self._next) is Gate:
                self._next.wait(partial(transport.loop.call, self._resume))
            if transport.ended:
                transport.probe()

    def _resume(self) -> None:
        """The gate has opened: what follows it is due from now on."""
        self.due, self._next = monotonic(), None
        self.pump()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            close_body(self._body, self._transport.loop.log)


def _raise_later(error: Exception) -> Iterator[tuple[float, bytes]]:
    raise error
    yield  # a generator: it raises when it is read


class DeferredAnswer:
    """A body that a function produces in a thread, which may block; it is sent in the loop's thread."""

    def __init__(self, task: Task, deferred: Deferred) -> None:
        self._queued = False
        self._stop = deferred.stop
        self._task = task
        self._loop = task.transport.loop
        self._function: Callable[[], Iterable[bytes]] | None = deferred.function
        self._room = threading.Semaphore(ROOM)
        self._owed = 0
        self._over = False

    @property
    def due(self) -> float:
        """Infinite while the function waits for a thread, as nothing is sent before it starts; else the time is not known.

        A function that can be stopped is stopped when the client closes its side: infinite as well.
        """
        return math.inf if self._queued or self._stop is not None else 0.0

    def start(self, pool: Pool) -> None:
        """Run the function in the pool."""
        self._task.connection.running = self
        if self._loop.stopping:
            return self._task.connection.cancel()
        self._queued = True
        if pool.submit(self._work):
            self._queued = False
        elif self._task.transport.ended:
            self._task.transport.probe()

    def cancel(self) -> None:
        """The client has left, or the server stops: a queued function never starts, the result of a running one is discarded."""
        self._over = True
        self._room.release(ROOM)
        if self._stop is not None:
            self._stop()
        if self._queued:
            self._function = None
            self._task.request.close()

    def ends_by(self, deadline: float) -> bool:
        """Whether the function has started: how long it takes is not known."""
        return not self._queued

    def _work(self) -> None:
        """The thread's part; its last act is to pass the result to the loop."""
        self._queued = False
        function, self._function = self._function, None
        if self._over or function is None:
            return self._hand_over(_nothing)
        try:
            body = function()
            if isinstance(body, (list, tuple, TimedBody, Deferred)):
                self._hand_over(partial(self._task.answer, body), body)
            else:
                self._read(body)
                self._hand_over(partial(self._task.send, b"", last=True))
        except BaseException as error:
            failure = error if isinstance(error, Exception) else RuntimeError(f"a deferred function ended with {error!r}")
            self._hand_over(partial(_raise, failure))

    def _read(self, body: Iterable[bytes]) -> None:
        try:
            for piece in body:
                if piece:
                    self._room.acquire()
                    if self._over:
                        break
                    self._loop.call(partial(self._send_piece, piece))
        finally:
            close_body(body, self._loop.log)

    def _hand_over(self, step: Callable[[], None], body: object = None) -> None:
        self._loop.call(partial(self._finish, step, body))

    def _finish(self, step: Callable[[], None], body: object) -> None:
        """The loop's part when the thread has ended."""
        if self._over:
            close_body(body, self._loop.log)
            self._task.request.close()
        else:
            self._over = True
            self._task.attempt(step)

    def _send_piece(self, piece: bytes) -> None:
        """Send a piece; the thread may produce another when the client has room."""
        if self._over:
            return
        transport = self._task.transport
        if not self._task.attempt(self._task.send, piece):
            self.cancel()
            return
        if transport.ended:
            transport.probe()
        if transport.unsent > HIGH:
            self._owed += 1
            transport.paused = self._release_room
        else:
            self._room.release()

    def _release_room(self) -> None:
        self._room.release(self._owed)
        self._owed = 0


def _nothing() -> None:
    """The result of a function that was not called."""


def _raise(error: Exception) -> None:
    raise error

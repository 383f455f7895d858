"""What answers a request: at once, piece by piece at due moments, or from a thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic
from typing import Any

from ..errors import APIError, Hangup
from ..http.extensions import Deferred, Silence, TimedBody, close_body
from ..http.json import dump
from .http import HIGH, Channel
from .loop import Pool, logger
from .parser import ParsedRequest
from .wsgi import Response, request_environ

#: How many bytes, and how many pieces, of a timed reply are sent together when they are due together.
TOGETHER, PIECES = 65536, 256
#: A piece later than so many seconds, by our own fault, moves what follows it: the gaps are kept, not the total. A client sees
#: a slow server then, as it would at the API, and not the silence and the rush of one that catches up.
LATE = 0.02
#: Pieces that a thread may be ahead of the socket.
ROOM = 16

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class HeadByte(bytes):
    """A byte of a head that is sent slowly: it goes out as it is, around the framing of the body."""


class Task:
    """A request being answered."""

    __slots__ = ("_pool", "channel", "request", "response")

    def __init__(self, channel: Channel, request: ParsedRequest, pool: Pool) -> None:
        self.channel = channel
        self.request = request
        self.response = Response(request)
        self._pool = pool

    def run(self, app: Application) -> None:
        """Answer with what the application says, or with what is wrong with the request."""
        if self.request.error:
            return self.refuse()
        try:
            self.answer(app(request_environ(self.channel.environ, self.request), self.response.start_response))
        except Exception as error:
            self.fail(error)

    def attempt(self, step: Callable[..., None], *arguments: Any) -> bool:
        """Take a step that runs other people's code; False when it went wrong and the answer is over."""
        try:
            step(*arguments)
            return True
        except Exception as error:
            self.fail(error)
        return False

    def fail(self, error: Exception) -> None:
        """End the answer as an exception wants it: by hanging up, or by saying that we failed."""
        if isinstance(error, Hangup):
            return self.channel.finish(error.reset)
        logger.error("Answering %s %s failed", self.request.command, self.request.path, exc_info=error)
        if self.response.begun:  # it is too late to say so
            self.channel.finish()
        else:
            message = "The server had an error while processing your request."
            self._say("500 Internal Server Error", APIError(500, message, type="server_error"), keep=self.response.keep)

    def answer(self, body: Iterable[bytes]) -> None:
        """Send an app_iter, in the way that is right for its kind."""
        if isinstance(body, (list, tuple)):
            data = b"".join(body)
            # Events are sent in chunks, even when all of them are there, as the API does.
            self.send(data, last=True, length=None if self.response.has_events else len(data))
        elif isinstance(body, TimedBody):
            if body.head_gap:
                Stream(self, body, self._slowly(body), 1).start()
            else:
                Stream(self, body, iter(body.items), TOGETHER).start()
        elif isinstance(body, Deferred):
            Feed(self, body.function).start(self._pool)
        else:
            # PEP 3333: each piece is sent before the next is asked for, and the head not before there is one.
            Stream(self, body, ((0.0, piece) for piece in body if piece), 1).start()

    def _slowly(self, body: TimedBody) -> Iterator[tuple[float, bytes]]:
        """The head byte by byte, then the body."""
        for byte in self._head(None):
            yield body.head_gap, HeadByte([byte])
        yield from body.items

    def send(self, data: bytes, *, last: bool = False, length: int | None = None) -> None:
        """Send a piece of the body, and before the first one the head."""
        response = self.response
        if type(data) is HeadByte:
            return self.channel.send(data)
        if response.begun and not last:
            if out := response.frame(data):
                self.channel.send(out)
            return
        if last and not data:
            length = 0
        head = b"" if response.begun else self._head(length)
        out = head + response.frame(data)
        if last:
            out += response.tail()
        if out:
            self.channel.send(out)
        if last:
            self.channel.done(response.keep)

    def _head(self, length: int | None) -> bytes:
        if self.channel.loop.stopping:
            self.response.keep = False
        return self.response.head(length)

    def refuse(self) -> None:
        """Say what is wrong with a request that could not be read, and end the connection."""
        error, limits = self.request.error, self.request.adj
        assert error is not None
        message = {
            413: f"The request body is larger than {limits.max_request_body_size - 1} bytes.",
            431: f"The request headers are larger than {limits.max_request_header_size} bytes.",
        }.get(error.code, f"{error.reason}: {error.body}")
        self._say(f"{error.code} {error.reason}", APIError(error.code, message), keep=False)

    def _say(self, status: str, error: APIError, *, keep: bool) -> None:
        self.response = Response(self.request)
        self.response.keep = keep
        self.response.start_response(status, [("content-type", "application/json")])
        body = dump(error.body()).encode()
        self.send(body, last=True, length=len(body))


class Stream:
    """A body that is sent piece by piece in the loop's thread, each piece when it is due and the client has room for it."""

    __slots__ = ("_behind", "_body", "_channel", "_items", "_next", "_over", "_response", "_task", "_together", "due")

    def __init__(self, task: Task, body: object, items: Iterator[tuple[float, bytes]], together: int) -> None:
        #: When the next piece is to be sent; ``math.inf`` is never.
        self.due = task.request.arrived
        self._task = task
        self._channel, self._response = task.channel, task.response
        self._body = body
        self._items = items
        self._together = together
        self._next: bytes | None = None
        #: The client did not read: what became due meanwhile is sent at once.
        self._behind = False
        self._over = False

    def start(self) -> None:
        """Send what is due at once."""
        self._task.channel.running = self
        self._send_due()

    def left(self) -> None:
        """The client has gone, or the server ends."""
        self._end()
        self._task.request.close()

    def pump(self) -> None:
        """Send what is due by now, and wait for the rest."""
        if not self._over:
            try:
                self._send_due()
            except Exception as error:
                self._task.fail(error)

    def _send_due(self) -> None:
        # This is all there is to a chunk, in as few calls as can be: thousands of streams come by here all the time.
        now = monotonic()
        due, data, items, channel = self.due, self._next, self._items, self._channel
        batch: list[bytes] = []
        size, more = 0, True
        try:
            while size < self._together and len(batch) < PIECES:
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
            if batch:  # what came before it is sent first
                self._task.send(b"".join(batch))
            raise
        self.due, self._next = due, data
        if batch or not more:
            out = batch[0] if len(batch) == 1 else b"".join(batch)
            if out and more and self._response.swift and type(out) is bytes:
                channel.send(b"%x\r\n%b\r\n" % (len(out), out))
            else:
                self._send(out, last=not more)
        if not more or self._over:
            return
        if now < due < math.inf and not (channel.unsent or channel.ended or self._response.mute):
            channel.loop.at(due, self.pump)
        else:
            self._wait(now)

    def _send(self, data: bytes, last: bool) -> None:
        try:
            self._task.send(data, last=last)
        except BaseException:
            self._end()
            raise

    def _wait(self, now: float) -> None:
        channel, response = self._channel, self._response
        if len(channel.unsent) > HIGH:
            channel.held = self.pump
            self._behind = True
        elif response.mute and response.begun:
            self._end()
            self._task.send(b"", last=True)
        elif self._next is None or self.due <= now:
            channel.loop.at(now, self.pump)
        elif self.due == math.inf and channel.loop.stopping:
            self._end()
            channel.finish()
        else:
            if self.due < math.inf:
                channel.loop.at(self.due, self.pump)
            if channel.ended:
                channel.look()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            close_body(self._body)


class Feed:
    """A body that is made in a thread, which may block, and sent in the loop's."""

    #: Nobody knows when something will come.
    due = 0.0

    def __init__(self, task: Task, function: Callable[[], Iterable[bytes]]) -> None:
        self._task = task
        self._loop = task.channel.loop
        self._function = function
        self._room = threading.Semaphore(ROOM)
        self._owed = 0
        self._over = False

    def start(self, pool: Pool) -> None:
        """Run the function in the pool."""
        self._task.channel.running = self
        pool.submit(self._work)

    def left(self) -> None:
        """The client has gone, or the server ends: what the thread still brings is thrown away."""
        self._over = True
        self._room.release(ROOM)

    def _work(self) -> None:
        """The thread's part; its last act is to hand over to the loop."""
        try:
            body = self._function()
            if isinstance(body, (list, tuple, TimedBody, Deferred)):
                self._hand_over(partial(self._task.answer, body), body)
            else:
                self._read(body)
                self._hand_over(partial(self._task.send, b"", last=True))
        except BaseException as error:
            trouble = error if isinstance(error, Exception) else RuntimeError(f"a deferred function ended with {error!r}")
            self._hand_over(partial(_raise, trouble))

    def _read(self, body: Iterable[bytes]) -> None:
        try:
            for piece in body:
                if piece:
                    self._room.acquire()
                    if self._over:
                        break
                    self._loop.call(partial(self._take, piece))
        finally:
            close_body(body)

    def _hand_over(self, step: Callable[[], None], body: object = None) -> None:
        self._loop.call(partial(self._settle, step, body))

    def _settle(self, step: Callable[[], None], body: object) -> None:
        """The loop's part when the thread has ended."""
        if self._over:
            close_body(body)
            self._task.request.close()
        else:
            self._over = True
            self._task.attempt(step)

    def _take(self, piece: bytes) -> None:
        """Send a piece; the thread may make another when the client has room."""
        if self._over:
            return
        channel = self._task.channel
        if not self._task.attempt(self._task.send, piece):
            self.left()
            return
        if channel.ended:
            channel.look()
        if len(channel.unsent) > HIGH:
            self._owed += 1
            channel.held = self._pay
        else:
            self._room.release()

    def _pay(self) -> None:
        self._room.release(self._owed)
        self._owed = 0


def _raise(error: Exception) -> None:
    raise error

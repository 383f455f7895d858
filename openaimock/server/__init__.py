"""A WSGI server for any application: it waits for thousands of slow replies cheaply and answers quick ones quickly."""

from __future__ import annotations

import logging
import math
import os
import socket as sockets
import threading
import weakref
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ..http.extensions import HOOKS
from ..text.log import ROOT
from ..types.clock import monotonic
from .http import HttpConnection
from .listener import listen
from .loop import Loop
from .parser import ParserLimits, PlainRequest, RequestReader
from .poller import READ
from .pool import Pool
from .task import Application, Task
from .transport import HIGH, Transport
from .wsgi import server_environ

if TYPE_CHECKING:
    from .parsed import ParsedRequest

__all__ = ["Application", "Server", "listen"]

#: Connections accepted at one wake-up, alone and beside other processes.
ACCEPT, ACCEPT_SHARED = 256, 1
#: Seconds without accepting when no file descriptor is free.
PAUSE = 0.2
#: Seconds that another process has to accept a connection before one that has more takes it.
YIELD = 0.001
#: Threads reserved for urgent deferred calls.
RESERVED = 2
#: Bytes buffered towards all clients beyond which no new request is answered.
BACKLOG_BYTES = 256 * 1024 * 1024
#: Seconds between two checks of whether that many are still buffered.
BACKLOG_CHECK = 0.05
#: Turns of the loop in which new connections are accepted and their requests read before the application is replaced.
POLLS = 3
#: Seconds without reading after which a client is disconnected when too many bytes are buffered, and when the server stops.
STUCK, STUCK_AT_STOP = 5.0, 1.0


class ConnectionBalance(Protocol):
    """How a server that shares its sockets with other processes compares with them."""

    def report(self, count: int) -> None:
        """Publish the number of connections of this process."""

    def fair(self) -> bool:
        """Whether this process should accept another connection rather than leave it to the others."""


class Server:
    """Serves a WSGI application. It listens from construction to the end; to start again, make a new one.

    ``listeners`` are listening sockets to use, perhaps shared with other processes (``balance`` compares with these); the
    server closes them at the end. OSError when it cannot listen on the host, ``PortInUseError`` when the port is in use.
    """

    def __init__(
        self,
        app: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 8,
        max_body: int = 64 * 1024 * 1024,
        listeners: Sequence[sockets.socket] = (),
        balance: ConnectionBalance | None = None,
        idle: float = 120.0,
        log: logging.Logger = ROOT,
    ) -> None:
        self._shared = bool(listeners)
        self._balance = balance
        self._yielded = False
        self._listeners = list(listeners) or listen(host, port)
        for listener in self._listeners:
            listener.setblocking(False)
        address = self._listeners[0].getsockname()
        self.host: str = address[0]
        self.port: int = address[1]
        self._app = app
        self._idle = idle
        self._loop = Loop(log)
        self._pool = Pool(threads)
        self._reserve = Pool(RESERVED)
        self._transports: set[Transport] = set()
        self._postponed: list[HttpConnection] = []
        more = {"wsgi.multiprocess": self._shared, "openaimock.stopping": self._is_stopping, **HOOKS}
        self._reader = RequestReader(ParserLimits(max_body), server_environ(self.host, self.port, more))
        self._lock = threading.Lock()  # held while it runs
        self._state = "new"
        self._thread: int | None = None
        self._accepting = False
        self._full = False
        _open_servers.add(self)

    def start(self) -> None:
        """Serve in a thread of its own. A second call does nothing; RuntimeError after ``stop``."""
        if self._state == "stopped":
            raise RuntimeError("This server was stopped and cannot start again; make a new one.")
        if self._state == "new":
            self._state = "running"
            self._lock.acquire()
            threading.Thread(target=self._serve, name="openaimock", daemon=True).start()

    def run(self) -> None:
        """Serve in this thread until ``stop`` is called, from a signal handler or another thread."""
        if self._state == "running":
            raise RuntimeError("This server is running already.")
        if self._state == "new":
            self._thread = threading.get_ident()
            self._state = "running"
            self._lock.acquire()
            with self._loop.woken_by_signals():
                self._serve()

    def stop(self, grace: float = 10.0) -> None:
        """Accept nothing more, finish the responses that can end within ``grace`` seconds, cut the others, and close everything.

        Returns when that is done; at once when called in the thread that serves (by a signal handler or the application). It
        may be called at any time and more than once; the earliest deadline counts.
        """
        loop = self._loop
        loop.deadline = min(loop.deadline, monotonic() + grace)
        if self._state == "new":
            self._state = "stopped"
            self._close()
        elif self._state == "running":
            loop.wake()
            if self._thread != threading.get_ident() and self._lock.acquire(timeout=max(0.0, grace) + 5):
                self._lock.release()

    def stop_at_end_of(self, pipe: int, grace: float) -> None:
        """Stop when the other end of a pipe is closed, as it is when the process that holds it ends. Call it before ``run``."""

        def ended(events: int) -> None:
            self._loop.watch(pipe, READ, 0, ended)
            self.stop(grace)

        self._loop.watch(pipe, 0, READ, ended)

    @property
    def running(self) -> bool:
        """Whether it serves; not in a child process that was forked from the one that does."""
        return self._state == "running"

    def replace(self, app: Application, max_body: int) -> None:
        """Serve another application from now on. What was received before is answered by the old one or cut. From any thread.

        Idle connections stay open; those with a request that is still being read or answered are closed.
        """
        done = threading.Event()

        def switch(polls: int) -> None:
            if polls:  # first read what clients have sent so far
                return self._loop.call(partial(switch, polls - 1))
            self._app = app
            self._reader.limits.limit_body(max_body)
            for transport in list(self._transports):
                if transport.protocol.busy or transport.protocol.partial or transport.unsent:
                    transport.close()
            done.set()

        if self._state == "running":
            self._loop.call(partial(switch, POLLS))
            if self._thread != threading.get_ident():
                done.wait(10)

    def _is_stopping(self) -> bool:
        """Whether the server only finishes what has begun."""
        return self._loop.stopping

    def _serve(self) -> None:
        self._thread = threading.get_ident()
        loop = self._loop
        try:
            self._listen(True)
            self._close_idle()
            while loop.deadline == math.inf:
                loop.turn()
            loop.stopping = True
            self._refuse()
            while any(transport.protocol.busy or transport.unsent for transport in self._transports):
                now = monotonic()
                if now >= loop.deadline:
                    break
                loop.turn(min(loop.deadline, now + STUCK_AT_STOP / 2))
                self._close_stuck(STUCK_AT_STOP)
        finally:
            self._close()
            self._state = "stopped"
            self._lock.release()

    def _close(self) -> None:
        _open_servers.discard(self)
        self._refuse()
        for transport in list(self._transports):
            transport.close()
        self._loop.close()
        self._pool.close()
        self._reserve.close()

    def _refuse(self) -> None:
        """Stop listening, and end the connections that are idle or cannot end by the deadline."""
        self._listen(False)
        for listener in self._listeners:
            listener.close()
        for transport in list(self._transports):
            transport.protocol.retire(self._loop.deadline)

    def abandon(self) -> None:
        """Close the file descriptors in a forked child: the sockets belong to the parent."""
        self._state = "stopped"
        self._lock = threading.Lock()
        for listener in self._listeners:
            listener.close()
        for transport in self._transports:
            transport.abandon()
        self._loop.abandon()

    def _listen(self, accept: bool) -> None:
        if accept != self._accepting and self._listeners[0].fileno() >= 0:
            self._accepting = accept
            for listener in self._listeners:
                self._loop.watch(listener.fileno(), 0 if accept else READ, READ if accept else 0, partial(self._accept, listener))

    def _accept(self, listener: sockets.socket, events: int) -> None:
        if self._balance is not None:
            # Yield once: a process that does not take the connection is busy, or about to end.
            self._yielded = not (self._yielded or self._balance.fair())
            if self._yielded:
                return self._rest(YIELD)
        for _ in range(ACCEPT_SHARED if self._shared else ACCEPT):
            try:
                connection, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if not self._full:
                    self._loop.log.warning("Cannot accept connections for the moment: %s", error.strerror)
                self._full = True
                return self._rest(PAUSE)
            self._full = False
            self._open(connection, address)

    def _rest(self, seconds: float) -> None:
        """Accept nothing for a while."""
        self._listen(False)
        self._loop.at(monotonic() + seconds, lambda: self._listen(not self._loop.stopping))

    def _open(self, connection: sockets.socket, address: tuple[str, int]) -> None:
        try:
            connection.setblocking(False)
            connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        except OSError:  # gone already
            connection.close()
            return
        transport = Transport(self._loop, connection, self._closed)
        HttpConnection(transport, self._reader, (address[0], str(address[1])), self._answer)
        self._transports.add(transport)
        self._report()

    def _closed(self, transport: Transport) -> None:
        self._transports.discard(transport)
        self._report()

    def _report(self) -> None:
        if self._balance is not None:
            self._balance.report(len(self._transports))

    def _answer(self, connection: HttpConnection, request: PlainRequest | ParsedRequest) -> None:
        if self._loop.unsent > BACKLOG_BYTES:
            self._postponed.append(connection)
            if len(self._postponed) == 1:
                self._loop.at(monotonic() + BACKLOG_CHECK, self._resume)
        else:
            Task(connection, request, self._pool, self._reserve).run(self._app)

    def _resume(self) -> None:
        """Answer the postponed requests when clients have read enough; disconnect those that do not read."""
        self._close_stuck(STUCK)
        if self._loop.unsent > BACKLOG_BYTES:
            self._loop.at(monotonic() + BACKLOG_CHECK, self._resume)
        else:
            self._loop.ready.extend(connection.begin for connection in self._postponed)
            self._postponed.clear()

    def _close_stuck(self, seconds: float) -> None:
        """Close the connections whose client has not read for so long although much is buffered for it."""
        limit = 0 if self._loop.stopping else HIGH
        before = monotonic() - seconds
        stuck = [transport for transport in self._transports if transport.unsent > limit and transport.active < before]
        for transport in stuck:
            transport.close()
        if stuck and not self._loop.stopping:
            self._loop.log.warning(
                "Disconnected %d clients that do not read: more than %d MB are buffered", len(stuck), BACKLOG_BYTES >> 20
            )

    def _close_idle(self) -> None:
        """Close connections that have been idle for long, now and then."""
        now = monotonic()
        for transport in list(self._transports):
            if transport.protocol.due is None and now - transport.active > self._idle:
                transport.close()
        self._loop.at(now + min(30.0, self._idle / 2), self._close_idle)


#: Servers whose sockets a forked child must close.
_open_servers: weakref.WeakSet[Server] = weakref.WeakSet()


def _abandon_servers() -> None:
    for server in list(_open_servers):
        server.abandon()
    _open_servers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_servers)

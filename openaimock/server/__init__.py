"""A WSGI server for any application, made to wait for thousands of slow replies and to answer quick ones quickly."""

from __future__ import annotations

import errno
import math
import socket as sockets
import threading
from time import monotonic
from typing import Protocol

from ..errors import PortInUseError
from ..http.extensions import HOOKS
from .http import Channel
from .loop import READ, Loop, Pool, logger
from .parser import ParsedRequest, ParserLimits
from .task import Application, Task
from .wsgi import server_environ

__all__ = ["Application", "Server", "listen"]

#: Connections the system keeps for us until we accept them; accepted at one wake-up, alone and beside other processes.
BACKLOG, ACCEPT, ACCEPT_SHARED = 2048, 256, 1
#: Seconds without accepting when there is no file descriptor left.
PAUSE = 0.2
#: Seconds that another process has to accept a connection before one that has more takes it.
YIELD = 0.001


class Share(Protocol):
    """What a server knows of those that share its socket."""

    def tell(self, count: int) -> None:
        """Say how many connections this one has."""

    def fair(self) -> bool:
        """Whether this one should take another, rather than leave it to the others."""


class Server:
    """Serves a WSGI application, from its making (it listens at once) to its end. To start again, make a new one.

    ``socket`` is a listening socket to use, shared with other processes perhaps (``share`` says how many connections these have);
    the server closes it in the end. OSError when it cannot listen there, ``PortInUseError`` when the port is taken.
    """

    def __init__(
        self,
        app: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 8,
        max_body: int = 64 * 1024 * 1024,
        socket: sockets.socket | None = None,
        share: Share | None = None,
        idle: float = 120.0,
    ) -> None:
        self._shared = socket is not None
        self._share = share
        self._yielded = False
        self._listener = socket or listen(host, port)
        self._listener.setblocking(False)
        address = self._listener.getsockname()
        self.host: str = address[0]
        self.port: int = address[1]
        self._app = app
        self._idle = idle
        self._limits = ParserLimits(max_body)
        self._loop = Loop()
        self._pool = Pool(threads)
        self._channels: set[Channel] = set()
        self._environ = server_environ(self.host, self.port, {"wsgi.multiprocess": self._shared, **HOOKS})
        self._lock = threading.Lock()  # held while it runs
        self._state = "new"
        self._thread: int | None = None
        self._deadline = math.inf
        self._accepting = False

    def start(self) -> None:
        """Serve in a thread of its own. It may be started twice; not after it was stopped."""
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
        """Accept nothing more, let running responses end within ``grace`` seconds, and close everything.

        Comes back when that is done; at once, when called in the thread that serves (by a signal handler or the application). It
        may be called at any time and more than once; the shortest grace counts.
        """
        self._deadline = min(self._deadline, monotonic() + grace)
        if self._state == "new":
            self._state = "stopped"
            self._close()
        elif self._state == "running":
            self._loop.wake()
            if self._thread != threading.get_ident() and self._lock.acquire(timeout=max(0.0, grace) + 5):
                self._lock.release()

    def _serve(self) -> None:
        self._thread = threading.get_ident()
        loop = self._loop
        try:
            self._listen(True)
            self._sweep()
            while self._deadline == math.inf:
                loop.turn()
            loop.stopping = True
            self._refuse()
            while any(channel.busy for channel in self._channels) and monotonic() < self._deadline:
                loop.turn(self._deadline)
        finally:
            self._close()
            self._state = "stopped"
            self._lock.release()

    def _close(self) -> None:
        self._refuse()
        for channel in list(self._channels):
            channel.close()
        self._loop.close()
        self._pool.close()

    def _refuse(self) -> None:
        """Stop listening, and let go of the connections that have nothing to say."""
        self._listen(False)
        self._listener.close()
        for channel in list(self._channels):
            channel.retire()

    def _listen(self, accept: bool) -> None:
        if accept != self._accepting and self._listener.fileno() >= 0:
            self._accepting = accept
            self._loop.watch(self._listener, 0 if accept else READ, READ if accept else 0, self._accept)

    def _accept(self, events: int) -> None:
        if self._share is not None:
            # Once: another that does not take it is busy, or about to end.
            self._yielded = not (self._yielded or self._share.fair())
            if self._yielded:
                return self._rest(YIELD)
        for _ in range(ACCEPT_SHARED if self._shared else ACCEPT):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                logger.warning("Cannot accept connections for the moment: %s", error.strerror)
                return self._rest(PAUSE)
            self._open(connection, address)

    def _rest(self, seconds: float) -> None:
        """Accept nothing for a while."""
        self._listen(False)
        self._loop.at(monotonic() + seconds, lambda: self._listen(True))

    def _open(self, connection: sockets.socket, address: tuple[str, int]) -> None:
        try:
            connection.setblocking(False)
            connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        except OSError:  # gone already
            connection.close()
            return
        environ = {**self._environ, "REMOTE_ADDR": address[0], "REMOTE_PORT": str(address[1])}
        self._channels.add(Channel(self._loop, connection, self._limits, environ, self._answer, self._closed))
        self._tell()

    def _closed(self, channel: Channel) -> None:
        self._channels.discard(channel)
        self._tell()

    def _tell(self) -> None:
        if self._share is not None:
            self._share.tell(len(self._channels))

    def _answer(self, channel: Channel, request: ParsedRequest) -> None:
        Task(channel, request, self._pool).run(self._app)

    def _sweep(self) -> None:
        """Close connections that nobody has used for long, every now and then."""
        now = monotonic()
        for channel in list(self._channels):
            if channel.running is None and now - channel.active > self._idle:
                channel.close()
        self._loop.at(now + min(30.0, self._idle / 2), self._sweep)


def listen(host: str, port: int) -> sockets.socket:
    """A listening socket. OSError in the user's terms when there can be none."""
    if not 0 <= port <= 65535:
        raise OSError(errno.EINVAL, f"Cannot listen on port {port}: ports go from 0 to 65535")
    try:
        found = sockets.getaddrinfo(host, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE)
        # Of a name with several addresses, such as localhost, clients try IPv4 in any case.
        family, *_, address = min(found, key=lambda info: info[0] != sockets.AF_INET)
        dual = address[0] == "::" and sockets.has_dualstack_ipv6()
        return sockets.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=dual)
    except sockets.gaierror as error:
        raise OSError(error.errno, f"Cannot listen on {host}: {error.strerror}") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(host, port) from None
        raise OSError(error.errno, f"Cannot listen on {host} port {port}: {error.strerror}") from None

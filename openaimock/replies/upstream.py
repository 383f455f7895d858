"""Upstream: requests sent on to another server, over connections that are reused; answers are read as they arrive."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from ..errors import APIError
from ..http.cancellation import Cancellation

Headers = Sequence[tuple[str, str]]
#: Idle connections that are kept, and the seconds after which one is no longer used: servers close theirs after a minute or more.
MAX_IDLE, MAX_IDLE_SECONDS = 16, 30.0
#: Seconds to connect. An answer may take as long as ``timeout`` says.
CONNECT_TIMEOUT = 30.0
#: The largest piece of an answer that is passed on at once, in bytes.
PIECE = 65536


class Broken(Exception):
    """An answer that ended before it was complete; ``str()`` is the reason."""


class Answer:
    """An answer of the upstream: status, headers and, by iteration, the pieces of the body as they arrive.

    Iteration raises Broken when the body ends too early. ``close`` ends it; a complete one gives its connection back.
    """

    def __init__(
        self, upstream: Upstream, connection: HTTPConnection, response: HTTPResponse, cancellation: Cancellation
    ) -> None:
        self.status = response.status
        self.headers: Headers = response.getheaders()
        #: The length of the body, None when only its end tells.
        self.length: int | None = None if response.chunked else response.length
        self._upstream, self._connection, self._response = upstream, connection, response
        self._cancellation = cancellation
        self._complete = False

    @property
    def cancelled(self) -> bool:
        """Whether the client left."""
        return self._cancellation.event.is_set()

    def __iter__(self) -> Iterator[bytes]:
        remaining = self.length
        try:
            while remaining is None or remaining > 0:
                # Python 3.10 does not count what read1 returns: a read past the length would wait for the next answer.
                piece = self._response.read1(PIECE if remaining is None else min(PIECE, remaining))
                if not piece:
                    break
                if remaining is not None:
                    remaining -= len(piece)
                    if not remaining:
                        # The client that gets the last piece may send its next request before this one is closed.
                        self._complete = True
                        self.close()
                yield piece
            if self.cancelled and not self._complete:
                raise Broken("the client left")
            if remaining:
                raise Broken(f"it closed the connection {remaining} bytes before the end of its answer")
            self._complete = True
        except (OSError, HTTPException, ValueError) as error:
            raise Broken(reason_of(error, self._upstream.timeout)) from None
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back after a complete answer, else close it."""
        connection, self._connection = self._connection, None  # type: ignore[assignment]
        if connection is None:
            return
        self._cancellation.attach(None)
        keep = self._complete and not self._response.will_close
        self._response.close()
        self._upstream.release(connection, keep)


class Upstream:
    """A server that requests are sent on to, by its base URL. ``timeout`` is the seconds without a byte after which it fails."""

    def __init__(self, url: str, timeout: float = 600.0) -> None:
        self.url = url
        self.timeout = timeout
        self.parts = urlsplit(url)
        #: Its name in messages: without a user name or password.
        self.origin = f"{self.parts.scheme}://{self.parts.netloc.rpartition('@')[2]}"
        self._idle: list[tuple[float, HTTPConnection]] = []
        self._lock = threading.Lock()
        self._context: Any = None

    def send(self, method: str, target: str, headers: Headers, body: bytes, cancellation: Cancellation) -> Answer:
        """Send a request and wait for the head of the answer. APIError 502 when there is none.

        ``target`` is the path with its query. Redirects are not followed.
        """
        connection = None
        try:
            connection = self._take() or self._connect()
            cancellation.attach(connection.sock)
            if cancellation.event.is_set():
                raise RemoteDisconnected("the client left")
            self._write(connection, method, target, headers, body)
            response = connection.getresponse()
        except (OSError, HTTPException, ValueError) as error:
            cancellation.attach(None)
            if connection is not None:
                connection.close()
            raise self.failure(reason_of(error, self.timeout)) from None
        return Answer(self, connection, response, cancellation)

    def failure(self, reason: str) -> APIError:
        """The error for a request that the upstream did not answer."""
        message = f"The upstream {self.origin} did not answer: {reason}."
        return APIError(502, message, type="upstream_error", code="upstream_error")

    def _write(self, connection: HTTPConnection, method: str, target: str, headers: Headers, body: bytes) -> None:
        proxy = getattr(connection, "forward_proxy", None)
        connection.putrequest(method, self.origin + target if proxy else target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", self.parts.netloc.rpartition("@")[2])
        for name, value in (*headers, *_proxy_headers(proxy)):
            connection.putheader(name, value.encode("latin-1", "replace"))
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)

    # Connections

    def _take(self) -> HTTPConnection | None:
        """An idle connection that the other side has not closed, if any."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if time.monotonic() - since < MAX_IDLE_SECONDS and not _is_readable(connection.sock):
                return connection
            connection.close()

    def release(self, connection: HTTPConnection, keep: bool) -> None:
        """Take back the connection of an answer that has ended."""
        with self._lock:
            if keep and connection.sock is not None and len(self._idle) < MAX_IDLE:
                self._idle.append((time.monotonic(), connection))
                return
        connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    __del__ = close

    def _connect(self) -> HTTPConnection:
        parts = self.parts
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        proxy = proxy_for(parts)
        address = (host, port) if proxy is None else (proxy.hostname or "", proxy.port or 80)
        timeout = min(self.timeout, CONNECT_TIMEOUT)
        connection: HTTPConnection
        if secure:
            connection = HTTPSConnection(*address, timeout=timeout, context=self._tls())
            if proxy is not None:
                connection.set_tunnel(host, port, dict(_proxy_headers(proxy)))
        else:
            connection = HTTPConnection(*address, timeout=timeout)
            connection.forward_proxy = proxy  # type: ignore[attr-defined]
        try:
            connection.connect()
        except BaseException as error:
            connection.close()
            if proxy is None or not isinstance(error, OSError) or _of_tls(error):
                raise
            raise ValueError(f"the proxy {address[0]}:{address[1]} failed: {reason_of(error, self.timeout)}") from None
        connection.sock.settimeout(self.timeout)
        with suppress(OSError):
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _tls(self) -> Any:
        if self._context is None:
            import ssl

            self._context = ssl.create_default_context()
        return self._context


def _is_readable(sock: socket.socket | None) -> bool:
    """Whether an idle connection has something to read: its end, or bytes that belong to no request."""
    if sock is None:
        return True
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])


def proxy_for(parts: SplitResult) -> SplitResult | None:
    """The HTTP proxy that the environment names for a server (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``), if any.

    ValueError for a proxy of another kind.
    """
    # Imported here: it is large, and most mocks never need it.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    if not address or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    if proxy.scheme != "http":
        raise ValueError(f"the environment names a proxy of the kind '{proxy.scheme}', and only http proxies are supported")
    return proxy


def _proxy_headers(proxy: SplitResult | None) -> Iterable[tuple[str, str]]:
    if proxy is None or proxy.username is None:
        return ()
    import base64

    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return (("Proxy-Authorization", f"Basic {base64.b64encode(credentials).decode()}"),)


#: Reasons of TLS failures by which a server shows that it speaks plain HTTP.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def _of_tls(error: BaseException) -> bool:
    """Whether TLS failed; ``ssl`` itself is imported only where it is used."""
    return type(error).__module__ == "ssl"


def reason_of(error: Exception, timeout: float) -> str:
    """Why an exchange failed, in words that fit behind a colon."""
    if isinstance(error, socket.gaierror):
        return "its host name cannot be resolved"
    if isinstance(error, TimeoutError):
        return f"it sent nothing for {timeout:g} seconds, or accepted no connection for {min(timeout, CONNECT_TIMEOUT):g}"
    if isinstance(error, ConnectionRefusedError):
        return "it refused the connection"
    if isinstance(error, RemoteDisconnected):
        return "it closed the connection without an answer"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "it closed the connection"
    verification: str | None = getattr(error, "verify_message", None)
    if verification:
        return f"its certificate is not trusted: {verification}"
    if _of_tls(error):
        hint = "; perhaps its URL must begin with http://" if getattr(error, "reason", "") in _NO_TLS else ""
        return f"it does not speak TLS as expected ({getattr(error, 'reason', error)}){hint}"
    if isinstance(error, OSError):
        text = str(error.strerror or error) or type(error).__name__
        return text if error.errno is None or error.strerror is None else f"{text} (errno {error.errno})"
    if isinstance(error, HTTPException):
        return f"its answer is not HTTP, or ends too early ({type(error).__name__})"
    return str(error) or type(error).__name__

"""Fixtures for tests that talk to a server over a socket."""

from __future__ import annotations

import socket

import pytest

from openaimock.server import Server

#: Seconds that anything may take on a machine that is busy with other things.
DEADLINE = 20.0


class Wire:
    """A client that says exactly what a test wants said, and reads as little or as much as it wants read."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection((server.host, server.port), timeout=DEADLINE)
        self._rest = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, path: str = "/", body: bytes = b"", *, method: str = "GET", version: str = "1.1", headers: str = "") -> None:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.send(f"{method} {path} HTTP/{version}\r\nHost: mock\r\n{length}{headers}\r\n".encode() + body)

    def until(self, end: bytes) -> bytes:
        """Read up to and with these bytes."""
        while end not in self._rest:
            data = self.socket.recv(65536)
            assert data, f"the connection ended after {self._rest!r}"
            self._rest += data
        line, _, self._rest = self._rest.partition(end)
        return line + end

    def take(self, count: int) -> bytes:
        """Read this many bytes."""
        while len(self._rest) < count:
            data = self.socket.recv(65536)
            assert data, f"the connection ended after {self._rest!r}"
            self._rest += data
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def rest(self) -> bytes:
        """Read to the end of the connection."""
        while data := self.socket.recv(65536):
            self._rest += data
        rest, self._rest = self._rest, b""
        return rest

    def head(self) -> tuple[str, dict[str, str]]:
        """Read a response's status line and headers."""
        status, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        return status, {name: value for name, _, value in (line.partition(": ") for line in lines if line)}

    def answer(self) -> tuple[str, dict[str, str], bytes]:
        """Read a whole response."""
        status, headers = self.head()
        if headers.get("transfer-encoding") != "chunked":
            return status, headers, self.take(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.take(size + 2)[:-2]
        self.take(2)
        return status, headers, body

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def serve():
    """Start servers; they stop with the test."""
    servers = []

    def start(app, **options):
        server = Server(app, **options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop(grace=0)


@pytest.fixture
def wire():
    """Connect to servers; the connections close with the test."""
    wires = []

    def connect(server):
        wires.append(Wire(server))
        return wires[-1]

    yield connect
    for connection in wires:
        connection.close()

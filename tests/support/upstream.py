"""An HTTP server whose answers a test scripts byte by byte, as an upstream of a mock."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

#: Called with the connection and the bytes of the request; sends what it likes. True closes the connection.
Script = Callable[[socket.socket, bytes], Any]


class RawUpstream:
    """Listens on a free port and runs a script for each request. With a ``context`` it speaks TLS."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}/v1"
        self.requests: list[bytes] = []
        self.connections = 0
        #: Set when a client closes its connection.
        self.left = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self._context is not None:
            try:
                connection = self._context.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        with connection:
            while request := _read(connection):
                self.requests.append(request)
                try:
                    if self._script(connection, request):
                        return
                except OSError:
                    break
            self.left.set()

    def close(self) -> None:
        """Listen no longer."""
        self._listener.close()


def _read(connection: socket.socket) -> bytes:
    """One request with its body, empty when the client has closed the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            piece = connection.recv(65536)
        except OSError:
            return b""
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body

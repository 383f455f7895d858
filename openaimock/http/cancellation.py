"""Cancellation: ends what waits for another server from another thread, when the client has left."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Cancellation:
    """Ends an exchange with another server: its socket is shut down, so that a blocked read returns."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def attach(self, sock: socket.socket | None) -> None:
        """Name the socket in use; None when there is none any more."""
        with self._lock:
            self._socket = sock
            if self.event.is_set():
                self._shut_down()

    def cancel(self) -> None:
        """End the exchange. It may be called more than once."""
        with self._lock:
            self.event.set()
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            # The method of the plain socket: that of a TLS socket changes the state that its reader uses.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

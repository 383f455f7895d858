"""Two WSGI extensions for replies that take time, in the manner of ``wsgi.file_wrapper``; our server offers both.

``environ["openaimock.timed"](items)``
    makes an app_iter of (seconds, bytes): each piece is sent that long after the one before it was due, and no thread waits.
``environ["openaimock.defer"](function)``
    makes an app_iter of a function that may block: it runs in a thread and returns an app_iter in turn.

See ``docs/hooks.rst``.
"""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..text.log import ROOT
from ..types.clock import monotonic

#: Seconds between two checks of whether the client is still there, where the host can tell.
CHECK = 0.5
#: Seconds after which an endless wait ends on another host, so that it does not hold a thread for good.
STALL_LIMIT = 60.0
#: Seconds after which a hold ends on another host as if it were released.
HOLD_LIMIT = 600.0


class Silence(bytes):
    """A piece that is waited for and not sent: a connection that ends then has not even got the head of a response."""


class Gate(Silence):
    """A piece that is not sent: what follows it waits until the gate opens. Its delay is ``math.inf``.

    The host calls ``wait(resume)`` when everything before the gate is sent. ``resume`` is called once, from any thread, when the
    gate opens; what follows is due from then on.
    """

    wait: Callable[[Callable[[], None]], None]


class TimedBody:
    """The app_iter of ``openaimock.timed``. Iterated by another host than our server, it sleeps.

    ``head_gap`` is the number of seconds between the bytes of the response's head; only our server can do that. ``is_gone``
    says whether the client has left; a wait ends then. A wait without an end (``math.inf``) ends after ``STALL_LIMIT``.
    """

    def __init__(
        self, items: Iterable[tuple[float, bytes]], head_gap: float = 0.0, is_gone: Callable[[], bool] | None = None
    ) -> None:
        self.items = items
        self.head_gap = head_gap
        self._is_gone = is_gone

    def __iter__(self) -> Iterator[bytes]:
        due = monotonic()
        for delay, data in self.items:
            if type(data) is Gate:
                if not block(data, self._is_gone):
                    return
                due = monotonic()
                continue
            due = monotonic() + STALL_LIMIT if delay == math.inf else due + delay
            while (wait := due - monotonic()) > 0:
                if self._is_gone is not None and self._is_gone():
                    return
                time.sleep(min(wait, CHECK))
            if type(data) is not Silence:
                yield data

    def close(self) -> None:
        """Close the items."""
        close_body(self.items)


def block(gate: Gate, is_gone: Callable[[], bool] | None) -> bool:
    """Wait in this thread until a gate opens, for at most ``HOLD_LIMIT`` seconds; False when the client has left."""
    opened = threading.Event()
    gate.wait(opened.set)
    end = monotonic() + HOLD_LIMIT
    while not opened.wait(CHECK) and monotonic() < end:
        if is_gone is not None and is_gone():
            return False
    return True


class Deferred:
    """The app_iter of ``openaimock.defer``. Iterated by another host than our server, it calls the function there.

    ``urgent`` calls are short and do not wait behind functions that block.
    """

    def __init__(self, function: Callable[[], Iterable[bytes]], urgent: bool = False) -> None:
        self.function = function
        self.urgent = urgent
        #: Called in the server's thread when the client leaves: ends what the function waits for.
        self.stop: Callable[[], None] | None = None

    def __iter__(self) -> Iterator[bytes]:
        body = self.function()
        try:
            yield from body
        finally:
            close_body(body)


def close_body(body: object, log: logging.Logger = ROOT) -> None:
    """Call the ``close`` of an app_iter, if it has one. Its exceptions are logged: the response is over."""
    try:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    except Exception:
        log.exception("Closing a reply failed")


def timer(environ: Mapping[str, Any]) -> Callable[..., Iterable[bytes]]:
    """What makes a timed body for the host of this request: the host's own hook, or one that sleeps in the host's thread."""
    hook: Callable[..., Iterable[bytes]] | None = environ.get("openaimock.timed")
    if hook is not None:
        return hook
    is_gone = disconnect_check(environ)
    return lambda items: TimedBody(items, is_gone=is_gone)


def defer(environ: Mapping[str, Any], function: Callable[[], Iterable[bytes]], urgent: bool = False) -> Iterable[bytes]:
    """Run a function that may block in a thread of the host, or here when the host has none. ``urgent``: see ``Deferred``."""
    hook: Callable[..., Iterable[bytes]] | None = environ.get("openaimock.defer")
    if hook is None:
        return function()
    return Deferred(function, urgent) if hook is Deferred else hook(function)


def disconnect_check(environ: Mapping[str, Any]) -> Callable[[], bool] | None:
    """A function that says whether the client has left, for hosts that show it (waitress, gunicorn, werkzeug); else None."""
    check: Callable[[], bool] | None = environ.get("waitress.client_disconnected")
    if check is not None:
        return check
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if not isinstance(sock, socket.socket) or not hasattr(socket, "MSG_DONTWAIT"):
        return None

    def is_gone() -> bool:
        try:
            return not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True

    return is_gone


#: What the server adds to the environ.
HOOKS: dict[str, Any] = {"openaimock.timed": TimedBody, "openaimock.defer": Deferred}

"""Two things a WSGI host may offer for replies that take time, as our server does, in the manner of ``wsgi.file_wrapper``.

``environ["openaimock.timed"](items)``
    makes an app_iter of (seconds, bytes): each piece is sent so long after the one before it was due, and no thread waits.
``environ["openaimock.defer"](function)``
    makes an app_iter of a function that may block: it runs in a thread, and returns an app_iter in its turn.

See ``docs/hooks.rst``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

logger = logging.getLogger("openaimock")


class Silence(bytes):
    """A piece that is waited for and not sent: a connection that ends then has not even got the head of a response."""


class TimedBody:
    """What ``openaimock.timed`` gives. Read by anyone but the server, it is an iterable that sleeps.

    ``head_gap`` is how many seconds lie between the bytes of the response's head; only our server can do that.
    """

    def __init__(self, items: Iterable[tuple[float, bytes]], head_gap: float = 0.0) -> None:
        self.items = items
        self.head_gap = head_gap

    def __iter__(self) -> Iterator[bytes]:
        due = time.monotonic()
        for delay, data in self.items:
            due += delay
            while (wait := due - time.monotonic()) > 0:
                time.sleep(min(wait, 3600.0))
            if type(data) is not Silence:
                yield data

    def close(self) -> None:
        """Close the items."""
        close_body(self.items)


class Deferred:
    """What ``openaimock.defer`` gives. Read by anyone but the server, it calls the function then and there."""

    def __init__(self, function: Callable[[], Iterable[bytes]]) -> None:
        self.function = function

    def __iter__(self) -> Iterator[bytes]:
        body = self.function()
        try:
            yield from body
        finally:
            close_body(body)


def close_body(body: object) -> None:
    """Call an app_iter's ``close``, if it has one. Its exceptions are logged: nobody is left to tell."""
    try:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    except Exception:
        logger.exception("Closing a reply failed")


#: What the server adds to the environ.
HOOKS: dict[str, Any] = {"openaimock.timed": TimedBody, "openaimock.defer": Deferred}

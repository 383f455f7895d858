"""Waiting for sockets: by ``select.epoll`` itself where the system has it, else by what ``selectors`` chooses."""

from __future__ import annotations

import select
import selectors
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

#: The events, by the bits of epoll. An error or a hang-up is reported with other bits, or as one of these.
READ, WRITE = 1, 4
_TO_SELECTORS = {
    READ: selectors.EVENT_READ,
    WRITE: selectors.EVENT_WRITE,
    READ | WRITE: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
_FROM_SELECTORS = {number: events for events, number in _TO_SELECTORS.items()}


class Poller(Protocol):
    """Waits for events of file descriptors. An event that is not handled is reported again."""

    def watch(self, fd: int, old: int, new: int) -> None:
        """Change the watched events from ``old`` to ``new``; 0 is none."""

    def poll(self, timeout: float | None) -> Sequence[tuple[int, int]]:
        """Wait for events, no longer than so many seconds: file descriptors and their events."""

    def close(self) -> None:
        """Close its own file descriptor. In a forked child this leaves the parent's alone."""


class EpollPoller:
    """``selectors.EpollSelector`` without the objects that it makes for each event."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._count = 0

    def watch(self, fd: int, old: int, new: int) -> None:
        """Change the watched events from ``old`` to ``new``; 0 is none."""
        if old and new:
            self._epoll.modify(fd, new)
        elif new:
            self._epoll.register(fd, new)
            self._count += 1
        elif old:
            self._count -= 1
            with suppress(OSError):  # closed already
                self._epoll.unregister(fd)

    def poll(self, timeout: float | None) -> Sequence[tuple[int, int]]:
        """Wait for events, no longer than so many seconds: file descriptors and their events."""
        return self._epoll.poll(timeout, self._count or 1)

    def close(self) -> None:
        """Close its own file descriptor. In a forked child this leaves the parent's alone."""
        self._epoll.close()


class SelectorPoller:
    """What ``selectors`` chooses for this system."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, fd: int, old: int, new: int) -> None:
        """Change the watched events from ``old`` to ``new``; 0 is none."""
        if old and new:
            self._selector.modify(fd, _TO_SELECTORS[new])
        elif new:
            self._selector.register(fd, _TO_SELECTORS[new])
        elif old:
            self._selector.unregister(fd)

    def poll(self, timeout: float | None) -> Sequence[tuple[int, int]]:
        """Wait for events, no longer than so many seconds: file descriptors and their events."""
        return [(key.fd, _FROM_SELECTORS[events]) for key, events in self._selector.select(timeout)]

    def close(self) -> None:
        """Close its own file descriptor. In a forked child this leaves the parent's alone."""
        self._selector.close()


def make_poller() -> Poller:
    """The poller of this system."""
    return EpollPoller() if hasattr(select, "epoll") else SelectorPoller()

"""Rendering: what an endpoint wrote becomes a WSGI response, at once or on the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

from ..errors import APIError
from .json import dump
from .sse import Frame, data

#: Status lines as WSGI wants them.
STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


_IN_STREAM = "The server had an error while processing your request. Sorry about that!"


class Raw(NamedTuple):
    """A response that is not JSON, or that somebody gave byte by byte."""

    body: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _error_event(number: int) -> bytes:
    return data(APIError(500, _IN_STREAM, type="server_error").body())[0]


class Events(NamedTuple):
    """A stream of server-sent events; ``error(n)`` is what the API would send instead of event ``n`` when it fails there."""

    frames: Iterable[Frame]
    error: Callable[[int], bytes] = _error_event


class JSON(NamedTuple):
    """A JSON response that took ``tokens`` to say, so that a pace can tell when it is due.

    ``payload`` is a value, or bytes that are its JSON already.
    """

    payload: Any
    tokens: float = 0.0

    def encoded(self) -> bytes:
        """The bytes to send."""
        return self.payload if type(self.payload) is bytes else encode(self.payload)


def status_line(status: int) -> str:
    """The status line of any number."""
    return STATUS.get(status) or f"{status} Status"


def encode(payload: Any) -> bytes:
    """JSON as the API sends it."""
    return dump(payload).encode()

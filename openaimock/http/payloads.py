"""Payloads: the forms of what an operation sends: JSON, a stream of events, or raw bytes."""

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
    """A response of given bytes."""

    body: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def _error_event(number: int) -> bytes:
    return data(APIError(500, _IN_STREAM, type="server_error").body())[0]


class Events(NamedTuple):
    """A stream of server-sent events; ``error(n)`` is what the API sends in place of event ``n`` when it fails there."""

    frames: Iterable[Frame]
    error: Callable[[int], bytes] = _error_event
    #: Of a recorded stream; else the usual ones.
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()


class JSON(NamedTuple):
    """A JSON response of ``tokens`` tokens, from which a pace computes its time.

    ``payload`` is a value, or its JSON as bytes.
    """

    payload: Any
    tokens: float = 0.0

    def encoded(self) -> bytes:
        """The bytes to send."""
        return self.payload if type(self.payload) is bytes else encode(self.payload)


def status_line(status: int) -> str:
    """The status line of a status."""
    return STATUS.get(status) or f"{status} Status"


def encode(payload: Any) -> bytes:
    """JSON as the API sends it."""
    return dump(payload).encode()

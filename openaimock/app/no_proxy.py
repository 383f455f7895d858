"""No proxy: what a mock without ``upstream`` does with a request that is to be sent there."""

from __future__ import annotations

from typing import Protocol

from ..errors import APIError
from ..http.payloads import Proxied
from .call import Call


class Proxy(Protocol):
    """Sends requests to another server."""

    def fetch(self, call: Call) -> Proxied:
        """The answer to a call. APIError when there is none."""

    def close(self) -> None:
        """Close idle connections."""


class NoProxy:
    """The proxy of a mock without ``upstream``."""

    def fetch(self, call: Call) -> Proxied:
        """Raises APIError 502."""
        message = "The reply sends the request to the upstream, and the mock has no setting 'upstream'."
        raise APIError(502, message, type="upstream_error", code="upstream_error")

    def close(self) -> None:
        """Nothing to close."""

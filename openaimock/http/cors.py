"""CORS headers, for pages of other origins."""

from __future__ import annotations

from collections.abc import Sequence

from .request import Request

Headers = tuple[tuple[str, str], ...]

_ANY_ORIGIN: Headers = (("access-control-allow-origin", "*"), ("access-control-expose-headers", "*"))


def cors(request: Request, allowed: str | Sequence[str] | None) -> Headers:
    """The headers that let a page of an allowed origin read the answer."""
    if allowed == "*":
        return _ANY_ORIGIN
    origin = request.environ.get("HTTP_ORIGIN")
    if not allowed or not origin or origin not in allowed:
        return ()
    return (("access-control-allow-origin", origin), ("access-control-expose-headers", "*"), ("vary", "origin"))


def preflight(request: Request, allowed: str | Sequence[str] | None) -> Headers:
    """The headers of the answer to a browser's preflight request."""
    granted = cors(request, allowed)
    if not granted:
        return ()
    return (
        *granted,
        ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("access-control-allow-headers", request.header("access-control-request-headers") or "*"),
        ("access-control-max-age", "86400"),
    )

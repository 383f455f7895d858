"""Access: who may ask, from where, and what a request may ask of its own treatment."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from . import faults
from .config.keys import FAULTS
from .endpoints._reading import Request
from .errors import APIError
from .nouns import Fault
from .wording import known

Headers = tuple[tuple[str, str], ...]

_ANY_ORIGIN: Headers = (("access-control-allow-origin", "*"), ("access-control-expose-headers", "*"))


def key(request: Request) -> str | None:
    """The key a client sent: as a bearer token, or in Azure's own header."""
    given: str = request.environ.get("HTTP_AUTHORIZATION") or ""
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    azure: str | None = request.environ.get("HTTP_API_KEY")
    return azure or None


def admit(request: Request, keys: Sequence[bytes], with_namespace: bool) -> None:
    """Check the key against those allowed, in constant time; APIError 401. A key may carry a namespace behind a colon."""
    if not keys:
        return
    # The first key, as every client spells it: nearly all requests of a test come so.
    if hmac.compare_digest(request.environ.get("HTTP_AUTHORIZATION", "").encode("utf-8", "replace"), b"Bearer " + keys[0]):
        return
    given = key(request)
    if given is None:
        raise known(401)
    spellings = [given.encode("utf-8", "replace")]
    if with_namespace and ":" in given:
        spellings.append(given.rpartition(":")[0].encode("utf-8", "replace"))
    # Every key is compared, whichever fits.
    if not sum(hmac.compare_digest(spelling, wanted) for spelling in spellings for wanted in keys):
        raise known(401, "invalid_api_key", key=given)


def cors(request: Request, allowed: str | Sequence[str] | None) -> Headers:
    """The headers that let a page of another origin read the answer."""
    if allowed == "*":
        return _ANY_ORIGIN
    origin = request.environ.get("HTTP_ORIGIN")
    if not allowed or not origin or origin not in allowed:
        return ()
    return (("access-control-allow-origin", origin), ("access-control-expose-headers", "*"), ("vary", "origin"))


def preflight(request: Request, allowed: str | Sequence[str] | None) -> Headers:
    """The headers of the answer to a browser that asks before it asks."""
    granted = cors(request, allowed)
    if not granted:
        return ()
    return (
        *granted,
        ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("access-control-allow-headers", request.header("access-control-request-headers") or "*"),
        ("access-control-max-age", "86400"),
    )


def request_id(request: Request) -> str | None:
    """The id that the client gave its request, when it can be sent back."""
    given: str | None = request.environ.get("HTTP_X_REQUEST_ID")
    return given if given and len(given) <= 512 and given.isascii() and given.isprintable() else None


def attempt(request: Request) -> int:
    """Which attempt a request is, as SDKs number their retries; 0 for the first."""
    given: str | None = request.environ.get("HTTP_X_STAINLESS_RETRY_COUNT")
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 10 else 0


def fault(request: Request) -> Fault | None:
    """The fault a request asks for (``x-openaimock-fault``). APIError 400 when it cannot be read."""
    given = request.environ.get("HTTP_X_OPENAIMOCK_FAULT")
    return faults.parse(given, FAULTS) if given else None


def latency(request: Request) -> float | None:
    """The latency a request asks for (``x-openaimock-latency``), in seconds. APIError 400 when it cannot be read."""
    given = request.environ.get("HTTP_X_OPENAIMOCK_LATENCY")
    if not given:
        return None
    if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", given):
        message = f"Invalid x-openaimock-latency header {given[:80]!r}: expected milliseconds."
        raise APIError(400, message, param="x-openaimock-latency", code="invalid_value")
    return float(given) / 1000

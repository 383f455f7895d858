"""What a request asks of its own treatment, in headers: its id, attempt, fault and latency."""

from __future__ import annotations

import re

from ..config.keys import FAULTS
from ..delivery import faults
from ..errors import APIError
from ..http.request import Request
from ..types.reply import Fault


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

"""Overrides: headers of a request that set its id, attempt, fault and latency."""

from __future__ import annotations

import re

from ..config.keys import FAULTS
from ..delivery import faults
from ..errors import APIError
from ..http.request import Request
from ..types.reply import Fault

#: The names in the environ of the headers ``x-openaimock-fault``, ``-latency``, ``-rule`` and ``-reply``.
FAULT, LATENCY = "HTTP_X_OPENAIMOCK_FAULT", "HTTP_X_OPENAIMOCK_LATENCY"
RULE, REPLY = "HTTP_X_OPENAIMOCK_RULE", "HTTP_X_OPENAIMOCK_REPLY"


def request_id(request: Request) -> str | None:
    """The request id that the client sent, when it can be a header of the response."""
    text: str | None = request.environ.get("HTTP_X_REQUEST_ID")
    return text if text and len(text) <= 512 and text.isascii() and text.isprintable() else None


def attempt(request: Request) -> int:
    """The number of this attempt as SDKs count retries; 0 for the first."""
    text: str | None = request.environ.get("HTTP_X_STAINLESS_RETRY_COUNT")
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def fault(request: Request) -> Fault | None:
    """The fault in ``x-openaimock-fault``, if any. APIError 400 when it is invalid."""
    text = request.environ.get(FAULT)
    return faults.parse(text, FAULTS) if text else None


def latency(request: Request) -> float | None:
    """The latency in ``x-openaimock-latency`` (milliseconds), in seconds, if any. APIError 400 when it is invalid."""
    text = request.environ.get(LATENCY)
    if not text:
        return None
    if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", text):
        message = f"Invalid x-openaimock-latency header {text[:80]!r}: expected milliseconds."
        raise APIError(400, message, param="x-openaimock-latency", code="invalid_value")
    return float(text) / 1000

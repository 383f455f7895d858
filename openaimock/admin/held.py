"""Views of the holds: the requests that wait, and their release."""

from __future__ import annotations

from typing import Any

from ..config.load import secrets
from ..http.catalog import api_error
from ..state import journal
from ..types.clock import monotonic
from .request import AdminRequest


def holds(request: AdminRequest) -> dict[str, Any]:
    """The requests that wait at holds, in the order of their arrival."""
    hidden, now = secrets(request.app.config), monotonic()
    rows = [
        {
            "name": held.hold.name,
            "after": held.hold.after,
            "waits": round((now - held.since) * 1000),
            "exchange": journal.brief(held.exchange, hidden),
        }
        for held in request.app.sender.holds.waiting(namespace=request.namespace_name)
    ]
    return {"holds": rows}


def release_hold(request: AdminRequest) -> dict[str, Any]:
    """Release the requests that wait at a hold: ``POST holds/NAME/release``."""
    name, _, verb = request.rest.rpartition("/")
    if verb != "release" or not name:
        raise api_error(404, "unknown_url", method="POST", path=f"/__openaimock/holds/{request.rest}")
    return {"released": request.app.sender.holds.release(name, request.namespace_name)}

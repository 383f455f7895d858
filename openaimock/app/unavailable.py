"""The refusal of a request that needs a store which does not answer."""

from __future__ import annotations

from ..errors import APIError
from ..state.store import StoreUnavailable


def unavailable(error: StoreUnavailable) -> APIError:
    """503 with ``retry-after``, so that a client tries again."""
    message = f"The mock cannot reach its state: {str(error).rstrip('.')}. Try again later."
    return APIError(503, message, type="server_error", code="store_unavailable", headers={"retry-after": "1"})

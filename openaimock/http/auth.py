"""Authentication: the key of a request, and whether it is accepted."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from .catalog import api_error
from .request import Request


def key(request: Request) -> str | None:
    """The key a client sent: as a bearer token, or in Azure's own header."""
    authorization: str = request.environ.get("HTTP_AUTHORIZATION") or ""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    azure: str | None = request.environ.get("HTTP_API_KEY")
    return azure or None


def admit(request: Request, keys: Sequence[bytes], with_namespace: bool) -> None:
    """Check the key against those allowed, in constant time; APIError 401. A key may carry a namespace behind a colon."""
    if not keys:
        return
    # A fast path for the first key in the form that SDKs send.
    if hmac.compare_digest(request.environ.get("HTTP_AUTHORIZATION", "").encode("utf-8", "replace"), b"Bearer " + keys[0]):
        return
    sent = key(request)
    if sent is None:
        raise api_error(401)
    spellings = [sent.encode("utf-8", "replace")]
    if with_namespace and ":" in sent:
        spellings.append(sent.rpartition(":")[0].encode("utf-8", "replace"))
    # Compare all keys, also after a match, so that the time does not depend on the key.
    if not sum(hmac.compare_digest(spelling, allowed) for spelling in spellings for allowed in keys):
        raise api_error(401, "invalid_api_key", key=sent)

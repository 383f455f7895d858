"""The guard: which clients and pages may use the admin; the others get 401 or 403 with the reason."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from ..errors import APIError
from ..http import origin


def admit(environ: Mapping[str, Any], key: str | None) -> None:
    """APIError 401 or 403 unless the request comes from a page of this server, and from this machine or with the admin key.

    A page of another site can make a browser on this machine send requests: they have a foreign Origin or are marked as
    cross-site. A page whose host name resolves to this server's address (DNS rebinding) has a foreign Host.
    """
    reason = origin.of_other_site(environ)
    if reason is not None:
        raise _refused(reason)
    if key is not None:
        # With a key any host name is accepted: a page of another site does not know the key.
        _check_key(environ, key)
        return
    if origin.names_other_host(environ):
        raise _refused("the Host header names another server; use localhost, or set 'admin_key'")
    if origin.of_other_machine(environ):
        raise _refused("only this machine may use it; set 'admin_key' to allow others")


def _check_key(environ: Mapping[str, Any], key: str) -> None:
    scheme, _, token = (environ.get("HTTP_AUTHORIZATION") or "").partition(" ")
    key_sent = environ.get("HTTP_X_OPENAIMOCK_ADMIN_KEY") or (token.strip() if scheme.lower() == "bearer" else "")
    # WSGI gives the bytes of a header as Latin-1.
    if not hmac.compare_digest(key_sent.encode("latin-1", "replace"), key.encode()):
        message = "Admin: the key is missing or wrong; send it as 'authorization: Bearer KEY' or 'x-openaimock-admin-key: KEY'."
        raise APIError(401, message, code="invalid_admin_key")


def _refused(reason: str) -> APIError:
    return APIError(403, f"Admin: {reason}.", code="admin_refused")

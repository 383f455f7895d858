"""The guard: who may look into a mock and change it, and from which pages; everybody else is told why not."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ..errors import APIError

_HOST = re.compile(r"(?P<name>\[[^\]]+\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")
#: Names of this machine that no page of another site can bear.
_OWN = ("localhost", "127.0.0.1", "[::1]")
#: A request that another server passed on says so: it may come from anywhere.
_PASSED_ON = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")


def admit(environ: Mapping[str, Any], key: str | None) -> None:
    """APIError 401 or 403 unless the request comes from a page of this server, and from this machine or with the admin key.

    A page of another site may make a browser on this machine send requests: those have another Origin or say that they are
    cross-site. One that bears this server's address under a name of its own has another Host.
    """
    if environ.get("HTTP_SEC_FETCH_SITE", "none").strip().lower() not in ("same-origin", "none"):
        raise _refused("pages of other sites may not use it")
    _check_origin(environ)
    if key is not None:
        # Who knows the key may call the server by any name: a page of another site does not know it.
        _check_key(environ, key)
        return
    _check_host(environ)
    if not _is_loopback(environ.get("REMOTE_ADDR") or "") or any(environ.get(name) for name in _PASSED_ON):
        raise _refused("it answers this machine only; set 'admin_key' to use it from others")


def _check_key(environ: Mapping[str, Any], key: str) -> None:
    scheme, _, token = (environ.get("HTTP_AUTHORIZATION") or "").partition(" ")
    given = environ.get("HTTP_X_OPENAIMOCK_ADMIN_KEY") or (token.strip() if scheme.lower() == "bearer" else "")
    # WSGI gives the bytes of a header as Latin-1.
    if not hmac.compare_digest(given.encode("latin-1", "replace"), key.encode()):
        message = "Admin: the key is missing or wrong; send it as 'authorization: Bearer KEY' or 'x-openaimock-admin-key: KEY'."
        raise APIError(401, message, code="invalid_admin_key")


def _check_host(environ: Mapping[str, Any]) -> None:
    found = _HOST.fullmatch(_host(environ))
    if found is None or not (_is_own(found["name"].lower()) or _is_bound(environ, found["name"], found["port"])):
        raise _refused("the Host header names another server; use localhost, or set 'admin_key'")


def _is_own(name: str) -> bool:
    return name in _OWN


def _is_bound(environ: Mapping[str, Any], name: str, port: str | None) -> bool:
    bound = str(environ.get("SERVER_NAME") or "").lower()
    default = "443" if environ.get("wsgi.url_scheme") == "https" else "80"
    return bool(bound) and name.lower().strip("[]") == bound.strip("[]") and (port or default) == str(environ.get("SERVER_PORT"))


def _check_origin(environ: Mapping[str, Any]) -> None:
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        return
    scheme = environ.get("wsgi.url_scheme") or "http"
    if origin.lower() != f"{scheme}://{_host(environ)}".lower():
        raise _refused("the Origin header names another server")


def _host(environ: Mapping[str, Any]) -> str:
    given: str | None = environ.get("HTTP_HOST")
    # HTTP/1.0 may leave it out; then there is no browser.
    return f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}" if given is None else given.strip()


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None)
    return (inner or found).is_loopback


def _refused(why: str) -> APIError:
    return APIError(403, f"Admin: {why}.", code="admin_refused")

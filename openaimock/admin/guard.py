"""The guard: which clients and pages may use the admin; the others get 401 or 403 with the reason."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ..errors import APIError

_HOST = re.compile(r"(?P<name>\[[^\]]+\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")
#: Names of this machine; a page of another site cannot have one of these as its host.
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
#: Headers that proxies add, by the beginning of their WSGI names. One of them means that the request may come from any
#: machine. A proxy that adds none, as nginx does by default, cannot be recognized: docs/admin.rst says how to close the admin.
_PROXY_HEADERS = (
    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_CDN_LOOP", "HTTP_X_FORWARDED", "HTTP_X_ORIGINAL", "HTTP_X_REAL_IP",
    "HTTP_X_CLIENT_IP", "HTTP_X_CLUSTER_CLIENT_IP", "HTTP_X_ENVOY", "HTTP_X_PROXY", "HTTP_X_REMOTE_IP", "HTTP_X_REMOTE_ADDR",
    "HTTP_X_HOST", "HTTP_X_URL_SCHEME", "HTTP_X_SCHEME", "HTTP_CF_", "HTTP_TRUE_CLIENT_IP", "HTTP_FASTLY_",
    "HTTP_FLY_", "HTTP_X_AMZN_", "HTTP_X_AMZ_CF", "HTTP_X_AZURE_", "HTTP_X_APPENGINE_", "HTTP_X_CLOUD_TRACE_CONTEXT",
    "HTTP_X_VERCEL_", "HTTP_X_NF_", "HTTP_X_VARNISH", "HTTP_X_HAPROXY", "HTTP_X_TRAEFIK", "HTTP_X_KONG_",
    "HTTP_X_CONSUMER_", "HTTP_X_BLUECOAT_VIA", "HTTP_WL_PROXY_", "HTTP_CLIENT_IP", "HTTP_FRONT_END_HTTPS",
)  # fmt: skip


def admit(environ: Mapping[str, Any], key: str | None) -> None:
    """APIError 401 or 403 unless the request comes from a page of this server, and from this machine or with the admin key.

    A page of another site can make a browser on this machine send requests: they have a foreign Origin or are marked as
    cross-site. A page whose host name resolves to this server's address (DNS rebinding) has a foreign Host.
    """
    if environ.get("HTTP_SEC_FETCH_SITE", "none").strip().lower() not in ("same-origin", "none"):
        raise _refused("pages of other sites may not use it")
    _check_origin(environ)
    if key is not None:
        # With a key any host name is accepted: a page of another site does not know the key.
        _check_key(environ, key)
        return
    _check_host(environ)
    if not _is_loopback(environ.get("REMOTE_ADDR") or "") or _is_proxied(environ):
        raise _refused("only this machine may use it; set 'admin_key' to allow others")


def _check_key(environ: Mapping[str, Any], key: str) -> None:
    scheme, _, token = (environ.get("HTTP_AUTHORIZATION") or "").partition(" ")
    key_sent = environ.get("HTTP_X_OPENAIMOCK_ADMIN_KEY") or (token.strip() if scheme.lower() == "bearer" else "")
    # WSGI gives the bytes of a header as Latin-1.
    if not hmac.compare_digest(key_sent.encode("latin-1", "replace"), key.encode()):
        message = "Admin: the key is missing or wrong; send it as 'authorization: Bearer KEY' or 'x-openaimock-admin-key: KEY'."
        raise APIError(401, message, code="invalid_admin_key")


def _check_host(environ: Mapping[str, Any]) -> None:
    host = _HOST.fullmatch(_host(environ))
    if host is None or not (host["name"].lower() in _LOCAL_NAMES or _is_bound(environ, host["name"], host["port"])):
        raise _refused("the Host header names another server; use localhost, or set 'admin_key'")


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
    host: str | None = environ.get("HTTP_HOST")
    # HTTP/1.0 may omit it; browsers do not.
    return f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}" if host is None else host.strip()


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = getattr(parsed, "ipv4_mapped", None)
    return (inner or parsed).is_loopback


def _is_proxied(environ: Mapping[str, Any]) -> bool:
    return any(name.startswith(_PROXY_HEADERS) for name in environ)


def _refused(reason: str) -> APIError:
    return APIError(403, f"Admin: {reason}.", code="admin_refused")

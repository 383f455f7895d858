"""Origin: whether a request comes from a page of another site, or from another machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

_HOST = r"(?P<name>\[[^\]]+\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?"
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


def of_other_site(environ: Mapping[str, Any]) -> str | None:
    """Why a request comes from a page of another site, None when it does not: browsers mark such requests."""
    if environ.get("HTTP_SEC_FETCH_SITE", "none").strip().lower() not in ("same-origin", "none"):
        return "pages of other sites may not use it"
    origin = environ.get("HTTP_ORIGIN")
    scheme = environ.get("wsgi.url_scheme") or "http"
    if origin is not None and origin.lower() != f"{scheme}://{_host(environ)}".lower():
        return "the Origin header names another server"
    return None


def names_other_host(environ: Mapping[str, Any]) -> bool:
    """Whether the Host header is neither a name of this machine nor the server's own address, as after DNS rebinding."""
    host = re.fullmatch(_HOST, _host(environ))
    return host is None or not (host["name"].lower() in _LOCAL_NAMES or _is_bound(environ, host["name"], host["port"]))


def of_other_machine(environ: Mapping[str, Any]) -> bool:
    """Whether a request may come from another machine: from its address, or through a proxy."""
    return not _is_loopback(environ.get("REMOTE_ADDR") or "") or _is_proxied(environ)


def _is_bound(environ: Mapping[str, Any], name: str, port: str | None) -> bool:
    bound = str(environ.get("SERVER_NAME") or "").lower()
    default = "443" if environ.get("wsgi.url_scheme") == "https" else "80"
    return bool(bound) and name.lower().strip("[]") == bound.strip("[]") and (port or default) == str(environ.get("SERVER_PORT"))


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

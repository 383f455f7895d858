"""Address: the URL at which a client reaches the mock, also through a proxy and below a prefix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

#: A host with an optional port; anything else in a header is ignored.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:\d{1,5})?", re.ASCII)
_SCHEMES = ("http", "https")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?", re.ASCII)


def base_url(environ: Mapping[str, Any]) -> str:
    """The scheme, host and prefix of a request, without a trailing slash.

    ``X-Forwarded-Proto``, ``-Host``, ``-Port`` and ``-Prefix``, or ``Forwarded``, say what the client asked a proxy for.
    """
    forwarded = _forwarded(environ)
    scheme = next((name for name in (forwarded["proto"].lower(), environ.get("wsgi.url_scheme")) if name in _SCHEMES), "http")
    host = next(filter(_HOST.fullmatch, (forwarded["host"], environ.get("HTTP_HOST") or "")), None) or _server(environ, scheme)
    port = forwarded["port"]
    if forwarded["host"] == host and ":" not in host.rpartition("]")[2] and port.isdecimal() and port != _default(scheme):
        host = f"{host}:{port}"
    prefix = forwarded["prefix"] if _PREFIX.fullmatch(forwarded["prefix"]) else ""
    return f"{scheme}://{host}{prefix.rstrip('/')}{quote(environ.get('SCRIPT_NAME') or '', encoding='latin-1').rstrip('/')}"


def _forwarded(environ: Mapping[str, Any]) -> dict[str, str]:
    """What the proxy nearest to the client says; "" for what none says."""
    standard = dict(
        re.findall(r"(?i)(proto|host)=\"?([^\s;,\"]{1,300})", (environ.get("HTTP_FORWARDED") or "")[:2000].split(",")[0])
    )
    standard = {name.lower(): value for name, value in standard.items()}
    return {
        name: (environ.get(f"HTTP_X_FORWARDED_{name.upper()}") or "").split(",")[0].strip() or standard.get(name, "")
        for name in ("proto", "host", "port", "prefix")
    }


def _server(environ: Mapping[str, Any], scheme: str) -> str:
    """The address of the server itself, for a request without a usable ``Host``."""
    name, port = str(environ.get("SERVER_NAME") or "localhost"), str(environ.get("SERVER_PORT") or "")
    name = f"[{name}]" if ":" in name else name
    return name if port in ("", _default(scheme)) else f"{name}:{port}"


def _default(scheme: str) -> str:
    return "443" if scheme == "https" else "80"

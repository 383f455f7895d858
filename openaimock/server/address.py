"""Where a server listens, and the URL that reaches it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address

from ..config.load import Config
from ..errors import ConfigError, Problem

#: Kubernetes sets OPENAIMOCK_PORT to such a URL in every pod when a service is called openaimock.
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")


def address(config: Config, host: str | None, port: int | None, environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: the arguments, else OPENAIMOCK_HOST and OPENAIMOCK_PORT, else the configuration. ConfigError.

    An empty variable and the URL that Kubernetes sets for a service are no setting.
    """
    if port is None:
        text = environ.get("OPENAIMOCK_PORT", "").strip()
        if not text or _SERVICE_URL.match(text):
            port = config.port
        elif text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65536:
            port = int(text)
        else:
            raise ConfigError([Problem("", "OPENAIMOCK_PORT", f"expected a port from 0 to 65535, got {text[:80]!r}")])
    named = environ.get("OPENAIMOCK_HOST", "").strip()
    name = host or ("" if _SERVICE_URL.match(named) else named) or config.host
    if (config.upstream or {}).get("key") and not config.api_keys and not _is_loopback(name):
        message = f"listening on {name} would lend the key of the upstream to every machine that reaches it; set 'api_key'"
        raise ConfigError([Problem("", "upstream.key", message)])
    return name, port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def url(host: str, port: int) -> str:
    """The base URL of a server."""
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"

"""Where a server listens, and the URL that reaches it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from ..config.load import Config
from ..errors import ConfigError, Problem


def address(config: Config, host: str | None, port: int | None, environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: what was given, else OPENAIMOCK_HOST and OPENAIMOCK_PORT, else the configuration."""
    if port is None:
        given = environ.get("OPENAIMOCK_PORT")
        if given is not None and not (given.isascii() and given.isdigit() and int(given) < 65536):
            raise ConfigError([Problem("", "OPENAIMOCK_PORT", f"expected a port from 0 to 65535, got {given!r}")])
        port = config.port if given is None else int(given)
    name = host or environ.get("OPENAIMOCK_HOST") or config.host
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

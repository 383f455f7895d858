"""Where a server listens, and the URL that reaches it."""

from __future__ import annotations

from collections.abc import Mapping

from ..config.load import Config
from ..errors import ConfigError, Problem


def address(config: Config, host: str | None, port: int | None, environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: what was value, else OPENAIMOCK_HOST and OPENAIMOCK_PORT, else the configuration."""
    if port is None:
        value = _setting(environ, "OPENAIMOCK_PORT")
        if value is not None and not (value.isascii() and value.isdigit() and int(value) < 65536):
            raise ConfigError([Problem("", "OPENAIMOCK_PORT", f"expected a port from 0 to 65535, got {value!r}")])
        port = config.port if value is None else int(value)
    return host or _setting(environ, "OPENAIMOCK_HOST") or config.host, port


def _setting(environ: Mapping[str, str], name: str) -> str | None:
    """A variable's value; None when it is empty or an address such as ``tcp://10.96.0.12:3000``.

    Kubernetes sets such addresses in every pod for a service that is named ``openaimock``.
    """
    value = environ.get(name, "").strip()
    return None if not value or value.startswith(("tcp://", "udp://")) else value


def url(host: str, port: int) -> str:
    """The base URL of a server."""
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"

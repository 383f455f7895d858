"""Listening sockets: one for each address of a host name, all on the same port."""

from __future__ import annotations

import errno
import socket as sockets
from collections.abc import Sequence
from typing import Any

from ..errors import PortInUseError

#: Connections that the system queues until they are accepted.
BACKLOG = 2048
#: Attempts to find a port that is free on every address.
_ATTEMPTS = 20


def listen(host: str, port: int) -> list[sockets.socket]:
    """Listening sockets on every address of a host, IPv4 first; port 0 takes a free one. OSError that names the address."""
    if not 0 <= port <= 65535:
        raise OSError(errno.EINVAL, f"Cannot listen on port {port}: ports go from 0 to 65535")
    try:
        # A text would be encoded as a name of another language first, and Python's tables for that take time to import.
        infos = sockets.getaddrinfo(
            host.encode() if host.isascii() else host, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )
    except (sockets.gaierror, UnicodeError) as error:
        raise OSError(getattr(error, "errno", None) or errno.EINVAL, f"Cannot listen on {host}: {_reason(error)}") from None
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in infos)
    if host.lower() == "localhost":
        # curl and browsers use both addresses of this name, whatever the system says about it.
        addresses |= dict.fromkeys([(sockets.AF_INET, ("127.0.0.1", port)), (sockets.AF_INET6, ("::1", port, 0, 0))])
    # Clients of a name with several addresses try IPv4 in any case.
    ordered = sorted(addresses, key=lambda item: item[0] != sockets.AF_INET)
    for attempt in range(_ATTEMPTS):
        try:
            return _listen_on(ordered, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                if port == 0 and attempt < _ATTEMPTS - 1:
                    continue  # the free port of one address is in use at another
                raise PortInUseError(host, port) from None
            raise OSError(error.errno, f"Cannot listen on {host} port {port}: {error.strerror}") from None
    raise PortInUseError(host, port)


def _listen_on(addresses: Sequence[tuple[int, Any]], port: int) -> list[sockets.socket]:
    listeners: list[sockets.socket] = []
    failure: OSError | None = None
    try:
        for family, address in addresses:
            dual = address[0] == "::" and sockets.has_dualstack_ipv6()
            bound = (address[0], port, *address[2:])
            try:
                listener = sockets.create_server(bound, family=family, backlog=BACKLOG, dualstack_ipv6=dual)
            except OSError as error:
                # A name may have an address that this machine does not have, such as ::1 without IPv6.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                failure = error
                continue
            listeners.append(listener)
            port = listener.getsockname()[1]
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    if not listeners:
        raise failure or OSError(errno.EADDRNOTAVAIL, "the name has no address")
    return listeners


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")

"""Targets: the addresses that the mock itself may send requests to."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit


def refusal(url: str, allow: Collection[str]) -> str:
    """Why the mock does not send requests to a URL, as the end of a sentence; "" when it does.

    It sends to this machine only, and to the hosts that ``allow`` names.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        _ = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or any(sign <= " " for sign in url):
        return "is not a URL of http or https"
    if parts.username is not None or parts.fragment:
        return "has a user name or a fragment, which requests to it cannot have"
    if _is_this_machine(host) or host in {name.lower().strip("[]").rstrip(".") for name in allow}:
        return ""
    return f"leads to another machine; name '{host}' under 'webhooks: {{allow: [...]}}' to send there"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

"""The setting ``webhooks``: where events are delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types.webhooks import SENT
from .kinds import Choice, Field, ListOf, Struct, Text
from .tree import Node
from .validate import Checker, child

#: All events of a resource.
PATTERNS = ("batch.*", "response.*")
_ENDPOINT = Struct("a webhook endpoint", (
    Field("url", Text(empty=False), "The address that gets the events.", required=True),
    Field("secret", Text(empty=False, secret=True, noun="a secret"), "The secret that signs them, such as ``whsec_...``.",
          required=True),
    Field("events", ListOf(Choice((*SENT, *PATTERNS), "an event"), least=1, single=True), "The events that it gets.",
          default="all of them"),
), doc="One receiver of events.")  # fmt: skip
WEBHOOKS = Struct("a webhook setting", (
    Field("allow", ListOf(Text(empty=False), single=True),
          "Hosts beside this machine that events, and requests of ``webhooks.test``, may be sent to."),
    Field("endpoints", ListOf(_ENDPOINT), "The receivers of the events of all namespaces."),
), doc="Signed deliveries of events.")  # fmt: skip


def check_webhooks(check: Checker, value: Any, node: Node, path: Any) -> Any:
    """The setting ``webhooks``, whose URLs must lead to this machine or to an allowed host, with secrets that can sign."""
    if not isinstance(value, Mapping) or not isinstance(value.get("endpoints"), list):
        return value
    from ..http.targets import refusal  # imported here because few mocks have webhooks

    allow = [host for host in value.get("allow") or () if isinstance(host, str)]
    list_node = child(node, "endpoints")
    for place, endpoint in enumerate(value["endpoints"]):
        if not isinstance(endpoint, Mapping):
            continue
        at = list_node.value[place] if isinstance(list_node.value, list) else list_node
        url, secret = endpoint.get("url"), endpoint.get("secret")
        reason = refusal(url, allow) if isinstance(url, str) else ""
        if reason:
            check.problem(child(at, "url"), (path, "endpoints"), f"'{url}' {reason}")
        if isinstance(secret, str) and not is_key(secret):
            check.problem(child(at, "secret"), (path, "endpoints"), "what follows 'whsec_' must be base64")
    return value


def is_key(secret: str) -> bool:
    """Whether a secret can sign: after ``whsec_`` there must be base64."""
    import base64
    import binascii

    try:
        base64.b64decode(secret.removeprefix("whsec_"), validate=secret.startswith("whsec_"))
    except (binascii.Error, ValueError):
        return not secret.startswith("whsec_")
    return True

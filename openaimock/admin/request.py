"""Requests to the admin: what a view reads of them, and the errors it raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..app import App
from ..errors import APIError
from ..http.json import parse
from ..state.store import State
from ..types.exchange import Exchange


@dataclass(slots=True)
class AdminRequest:
    """One request to the admin: ``namespace_name`` is None when the request names no namespace, which selects all."""

    app: App
    query: Mapping[str, str]
    body: bytes = b""
    rest: str = ""
    namespace_name: str | None = None

    @property
    def namespaces(self) -> list[State]:
        """The selected namespaces."""
        return [namespace for namespace in self.app.namespaces if self.namespace_name in (None, namespace.name)]

    @property
    def exchanges(self) -> list[Exchange]:
        """The journals of the selected namespaces."""
        return [exchange for namespace in self.namespaces for exchange in namespace.exchanges()]

    @property
    def namespace(self) -> State:
        """The selected namespace, ``default`` without a name."""
        return self.app.namespaces[self.namespace_name or "default"]

    def json(self) -> Any:
        """The body as JSON; APIError 400 when it is not JSON."""
        return parse(self.body)


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is not JSON."""

    text: str
    content_type: str


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """A whole number of the query. APIError 400 for any other value."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise bad(f"'{name}' must be a whole number, not {text[:80]!r}", name)
    return int(text)


def bad(message: str, param: str | None = None) -> APIError:
    """The error of a request that cannot be understood."""
    return APIError(400, f"Admin: {message}.", param=param, code="invalid_value")


def missing(noun: str, name: str, hint: str = "") -> APIError:
    """The error of a name that does not exist."""
    return APIError(404, f"Admin: there is no {noun} '{name[:200]}'{hint}.", code=f"{noun}_not_found")

"""Asks: from a routed request to an Ask, the same way for requests, explanations and work in the background."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from ..api import Operation
from ..api.router import Route
from ..http.json import dump
from ..http.request import Request
from ..state.store import State
from ..types.ask import Ask
from ..types.operations import ANSWERING_IDS
from . import overrides
from .variants import Variants, find_text

#: Asks of bodies up to this many bytes are cached.
MAX_BODY = 4096
#: The number of cached Asks at which the cache is emptied.
MAX_ENTRIES = 1024


class AskReader:
    """Reads requests. Tests and agents repeat themselves: Asks of short bodies are cached, and templates of longer ones."""

    def __init__(self) -> None:
        self._cache: dict[tuple[str, str | None, bytes], Ask] = {}
        self._variants = Variants()

    def read(self, route: Route, request: Request, namespace: State) -> Ask:
        """The Ask of a request. APIError when the operation refuses the request."""
        if route.params:
            route.apply(request)
        request.store = namespace
        operation = route.operation
        if operation.alone and not route.params:
            key = (operation.path, request.environ.get("CONTENT_TYPE"), request.raw)
            # A look-up hashes all of the body.
            cached = self._cache.get(key) if len(request.raw) <= MAX_BODY else None
            ask = cached.copy() if cached is not None else self._cache_read(key, operation, request)
        else:
            ask = _read(operation, request)
        ask.method, ask.path, ask.params = operation.method, route.path, route.params
        ask.namespace, ask.headers, ask.state = namespace.name, request.headers, namespace.scenarios()
        ask.operation, ask.answers_prompt = operation.id, operation.id in ANSWERING_IDS
        ask.attempt = overrides.attempt(request)
        return ask

    def _cache_read(self, key: tuple[str, str | None, bytes], operation: Operation, request: Request) -> Ask:
        path, content_type, raw = key
        varying = operation.varying
        text = None if varying is None else find_text(raw, varying.names)
        template = None if text is None else self._variants.template((path, content_type), raw, text)
        if text is not None and template is not None:
            request.commas = template.commas + text.content.count(",")
            ask = template.ask(text.content)
        else:
            ask = _read(operation, request)
            if not _is_alone(operation, ask):
                return ask
            # Requests with an equal body, and variants of it, share the answers that are prepared for it.
            ask.prepared = {}
            if varying is not None and text is not None and not request.repeated_keys:
                self._variants.learn((path, content_type), raw, text, ask, varying.replace)
        if len(raw) <= MAX_BODY:
            if len(self._cache) >= MAX_ENTRIES:
                self._cache.clear()
            self._cache[key] = ask
        return ask


def _is_alone(operation: Operation, ask: Ask) -> bool:
    """Whether the Ask depends on the body only."""
    alone = operation.alone
    return alone is True or (alone is not False and alone(ask))


def _read(operation: Operation, request: Request) -> Ask:
    ask = operation.read(request)
    if request.repeated_keys:
        ask.__dict__["repeated_keys"] = request.repeated_keys
    return ask


def environ(method: str, path: str, headers: Mapping[str, str], body: Any) -> dict[str, Any]:
    """The WSGI environ of a request that does not come from a client. ``body`` is bytes, None, or a value to send as JSON."""
    path, _, query = path.partition("?")
    raw = body if isinstance(body, bytes) else b"" if body is None else dump(body).encode()
    content_type = next((text for name, text in headers.items() if name.lower() == "content-type"), "application/json")
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(raw),
        **{"HTTP_" + name.upper().replace("-", "_"): text for name, text in headers.items() if name.lower() not in _BODY_HEADERS},
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(raw)),
    }


#: Headers of the original message that do not describe the decoded body.
_BODY_HEADERS = ("content-type", "content-length", "content-encoding")

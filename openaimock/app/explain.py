"""Explaining: a request that was made, or one that never is, held against every rule."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..api import Operation
from ..api.router import Routes
from ..errors import APIError
from ..http.json import dump
from ..http.request import Request
from ..rules import explain as explanations
from ..state.store import State
from ..types.ask import Ask
from ..types.exchange import Exchange

if TYPE_CHECKING:
    from . import App

#: How many rules are held against an exchange that somebody opens.
MOST = 50


def explain(app: App, given: Any, namespace: State) -> dict[str, Any]:
    """Every rule's verdict on a request body, or on ``{"path": ..., "method": ..., "headers": ..., "body": ...}``.

    APIError when the request is one that is refused before any rule is asked.
    """
    method, path, headers, body = _request(given)
    ask, endpoint = _ask(method, path, headers, body, namespace)
    linter = app.linter(endpoint)
    lint = [finding._asdict() for finding in linter(ask, app.config.model_table.family(ask.model))] if linter else []
    return {"endpoint": ask.endpoint, "lint": lint, **explanations.report(app.ruleset, ask, namespace.hits())}


def why(app: App, exchange: Exchange) -> dict[str, Any]:
    """Why one rule answered an exchange and the others did not, as the rules are now."""
    assert exchange.ask is not None
    match = exchange.match
    # A rule that is there no more cannot be shown among the others.
    chosen = match.rule if match is not None and match.rule in app.ruleset.rules else None
    hits = app.namespaces[exchange.namespace].hits() if exchange.namespace in app.namespaces else {}
    told = explanations.report(app.ruleset, exchange.ask, hits, chosen, MOST)
    return told | {"matched": exchange.matched, "rule": exchange.rule}


def _request(given: Any) -> tuple[str, str, dict[str, str], Any]:
    if not isinstance(given, dict):
        raise APIError(400, 'Admin: expected the body of a request, or {"path": ..., "body": ...}.', code="invalid_value")
    if not isinstance(given.get("path"), str):
        return "POST", "/v1/responses" if "input" in given and "messages" not in given else "/v1/chat/completions", {}, given
    headers = given.get("headers")
    named = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    body = given.get("body")
    return str(given.get("method") or ("GET" if body is None else "POST")).upper(), given["path"], named, body


def _ask(method: str, path: str, headers: dict[str, str], body: Any, namespace: State) -> tuple[Ask, Operation]:
    """The Ask of a request, read as its endpoint reads it, and that endpoint."""
    path, _, query = path.partition("?")
    route = _routes().find(method, path)
    raw = b"" if body is None else dump(body).encode()
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(raw),
        **{"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()},
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
    }
    # The body is decoded already, whatever was said of it.
    environ.pop("HTTP_CONTENT_ENCODING", None)
    request = Request(environ)
    request.params, request.store = route.params, namespace
    ask = route.operation.read(request)
    ask.method, ask.path, ask.params = method, route.path, route.params
    ask.namespace, ask.headers, ask.state = namespace.name, request.headers, namespace.scenarios()
    return ask, route.operation


@cache
def _routes() -> Routes:
    return Routes()

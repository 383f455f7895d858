"""Explain: the verdicts of all rules on a past exchange or on a request that is not answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..api.router import ROUTER
from ..errors import APIError
from ..http.request import Request
from ..rules import explain as explanations
from ..state.store import State
from ..types.exchange import Exchange
from . import asks
from .stages import holding, linter_of

if TYPE_CHECKING:
    from . import App

#: The number of verdicts reported about a past exchange.
MAX_VERDICTS = 50


def explain(app: App, content: Any, namespace: State) -> dict[str, Any]:
    """The verdicts of all rules on a request body, or on ``{"path": ..., "method": ..., "headers": ..., "body": ...}``.

    Nothing is counted or recorded. APIError when the request is refused before it is matched.
    """
    method, path, headers, body = _request(content)
    environ = asks.environ(method, path, headers, body)
    route = ROUTER.find(method, environ["PATH_INFO"])
    ask = app.asks.read(route, Request(environ, app.config.max_body), namespace)
    linter = linter_of(route.operation) if app.lints else None
    findings = linter(ask, app.config.model_table.family(ask.model)) if linter else ()
    lint = [finding._asdict() for finding in holding(findings, namespace, app.sender.clock.now())]
    for members in lint:
        del members["unless"]
    return {"endpoint": ask.endpoint, "lint": lint, **explanations.report(app.ruleset, ask, namespace.hits())}


def why(app: App, exchange: Exchange) -> dict[str, Any]:
    """Why one rule answered an exchange and the others did not, by the present rules."""
    assert exchange.ask is not None
    match = exchange.match
    # A rule that has been removed is not among the verdicts.
    chosen = match.rule if match is not None and match.rule in app.ruleset.rules else None
    hits = app.namespaces[exchange.namespace].hits() if exchange.namespace in app.namespaces else {}
    report = explanations.report(app.ruleset, exchange.ask, hits, chosen, MAX_VERDICTS)
    return report | {"matched": exchange.matched, "rule": exchange.rule}


def _request(content: Any) -> tuple[str, str, dict[str, str], Any]:
    """Method, path, headers and body of what ``explain`` gets."""
    if not isinstance(content, dict):
        raise APIError(400, 'Admin: expected the body of a request, or {"path": ..., "body": ...}.', code="invalid_value")
    if not isinstance(content.get("path"), str):
        is_response = "input" in content and "messages" not in content
        return "POST", "/v1/responses" if is_response else "/v1/chat/completions", {}, content
    headers = content.get("headers")
    texts = {str(name): str(text) for name, text in headers.items()} if isinstance(headers, dict) else {}
    # The body is JSON here, whatever the original request used.
    texts = {name: text for name, text in texts.items() if name.lower() != "content-type"}
    body = content.get("body")
    return str(content.get("method") or ("GET" if body is None else "POST")).upper(), content["path"], texts, body

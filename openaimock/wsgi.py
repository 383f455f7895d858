"""The mock as one WSGI application: the API, its admin pages, /health and /metrics."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from . import admin
from .app import App, log
from .app.call import StartResponse
from .app.unavailable import unavailable
from .config.load import Config, load
from .errors import APIError
from .http import cors, payloads
from .http.catalog import api_error
from .http.extensions import defer
from .http.request import Request
from .state.metrics import CONTENT_TYPE, merged_text
from .state.namespace import secret_of
from .state.store import StoreUnavailable
from .text import tokens

if TYPE_CHECKING:
    from .config.types import Source


class Application:
    """Everything that one mock serves. ``api`` answers the paths of the OpenAI API and holds rules and state."""

    def __init__(self, api: App) -> None:
        self.api = api
        self.admin = admin.Admin(api) if api.config.admin else None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        path = environ.get("PATH_INFO") or "/"
        if "/__openaimock" in path:
            if self.admin is not None and admin.serves(path):
                return self.admin(environ, start_response)
            if path.startswith("/__openaimock-images/"):
                answer = partial(_image, self.api, environ, start_response)
                return defer(environ, answer) if self.api.namespaces.blocks else answer()
        if path in _PAGES and environ["REQUEST_METHOD"] != "OPTIONS":
            return _PAGES[path](self.api, environ, start_response)
        if path in ("/", "") and self.admin is not None and self.admin.leads_to_page(environ):
            return admin.lead_to_page(environ, start_response)
        return self.api(environ, start_response)

    def close(self) -> None:
        """Write what is not written yet, close idle connections and end helper processes. The mock can be used again."""
        self.api.jobs.close()
        self.api.namespaces.close()
        self.api.upstream.close()
        self.api.searcher.close()


def _health(api: App, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """GET /health: the server answers, and whether the store did when it was last needed. The request is not journalled.

    It never waits for the store: a process must not be restarted because another server is away.
    """
    facts = {"status": "ok"}
    if api.namespaces.blocks:
        facts["store"] = api.namespaces.failure or "ok"
        if api.namespaces.failure is not None:
            api.namespaces.look()
    return _status(api, environ, start_response, 200, facts)


def _ready(api: App, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """GET /ready: whether requests can be answered: the rules are loaded, the store answers and the server is not stopping."""

    def answer() -> Iterable[bytes]:
        facts: dict[str, Any] = {"status": "ready", "rules": len(api.ruleset.rules)}
        try:
            api.namespaces.check()
        except StoreUnavailable as error:
            facts |= {"status": "store unavailable", "reason": str(error)}
        if environ.get("openaimock.stopping", _never)():
            facts["status"] = "stopping"
        return _status(api, environ, start_response, 200 if facts["status"] == "ready" else 503, facts)

    return defer(environ, answer, urgent=True) if api.namespaces.blocks else answer()


def _never() -> bool:
    return False


def _status(
    api: App, environ: dict[str, Any], start_response: StartResponse, status: int, facts: dict[str, Any]
) -> Iterable[bytes]:
    body = payloads.encode(facts)
    headers = [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        *([("retry-after", "1")] if status == 503 else []),
        *cors.cors(Request(environ), api.config.cors),
    ]
    start_response(payloads.status_line(status), headers)
    return [body]


def _metrics(api: App, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """GET /metrics: the counters in Prometheus' text format."""
    method = environ["REQUEST_METHOD"]
    if method not in ("GET", "HEAD"):
        return admin.refuse(api_error(405, method=method, path="/metrics"), start_response)

    def answer() -> Iterable[bytes]:
        return admin.send(start_response, 200, metrics_text(api).encode(), CONTENT_TYPE, method=method)

    return defer(environ, answer, urgent=True) if api.namespaces.blocks else answer()


def metrics_text(api: App) -> str:
    """The counters of this process, or of all processes that share the state while their store answers."""
    try:
        snapshots = api.namespaces.snapshots()
    except StoreUnavailable:
        snapshots = {}
    return merged_text(snapshots) if snapshots else api.sender.metrics.text()


def _image(api: App, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """GET a picture of an answer by its signed address, without a key. The request is not journalled."""
    from .api.images import hosted  # few mocks make pictures

    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    if method not in ("GET", "HEAD"):
        return admin.refuse(api_error(405, method=method, path=path), start_response)
    query, now = environ.get("QUERY_STRING") or "", api.sender.clock.now()
    try:
        image = hosted.find(path, query, api.namespaces, secret_of(api.config), now)
    except StoreUnavailable as error:
        return admin.refuse(unavailable(error), start_response)
    except APIError as error:
        return admin.refuse(error, start_response)
    if image is None:
        return admin.refuse(api_error(404, "unknown_url", method=method, path=path), start_response)
    headers = [
        ("content-type", image.content_type),
        ("content-length", str(len(image.body))),
        *cors.cors(Request(environ), api.config.cors),
    ]
    start_response("200 OK", headers)
    return [image.body] if method == "GET" else []


#: Paths of the mock itself, outside the API and the admin.
_PAGES = {"/health": _health, "/ready": _ready, "/metrics": _metrics}


def create_app(config: Source, log: logging.Logger = log) -> Application:
    """Make a mock as a WSGI application (PEP 3333), without a server.

    ``config`` is a path, a dict, YAML text, or a list of these. Raises ConfigError with all problems. ``log`` gets a line for
    each exchange.
    """
    return application(config if isinstance(config, Config) else load(config), log)


def application(config: Config, log: logging.Logger, rules: Iterable[Mapping[str, Any]] | None = None) -> Application:
    """A mock of a checked configuration. ``rules`` in their normal form replace those of the configuration."""
    tokens.prepare()
    return Application(App(config, log, rules))

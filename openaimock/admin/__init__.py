"""The admin: a WSGI application of its own under ``/__openaimock``, to look into a mock that runs and to change it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..errors import APIError, ConfigError
from ..http import payloads
from ..http.catalog import api_error
from . import guard

if TYPE_CHECKING:
    from ..app import App
    from .views import AdminRequest

log = logging.getLogger("openaimock")
#: The largest body: more rules than anybody writes.
LARGEST = 16 * 1024 * 1024
_PATH = re.compile(r"(?:/t/(?P<namespace>[^/]+))?/__openaimock(?:/(?P<rest>.*))?", re.DOTALL)
#: On everything. There is no CORS header among them, and there must be none.
_HEADERS = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Body = Iterable[bytes]


def reaches(path: str) -> bool:
    """Whether a path is one of the admin's."""
    return _PATH.fullmatch(path) is not None


def answer(app: App, environ: Environ, start_response: StartResponse) -> Body:
    """Answer one request to the admin of a mock (PEP 3333)."""
    defer = environ.get("openaimock.defer")
    if defer is None:
        return _answer(app, environ, start_response)
    # Ten thousand rules take their time to be told: not in the server's loop.
    deferred: Body = defer(lambda: _answer(app, environ, start_response))
    return deferred


def _answer(app: App, environ: Environ, start_response: StartResponse) -> Body:
    method = environ["REQUEST_METHOD"]
    found = _PATH.fullmatch(environ.get("PATH_INFO") or "/")
    assert found is not None
    rest, read_only = found["rest"], method in ("GET", "HEAD")
    try:
        try:
            guard.admit(environ, app.config.admin_key)
        except APIError as error:
            # A browser cannot send the key before there is a page that asks for it; the page itself tells nothing.
            if error.status == 401 and rest == "" and read_only:
                return _page(start_response, 401, method)
            raise
        if rest is None:
            headers = (("location", "__openaimock/"),)
            return send(start_response, 308, b"", "text/plain", headers, method)
        if rest == "" and read_only:
            return _page(start_response, 200, method)
        payload = _view(app, environ, found["namespace"], "GET" if read_only else method, rest)
        status, payload = payload if isinstance(payload, tuple) else (200, payload)
        return send(start_response, status, payloads.encode(payload), "application/json", method=method)
    except ConfigError as error:
        problems = [{"place": each.place, "path": each.path, "message": each.message} for each in error.problems]
        return refuse(APIError(400, str(error), code="invalid_config", more={"problems": problems}), start_response)
    except APIError as error:
        return refuse(error, start_response)
    except Exception:
        log.exception("%s %s failed", method, environ.get("PATH_INFO"))
        return refuse(api_error(500), start_response)


def _view(app: App, environ: Environ, namespace: str | None, method: str, path: str) -> Any:
    """Find what answers, and ask it."""
    # Imported when somebody looks: most mocks run and end without it.
    from .views import VIEWS

    text = path.encode("latin-1", "replace").decode("utf-8", "replace")
    head, slash, tail = text.partition("/")
    name = f"{head}/*" if slash and tail else text
    fitting = [view for view in VIEWS if view.path == name]
    for view in fitting:
        if view.method == method:
            return view.answer(_asked(app, environ, namespace, tail))
    if not fitting:
        raise api_error(404, "unknown_url", method=method, path=f"/__openaimock/{text}")
    refusal = api_error(405, method=method, path=f"/__openaimock/{text}")
    refusal.headers["allow"] = ", ".join(view.method for view in fitting)
    raise refusal


def _asked(app: App, environ: Environ, namespace: str | None, rest: str) -> AdminRequest:
    from ..http.request import Request
    from .views import AdminRequest

    query = dict(parse_qsl(environ.get("QUERY_STRING") or "", keep_blank_values=True))
    body = Request(environ, min(LARGEST, app.config.max_body)).raw if environ["REQUEST_METHOD"] in ("POST", "PUT") else b""
    # A namespace has the name that WSGI gives it elsewhere, in a path or a header.
    queried = query.get("namespace", "").encode("utf-8", "replace").decode("latin-1")
    named = queried or namespace or environ.get("HTTP_X_OPENAIMOCK_NAMESPACE") or None
    return AdminRequest(app, query, body, rest, named)


def _page(start_response: StartResponse, status: int, method: str) -> Body:
    from . import page

    headers = (("content-security-policy", page.policy()),)
    return send(start_response, status, page.html(), "text/html; charset=utf-8", headers, method)


def refuse(error: APIError, start_response: StartResponse) -> Body:
    """Answer with an error in the API's envelope."""
    return send(start_response, error.status, payloads.encode(error.body()), "application/json", tuple(error.headers.items()))


def send(
    start_response: StartResponse,
    status: int,
    body: bytes,
    content_type: str,
    headers: Iterable[tuple[str, str]] = (),
    method: str = "GET",
) -> Body:
    """Answer with a body; HEAD gets its headers only."""
    told = [("content-type", content_type), ("content-length", str(len(body))), *_HEADERS, *headers]
    start_response(payloads.status_line(status), told)
    return [] if method == "HEAD" else [body]

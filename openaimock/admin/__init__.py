"""The admin: a WSGI application of its own under ``/__openaimock``, to look into a mock that runs and to change it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .. import render
from ..errors import APIError, ConfigError
from ..metrics import CONTENT_TYPE, Metrics
from ..wording import known
from . import guard

if TYPE_CHECKING:
    from .mock import Mock
    from .views import Asked

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


def answer(mock: Mock, environ: Environ, start_response: StartResponse) -> Body:
    """Answer one request to the admin of a mock (PEP 3333)."""
    defer = environ.get("openaimock.defer")
    if defer is None:
        return _answer(mock, environ, start_response)
    # Ten thousand rules take their time to be told: not in the server's loop.
    deferred: Body = defer(lambda: _answer(mock, environ, start_response))
    return deferred


def metrics(counted: Metrics, method: str, start_response: StartResponse) -> Body:
    """GET /metrics."""
    if method not in ("GET", "HEAD"):
        return _error(known(405, method=method, path="/metrics"), start_response)
    return _send(start_response, 200, counted.text().encode(), CONTENT_TYPE, method=method)


def _answer(mock: Mock, environ: Environ, start_response: StartResponse) -> Body:
    method = environ["REQUEST_METHOD"]
    found = _PATH.fullmatch(environ.get("PATH_INFO") or "/")
    assert found is not None
    rest, read_only = found["rest"], method in ("GET", "HEAD")
    try:
        try:
            guard.admit(environ, mock.config.admin_key)
        except APIError as error:
            # A browser cannot send the key before there is a page that asks for it; the page itself tells nothing.
            if error.status == 401 and rest == "" and read_only:
                return _page(start_response, 401, method)
            raise
        if rest is None:
            headers = (("location", "__openaimock/"),)
            return _send(start_response, 308, b"", "text/plain", headers, method)
        if rest == "" and read_only:
            return _page(start_response, 200, method)
        payload = _view(mock, environ, found["namespace"], "GET" if read_only else method, rest)
        status, payload = payload if isinstance(payload, tuple) else (200, payload)
        return _send(start_response, status, render.encode(payload), "application/json", method=method)
    except ConfigError as error:
        problems = [{"place": each.place, "path": each.path, "message": each.message} for each in error.problems]
        return _error(APIError(400, str(error), code="invalid_config", more={"problems": problems}), start_response)
    except APIError as error:
        return _error(error, start_response)
    except Exception:
        log.exception("%s %s failed", method, environ.get("PATH_INFO"))
        return _error(known(500), start_response)


def _view(mock: Mock, environ: Environ, namespace: str | None, method: str, path: str) -> Any:
    """Find what answers, and ask it."""
    # Imported when somebody looks: most mocks run and end without it.
    from .views import VIEWS

    text = path.encode("latin-1", "replace").decode("utf-8", "replace")
    head, slash, tail = text.partition("/")
    name = f"{head}/*" if slash and tail else text
    fitting = [view for view in VIEWS if view.path == name]
    for view in fitting:
        if view.method == method:
            return view.answer(_asked(mock, environ, namespace, tail))
    if not fitting:
        raise known(404, "unknown_url", method=method, path=f"/__openaimock/{text}")
    refusal = known(405, method=method, path=f"/__openaimock/{text}")
    refusal.headers["allow"] = ", ".join(view.method for view in fitting)
    raise refusal


def _asked(mock: Mock, environ: Environ, namespace: str | None, rest: str) -> Asked:
    from ..endpoints._reading import Request
    from .views import Asked

    query = dict(parse_qsl(environ.get("QUERY_STRING") or "", keep_blank_values=True))
    body = Request(environ, min(LARGEST, mock.config.max_body)).raw if environ["REQUEST_METHOD"] in ("POST", "PUT") else b""
    # A namespace has the name that WSGI gives it elsewhere, in a path or a header.
    queried = query.get("namespace", "").encode("utf-8", "replace").decode("latin-1")
    named = queried or namespace or environ.get("HTTP_X_OPENAIMOCK_NAMESPACE") or None
    return Asked(mock, query, body, rest, named)


def _page(start_response: StartResponse, status: int, method: str) -> Body:
    from . import page

    headers = (("content-security-policy", page.policy()),)
    return _send(start_response, status, page.html(), "text/html; charset=utf-8", headers, method)


def _error(error: APIError, start_response: StartResponse) -> Body:
    return _send(start_response, error.status, render.encode(error.body()), "application/json", tuple(error.headers.items()))


def _send(
    start_response: StartResponse,
    status: int,
    body: bytes,
    content_type: str,
    headers: Iterable[tuple[str, str]] = (),
    method: str = "GET",
) -> Body:
    told = [("content-type", content_type), ("content-length", str(len(body))), *_HEADERS, *headers]
    start_response(render.status_line(status), told)
    return [] if method == "HEAD" else [body]

"""The admin: a WSGI application under ``/__openaimock`` that shows and changes a running mock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..app.unavailable import unavailable
from ..errors import APIError, ConfigError
from ..http import payloads
from ..http.catalog import api_error
from ..http.extensions import defer
from ..state.store import StoreUnavailable
from . import guard

if TYPE_CHECKING:
    from ..app import App
    from .request import AdminRequest

#: The largest accepted body, in bytes.
MAX_BODY = 16 * 1024 * 1024
_PATH = re.compile(r"(?:/t/(?P<namespace>[^/]+))?/__openaimock(?:/(?P<rest>.*))?", re.DOTALL)
#: Headers of every response. They must never include a CORS header.
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


def serves(path: str) -> bool:
    """Whether a path belongs to the admin."""
    return _PATH.fullmatch(path) is not None


class Admin:
    """The admin of one mock as a WSGI application."""

    def __init__(self, app: App) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Body:
        """Answer one request (PEP 3333)."""
        # A report about ten thousand rules takes long. It does not wait behind reply functions that block.
        return defer(environ, lambda: self._answer(environ, start_response), urgent=True)

    def leads_to_page(self, environ: Environ) -> bool:
        """Whether a request of ``GET /`` comes from a browser that may open the inspector."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or "text/html" not in environ.get("HTTP_ACCEPT", ""):
            return False
        try:
            guard.admit(environ, self.app.config.admin_key)
        except APIError as error:
            # The page itself asks for the admin key.
            return error.status == 401
        return True

    def _answer(self, environ: Environ, start_response: StartResponse) -> Body:
        try:
            return self._dispatch(environ, start_response)
        except ConfigError as error:
            problems = [{"place": problem.place, "path": problem.path, "message": problem.message} for problem in error.problems]
            return refuse(APIError(400, str(error), code="invalid_config", more={"problems": problems}), start_response)
        except APIError as error:
            return refuse(error, start_response)
        except StoreUnavailable as error:
            return refuse(unavailable(error), start_response)
        except Exception:
            self.app.log.exception("%s %s failed", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            return refuse(api_error(500), start_response)

    def _dispatch(self, environ: Environ, start_response: StartResponse) -> Body:
        method = environ["REQUEST_METHOD"]
        parts = _PATH.fullmatch(environ.get("PATH_INFO") or "/")
        assert parts is not None
        rest, read_only = parts["rest"], method in ("GET", "HEAD")
        try:
            guard.admit(environ, self.app.config.admin_key)
        except APIError as error:
            # A browser needs the page before it can send the key. The page itself contains no data.
            if error.status == 401 and rest == "" and read_only:
                return _page(start_response, 401, method)
            raise
        if rest is None:
            headers = (("location", "__openaimock/"),)
            return send(start_response, 308, b"", "text/plain", headers, method)
        if rest == "" and read_only:
            return _page(start_response, 200, method)
        payload = self._view(environ, parts["namespace"], "GET" if read_only else method, rest)
        status, payload = payload if isinstance(payload, tuple) else (200, payload)
        from .request import Text

        if isinstance(payload, Text):
            return send(start_response, status, payload.text.encode("utf-8", "replace"), payload.content_type, method=method)
        return send(start_response, status, payloads.encode(payload), "application/json", method=method)

    def _view(self, environ: Environ, namespace: str | None, method: str, path: str) -> Any:
        """What the view of a method and path returns. APIError 404 or 405 when there is none."""
        # Imported on first use: most mocks never need it.
        from .views import VIEWS

        text = path.encode("latin-1", "replace").decode("utf-8", "replace")
        head, slash, tail = text.partition("/")
        name = f"{head}/*" if slash and tail else text
        candidates = [view for view in VIEWS if view.path == name]
        for view in candidates:
            if view.method == method:
                return view.answer(self._request(environ, namespace, tail))
        if not candidates:
            raise api_error(404, "unknown_url", method=method, path=f"/__openaimock/{text}")
        refusal = api_error(405, method=method, path=f"/__openaimock/{text}")
        refusal.headers["allow"] = ", ".join(view.method for view in candidates)
        raise refusal

    def _request(self, environ: Environ, namespace: str | None, rest: str) -> AdminRequest:
        from ..http.request import Request
        from .request import AdminRequest

        query = dict(parse_qsl(environ.get("QUERY_STRING") or "", keep_blank_values=True))
        has_body = environ["REQUEST_METHOD"] in ("POST", "PUT")
        body = Request(environ, min(MAX_BODY, self.app.config.max_body)).raw if has_body else b""
        # Namespaces are named as WSGI gives paths and headers: UTF-8 bytes as Latin-1.
        queried = query.get("namespace", "").encode("utf-8", "replace").decode("latin-1")
        name = queried or namespace or environ.get("HTTP_X_OPENAIMOCK_NAMESPACE") or None
        return AdminRequest(self.app, query, body, rest, name)


def lead_to_page(environ: Environ, start_response: StartResponse) -> Body:
    """Redirect a browser to the inspector, at the prefix under which the mock is mounted."""
    # Relative, so that it is right behind a proxy that removes a prefix, too.
    folder = "" if environ.get("PATH_INFO") else environ.get("SCRIPT_NAME", "").rpartition("/")[2] + "/"
    return send(start_response, 307, b"", "text/plain", [("location", f"{folder}__openaimock/")], environ["REQUEST_METHOD"])


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
    """Answer with a body; HEAD gets the headers only."""
    all_headers = [("content-type", content_type), ("content-length", str(len(body))), *_HEADERS, *headers]
    start_response(payloads.status_line(status), all_headers)
    return [] if method == "HEAD" else [body]

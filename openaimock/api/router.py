"""Router: from a method and path, under any prefix that clients use, to an operation."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..http.catalog import api_error
from ..http.request import Request
from . import Operation, operations_of

#: ``/t/NAME`` names a namespace; Azure puts the deployment, which is the model, in the path; ``/v1`` may be left out.
_PREFIX = re.compile(
    r"(?:/t/[^/]+)?(?:/openai/deployments/(?P<deployment>[^/]+)|/openai/v1|/openai|/v1)?(?P<path>/.*)", re.DOTALL
)


class Route(NamedTuple):
    """The operation of a request, the values in its path, and the path without its prefix."""

    operation: Operation
    params: dict[str, str]
    path: str

    def apply(self, request: Request) -> None:
        """Put what the path says into the request: its values, and Azure's deployment as the model."""
        request.params = self.params
        deployment = self.params.get("deployment")
        if deployment:
            table = self.operation.params
            request.model = deployment if table is None or "model" in table.shape.keys else None


class Router:
    """Operations by path: fixed paths in a dict, the others in Werkzeug's Map. Resources are added on their first request."""

    def __init__(self) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._maps: dict[str, Any] = {}

    def find(self, method: str, path: str) -> Route:
        """The route of a request; APIError 404 or 405."""
        return self._fixed.get((method, path)) or self._search(method, path)

    def _search(self, method: str, path: str) -> Route:
        prefixed = _PREFIX.fullmatch(path)
        exists = prefixed is not None and self._load(prefixed["path"].split("/", 2)[1])
        if prefixed is None or not exists:
            raise api_error(404, "unknown_url", method=method, path=path)
        params = {} if prefixed["deployment"] is None else {"deployment": prefixed["deployment"]}
        fixed = self._fixed.get((method, prefixed["path"]))
        if fixed is not None:
            return fixed._replace(params=params)
        return self._look_up(method, path, prefixed["path"], params)

    def _load(self, segment: str) -> bool:
        """Add the operations whose paths start with a segment; False when there are none."""
        if segment in self._maps:
            return True
        for operation in operations_of(segment):
            self._maps.setdefault(segment, None)
            if "<" not in operation.path:
                for prefix in ("", "/v1", "/openai/v1"):
                    self._fixed[operation.method, prefix + operation.path] = Route(operation, {}, operation.path)
        return segment in self._maps

    def _look_up(self, method: str, path: str, inner: str, params: dict[str, str]) -> Route:
        """The route of a path that holds values. APIError 404, or 405 when only the method is wrong."""
        from werkzeug.exceptions import MethodNotAllowed, NotFound
        from werkzeug.routing import Map, RequestRedirect, Rule

        segment = inner.split("/", 2)[1]
        paths = self._maps[segment]
        if paths is None:
            rules = [Rule(row.path, methods=[row.method], endpoint=row) for row in operations_of(segment)]
            paths = self._maps[segment] = Map(rules, merge_slashes=False).bind("localhost")
        try:
            operation, values = paths.match(inner, method)
        except (NotFound, RequestRedirect):
            raise api_error(404, "unknown_url", method=method, path=path) from None
        except MethodNotAllowed as error:
            refusal = api_error(405, method=method, path=path)
            refusal.headers["allow"] = ", ".join(sorted(error.valid_methods or ()))
            raise refusal from None
        return Route(operation, {**values, **params}, inner)


#: Shared by all mocks: it holds the API, nothing of a mock.
ROUTER = Router()

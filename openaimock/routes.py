"""Routes: from a path, under any of the prefixes clients use, to an endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from .endpoints import Endpoint
from .wording import known

#: ``/t/NAME`` names a namespace; Azure puts the deployment, which is the model, in the path; ``/v1`` may be left out.
_PREFIX = re.compile(
    r"(?:/t/[^/]+)?(?:/openai/deployments/(?P<deployment>[^/]+)|/openai/v1|/openai|/v1)?(?P<path>/.*)", re.DOTALL
)


class Route(NamedTuple):
    """Where a path leads: the endpoint, the values in the path, the path without its prefix."""

    endpoint: Endpoint
    params: dict[str, str]
    path: str


class Routes:
    """All endpoints by path: plain paths by one look-up, the rest by Werkzeug's Map, which is made when first needed."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._plain = {
            (endpoint.method, prefix + endpoint.path): Route(endpoint, {}, endpoint.path)
            for endpoint in self._endpoints
            for prefix in ("", "/v1", "/openai/v1")
            if "<" not in endpoint.path
        }

    @cached_property
    def _map(self) -> Any:
        from werkzeug.routing import Map, Rule

        paths = [Rule(each.path, methods=[each.method], endpoint=each) for each in self._endpoints]
        return Map(paths, merge_slashes=False).bind("localhost")

    def find(self, method: str, path: str) -> Route:
        """The route of a request; APIError 404 or 405 in the API's words."""
        return self._plain.get((method, path)) or self._search(method, path)

    def _search(self, method: str, path: str) -> Route:
        from werkzeug.exceptions import MethodNotAllowed, NotFound
        from werkzeug.routing import RequestRedirect

        prefixed = _PREFIX.fullmatch(path)
        if prefixed is None:
            raise known(404, "unknown_url", method=method, path=path)
        params = {} if prefixed["deployment"] is None else {"deployment": prefixed["deployment"]}
        try:
            endpoint, found = self._map.match(prefixed["path"], method)
        except (NotFound, RequestRedirect):
            raise known(404, "unknown_url", method=method, path=path) from None
        except MethodNotAllowed as error:
            refusal = known(405, method=method, path=path)
            refusal.headers["allow"] = ", ".join(sorted(error.valid_methods or ()))
            raise refusal from None
        return Route(endpoint, {**found, **params}, prefixed["path"])

"""Routes: from a path, under any of the prefixes clients use, to an endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, RequestRedirect
from werkzeug.routing import Rule as Path

from .endpoints import Endpoint
from .wording import known

#: ``/t/NAME`` names a namespace; Azure puts the deployment, which is the model, in the path; ``/v1`` may be left out.
_PREFIX = re.compile(
    r"(?:/t/(?P<namespace>[^/]+))?(?:/openai/deployments/(?P<deployment>[^/]+)|/openai/v1|/openai|/v1)?(?P<path>/.*)", re.DOTALL
)


class Route(NamedTuple):
    """Where a path leads: the endpoint, the values in the path, the namespace it names, the path without its prefix."""

    endpoint: Endpoint
    params: dict[str, str]
    namespace: str | None
    path: str


class Routes:
    """All endpoints by path: plain paths by one look-up, the rest by Werkzeug's Map."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[tuple[str, str], Route] = {}
        paths = []
        for endpoint in endpoints:
            paths.append(Path(endpoint.path, methods=[endpoint.method], endpoint=endpoint))
            if "<" not in endpoint.path:
                for prefix in ("", "/v1", "/openai/v1"):
                    route = Route(endpoint, {}, None, endpoint.path)
                    self._plain[endpoint.method, prefix + endpoint.path] = route
        self._map = Map(paths, strict_slashes=True, merge_slashes=False, redirect_defaults=False).bind("localhost")

    def find(self, method: str, path: str) -> Route:
        """The route of a request; APIError 404 or 405 in the API's words."""
        route = self._plain.get((method, path))
        return route or self._search(method, path)

    def _search(self, method: str, path: str) -> Route:
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
        return Route(endpoint, {**found, **params}, prefixed["namespace"], prefixed["path"])

"""Routes: from a path, under any of the prefixes clients use, to an endpoint."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..http.catalog import api_error
from . import Operation, of

#: ``/t/NAME`` names a namespace; Azure puts the deployment, which is the model, in the path; ``/v1`` may be left out.
_PREFIX = re.compile(
    r"(?:/t/[^/]+)?(?:/openai/deployments/(?P<deployment>[^/]+)|/openai/v1|/openai|/v1)?(?P<path>/.*)", re.DOTALL
)


class Route(NamedTuple):
    """Where a path leads: the endpoint, the values in the path, the path without its prefix."""

    endpoint: Operation
    params: dict[str, str]
    path: str


class Routes:
    """Endpoints by path: plain paths by one look-up, the rest by Werkzeug's Map. Both grow as resources are asked for."""

    def __init__(self) -> None:
        self._plain: dict[tuple[str, str], Route] = {}
        self._maps: dict[str, Any] = {}

    def find(self, method: str, path: str) -> Route:
        """The route of a request; APIError 404 or 405 in the API's words."""
        return self._plain.get((method, path)) or self._search(method, path)

    def _search(self, method: str, path: str) -> Route:
        prefixed = _PREFIX.fullmatch(path)
        known_resource = prefixed is not None and self._enter(prefixed["path"].split("/", 2)[1])
        if prefixed is None or not known_resource:
            raise api_error(404, "unknown_url", method=method, path=path)
        params = {} if prefixed["deployment"] is None else {"deployment": prefixed["deployment"]}
        plain = self._plain.get((method, prefixed["path"]))
        if plain is not None:
            return plain._replace(params=params)
        return self._look_up(method, path, prefixed["path"], params)

    def _enter(self, word: str) -> bool:
        """Know the paths that begin with a word; False when there are none."""
        if word in self._maps:
            return True
        for endpoint in of(word):
            self._maps.setdefault(word, None)
            if "<" not in endpoint.path:
                for prefix in ("", "/v1", "/openai/v1"):
                    self._plain[endpoint.method, prefix + endpoint.path] = Route(endpoint, {}, endpoint.path)
        return word in self._maps

    def _look_up(self, method: str, path: str, inner: str, params: dict[str, str]) -> Route:
        """A path with values in it, or one with another method."""
        from werkzeug.exceptions import MethodNotAllowed, NotFound
        from werkzeug.routing import Map, RequestRedirect, Rule

        word = inner.split("/", 2)[1]
        paths = self._maps[word]
        if paths is None:
            rules = [Rule(each.path, methods=[each.method], endpoint=each) for each in of(word)]
            paths = self._maps[word] = Map(rules, merge_slashes=False).bind("localhost")
        try:
            endpoint, found = paths.match(inner, method)
        except (NotFound, RequestRedirect):
            raise api_error(404, "unknown_url", method=method, path=path) from None
        except MethodNotAllowed as error:
            refusal = api_error(405, method=method, path=path)
            refusal.headers["allow"] = ", ".join(sorted(error.valid_methods or ()))
            raise refusal from None
        return Route(endpoint, {**found, **params}, inner)

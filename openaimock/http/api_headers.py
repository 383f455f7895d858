"""The headers that the API itself adds to an answer, by operation and status."""

from __future__ import annotations

from functools import lru_cache

Headers = tuple[tuple[str, str], ...]

_ALWAYS: Headers = (
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
)
#: The names of the account that a mock belongs to. They are no secrets.
ORGANIZATION, PROJECT = "openaimock", "proj_openaimock"
_VERSION: Headers = (("openai-version", "2020-10-01"), ("openai-organization", ORGANIZATION))
_PROJECT = ("openai-project", PROJECT)
_AUTHENTICATE = ("www-authenticate", 'Bearer realm="OpenAI API"')
_NO_CACHE = ("cache-control", "no-cache, must-revalidate")
#: What a request leaves of limits that are never reached: requests, then tokens.
_RATE_LIMITS: Headers = (
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-limit-tokens", "30000000"),
    ("x-ratelimit-remaining-tokens", "29999999"),
    ("x-ratelimit-reset-tokens", "0s"),
)

#: Operations of the older gateway, which refuses keys and models itself.
_GATEWAY = frozenset(["/chat/completions", "/completions", "/embeddings"])
#: Operations whose answers name the model in a header.
_NAMES_MODEL = frozenset(["/completions", "/embeddings"])

JSON_TYPE = "application/json"
GATEWAY_JSON_TYPE = "application/json; charset=utf-8"
STREAM_TYPE = "text/event-stream; charset=utf-8"


def from_gateway(path: str, status: int, code: str | None) -> bool:
    """Whether the gateway refuses the request: such an error has other headers and another content type."""
    return path in _GATEWAY and (status in (401, 403) or (status == 404 and code == "model_not_found"))


def stream_type(path: str) -> str:
    """The content type of a stream."""
    return "text/event-stream" if path == "/completions" else STREAM_TYPE


@lru_cache(maxsize=512)
def api_headers(method: str, path: str, status: int, streamed: bool, code: str | None, model: str) -> Headers:
    """All of them but the content type, the id of the request and its time.

    ``path`` is that of the operation, without a prefix; ``code`` is the error's; ``model`` is the snapshot that answers.
    """
    if from_gateway(path, status, code):
        return (*_ALWAYS, ("vary", "Origin"))
    headers = [*_ALWAYS, *_VERSION]
    if status == 401:
        headers.append(_AUTHENTICATE)
    elif status != 403 and (method, path) != ("GET", "/models"):
        headers.append(_PROJECT)
    if method == "POST" and (
        (path in _GATEWAY and status in (200, 400)) or (path == "/responses" and status == 200 and not streamed)
    ):
        headers += _RATE_LIMITS
    if path in _NAMES_MODEL and status == 200:
        headers.append(("openai-model", model))
    if path == "/completions":
        headers.append(_NO_CACHE)
    return tuple(headers)

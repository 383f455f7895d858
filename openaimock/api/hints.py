"""Hints: what is probably wrong with the base URL of a client whose path the mock does not serve."""

from __future__ import annotations

import re

from ..errors import APIError
from .router import ROUTER

#: Paths of other providers' APIs, with the name of the API.
_OTHERS = (
    (re.compile(r".*/messages(/count_tokens|/batches.*)?"), "Anthropic's API"),
    (re.compile(r".*:(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)"), "Gemini's API"),
    (re.compile(r"/v1beta/models.*"), "Gemini's API"),
    (re.compile(r".*:(predict|rawPredict|streamRawPredict)"), "Vertex AI"),
    (re.compile(r"/api/(chat|generate|embed|embeddings|tags|show|ps|pull|version)"), "Ollama's own API"),
    (re.compile(r"/model/[^/]+/(converse|converse-stream|invoke|invoke-with-response-stream)"), "Amazon Bedrock"),
    (re.compile(r"/v[12]/(generate|rerank|embed)|/v2/chat"), "Cohere's API"),
    (re.compile(r".*/engines/.*"), "the engines, which the API no longer has"),
)
#: What a hint may repeat from a path.
_PLAIN = re.compile(r"[\w./~-]{1,80}", re.ASCII)
#: No endpoint has a longer path, in segments.
_SEGMENTS = 12


def base_url_hint(method: str, path: str) -> str:
    """What is probably wrong with the base URL behind an unknown path, as a sentence without its full stop; "" when unclear."""
    plain = path.rstrip("/")
    if "//" in path:
        return "the path has an empty segment: remove the slash at the end of the base URL, or the one at the start of the path"
    if plain in ("", "/v1"):
        return "the base URL is right; the path of an endpoint, for example /chat/completions, is missing"
    if path != plain and _is_served(method, plain):
        return "remove the slash at the end of the path"
    for pattern, name in _OTHERS:
        if pattern.fullmatch(plain):
            return f"this is a path of {name}; the mock serves the OpenAI API"
    served = _served_end(method, plain)
    return "" if served is None else _about_prefix(plain[: len(plain) - len(served)])


def _about_prefix(prefix: str) -> str:
    """What is wrong with the part of a path before the path of an endpoint."""
    if prefix.endswith("/v1/v1"):
        return "the base URL ends in /v1, and the client adds /v1: remove one of them"
    extra = prefix.removesuffix("/v1")
    if _is_served("POST", extra) or _is_served("GET", extra):
        return f"the base URL contains the path of an endpoint: remove '{extra.removeprefix('/v1')}' from it"
    # A path may hold any character; a header may not.
    quoted = f"'{extra}'" if _PLAIN.fullmatch(extra) else "more"
    return f"the base URL has {quoted} before /v1, which is no path of the mock: use http://HOST:PORT/v1"


def _served_end(method: str, path: str) -> str | None:
    """The longest end of a path that the API serves."""
    segments = path.split("/")
    if len(segments) > _SEGMENTS:
        return None
    for start in range(2, len(segments)):
        end = "/" + "/".join(segments[start:])
        if _is_served(method, end) and segments[start] not in ("v1", "openai"):
            return end
    return None


def _is_served(method: str, path: str) -> bool:
    try:
        ROUTER.find(method, path)
    except APIError:
        return False
    return True

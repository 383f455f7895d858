"""Asks: a recorded request, read by its endpoint, so that a rule asks for the very words that matching sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from ..api.operation import Operation
from ..api.router import ROUTER, Route
from ..errors import APIError
from ..http.request import Request
from ..types.ask import Ask
from .exchange import LARGEST, OwnAnswer, Recording, Skipped, parsed
from .history import History

#: What answers a prompt, by method and path. Rules for it need not name the operation.
ANSWERING = frozenset(
    ("POST", path)
    for path in (
        "/chat/completions", "/responses", "/completions", "/embeddings", "/moderations", "/images/generations",
        "/images/edits", "/images/variations", "/audio/speech", "/audio/transcriptions", "/audio/translations",
    )
)  # fmt: skip
#: Resources that the mock keeps by itself: it answers with what was created in it, under the ids that it made.
_OWN = ("models", "conversations", "responses", "chat")


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A recorded request as matching sees it. ``inputs`` are the Asks of its inputs, where it has several."""

    recording: Recording
    operation: Operation
    ask: Ask
    inputs: Sequence[Ask] = ()


def read(recording: Recording, history: History) -> ReadRequest:
    """The Ask of a recorded request. Skipped when the mock does not serve or would not take it; Unknown as History says."""
    method = recording.method.upper()
    try:
        route = ROUTER.find(method, recording.path)
    except APIError as error:
        if error.status == 404:
            raise Skipped(f"{method} {recording.path} is not served") from None
        raise Skipped(error.message) from None
    body = recording.body
    request_body = parsed(body) if body[:1] == b"{" else None
    if route.operation.path == "/responses" and method == "POST" and isinstance(request_body, dict):
        body = json.dumps(history.expanded(request_body), ensure_ascii=False).encode()
    request = Request(_environ(recording, method, body), LARGEST)
    route.apply(request)
    try:
        ask = route.operation.read(request)
    except APIError as error:
        raise Skipped(f"the mock answers it by itself ({error.status}): {error.message}") from None
    return _answerable(recording, route, ask)


def with_files(recording: Recording, ask: Ask) -> ReadRequest:
    """A recorded form whose files are gone, with the Ask that was read when they were there. Skipped as ``read`` says."""
    twin = ask.copy()
    twin.answer = None
    return _answerable(recording, ROUTER.find(recording.method.upper(), recording.path), twin)


def _answerable(recording: Recording, route: Route, ask: Ask) -> ReadRequest:
    method = recording.method.upper()
    ask.method, ask.path, ask.params = method, route.path, route.params
    if (method, route.operation.path) not in ANSWERING:
        ask.endpoint = route.operation.id
        if "." not in ask.endpoint or ask.endpoint.split(".")[0] in _OWN:
            raise OwnAnswer(f"the mock answers {method} {recording.path} by itself")
    inputs = route.operation.split(ask) if route.operation.split else ()
    return ReadRequest(recording, route.operation, ask, inputs)


def _environ(recording: Recording, method: str, body: bytes) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(recording.path, "latin-1"),
        "QUERY_STRING": recording.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
    }
    for name, value in recording.headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    environ.pop("HTTP_CONTENT_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    kind = recording.headers.get("content-type")
    environ["CONTENT_TYPE"] = "application/json" if body[:1] == b"{" and "json" not in (kind or "") else kind or ""
    return environ

"""The check of a batch's input file, with the errors that the API reports for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from ...errors import APIError
from ...http.catalog import printable
from ...http.json import parse
from ...params.batches import LINE
from ..jobs import Work

#: The API's limits of an input file: bytes, and requests.
MAX_SIZE, MAX_REQUESTS = 200 * 1024**2, 50_000
#: The API's limit of the inputs of all requests of a batch for embeddings.
MAX_INPUTS = 50_000
#: The most errors that a batch reports, and the most bytes of a line.
MAX_ERRORS, MAX_LINE = 100, 64 * 1024**2
#: What the body of a request must have by endpoint, beside what the answer to the request itself reports.
_REQUIRED = {
    "/v1/chat/completions": ("model", "messages"),
    "/v1/completions": ("model", "prompt"),
    "/v1/embeddings": ("model", "input"),
    "/v1/responses": ("model",),
}
_DUPLICATE = (
    "The custom_id for this request is a duplicate of another request. "
    "The custom_id parameter must be unique for each request in a batch."
)
#: The names of endpoints in messages.
_NAMES = {"/v1/chat/completions": "Chat Completions", "/v1/responses": "Responses", "/v1/completions": "Completions"}

BatchError = dict[str, Any]


class Checked(NamedTuple):
    """What the check of an input file found: its errors, the number of its requests, and the model of the first."""

    errors: list[BatchError]
    total: int = 0
    model: str = ""


def batch_error(code: str, message: str, param: str | None = None, line: int | None = None) -> BatchError:
    """One error of an input file (SDK type BatchError)."""
    return {"code": code, "message": message, "param": param, "line": line}


def full_endpoint(url: str) -> str:
    """An endpoint with the ``/v1`` that Azure's clients leave out."""
    return url if url.startswith("/v1/") else f"/v1{url}"


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1. One longer than ``MAX_LINE`` is cut there."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        if line.strip():
            yield number, line


def check_input(file: BinaryIO, size: int, endpoint: str, work: Work) -> Checked:
    """Check an input file of ``size`` bytes."""
    if size > MAX_SIZE:
        message = f"The input file is too large: it has {size} bytes, and a batch's input file has at most {MAX_SIZE}."
        return Checked([batch_error("file_too_large", message, "input_file_id")])
    checker = _Checker(full_endpoint(endpoint))
    for number, line in numbered_lines(file):
        checker.check_line(number, line)
        if len(checker.errors) >= MAX_ERRORS or _is_full(checker) or not work.proceed():
            break
    if checker.total > MAX_REQUESTS:
        message = f"The input file has too many requests: a batch has at most {MAX_REQUESTS}."
        return Checked([batch_error("too_many_tasks", message, "input_file_id")])
    if checker.inputs > MAX_INPUTS:
        message = f"The input file has too many embedding inputs: a batch has at most {MAX_INPUTS} in all its requests."
        return Checked([batch_error("too_many_inputs", message, "input_file_id")])
    if not checker.total and not checker.errors:
        return Checked(
            [batch_error("empty_file", "The input file is empty: a batch needs at least one request.", "input_file_id")]
        )
    return Checked(checker.errors, checker.total, checker.model)


def _is_full(checker: _Checker) -> bool:
    return checker.total > MAX_REQUESTS or checker.inputs > MAX_INPUTS


class _Checker:
    """Checks line after line, with what the lines before had."""

    def __init__(self, endpoint: str) -> None:
        self.errors: list[BatchError] = []
        self.total = self.inputs = 0
        self.model = ""
        self._endpoint = endpoint
        self._ids: set[str] = set()

    def check_line(self, number: int, line: bytes) -> None:
        """Check one line and add its errors."""
        self.total += 1
        try:
            request = parse(line) if len(line) <= MAX_LINE else None
        except APIError:
            request = None
        if not isinstance(request, dict):
            return self._add(number, "invalid_json_line", "This line is not parseable as valid JSON.")
        try:
            LINE.check(request)
        except APIError as error:
            return self._add(number, error.code or "invalid_request", error.message, error.param)
        if request["custom_id"] in self._ids:
            return self._add(number, "duplicate_custom_id", _DUPLICATE, "custom_id")
        self._ids.add(request["custom_id"])
        if full_endpoint(request["url"]) != self._endpoint:
            message = "The URL provided for this request does not match the batch endpoint."
            return self._add(number, "invalid_url", message, "url")
        self._check_body(number, request["body"])

    def _check_body(self, number: int, body: Mapping[str, Any]) -> None:
        for name in _REQUIRED.get(self._endpoint, ()):
            if body.get(name) is None:
                self._add(number, "invalid_request", f"{name.capitalize()} parameter is required.", f"body.{name}")
        if body.get("stream"):
            name = _NAMES.get(self._endpoint, self._endpoint)
            message = f"{name}: Streaming is not supported in the Batch API."
            self._add(number, "streaming_unsupported", message, "body.stream")
        if self._endpoint == "/v1/embeddings":
            self.inputs += _input_count(body.get("input"))
        model = body.get("model")
        if isinstance(model, str):
            self.model = self.model or model
            if model != self.model:
                difference = f"'{printable(model)}' differs from '{printable(self.model)}'"
                message = f"All requests of a batch must name the same model: {difference}."
                self._add(number, "mismatched_model", message, "body.model")

    def _add(self, number: int, code: str, message: str, param: str | None = None) -> None:
        self.errors.append(batch_error(code, message, param, number))


def _input_count(value: Any) -> int:
    """How many inputs the ``input`` of a request for embeddings holds: a list of numbers is one."""
    return len(value) if isinstance(value, list) and not (value and isinstance(value[0], int)) else 1

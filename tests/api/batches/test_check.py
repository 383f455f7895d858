"""The errors of input files, as the API reports them."""

from __future__ import annotations

import json

import pytest
from openai.types import Batch

from openaimock.api.batches import check

from ...support.wire import strictly
from .conftest import chat, create, lines, poll


def failed(sdk, requests, endpoint="/v1/chat/completions"):
    """The errors of a batch: code, line and param."""
    batch = poll(sdk, create(sdk, requests, endpoint), 2)
    strictly(Batch, batch.to_dict())
    assert (batch.status, batch.errors.object, batch.failed_at) == ("failed", "list", batch.created_at)
    return batch.errors.data


def brief(errors):
    return [(error.code, error.line, error.param) for error in errors]


def without(request, name):
    return {key: value for key, value in request.items() if key != name}


def test_an_unknown_file(sdk):
    batch = sdk.batches.create(input_file_id="file-none", endpoint="/v1/chat/completions", completion_window="24h")
    [error] = poll(sdk, batch, 1).errors.data
    assert (error.code, error.line, error.param) == ("invalid_request", None, "file_id")
    assert error.message.startswith("Cannot find file file-none, or organization")


@pytest.mark.parametrize("line", [b"{no json", b"[1, 2]", b'"text"', b"12", b'{"a": NaN}', b"\xff\xfe"])
def test_a_line_that_is_not_a_json_object(sdk, line):
    [error] = failed(sdk, [*chat("Hello"), line])
    assert brief([error]) == [("invalid_json_line", 2, None)]
    assert error.message == "This line is not parseable as valid JSON."


def test_missing_members(sdk):
    [request] = chat("Hello")
    names = ["custom_id", "method", "url", "body"]
    errors = failed(sdk, [{**without(request, name), **({} if name == "custom_id" else {"custom_id": name})} for name in names])
    assert brief(errors) == [("missing_required_parameter", line, name) for line, name in enumerate(names, 1)]
    assert errors[1].message == "Missing required parameter: 'method'."


def test_members_of_a_wrong_type(sdk):
    [request] = chat("Hello")
    errors = failed(sdk, [{**request, "custom_id": 1}, {**request, "method": "GET"}, {**request, "body": "x"}])
    assert brief(errors) == [("invalid_type", 1, "custom_id"), ("invalid_value", 2, "method"), ("invalid_type", 3, "body")]


def test_members_of_the_body_that_are_missing(sdk):
    first, second = chat("Hello", "Hello")
    errors = failed(
        sdk, [{**first, "body": without(first["body"], "model")}, {**second, "body": without(second["body"], "messages")}]
    )
    assert brief(errors) == [("invalid_request", 1, "body.model"), ("invalid_request", 2, "body.messages")]
    assert [error.message for error in errors] == ["Model parameter is required.", "Messages parameter is required."]


def test_a_repeated_custom_id(sdk):
    [request] = chat("Hello")
    assert brief(failed(sdk, [request, request])) == [("duplicate_custom_id", 2, "custom_id")]


def test_another_model(sdk):
    first, second, third = chat("Hello", "Hello", "Hello")
    second["body"]["model"] = "gpt-4o-mini"
    assert brief(failed(sdk, [first, second, third])) == [("mismatched_model", 2, "body.model")]


def test_another_url(sdk):
    first, second = chat("Hello", "Hello")
    [error] = failed(sdk, [first, {**second, "url": "/v1/embeddings"}])
    assert brief([error]) == [("invalid_url", 2, "url")]
    assert error.message == "The URL provided for this request does not match the batch endpoint."


@pytest.mark.parametrize(
    ("endpoint", "body", "name"),
    [
        ("/v1/chat/completions", {"messages": []}, "Chat Completions"),
        ("/v1/responses", {"input": "x"}, "Responses"),
        ("/v1/completions", {"prompt": "x"}, "Completions"),
    ],
)
def test_a_stream(sdk, endpoint, body, name):
    request = {"custom_id": "1", "method": "POST", "url": endpoint, "body": {"model": "gpt-4o", "stream": True, **body}}
    [error] = failed(sdk, [request], endpoint)
    assert brief([error]) == [("streaming_unsupported", 1, "body.stream")]
    assert error.message == f"{name}: Streaming is not supported in the Batch API."


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \r\n"])
def test_an_empty_file(sdk, content):
    assert brief(failed(sdk, content)) == [("empty_file", None, "input_file_id")]


def test_blank_lines_count_and_are_not_requests(sdk):
    content = b"\n" + lines(chat("Hello")) + b"\r\n{bad\n"
    assert brief(failed(sdk, content)) == [("invalid_json_line", 4, None)]


def test_a_last_line_without_an_end(sdk):
    content = lines(chat("Hello", "Hello")).rstrip(b"\n")
    assert poll(sdk, create(sdk, content), 1).request_counts.total == 2


def test_a_file_that_is_too_large(sdk, monkeypatch):
    monkeypatch.setattr(check, "MAX_SIZE", 10)
    assert brief(failed(sdk, chat("Hello"))) == [("file_too_large", None, "input_file_id")]


def test_too_many_requests(sdk, monkeypatch):
    monkeypatch.setattr(check, "MAX_REQUESTS", 2)
    assert brief(failed(sdk, chat("Hello", "Hello", "Hello"))) == [("too_many_tasks", None, "input_file_id")]


def embeddings(*inputs):
    """The lines of a batch of requests for embeddings."""
    return [
        {"custom_id": f"{number}", "method": "POST", "url": "/v1/embeddings",
         "body": {"model": "text-embedding-3-small", "input": value}}
        for number, value in enumerate(inputs)
    ]  # fmt: skip


def test_too_many_inputs_of_embeddings(sdk, monkeypatch):
    monkeypatch.setattr(check, "MAX_INPUTS", 3)
    errors = failed(sdk, embeddings(["a", "b"], "c", [[1, 2]]), "/v1/embeddings")
    assert brief(errors) == [("too_many_inputs", None, "input_file_id")]
    # A list of numbers is one input.
    allowed = create(sdk, embeddings(["a", "b"], [1, 2, 3, 4]), "/v1/embeddings")
    assert poll(sdk, allowed).status == "completed"


def test_a_line_that_is_too_long(sdk, monkeypatch):
    monkeypatch.setattr(check, "MAX_LINE", 300)
    long = json.dumps(chat("x" * 1000)[0]).encode()
    assert brief(failed(sdk, [*chat("Hello"), long, b"{bad"])) == [("invalid_json_line", 2, None), ("invalid_json_line", 3, None)]


def test_no_more_than_a_hundred_errors_are_reported(sdk):
    assert len(failed(sdk, [b"{bad"] * 1000)) == 100

"""Requests with parameters of every type: whatever a client sends, the mock answers and never fails itself."""

from __future__ import annotations

import itertools
import logging

import pytest
from werkzeug.test import Client

import openaimock
from openaimock.api import FILES, operations_of

QUIET = logging.getLogger("openaimock.quiet")
QUIET.setLevel(logging.CRITICAL)
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
#: A good body for each operation that answers, so that only the parameter under test can be wrong.
BODIES = {
    "/v1/chat/completions": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
    "/v1/responses": {"model": "gpt-4o", "input": "Hi"},
    "/v1/responses/input_tokens": {"model": "gpt-4o", "input": "Hi"},
    "/v1/responses/compact": {"model": "gpt-4o", "input": "Hi"},
    "/v1/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi"},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "Hi"},
    "/v1/moderations": {"input": "Hi"},
    "/v1/conversations": {},
}
VALUES = [
    None, True, False, 0, -1, 10**400, 1.5, "", "x", "gpt-4o", [], {}, ["x"], [1], [None], [[]], [{}], {"type": "x"}, {"x": []},
    {"type": "function"}, [{"type": "function"}], [TOOL], {"type": "json_schema"}, {"format": {"type": "json_schema"}},
    {"type": "json_schema", "json_schema": {"name": "n", "schema": True}}, {"type": []}, [{"type": {}}], [{"role": "user"}],
]  # fmt: skip


def parameters() -> list[str]:
    """The names of all parameters of all operations."""
    table = itertools.chain.from_iterable(operations_of(word) for word in FILES)
    names = {name for operation in table if operation.params is not None for name in operation.params.shape.keys}
    return sorted(names | {"functions", "function_call", "nonsense"})


@pytest.mark.parametrize(
    "settings",
    [
        {"unmatched": "auto", "lint": "error", "limits": {"rpm": 10**9, "tpm": 10**12, "rpd": 10**9}},
        {"unmatched": "echo", "lint": "warn", "limits": {"tpm": 10**12}},
        {"unmatched": "auto", "lint": "off"},
    ],
)
@pytest.mark.parametrize("path", BODIES)
def test_no_parameter_of_any_type_makes_the_mock_fail(path, settings):
    client = Client(openaimock.create_app({"responses": [], **settings}, QUIET))
    for name in parameters():
        for value in VALUES:
            answer = client.post(path, json={**BODIES[path], name: value})
            assert answer.status_code < 500, (name, value, answer.get_json())
            answer.get_data()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/completions"])
def test_no_parameter_of_any_type_makes_a_stream_fail(path):
    client = Client(openaimock.create_app({"responses": [], "unmatched": "auto", "limits": {"tpm": 10**12}}, QUIET))
    for name in parameters():
        for value in VALUES:
            answer = client.post(path, json={**BODIES[path], "stream": True, name: value})
            assert answer.status_code < 500, (name, value, answer.get_json())
            assert b"server_error" not in answer.get_data(), (name, value)

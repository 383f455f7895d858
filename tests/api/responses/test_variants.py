"""Responses to bodies that differ in one text are the same as when each body is read by itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.app import asks
from openaimock.wsgi import create_app

TEXTS = st.sampled_from(["one", "two words", "as json", "a much longer text " * 20, 'quoted "text"', "é"])
TOOL = {"type": "function", "name": "find", "description": "Find it. " * 40, "parameters": {"type": "object", "properties": {}}}
CALL = {"type": "function_call", "call_id": "call_1", "name": "find", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "it"}
FOUND = {"type": "tool_search_output", "call_id": "call_2", "execution": "client", "tools": [{**TOOL, "name": "late"}]}
ITEMS = st.sampled_from(
    [
        [],
        [CALL, RESULT],
        [CALL],
        [{"role": "assistant", "content": "Hi"}],
        [{"role": "user", "content": "Hello", "id": "msg_1"}],
        [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}],
        [{"type": "tool_search_call", "call_id": "call_2", "execution": "client", "arguments": {}}, FOUND],
    ]
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "instructions": st.sampled_from(["Be brief.", "Be brief. " * 100]),
        "tools": st.sampled_from([[TOOL], [TOOL, {"type": "web_search"}]]),
        "text": st.just({"format": {"type": "json_object"}}),
        "stream": st.booleans(),
        "temperature": st.sampled_from([1, 0.5]),
        "model": st.sampled_from(["gpt-4", "gpt-5", "o3"]),
    },
)


def answers(items, more, texts):
    app = create_app({"clock": "2026-01-02T03:04:05Z", "responses": [{"when": {}, "reply": "Hello"}]})
    received = []
    for text in texts:
        body = {"model": "gpt-4o", **more, "input": [*items, {"role": "user", "content": text}] if items is not None else text}
        head = []
        environ = asks.environ("POST", "/v1/responses", {}, json.dumps(body).encode())
        content = b"".join(app(environ, lambda status, headers, head=head: head.append((status, sorted(headers)))))
        received.append((head[0], content))
    return received


@settings(deadline=None, max_examples=60)
@given(st.none() | ITEMS, MORE, st.lists(TEXTS, min_size=3, max_size=5))
def test_a_variant_is_answered_as_if_it_was_the_first_of_its_kind(items, more, texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asks, "find_text", lambda raw, names: None)
        patch.setattr(asks, "MAX_BODY", 0)
        expected = answers(items, more, texts)
    assert answers(items, more, texts) == expected

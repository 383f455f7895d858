"""Requests that repeat parts of earlier ones get the answers that they would get alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.app import asks
from openaimock.http import json_parts
from openaimock.types import parts
from openaimock.wsgi import create_app

CONFIG = {
    "clock": "2026-01-02T03:04:05Z",
    "responses": [{"when": {"user": {"contains": "tool"}}, "reply": {"tool_calls": [{"name": "now", "arguments": {}}]}}],
    "unmatched": "echo",
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "description": "A city"}}, "required": ["city"]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": '{"city": "Rome"}'}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AAAA"}}
MESSAGES = [
    {"role": "system", "content": "You help. " * 20},
    {"role": "user", "content": "Use a tool"},
    {"role": "user", "content": "Hello", "name": "Ada"},
    {"role": "user", "content": [{"type": "text", "text": "Look"}, IMAGE]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "assistant", "content": "Well"},
    {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    {"role": "user", "content": 5},
]
TOOLS = [
    {"type": "function", "function": {"name": "now", "description": "Time", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "what time?", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "strict", "parameters": SCHEMA, "strict": True}},
]
ITEMS = [
    {"role": "developer", "content": "You help. " * 20},
    {"role": "user", "content": "Use a tool"},
    {"role": "user", "content": [{"type": "input_text", "text": "Hi"}], "name": "Ada"},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Well"}]},
    {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "So"}]},
    {"type": "function_call", "call_id": "call_1", "name": "now", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "noon"},
    {"type": "function_call", "id": "call_9", "call_id": "call_2", "name": "now", "arguments": "{}"},
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"type": "compaction", "encrypted_content": "abc"},
    {"role": "user", "content": 5},
]
FLAT_TOOLS = [{"type": "function", **tool["function"]} for tool in TOOLS]
MODELS = st.sampled_from(["gpt-4o", "gpt-5", "o3", "gpt-4"])


def _picked(values, most=5):
    return st.lists(st.sampled_from(values), min_size=1, max_size=most)


CHATS = st.fixed_dictionaries(
    {"model": MODELS, "messages": _picked(MESSAGES)}, optional={"tools": _picked(TOOLS, 3), "stream": st.booleans()}
)
RESPONSES = st.fixed_dictionaries(
    {"model": MODELS, "input": _picked(ITEMS)},
    optional={
        "tools": _picked(FLAT_TOOLS, 3),
        "stream": st.booleans(),
        "instructions": st.sampled_from(["Be kind. " * 40, "Be é. " * 60, "Short"]),
        "store": st.booleans(),
    },
)
REQUESTS = st.lists(
    st.tuples(st.just("/v1/chat/completions"), CHATS) | st.tuples(st.just("/v1/responses"), RESPONSES), min_size=1, max_size=6
)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch):
    monkeypatch.setattr(json_parts, "SHORT", 0)
    monkeypatch.setattr(json_parts, "_LEAST", 64)
    monkeypatch.setattr(asks, "MAX_BODY", 0)


def answers(requests, *, forget):
    """The status, headers and body of each answer of a new mock, and the inputs that it stored."""
    app, results = create_app(CONFIG), []
    for path, body in requests:
        if forget:
            parts.PARTS.clear()
        status, text = _send(app, "POST", path, json.dumps(body).encode())
        results.append((status, text))
        if status[0].startswith("200") and not body.get("stream") and "input" in body and body.get("store", True):
            results.append(_send(app, "GET", f"{path}/{json.loads(text)['id']}/input_items", b""))
    return results


def _send(app, method, path, raw):
    head = []
    environ = asks.environ(method, path, {}, raw)
    body = app(environ, lambda status, headers: head.append((status, headers)))
    return head[0], b"".join(body)


@settings(deadline=None)
@given(REQUESTS)
def test_answers_do_not_depend_on_what_came_before(requests):
    assert answers([*requests, *requests], forget=False) == answers([*requests, *requests], forget=True)

"""Requests with junk in any place get a response or the API's error, never a failure of the mock."""

from __future__ import annotations

import io
import json
import logging
from itertools import islice

import pytest

import openaimock

TOOLS = [
    {"type": "function", "name": "f", "parameters": {}},
    {"type": "mcp", "server_label": "x", "headers": {"a": "b"}},
    {"type": "namespace", "name": "n", "description": "", "tools": [{"type": "function", "name": "g"}]},
    {"type": "image_generation", "partial_images": 1},
    {"type": "file_search", "vector_store_ids": []},
]
ITEMS = [
    {"role": "user", "content": [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "u"}]},
    {"type": "message", "role": "assistant", "id": "m", "status": "completed", "content": [{"type": "output_text", "text": "x"}]},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "k"}]},
    {"type": "custom_tool_call", "call_id": "c", "name": "n", "input": "i"},
    {"type": "shell_call", "call_id": "c", "action": {"commands": ["a"]}},
    {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a", "stderr": "b", "outcome": {"type": "timeout"}}]},
    {"type": "apply_patch_call_output", "call_id": "c", "status": "failed"},
    {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
    {"type": "local_shell_call", "action": {"command": ["ls"]}, "call_id": "c"},
    {"type": "mcp_approval_request", "name": "n", "arguments": "{}", "server_label": "q", "id": "i"},
    {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
    {"type": "compaction", "encrypted_content": "gAAAAABx"},
    {"type": "tool_search_call", "arguments": {}},
    {"type": "web_search_call", "id": "w", "status": "completed", "action": {"type": "search"}},
]
BODY = {
    "model": "gpt-4o",
    "input": ITEMS,
    "tools": TOOLS,
    "tool_choice": {"type": "function", "name": "f"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["message.output_text.logprobs"],
    "metadata": {"a": "b"},
    "prompt": {"id": "p", "variables": {"a": "b"}},
    "prompt_cache_options": {"mode": "implicit"},
    "image": {"context_compression": "auto"},
    "stream_options": {"include_obfuscation": True},
    "max_output_tokens": 20,
    "instructions": "i",
    "conversation": None,
    "previous_response_id": None,
}
JUNK = [
    None,
    True,
    -1,
    1.5,
    "x",
    [],
    {},
    [None],
    ["x"],
    {"a": 1},
    {"type": "x"},
    {"type": 5},
    {"id": "q"},
    {"role": "user"},
    10**30,
]


def paths(value, path=()):
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield from paths(inner, (*path, name))


def changed(value, path, junk):
    if not path:
        return junk
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], junk)
    return copy


@pytest.fixture(scope="module")
def app():
    # What lint finds in these is no news, and there is much of it.
    quiet = logging.Logger("quiet", logging.CRITICAL)
    return openaimock.create_app({"responses": [], "unmatched": "echo"}, quiet)


def status(app, path, body):
    raw = json.dumps(body).encode()
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw)}
    status_lines = []
    b"".join(app(environ, lambda line, headers, error=None: status_lines.append(line)))
    return int(status_lines[0][:3])


def test_the_unchanged_body_is_accepted(app):
    assert status(app, "/v1/responses", BODY) == 200


@pytest.mark.parametrize(("path", "step"), [("", 2), ("/input_tokens", 7), ("/compact", 7)])
def test_junk_anywhere(app, path, step):
    path = f"/v1/responses{path}"
    # A sample of all pairs of a place and a piece of junk, because all of them take too long.
    bodies = islice((changed(BODY, at, junk) for at in paths(BODY) for junk in JUNK), 0, None, step)
    assert {status(app, path, body) for body in bodies} <= {200, 400, 404}


def test_junk_in_conversations(app):
    bodies = islice((changed(ITEMS, at, junk) for at in paths(ITEMS) for junk in JUNK), 0, None, 2)
    assert {status(app, "/v1/conversations", {"items": items}) for items in bodies} <= {200, 400, 404}

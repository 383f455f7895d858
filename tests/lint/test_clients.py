"""Lint and what real clients send: none of what the real API takes is ever a finding."""

from __future__ import annotations

import openai
import pytest

from ..support.lint_table import client as wsgi
from ..support.lint_table import send

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}
ASKED = {"role": "user", "content": "Hello"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}, "strict": None}}
OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA", "content": None, "status": None},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "status": "completed"},
    {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
    },
]
FLAT = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": None}
CODEX = {
    "model": "gpt-5.3-codex",
    "instructions": "You are Codex.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<environment/>"}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Hello"}],
            "internal_chat_message_metadata_passthrough": {"turn_id": "x"},
        },
        *OUTPUT[:3],
    ],
    "tools": [
        {**FLAT, "strict": False},
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}},
        {"type": "web_search", "external_web_access": False},
        {"type": "namespace", "name": "mcp", "tools": [FLAT]},
        {"type": "local_shell"},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "a-thread",
    "text": {"verbosity": "low"},
    "client_metadata": {"x": "y"},
}
REAL = {
    "chat": {
        "nulls": {
            "max_tokens": None,
            "tools": None,
            "tool_choice": None,
            "stream_options": None,
            "user": None,
            "stop": None,
            "odd": None,
        },
        "content null": {"messages": [ASKED, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT]},
        "content missing": {"messages": [ASKED, {"role": "assistant", "tool_calls": [CALL]}, RESULT]},
        "content empty": {"messages": [ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT]},
        "result in parts": {
            "messages": [
                ASKED,
                {"role": "assistant", "tool_calls": [CALL]},
                {**RESULT, "name": "f", "content": [{"type": "text", "text": "ok"}]},
            ]
        },
        "results in another order": {
            "messages": [
                ASKED,
                {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
                {**RESULT, "tool_call_id": "call_2"},
                RESULT,
            ]
        },
        "an id used again later": {
            "messages": [
                ASKED,
                {"role": "assistant", "tool_calls": [CALL]},
                RESULT,
                ASKED,
                {"role": "assistant", "tool_calls": [CALL]},
                RESULT,
            ]
        },
        "a message of the SDK sent back": {
            "messages": [
                ASKED,
                {
                    "role": "assistant",
                    "content": "Hi",
                    "refusal": None,
                    "annotations": [],
                    "audio": None,
                    "function_call": None,
                    "tool_calls": None,
                },
                ASKED,
            ]
        },
        "system after the user": {"messages": [ASKED, {"role": "system", "content": "Be brief."}]},
        "strict null": {"tools": [FUNCTION], "tool_choice": "auto", "parallel_tool_calls": True},
        "no parameters": {"tools": [{"type": "function", "function": {"name": "f"}}]},
        "empty parameters": {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        "a results of a tool as a user": {
            "messages": [ASKED, {"role": "assistant", "content": "Calling f"}, {"role": "user", "content": "Observation: 1"}]
        },
        "older functions": {
            "functions": [{"name": "f", "parameters": {"type": "object", "properties": {}}}],
            "function_call": "auto",
            "messages": [
                ASKED,
                {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
                {"role": "function", "name": "f", "content": "1"},
            ],
        },
        "usual values for a model that thinks": {
            "model": "o4-mini",
            "temperature": 1,
            "top_p": 1,
            "presence_penalty": 0,
            "frequency_penalty": 0.0,
            "logprobs": False,
            "n": 1,
        },
        "stream and usage": {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        "a loose schema": {
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
        },
        "text": {"response_format": {"type": "text"}},
        "an empty stop": {"model": "gpt-5", "stop": []},
    },
    "responses": {
        "another version of the search tool as the choice": {
            "tools": [{"type": "web_search"}],
            "tool_choice": {"type": "web_search_preview"},
        },
        "a result of a search for tools": {
            "input": [
                {"role": "user", "content": "Hello"},
                {"type": "tool_search_call", "call_id": "call_1", "arguments": {}, "execution": "client"},
                {"type": "function_call_output", "call_id": "call_1", "output": "none"},
                {"role": "user", "content": "Hello"},
            ]
        },
        "encrypted reasoning without its id": {
            "model": "gpt-5",
            "store": False,
            "input": [
                {"role": "user", "content": "Hello"},
                {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAAB"},
                {"role": "assistant", "content": "Hi"},
                {"role": "user", "content": "Hello"},
            ],
        },
        "nulls": {
            "include": None,
            "max_output_tokens": None,
            "metadata": None,
            "previous_response_id": None,
            "user": None,
            "reasoning": None,
            "text": None,
        },
        "no usable format": {"text": {}},
        "nothing included": {"include": [], "store": False, "prompt_cache_key": "k", "reasoning": {"summary": "auto"}},
        "items without a type": {"input": [{"role": "system", "content": "Be kind."}, ASKED]},
        "a whole output sent back": {"input": [ASKED, *OUTPUT, ASKED]},
        "reasoning without an id": {"input": [ASKED, {"type": "reasoning", "summary": []}, ASKED]},
        "outputs in lists": {"input": [ASKED, OUTPUT[1], {**OUTPUT[2], "output": [{"type": "input_text", "text": "ok"}]}]},
        "strict null": {"tools": [FLAT], "tool_choice": "auto"},
        "no tools but a choice": {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True},
        "allowed tools": {
            "tools": [FLAT],
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        },
        "a hosted tool chosen": {"tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}},
        "Codex": CODEX,
    },
    "embeddings": {
        "the SDK": {"encoding_format": "base64"},
        "token ids": {"input": [[1, 2], [3]], "dimensions": 8, "user": "me"},
        "nulls": {"dimensions": None, "encoding_format": "float", "user": None},
    },
    "moderations": {
        "no model": {"model": None},
        "parts": {"input": [{"type": "text", "text": "Hello"}]},
    },
    "completions": {
        "all kinds": {"max_tokens": 5, "temperature": 0, "stop": ["\n"], "echo": False, "logprobs": None, "suffix": None},
        "stream and usage": {"stream": True, "stream_options": {"include_usage": True}},
    },
}


@pytest.fixture(scope="module")
def error():
    with wsgi("error") as http:
        yield http


@pytest.mark.parametrize(("endpoint", "name"), [(endpoint, name) for endpoint in REAL for name in REAL[endpoint]])
def test_what_clients_really_send_is_no_finding(endpoint, name, error):
    response = send(error, endpoint, REAL[endpoint][name])
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, None), response.text


def test_azures_own_parameters_on_a_deployment(error):
    body = {"messages": [ASKED], "data_sources": [{"type": "azure_search"}], "model": None}
    path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
    response = error.post(path, json=body)
    assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, None), response.text


def test_a_result_may_answer_a_call_of_the_response_before(serve, client):
    rules = [{"id": "call", "when": {"has_tool_result": False}, "reply": {"tool_calls": [{"name": "f", "arguments": {}}]}}]
    sdk = client(serve({"responses": rules, "unmatched": "echo", "lint": "error"}))
    first = sdk.responses.create(model="gpt-4o", input="Hello", tools=[FLAT])
    output = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "ok"}
    assert sdk.responses.create(model="gpt-4o", input=[output], previous_response_id=first.id).status == "completed"
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call") as raised:
        sdk.responses.create(model="gpt-4o", input="And now?", previous_response_id=first.id)
    assert (raised.value.param, raised.value.code) == ("input", None)

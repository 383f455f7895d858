"""What a response echoes: facts of the model, tools and other parameters, whole and streamed."""

from __future__ import annotations

import pytest

from ...support.answers import ask, respond, stream
from ...support.wire import post

RULES = [
    {"when": {"user": "Hello"}, "reply": "Hi there."},
    {"when": {"user": "weather"}, "reply": {"blocks": [{"text": "One moment."}, {"tool_call": {"name": "f", "arguments": {}}}]}},
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def both(mock, body):
    """The finished response to a request, whole and as the last event of a stream."""
    return respond(mock, body), stream(mock, body)[-1]["response"]


# Facts of the model


@pytest.mark.parametrize(
    ("model", "snapshot", "reasoning", "top_p", "retention"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", {"context": None, "effort": None, "summary": None}, 1.0, "in_memory"),
        (
            "gpt-5-nano",
            "gpt-5-nano-2025-08-07",
            {"context": "current_turn", "effort": "medium", "mode": "standard", "summary": None},
            1.0,
            "in_memory",
        ),
        (
            "gpt-5.4",
            "gpt-5.4-2026-03-05",
            {"context": "current_turn", "effort": "none", "mode": "standard", "summary": None},
            0.98,
            "24h",
        ),
        (
            "gpt-5.6",
            "gpt-5.6-sol",
            {"context": "all_turns", "effort": "medium", "mode": "standard", "summary": None},
            0.98,
            "24h",
        ),
        ("my-model", "my-model", {"context": None, "effort": None, "summary": None}, 1.0, "in_memory"),
    ],
)
def test_the_model_decides_the_defaults(mock, model, snapshot, reasoning, top_p, retention):
    for response in both(mock, ask("Hello", model=model)):
        assert (response["model"], response["reasoning"]) == (snapshot, reasoning)
        assert (response["top_p"], response["prompt_cache_retention"]) == (top_p, retention)


def test_the_request_overrides_the_defaults_of_the_model(mock):
    options = {"effort": "low", "summary": "auto", "context": "auto", "mode": "pro"}
    body = ask("Hello", model="gpt-5.6", reasoning=options, top_p=0.5, prompt_cache_retention="in_memory")
    for response in both(mock, body):
        assert response["reasoning"] == {"context": "all_turns", "effort": "low", "mode": "pro", "summary": "auto"}
        assert (response["top_p"], response["prompt_cache_retention"]) == (0.5, "in_memory")


def test_a_rule_overrides_the_snapshot(serve):
    mock = serve([{"when": {"user": "Hello"}, "reply": {"content": "Hi", "model": "mine"}}])
    assert [response["model"] for response in both(mock, ask("Hello"))] == ["mine", "mine"]


def test_messages_of_newer_models_have_a_phase(mock):
    for response in both(mock, ask("weather", model="gpt-5.4")):
        assert response["output"][0]["phase"] == "commentary"
    for response in both(mock, ask("Hello", model="gpt-5.4")):
        assert response["output"][0]["phase"] == "final_answer"
    assert "phase" not in respond(mock, ask("Hello", model="gpt-5"))["output"][0]


def test_only_a_finished_whole_response_has_billing(mock):
    assert respond(mock, ask("Hello"))["billing"] == {"payer": "developer"}
    assert not any("billing" in event.get("response", {}) for event in stream(mock, ask("Hello")))
    assert "billing" not in respond(mock, ask("Hello", background=True))


# Tools


def echo(mock, *tools, **parameters):
    """The tools that a whole and a streamed response echo, which are the same."""
    whole, streamed = both(mock, ask("Hello", tools=list(tools), **parameters))
    assert whole["tools"] == streamed["tools"]
    return whole["tools"]


def test_a_schema_without_strict_is_made_strict(mock):
    inner = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}
    schema = {
        "$schema": "https://json-schema.org/draft-07",
        "type": "object",
        "properties": {"list": {"type": "array", "items": inner}},
    }
    (tool,) = echo(mock, {"type": "function", "name": "f", "description": "", "parameters": schema})
    strict = {**inner, "required": ["a", "b"], "additionalProperties": False}
    assert tool == {
        "type": "function",
        "name": "f",
        "description": None,
        "strict": True,
        "output_schema": None,
        "parameters": {
            "type": "object",
            "properties": {"list": {"type": "array", "items": strict}},
            "required": ["list"],
            "additionalProperties": False,
        },
    }


def test_a_schema_with_strict_is_echoed_as_it_is(mock):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    tools = [
        {"type": "function", "name": f"f{at}", "parameters": schema, "strict": value} for at, value in enumerate((False, None))
    ]
    assert [(tool["parameters"], tool["strict"]) for tool in echo(mock, *tools)] == [(schema, False), (schema, False)]


def test_functions_in_namespaces_are_completed_too(mock):
    function = {"type": "function", "name": "f", "parameters": {}}
    (tool,) = echo(mock, {"type": "namespace", "name": "n", "description": "N", "tools": [function]})
    assert tool["tools"] == [
        {"type": "function", "name": "f", "description": None, "output_schema": None, "parameters": {}, "strict": True}
    ]


@pytest.mark.parametrize(
    ("tool", "completed"),
    [
        (
            {"type": "web_search", "external_web_access": True, "user_location": {"type": "approximate", "city": "Oslo"}},
            {
                "type": "web_search",
                "return_token_budget": "default",
                "search_content_types": ["text"],
                "search_context_size": "medium",
                "user_location": {"type": "approximate", "city": "Oslo", "country": None, "region": None, "timezone": None},
            },
        ),
        (
            {"type": "web_search_preview"},
            {
                "type": "web_search_preview",
                "search_context_size": "medium",
                "user_location": {"type": "approximate", "city": None, "country": "US", "region": None, "timezone": None},
            },
        ),
        ({"type": "tool_search"}, {"type": "tool_search", "description": None, "parameters": None}),
        (
            {"type": "image_generation", "partial_images": 0, "action": "edit", "input_fidelity": None},
            {
                "type": "image_generation",
                "background": "auto",
                "model": "gpt-image-1",
                "moderation": "auto",
                "n": 1,
                "output_compression": 100,
                "output_format": "png",
                "quality": "auto",
                "size": "auto",
            },
        ),
        (
            {
                "type": "mcp",
                "server_label": "x",
                "connector_id": "c",
                "authorization": "t",
                "allowed_tools": {"tool_names": ["a"]},
            },
            {
                "type": "mcp",
                "allowed_tools": {"read_only": None, "tool_names": ["a"]},
                "authorization": "<redacted>",
                "connector_id": "c",
                "headers": None,
                "require_approval": "always",
                "server_description": None,
                "server_label": "x",
                "server_url": None,
            },
        ),
    ],
    ids=lambda tool: tool["type"],
)
def test_hosted_tools_are_completed(mock, tool, completed):
    assert post(mock, ask("Hello", tools=[tool]), "/responses").json()["tools"] == [completed]


def test_credentials_in_a_server_url_are_not_echoed(mock):
    tool = {"type": "mcp", "server_label": "x", "server_url": "https://me:pw@mcp.example/path?key=s3cret"}
    answer = post(mock, ask("Hello", tools=[tool]), "/responses")
    assert answer.json()["tools"][0]["server_url"] == "https://mcp.example/<redacted>"


# Tool search

SEARCH = {"type": "tool_search"}
DEFERRED = {"type": "function", "name": "late", "description": "D", "parameters": {}, "strict": False, "defer_loading": True}


def names(tools):
    return [(tool["type"], tool.get("name")) for tool in tools]


def test_functions_come_before_tool_search(mock):
    assert names(echo(mock, SEARCH, DEFERRED)) == [("function", "late"), ("tool_search", None)]


FUNCTION = {"type": "function", "name": "late", "description": "D", "output_schema": None, "parameters": {}, "strict": False}
NAMESPACE = {"type": "namespace", "name": "late", "description": "D", "tools": [FUNCTION]}
FOUND = {"type": "tool_search_output", "tools": [DEFERRED], "call_id": None}
ADDED = {"type": "additional_tools", "role": "developer", "tools": [DEFERRED]}


@pytest.mark.parametrize(
    ("item", "model", "echoed"),
    [
        ({**FOUND, "execution": "server"}, "gpt-5.4", NAMESPACE),
        ({**FOUND, "execution": "server"}, "gpt-5.6", NAMESPACE),
        ({**FOUND, "execution": "client"}, "gpt-5.4", NAMESPACE),
        ({**FOUND, "execution": "client"}, "gpt-5.6", FUNCTION),
        (ADDED, "gpt-5.4", NAMESPACE),
        (ADDED, "gpt-5.6", FUNCTION),
    ],
)
@pytest.mark.parametrize("offered", [True, False])
def test_a_function_that_is_loaded_later(serve, item, model, echoed, offered):
    mock = serve([{"when": {"user": "Hello"}, "reply": {"tool_calls": [{"name": "late", "arguments": {}}]}}])
    items = [{"role": "user", "content": "Hello"}, item, {"role": "user", "content": "Hello"}]
    response = respond(mock, ask(items, model=model, **({"tools": [SEARCH, DEFERRED]} if offered else {})))
    assert [tool for tool in response["tools"] if tool["type"] != "tool_search"] == [echoed]
    assert response["output"][0].get("namespace") == ("late" if echoed == NAMESPACE else None)


def test_a_call_of_a_deferred_function_names_its_namespace(serve):
    mock = serve([{"when": {"user": "Hello"}, "reply": {"tool_calls": [{"name": "late", "arguments": {}}]}}])
    (call,) = respond(mock, ask("Hello", tools=[SEARCH, DEFERRED]))["output"]
    assert call["namespace"] == "late"


# Other parameters


@pytest.mark.parametrize(("strict", "echoed"), [({}, True), ({"strict": True}, True), ({"strict": False}, False)])
def test_a_schema_of_the_text_is_strict_unless_the_request_says_otherwise(serve, strict, echoed):
    mock = serve([{"when": {"user": "Hello"}, "reply": "{}"}])
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    body = ask("Hello", text={"format": {"type": "json_schema", "name": "n", "schema": schema, **strict}})
    assert [response["text"]["format"]["strict"] for response in both(mock, body)] == [echoed, echoed]


def test_a_stored_prompt_gives_the_instructions(mock):
    prompt = {
        "id": "pmpt_1",
        "version": "3",
        "variables": {"city": "Oslo", "doc": {"type": "input_file", "file_data": "x", "filename": "a"}},
    }
    variables = {"city": {"type": "input_text", "text": "Oslo"}, "doc": {"type": "input_file", "file_id": None, "filename": "a"}}
    response = post(mock, ask("Hello", prompt=prompt), "/responses").json()
    assert response["prompt"] == {"id": "pmpt_1", "version": "3", "variables": variables}
    assert response["instructions"][1] == {"type": "message", "role": "user", "content": list(variables.values())}


def test_a_stored_prompt_without_version_and_variables(mock):
    response = post(mock, ask("Hello", prompt={"id": "pmpt_1"}), "/responses").json()
    assert response["prompt"] == {"id": "pmpt_1", "version": "1", "variables": {}}


def test_moderation_of_input_and_output(serve):
    mock = serve([{"when": {"user": "Hello"}, "reply": {"content": "Hi", "moderation": {"flagged": True}}}])
    whole, streamed = both(mock, ask("Hello", moderation={"model": "omni-moderation-latest"}))
    assert whole["moderation"] == streamed["moderation"]
    assert [whole["moderation"][side]["flagged"] for side in ("input", "output")] == [True, False]
    assert whole["moderation"]["input"]["type"] == "moderation_result"
    assert respond(mock, ask("Hello"))["moderation"] is None


def test_searches_are_counted_in_tool_usage(serve):
    mock = serve([{"when": {"user": "Hello"}, "reply": {"blocks": [{"item": {"type": "web_search_call"}}, {"text": "x"}]}}])
    assert respond(mock, ask("Hello"))["tool_usage"]["web_search"] == {"num_requests": 1}

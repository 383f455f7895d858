"""Responses created at once: output, echoed parameters, usage and refusals."""

from __future__ import annotations

import json

import httpx
import openai
import pytest
from pydantic import BaseModel

from ...support.answers import ask, refused, respond, same
from ...support.wire import post

TEXT = "Hi there! How can I help you today?"
RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": TEXT},
    {
        "id": "weather",
        "when": {"user": "weather"},
        "reply": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "SF"}}]},
    },
    {
        "id": "both",
        "when": {"user": "both"},
        "reply": {
            "tool_calls": [
                {"id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}},
                {"id": "call_2", "name": "get_time", "arguments": {"zone": "CET"}},
            ]
        },
    },
    {"id": "custom", "when": {"user": "custom"}, "reply": {"tool_calls": [{"name": "shell", "input": "ls -l"}]}},
    {"id": "think", "when": {"user": "think"}, "reply": {"reasoning": "Let me think about it.", "content": "42"}},
    {"id": "no", "when": {"user": "bad"}, "reply": {"refusal": "I cannot help with that."}},
    {
        "id": "cited",
        "when": {"user": "cite"},
        "reply": {
            "content": "See the site.",
            "annotations": [
                {"type": "url_citation", "start_index": 0, "end_index": 3, "title": "A", "url": "https://a.example"},
                {
                    "type": "url_citation",
                    "url_citation": {"start_index": 4, "end_index": 7, "title": "B", "url": "https://b.example"},
                },
            ],
        },
    },
    {
        "id": "mixed",
        "when": {"user": "mixed"},
        "reply": {
            "blocks": [
                {"reasoning": "First."},
                {"text": "One. "},
                {"text": "Two."},
                {"tool_call": {"name": "f", "arguments": {}}},
                {"reasoning": "Second."},
                {"text": "Three."},
                {"refusal": "No more."},
            ]
        },
    },
    {"id": "json", "when": {"response_format": "json_schema"}, "reply": {"content": {"city": "Oslo", "degrees": 7}}},
    {"id": "empty", "when": {"user": "empty"}, "reply": {"content": ""}},
    {
        "id": "given",
        "when": {"user": "given"},
        "reply": {
            "content": "x",
            "id": "resp_given",
            "created": 1700000000,
            "model": "gpt-given",
            "service_tier": "flex",
            "usage": {
                "prompt_tokens": 7,
                "completion_tokens": 5,
                "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
        },
    },
    {"id": "broken", "when": {"user": "limit"}, "reply": {"error": 429}},
    {
        "id": "failing",
        "when": {"user": "fail"},
        "reply": {
            "blocks": [{"text": "So far"}, {"item": {"type": "error", "code": "rate_limit_exceeded", "message": "Too fast."}}]
        },
    },
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


# What is said


def test_text(mock):
    response = respond(mock, ask("Hello"))
    (message,) = response["output"]
    assert message["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": TEXT}]
    assert (message["role"], message["status"], response["status"]) == ("assistant", "completed", "completed")


def test_ids_begin_as_the_api_has_them(mock):
    response = respond(mock, ask("mixed"))
    assert response["id"].startswith("resp_")
    assert [item["id"].partition("_")[0] for item in response["output"]] == ["rs", "msg", "fc", "rs", "msg"]
    assert response["output"][2]["call_id"].startswith("call_")
    assert len({item["id"] for item in response["output"]}) == 5


def test_every_field_is_there(mock):
    assert list(respond(mock, ask("Hello"))) == [
        "id", "object", "created_at", "status", "access_programs", "background", "billing", "completed_at", "error",
        "frequency_penalty", "incomplete_details", "instructions", "max_output_tokens", "max_tool_calls", "model", "moderation",
        "output", "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt_cache_key", "prompt_cache_retention",
        "reasoning", "safety_identifier", "service_tier", "store", "temperature", "text", "tool_choice", "tool_usage", "tools",
        "top_logprobs", "top_p", "truncation", "usage", "user", "metadata",
    ]  # fmt: skip


def test_function_call(mock):
    (call,) = respond(mock, ask("weather"))["output"]
    assert (call["type"], call["name"], json.loads(call["arguments"])) == ("function_call", "get_weather", {"city": "SF"})
    assert call["status"] == "completed"


def test_parallel_calls_keep_their_ids(mock):
    calls = respond(mock, ask("both"))["output"]
    assert [(call["call_id"], call["name"]) for call in calls] == [("call_1", "get_weather"), ("call_2", "get_time")]
    assert calls[0]["id"] != calls[1]["id"]


def test_custom_tool_call(mock):
    (call,) = respond(mock, ask("custom"))["output"]
    assert (call["type"], call["name"], call["input"], call["id"][:4]) == ("custom_tool_call", "shell", "ls -l", "ctc_")


def test_a_call_of_a_tool_in_a_namespace_names_it(mock):
    tools = [{"type": "namespace", "name": "net", "description": "", "tools": [{"type": "function", "name": "get_weather"}]}]
    (call,) = respond(mock, ask("weather", tools=tools))["output"]
    assert call["namespace"] == "net"


def test_reasoning(mock):
    reasoning, message = respond(mock, ask("think"))["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Let me think about it."}]
    assert reasoning["encrypted_content"].startswith("gAAAAA")
    assert message["content"][0]["text"] == "42"


def test_refusal(mock):
    (message,) = respond(mock, ask("bad"))["output"]
    assert message["content"] == [{"type": "refusal", "refusal": "I cannot help with that."}]


def test_annotations_are_flat_however_they_are_written(mock):
    (message,) = respond(mock, ask("cite"))["output"]
    first, second = message["content"][0]["annotations"]
    assert second == {**first, "start_index": 4, "end_index": 7, "title": "B", "url": "https://b.example"}


def test_blocks_keep_their_order(mock):
    output = respond(mock, ask("mixed"))["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call", "reasoning", "message"]
    assert [part["text"] for part in output[1]["content"]] == ["One. ", "Two."]
    assert [part["type"] for part in output[4]["content"]] == ["output_text", "refusal"]


def test_an_empty_reply_is_an_empty_message(mock):
    (message,) = respond(mock, ask("empty"))["output"]
    assert message["content"][0]["text"] == ""


def test_overrides(mock):
    response = respond(mock, ask("given"))
    assert (response["id"], response["created_at"], response["model"]) == ("resp_given", 1700000000, "gpt-given")
    assert response["service_tier"] == "flex"


def test_chat_ids_are_not_given_to_responses(serve):
    mock = serve([{"when": {"user": "Hello"}, "reply": {"content": "x", "id": "chatcmpl-1"}}])
    assert respond(mock, ask("Hello"))["id"].startswith("resp_")


def test_logprobs_spell_the_text_when_they_are_included(mock):
    response = respond(mock, ask("Hello", include=["message.output_text.logprobs"], top_logprobs=2))
    logprobs = response["output"][0]["content"][0]["logprobs"]
    assert "".join(each["token"] for each in logprobs) == TEXT
    assert all(len(each["top_logprobs"]) == 2 for each in logprobs)


def test_the_clock_and_the_seed_make_it_the_same_every_time(serve):
    config = {"responses": RULES, "clock": "2026-01-02T03:04:05Z", "seed": 7}
    first, second = (post(serve(config), ask("mixed"), "/responses").content for _ in range(2))
    assert first == second


# What is counted


def test_usage(mock):
    usage = respond(mock, ask("think"))["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens_details"] == {"cache_write_tokens": 0, "cached_tokens": 0}
    assert 0 < usage["output_tokens_details"]["reasoning_tokens"] < usage["output_tokens"]


def test_usage_with_the_names_of_chat(mock):
    usage = respond(mock, ask("given"))["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (7, 5, 12)
    assert usage["input_tokens_details"] == {"cache_write_tokens": 0, "cached_tokens": 4}


def test_usage_with_the_names_of_responses(serve):
    usage = {"input_tokens": 3, "output_tokens_details": {"reasoning_tokens": 9}}
    usage = respond(serve([{"when": {"user": "x"}, "reply": {"content": "y", "usage": usage}}]), ask("x"))["usage"]
    assert (usage["input_tokens"], usage["output_tokens_details"]["reasoning_tokens"]) == (3, 9)


def test_tools_and_instructions_cost_tokens(mock):
    bare = respond(mock, ask("Hello"))["usage"]["input_tokens"]
    instructed = respond(mock, ask("Hello", instructions="Be kind to everybody."))["usage"]["input_tokens"]
    armed = respond(mock, ask("Hello", tools=[{"type": "function", "name": "f", "description": "Does it."}]))
    assert bare < instructed
    assert bare < armed["usage"]["input_tokens"]


def test_a_limit_that_is_not_reached_changes_nothing(mock):
    response = respond(mock, ask("Hello", max_output_tokens=16))
    assert (response["status"], response["incomplete_details"]) == ("completed", None)


def test_incomplete(serve):
    long = " ".join(str(number) for number in range(100))
    response = respond(serve([{"when": {"user": "count"}, "reply": long}]), ask("count", max_output_tokens=16))
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["usage"]["output_tokens"] == 16
    assert response["completed_at"] is None
    (message,) = response["output"]
    assert message["status"] == "incomplete"
    assert long.startswith(message["content"][0]["text"])


def test_content_filter_is_incomplete_too(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "y", "finish_reason": "content_filter"}}])
    response = respond(mock, ask("x"))
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})


# What is echoed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("instructions", "Be kind."),
        ("metadata", {"a": "b"}),
        ("temperature", 0.25),
        ("top_p", 0.5),
        ("max_output_tokens", 500),
        ("max_tool_calls", 3),
        ("parallel_tool_calls", False),
        ("tool_choice", "none"),
        ("tool_choice", {"type": "function", "name": "f"}),
        ("tool_choice", {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}),
        ("truncation", "auto"),
        ("user", "u-1"),
        ("safety_identifier", "s-1"),
        ("prompt_cache_key", "k-1"),
        ("prompt_cache_retention", "24h"),
        ("prompt_cache_options", {"mode": "explicit", "ttl": "30m"}),
        ("store", False),
        ("service_tier", "flex"),
        ("top_logprobs", 5),
    ],
)
def test_parameters_are_echoed(mock, name, value):
    assert respond(mock, ask("Hello", **{name: value}))[name] == value


def test_reasoning_and_text_are_echoed_with_their_defaults(mock):
    response = respond(mock, ask("Hello", reasoning={"effort": "high", "summary": "auto"}, text={"verbosity": "low"}))
    assert response["reasoning"] == {"context": None, "effort": "high", "summary": "auto"}
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "low"}


def test_tiers_resolve(mock):
    assert respond(mock, ask("Hello"))["service_tier"] == "default"
    assert respond(mock, ask("Hello", service_tier="fast"))["service_tier"] == "priority"


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOLS = [
    {"type": "function", "name": "f", "parameters": SCHEMA, "strict": False, "description": "F"},
    {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}},
    {"type": "web_search"},
    {"type": "web_search_preview", "search_context_size": "low"},
    {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "image_generation", "partial_images": 2},
    {"type": "mcp", "server_label": "docs", "server_url": "https://mcp.example/sse", "require_approval": "never"},
    {"type": "computer_use_preview", "environment": "browser", "display_width": 800, "display_height": 600},
    {"type": "computer"},
    {"type": "local_shell"},
    {"type": "shell"},
    {"type": "apply_patch"},
    {"type": "tool_search"},
    {"type": "programmatic_tool_calling"},
    {"type": "namespace", "name": "n", "description": "N", "tools": [{"type": "function", "name": "g", "parameters": SCHEMA}]},
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["type"])
def test_tools_are_echoed(mock, tool):
    (echoed,) = respond(mock, ask("Hello", tools=[tool]))["tools"]
    assert {name: echoed[name] for name in tool if name != "tools"} == {name: tool[name] for name in tool if name != "tools"}


def test_a_function_has_the_strictness_of_the_request(mock):
    tools = [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": strict} for strict in (None, True, False)]
    assert [tool["strict"] for tool in respond(mock, ask("Hello", tools=tools))["tools"]] == [False, True, False]


def test_secrets_of_an_mcp_server_are_not_sent_back(mock):
    tool = {
        "type": "mcp",
        "server_label": "x",
        "server_url": "https://x",
        "authorization": "t0ken",
        "headers": {"X-Key": "s3cret"},
    }
    raw = post(mock, ask("Hello", tools=[tool]), "/responses").text
    assert "t0ken" not in raw and "s3cret" not in raw
    assert '"X-Key":"<redacted>"' in raw


def test_nulls_are_absent(mock):
    names = (
        "include", "instructions", "max_output_tokens", "metadata", "previous_response_id", "conversation", "prompt", "reasoning",
        "text", "tools", "tool_choice", "temperature", "top_p", "truncation", "user", "store", "stream", "background",
        "service_tier", "parallel_tool_calls", "prompt_cache_key", "safety_identifier", "top_logprobs", "stream_options",
    )  # fmt: skip
    nulls = respond(mock, ask("Hello", **dict.fromkeys(names)))
    plain = respond(mock, ask("Hello"))
    assert same(nulls) == same(plain)


@pytest.mark.parametrize("text", [{}, {"format": {}}, {"format": None}, {"format": {"type": "text"}}])
def test_a_text_without_a_usable_format_is_plain_text(mock, text):
    assert respond(mock, ask("Hello", text=text))["text"]["format"] == {"type": "text"}


# The official client


class Weather(BaseModel):
    city: str
    degrees: int


def test_parse_gives_the_users_own_type(mock, client):
    parsed = client(mock).responses.parse(**ask("in Oslo?"), text_format=Weather)
    assert parsed.output_parsed == Weather(city="Oslo", degrees=7)
    assert (parsed.text.format.type, parsed.text.format.name) == ("json_schema", "Weather")


def test_json_object(serve, client):
    mock = serve([{"when": {"response_format": "json_object"}, "reply": {"content": {"a": 1}}}])
    response = client(mock).responses.create(**ask("give JSON"), text={"format": {"type": "json_object"}})
    assert json.loads(response.output_text) == {"a": 1}


def test_a_rules_error_is_the_http_error(mock, client):
    with pytest.raises(openai.RateLimitError):
        client(mock).responses.create(**ask("limit"))


def test_a_failing_response(mock, client):
    response = client(mock).responses.create(**ask("fail"))
    assert (response.status, response.error.code, response.error.message) == ("failed", "rate_limit_exceeded", "Too fast.")
    assert response.output_text == "So far"


def test_a_miss_explains_itself(mock, client):
    with pytest.raises(openai.BadRequestError) as raised:
        client(mock).responses.create(**ask("Hullo"))
    assert raised.value.code == "no_match"


def test_azure(mock):
    url = mock.url.removesuffix("/v1") + "/openai/responses?api-version=2025-03-01-preview"
    answer = httpx.post(url, json=ask("Hello"), trust_env=False)
    assert answer.json()["output"][0]["content"][0]["text"] == TEXT


# What is refused, in the API's words


@pytest.mark.parametrize(
    ("body", "param", "code", "message"),
    [
        ({"input": "x"}, "model", "missing_required_parameter", "Missing required parameter: 'model'."),
        ({"model": "m"}, "input", "missing_required_parameter", "Missing required parameter: 'input'."),
        (
            {"model": "m", "input": []},
            None,
            "missing_required_parameter",
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
        ),
        ({"model": "", "input": "x"}, "model", "model_not_found", "The requested model '' does not exist."),
        (
            {"model": "m", "input": 7},
            "input",
            "invalid_type",
            "Invalid type for 'input': expected one of a string or array of input items, but got an integer instead.",
        ),
        (
            ask("x", max_output_tokens=15),
            "max_output_tokens",
            "integer_below_min_value",
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 15 instead.",
        ),
        (
            ask("x", truncation="bogus"),
            "truncation",
            "invalid_value",
            "Invalid value: 'bogus'. Supported values are: 'auto' and 'disabled'.",
        ),
        (
            ask("x", temperature="hot"),
            "temperature",
            "invalid_type",
            "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        ),
        (
            ask("x", reasoning="low"),
            "reasoning",
            "invalid_type",
            "Invalid type for 'reasoning': expected an object, but got a string instead.",
        ),
        (ask("x", tools=[{}]), "tools[0].type", "missing_required_parameter", "Missing required parameter: 'tools[0].type'."),
        (
            ask("x", tools=[{"type": "function", "function": {"name": "f"}}]),
            "tools[0].name",
            "missing_required_parameter",
            "Missing required parameter: 'tools[0].name'.",
        ),
        (
            ask("x", tool_choice="bogus"),
            "tool_choice",
            "invalid_value",
            "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'.",
        ),
        (
            ask("x", text={"format": {"type": "bogus"}}),
            "text.format.type",
            "invalid_value",
            "Invalid value: 'bogus'. Supported values are: 'json_object', 'text', and 'json_schema'.",
        ),
        (
            ask([7]),
            "input[0]",
            "invalid_type",
            "Invalid type for 'input[0]': expected an input item, but got an integer instead.",
        ),
        (
            ask([{"role": "bogus", "content": "x"}]),
            "input[0]",
            "invalid_value",
            "Invalid value: 'bogus'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
        ),
        (
            ask([{"role": "user"}]),
            "input[0].content",
            "missing_required_parameter",
            "Missing required parameter: 'input[0].content'.",
        ),
        (
            ask([{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]),
            "input[0].content[0]",
            "invalid_value",
            "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', 'input_file', 'scoped_content', "
            "and 'input_audio'.",
        ),
        (
            ask([{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]),
            "input[0].content[0]",
            "invalid_value",
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        ),
        (
            ask([{"role": "user", "content": [{"type": "bogus", "text": "x"}]}]),
            "input[0].content[0].type",
            "invalid_value",
            "Invalid value: 'bogus'. Supported values are: 'input_text', 'input_image', 'input_audio', 'output_text', 'refusal', "
            "'input_file', 'computer_screenshot', 'summary_text', and 'encrypted_content'.",
        ),
        (
            ask([{"type": "reasoning", "id": "rs_1"}]),
            "input[0].summary",
            "missing_required_parameter",
            "Missing required parameter: 'input[0].summary'.",
        ),
        (
            ask("x", previous_response_id="resp_x", conversation="conv_x"),
            None,
            "mutually_exclusive_parameters",
            "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'pre..._id' or 'conversation'.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusals(mock, body, param, code, message):
    assert refused(mock, body) == (400, param, code, message)


@pytest.mark.parametrize(
    ("id", "code"), [("", "empty_string"), ("rs_" + "0" * 62, "string_above_max_length")], ids=["empty", "long"]
)
def test_lengths_of_item_ids(mock, id, code):
    items = [{"role": "user", "content": "Hello"}, {"type": "reasoning", "id": id, "summary": []}]
    status, param, refusal, message = refused(mock, ask(items))
    assert (status, param, refusal) == (400, "input[1].id", code), message


def test_the_refusal_of_a_chat_body_names_the_new_parameter(mock):
    status, param, code, message = refused(mock, {"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert (status, param, code) == (400, None, "unsupported_parameter")
    assert "has moved to 'input'" in message


def test_get_is_not_allowed(mock):
    answer = httpx.get(f"{mock.url}/responses", trust_env=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_websocket_is_refused_at_once(mock):
    answer = httpx.get(f"{mock.url}/responses", headers={"connection": "Upgrade", "upgrade": "websocket"}, trust_env=False)
    assert answer.status_code == 426
    assert answer.json()["error"]["type"] == "invalid_request_error"

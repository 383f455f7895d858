"""Auto: made-up answers fit the schema and the tools of the request, and come out the same every time."""

from __future__ import annotations

import json
from enum import Enum
from random import Random
from typing import Literal

import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, Field

from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.replies import auto
from openaimock.schema.validate import check
from openaimock.types.ask import Ask, Message, ToolCall
from openaimock.types.reply import Block, Reply

from ..support.wire import events, post, strictly, user

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
CHAT_TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "get_time"}},
]
FLAT_TOOLS = [
    {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True},
    {"type": "function", "name": "get_time", "parameters": None, "strict": False},
]
STRICT_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER, "strict": True}}]
ASKED = {"role": "user", "content": "What is the weather?"}


@pytest.fixture
def mock(serve):
    return serve({"unmatched": "auto", "lint": "error"})


# Text


@pytest.mark.parametrize(
    ("path", "body"), [("/chat/completions", user("Hi")), ("/responses", {"model": "gpt-4o", "input": "Hi"})]
)
def test_without_tools_and_schema_it_is_a_sentence(mock, path, body):
    answer = post(mock, body, path).json()
    text = answer["choices"][0]["message"]["content"] if "choices" in answer else answer["output"][0]["content"][0]["text"]
    assert text.endswith(".")
    assert text.count(" ") > 2


def test_a_rule_may_be_auto_too(serve):
    answer = strictly(ChatCompletion, post(serve([{"id": "made", "when": {}, "reply": {"auto": True}}]), user("Hi")).json())
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"


def test_what_is_written_beside_auto_stays(serve):
    reply = {"auto": True, "reasoning": "Let me see.", "model": "gpt-given", "finish_reason": "length"}
    answer = post(serve([{"id": "made", "when": {}, "reply": reply}]), user("Hi")).json()
    assert (answer["model"], answer["choices"][0]["finish_reason"]) == ("gpt-given", "length")
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize("written", [{"content": "x"}, {"tool_calls": [{"name": "f"}]}, {"refusal": "no"}, {"error": 500}])
def test_auto_beside_an_answer_is_a_problem_at_load(serve, written):
    (name,) = written
    with pytest.raises(ValueError, match=f"'auto' and '{name}' exclude each other"):
        serve([{"id": "made", "when": {}, "reply": {"auto": True, **written}}])


# Structured outputs


class Kind(str, Enum):
    museum = "museum"
    park = "park"


class Stop(BaseModel):
    kind: Kind
    name: str = Field(min_length=2)
    hours: list[int]
    next: Stop | None


class Trip(BaseModel):
    title: str
    currency: Literal["EUR", "NOK"]
    stops: list[Stop]
    budget: float = Field(ge=0, le=1000)
    notes: dict[str, str] | None = None


class StrictTrip(BaseModel):
    title: str
    currency: Literal["EUR", "NOK"]
    stops: list[Stop]
    budget: float = Field(ge=0, le=1000)


def test_chat_parse_gives_a_model_of_nested_models(sdk):
    parsed = sdk.chat.completions.parse(model="gpt-4o", messages=[ASKED], response_format=StrictTrip).choices[0].message.parsed
    assert isinstance(parsed, StrictTrip)


def test_responses_parse_gives_a_model_of_nested_models(sdk):
    assert isinstance(sdk.responses.parse(model="gpt-4o", input="A trip", text_format=StrictTrip).output_parsed, StrictTrip)


def test_a_hundred_answers_fit_a_loose_schema_too(mock):
    schema = Trip.model_json_schema()
    format = {"type": "json_schema", "json_schema": {"name": "trip", "schema": schema}}
    for _ in range(100):
        values = json.loads(post(mock, user("A trip", response_format=format)).json()["choices"][0]["message"]["content"])
        assert check(schema, values) is None


def test_json_mode_gets_an_object(mock):
    answer = post(mock, user("Some JSON, please", response_format={"type": "json_object"})).json()
    assert isinstance(json.loads(answer["choices"][0]["message"]["content"]), dict)


def test_a_streamed_parse(sdk):
    with sdk.chat.completions.stream(model="gpt-4o", messages=[ASKED], response_format=StrictTrip) as stream:
        assert isinstance(stream.get_final_completion().choices[0].message.parsed, StrictTrip)


# Tools


def called(sdk, **more):
    message = sdk.chat.completions.create(model="gpt-4o", messages=[ASKED], tools=CHAT_TOOLS, **more).choices[0].message
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]


def test_the_first_tool_is_called_once_with_arguments_that_fit(sdk):
    ((name, arguments),) = called(sdk)
    assert name == "get_weather"
    assert check(WEATHER, arguments) is None


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["get_weather"]),
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]},
            },
            ["get_time"],
        ),
    ],
)
def test_tool_choice_is_kept_by_chat(sdk, choice, names):
    assert [name for name, _ in called(sdk, tool_choice=choice)] == names


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", ["get_weather"]),
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_time"}, ["get_time"]),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_time"}]}, ["get_time"]),
    ],
)
def test_tool_choice_is_kept_by_responses(sdk, choice, names):
    response = sdk.responses.create(model="gpt-4o", input="Weather?", tools=FLAT_TOOLS, tool_choice=choice)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.name for call in calls] == names
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)


@pytest.mark.parametrize("parallel", [True, False])
def test_calls_in_parallel_are_still_one(sdk, parallel):
    assert len(called(sdk, parallel_tool_calls=parallel)) == 1


def test_a_function_without_parameters_gets_an_empty_object(sdk):
    choice = {"type": "function", "function": {"name": "get_time"}}
    assert called(sdk, tool_choice=choice) == [("get_time", {})]


def test_older_functions_are_called_in_their_way(mock):
    functions = [{"name": "get_weather", "parameters": WEATHER}]
    choice = post(mock, user("Weather?", functions=functions)).json()["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert check(WEATHER, json.loads(choice["message"]["function_call"]["arguments"])) is None


def test_a_custom_tool_gets_a_text(sdk):
    tools = [{"type": "custom", "custom": {"name": "shell"}}]
    completion = sdk.chat.completions.create(model="gpt-4o", messages=[ASKED], tools=tools)
    call = completion.choices[0].message.tool_calls[0]
    assert (call.type, call.custom.name) == ("custom", "shell")
    assert call.custom.input


def test_a_custom_tool_gets_what_its_regex_wants(sdk):
    format = {"type": "grammar", "syntax": "regex", "definition": r"\d{4}-\d{2}"}
    response = sdk.responses.create(model="gpt-4o", input="When?", tools=[{"type": "custom", "name": "month", "format": format}])
    (call,) = response.output
    assert call.type == "custom_tool_call"
    assert len(call.input) == 7
    assert call.input[4] == "-"


def test_tools_that_the_api_runs_itself_are_not_called(sdk):
    response = sdk.responses.create(model="gpt-4o", input="News?", tools=[{"type": "web_search"}])
    assert response.output_text.endswith(".")


def test_pydantic_tools_are_parsed(sdk):
    tools = [openai.pydantic_function_tool(StrictTrip)]
    parsed = sdk.chat.completions.parse(model="gpt-4o", messages=[ASKED], tools=tools, tool_choice="required")
    assert isinstance(parsed.choices[0].message.tool_calls[0].function.parsed_arguments, StrictTrip)


# Loops


@pytest.mark.parametrize(("choice", "names"), [("auto", ["get_weather"]), ("required", ["get_weather", "get_time"])])
def test_a_chat_loop_comes_to_its_end(sdk, choice, names):
    messages, called = [dict(ASKED)], []
    while len(called) < 10:
        completion = sdk.chat.completions.create(model="gpt-4o", messages=messages, tools=CHAT_TOOLS, tool_choice=choice)
        message = completion.choices[0].message
        if not message.tool_calls:
            break
        called += [call.function.name for call in message.tool_calls]
        messages.append(message.to_dict())
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in message.tool_calls]
    assert called == names
    assert message.content


def test_a_responses_loop_comes_to_its_end(sdk):
    response = sdk.responses.create(model="gpt-4o", input="Weather?", tools=FLAT_TOOLS)
    (call,) = response.output
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    last = sdk.responses.create(model="gpt-4o", input=[output], previous_response_id=response.id, tools=FLAT_TOOLS)
    assert last.output_text.endswith(".")


def test_an_answer_after_a_tool_keeps_to_the_schema(sdk):
    messages = [
        ASKED,
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]
    parsed = sdk.chat.completions.parse(model="gpt-4o", messages=messages, tools=STRICT_TOOLS, response_format=StrictTrip)
    assert isinstance(parsed.choices[0].message.parsed, StrictTrip)


def test_the_next_question_calls_again(sdk):
    messages = [
        ASKED,
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
        {"role": "assistant", "content": "Noon."},
        ASKED,
    ]
    assert sdk.chat.completions.create(model="gpt-4o", messages=messages, tools=CHAT_TOOLS).choices[0].message.tool_calls


def test_who_must_always_call_gets_to_the_last_tool():
    """An agent whose results are user messages, and which ends by calling a tool that says so."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("search", "final_answer")]
    talk = [Message("user", "Find it.")]
    names = []
    for _ in range(2):
        ask = Ask("chat", {"tools": tools, "tool_choice": "required"}, talk, tools=("search", "final_answer"))
        (call,) = auto.fill(ask, Reply(auto=True), Random(1)).calls
        names.append(call.name)
        talk = [*talk, Message("assistant", "", (), (call,)), Message("user", "Observation: done")]
    assert names == ["search", "final_answer"]


# The same every time


FIXED = {"unmatched": "auto", "clock": "2026-01-02T03:04:05Z"}
REQUESTS = [
    user("Hi"),
    user("A trip", response_format={"type": "json_schema", "json_schema": {"name": "trip", "schema": Trip.model_json_schema()}}),
    user("Weather?", tools=CHAT_TOOLS),
]


def test_one_seed_gives_the_same_bytes(serve):
    one, two = ([post(mock, body).content for body in REQUESTS] for mock in (serve(FIXED), serve(FIXED)))
    assert one == two


def test_another_seed_gives_others(serve):
    one, two = (post(serve({**FIXED, "seed": seed}), REQUESTS[1]).json() for seed in (1, 2))
    assert one["choices"][0]["message"] != two["choices"][0]["message"]


def test_a_stream_says_what_the_whole_says(serve):
    whole = post(serve(FIXED), REQUESTS[1]).json()["choices"][0]["message"]["content"]
    streamed = events(post(serve(FIXED), {**REQUESTS[1], "stream": True}).text)[:-1]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in streamed) == whole


def test_a_streamed_call_is_the_whole_call(serve):
    whole = post(serve(FIXED), REQUESTS[2]).json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    streamed = events(post(serve(FIXED), {**REQUESTS[2], "stream": True}).text)[:-1]
    calls = [call for chunk in streamed for call in chunk["choices"][0]["delta"].get("tool_calls") or ()]
    assert "".join(call["function"]["arguments"] for call in calls) == whole


# Elsewhere


def test_other_endpoints_make_their_own_answers():
    reply = Reply(auto=True)
    assert auto.fill(Ask("embeddings", {"input": "x"}), reply, Random(1)) is reply


def test_a_reply_that_says_something_is_left_alone():
    reply = Reply(blocks=(Block("tool_call", call=ToolCall("f", "{}")),), auto=True)
    assert auto.fill(Ask("chat", {}), reply, Random(1)) is reply


def test_a_format_without_a_schema_gets_an_object():
    ask = Ask("chat", {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}})
    assert isinstance(json.loads(auto.fill(ask, Reply(auto=True), Random(1)).text), dict)


@pytest.mark.parametrize("parameters", [{}, True, {"type": "string"}, {"$ref": "#/nowhere"}])
def test_arguments_are_an_object_whatever_the_schema_says(parameters):
    ask = Ask("responses", {"tools": [{"type": "function", "name": "f", "parameters": parameters}]})
    (call,) = auto.fill(ask, Reply(auto=True), Random(1)).calls
    assert isinstance(json.loads(call.arguments), dict)


def test_the_same_request_gets_the_same_text_whatever_came_before(serve):
    mock = serve({"unmatched": "auto", "responses": []})
    first = post(mock, user("go")).json()["choices"][0]["message"]["content"]
    post(mock, user("other"))
    assert post(mock, user("go")).json()["choices"][0]["message"]["content"] == first
    streamed = events(post(mock, user("go", stream=True, stream_options={"include_usage": True})).text)
    pieces = [choice["delta"].get("content") or "" for event in streamed if event != "[DONE]" for choice in event["choices"]]
    assert "".join(pieces) == first
    assert post(mock, user("go", seed=1)).json()["choices"][0]["message"]["content"] != first


async def reply_later(ask):
    return "x"


def test_an_async_function_is_refused_at_load():
    with pytest.raises(ConfigError, match=r"a reply function cannot be async"):
        load({"responses": [{"when": {}, "reply": reply_later}]})

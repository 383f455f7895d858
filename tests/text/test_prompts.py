"""Tokens of whole prompts and replies, alone and as a server reports them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openai import OpenAI

from openaimock.params import model_families, model_media
from openaimock.params.model_facts import Family
from openaimock.params.models import family
from openaimock.text import definitions, images, prompts, tokens
from openaimock.text.facts import Tiles
from openaimock.text.prompts import Context, ReplyParts
from tests.conftest import Serve

HELLO = {"role": "user", "content": "Hello"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    },
}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False}


def chat(*messages: Any, model: str = "gpt-4o", **more: Any) -> int:
    return prompts.count_chat({"messages": list(messages), **more}, family(model))


def items(*conversation: Any, model: str = "gpt-5", **more: Any) -> int:
    return prompts.count_items(list(conversation), more, family(model))


# Families


@pytest.mark.parametrize(
    ("prompt", "models"),
    [
        ("older", "gpt-4 gpt-4-turbo-2024-04-09 gpt-3.5-turbo ft:gpt-3.5-turbo:acme::x"),
        ("current", "gpt-4o gpt-4o-mini gpt-4.1-nano-2025-04-14 gpt-4.5-preview gpt-5-chat-latest openai/gpt-4o mine"),
        ("search", "gpt-4o-search-preview gpt-4o-mini-search-preview-2025-03-11"),
        ("o", "o1 o1-mini o3-mini-2025-01-31 o4-mini codex-mini-latest computer-use-preview"),
        ("gpt-5", "gpt-5 gpt-5-mini-2025-08-07 gpt-5-nano gpt-5-pro"),
        ("later", "gpt-5.1 gpt-5.2-2025-12-11 gpt-5.4-nano gpt-5.6-sol gpt-6-astra"),
    ],
)
def test_the_model_table_says_how_prompts_are_written(prompt: str, models: str) -> None:
    assert {family(model).prompt for model in models.split()} == {prompt}


@pytest.mark.parametrize("row", [*model_families.FAMILIES, *model_media.FAMILIES], ids=lambda row: row.names.split()[0])
def test_every_model_has_a_wrapping_for_both_endpoints(row: Family) -> None:
    assert {(row.model.prompt, "chat"), (row.model.prompt, "responses")} <= prompts.WRAPPINGS.keys()


# Messages


@pytest.mark.parametrize(
    ("model", "tokens"), [("gpt-4o", 8), ("gpt-4", 8), ("gpt-5", 7), ("o3", 7), ("gpt-5.4", 7), ("gpt-4o-search-preview", 1)]
)
def test_one_short_message_costs_what_the_api_says(model: str, tokens: int) -> None:
    assert chat(HELLO, model=model) == tokens
    assert items(HELLO, model=model) == tokens


def test_messages_add_up() -> None:
    conversation = [{"role": "system", "content": "Hello"}, HELLO, {"role": "assistant", "content": "Hello"}, HELLO]
    assert chat(*conversation) == 3 + 4 * 5
    # An answer of a model that reasons has its channel in addition.
    assert chat(*conversation, model="gpt-5") == items(*conversation) == 2 + 4 * 5 + 2


def test_instructions_are_a_message() -> None:
    assert items(HELLO, instructions="Hello") == items(HELLO, HELLO)


def test_a_name_costs_one_more_than_its_text() -> None:
    assert chat({**HELLO, "name": "Ann"}) - chat(HELLO) == tokens.count("Ann") + 1


@pytest.mark.parametrize("content", [None, "", []])
def test_a_message_may_have_no_content(content: Any) -> None:
    assert chat({"role": "assistant", "content": content}) == 7


def test_texts_of_parts_are_counted() -> None:
    parts = [{"type": "text", "text": "Hello there"}, {"type": "refusal", "refusal": "No, thanks"}]
    assert chat({"role": "assistant", "content": parts}) == 7 + tokens.count("Hello there") + tokens.count("No, thanks")
    pieces = [{"type": "input_text", "text": "Hello there"}]
    assert items({"role": "user", "content": pieces}) == 6 + tokens.count("Hello there")


def test_images_of_either_api_cost_by_their_detail() -> None:
    address = "https://example.com/a.png"
    for detail in ("low", "high"):
        flat = {"type": "input_image", "image_url": address, "detail": detail}
        inner = {"type": "image_url", "image_url": {"url": address, "detail": detail}}
        cost = images.count(address, detail, Tiles(85, 170))
        assert chat({"role": "user", "content": [inner]}) == 7 + cost
        assert items({"role": "user", "content": [flat]}, model="gpt-4o") == 7 + cost


def test_an_image_of_a_stored_file_costs_something() -> None:
    assert items({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}, model="gpt-4o") > 85


def test_files_and_sounds_cost_something() -> None:
    file = {"type": "file", "file": {"file_id": "file-1"}}
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 64_000, "format": "mp3"}}
    assert chat({"role": "user", "content": [file]}) > 100
    assert chat({"role": "user", "content": [sound]}) == 7 + 40


# Calls


def test_a_call_and_its_result_name_the_function() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"word":"tea"}'}}
    both = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Hot"},
    ]
    pieces = 2 * tokens.count("look_up") + tokens.count('{"word":"tea"}') + tokens.count("Hot")
    assert chat(HELLO, *both) - chat(HELLO) == pieces + 13
    assert chat(HELLO, *both, model="gpt-5") - chat(HELLO, model="gpt-5") == pieces + 19


def test_a_call_of_the_responses_api_costs_about_the_same() -> None:
    both = [
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"word":"tea"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "Hot"}]},
    ]
    pieces = 2 * tokens.count("look_up") + tokens.count('{"word":"tea"}') + tokens.count("Hot")
    assert items(HELLO, *both) - items(HELLO) == pieces + 20


def test_a_custom_call_costs_its_input() -> None:
    call = {"id": "call_1", "type": "custom", "custom": {"name": "run", "input": "print(1)"}}
    costs = chat(HELLO, {"role": "assistant", "tool_calls": [call]}) - chat(HELLO)
    assert costs == 6 + tokens.count("run") + tokens.count("print(1)")


def test_a_function_call_of_before_tools_costs_the_same() -> None:
    call = {"name": "look_up", "arguments": "{}"}
    new = [
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "1"},
    ]
    assert chat({"role": "assistant", "function_call": call}, {"role": "function", "name": "look_up"}) == chat(*new)


def test_calls_made_at_once_cost_more_than_calls_in_turn() -> None:
    calls = [{"type": "function_call", "call_id": str(at), "name": "f", "arguments": "{}"} for at in range(2)]
    results = [{"type": "function_call_output", "call_id": str(at), "output": ""} for at in range(2)]
    in_turn = items(calls[0], results[0], calls[1], results[1])
    assert items(*calls, *results) == in_turn + 10


# Items


def test_reasoning_is_shown_again_until_the_user_speaks() -> None:
    reasoning = {"type": "reasoning", "summary": [], "encrypted_content": "x" * 2940}
    assert items(HELLO, reasoning) == items(HELLO) + 320
    assert items(HELLO, reasoning, HELLO) == items(HELLO, HELLO)


def test_what_was_compacted_is_not_shown_again() -> None:
    compaction = {"type": "compaction", "encrypted_content": "x" * 1940}
    assert items(HELLO, HELLO, compaction, HELLO) == items(HELLO) + 160


def test_what_hosted_tools_did_is_shown_again() -> None:
    ran = {"type": "code_interpreter_call", "code": "print(1 + 1)", "outputs": None}
    listed = {"type": "mcp_list_tools", "tools": [{"name": "look_up"}]}
    assert items(HELLO, ran, listed) > items(HELLO) + tokens.count("print(1 + 1)")


def test_what_a_shell_and_a_screen_gave_back_is_counted() -> None:
    streams = {"type": "shell_call_output", "call_id": "1", "output": [{"stdout": "Hello", "stderr": "", "outcome": {}}]}
    screen = {"type": "computer_call_output", "call_id": "2", "output": {"type": "computer_screenshot", "image_url": "data:,"}}
    assert items(HELLO, streams) == items(HELLO) + 10 + tokens.count("Hello")
    assert items(HELLO, screen) == items(HELLO) + 10 + images.count("", "", family("gpt-5").image)


def test_functions_that_a_search_loaded_are_counted() -> None:
    loaded = {"type": "tool_search_output", "tools": [{"type": "function", **TOOL["function"]}]}  # type: ignore[dict-item]
    assert items(HELLO, loaded) > items(HELLO) + 50


@pytest.mark.parametrize("item", [{"type": "not_known_yet"}, {"type": "mcp_call"}, {"type": "reasoning"}, {"type": "program"}])
def test_any_item_has_a_count(item: dict[str, Any]) -> None:
    assert items(HELLO, item) >= items(HELLO)


# Tools and schemas


def test_tools_of_the_cookbook_cost_what_the_api_says() -> None:
    system = {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."}
    question = {"role": "user", "content": "What's the weather like in San Francisco?"}
    for model, charged in {"gpt-4o": 101, "gpt-4": 105}.items():
        assert chat(system, question, model=model, tools=[TOOL]) == pytest.approx(charged, rel=0.05)


def test_functions_of_before_tools_cost_the_same() -> None:
    assert chat(HELLO, functions=[TOOL["function"]]) == chat(HELLO, tools=[TOOL])


def test_tools_need_a_system_message() -> None:
    system = {"role": "system", "content": "Hello"}
    alone, beside = chat(HELLO, tools=[TOOL]) - chat(HELLO), chat(system, HELLO, tools=[TOOL]) - chat(system, HELLO)
    assert alone - beside == 4


def test_a_later_model_is_told_to_call_one_at_a_time() -> None:
    flat = {"type": "function", **TOOL["function"]}  # type: ignore[dict-item]
    assert items(HELLO, tools=[flat], parallel_tool_calls=False) == items(HELLO, tools=[flat]) + prompts.ONE_AT_A_TIME
    assert items(HELLO, parallel_tool_calls=False) == items(HELLO)


def test_a_schema_costs_its_text() -> None:
    person = {"name": "person", "schema": SCHEMA}
    text = definitions.count_schema(person, "o200k_base")
    request = {"type": "json_schema", "json_schema": person}
    assert chat(HELLO, response_format=request) == chat(HELLO) + text + 8
    flat = {"format": {"type": "json_schema", **person}}
    assert items(HELLO, text=flat) == items(HELLO) + text


@pytest.mark.parametrize("format", [{"type": "text"}, {"type": "json_object"}])
def test_other_formats_cost_nothing(format: dict[str, str]) -> None:
    assert chat(HELLO, response_format=format) == chat(HELLO)
    assert items(HELLO, text={"format": format}) == items(HELLO)


def test_hosted_calls_cost_the_results_that_the_model_reads() -> None:
    searched = [{"type": "web_search_call"}]
    counts = [prompts.count_hosted_calls(searched * times, [{"type": "web_search"}], family("gpt-5")) for times in (0, 1, 2)]
    assert counts[0] == 0 and counts[2] == 2 * counts[1] > 1000
    assert prompts.count_hosted_calls(searched, [{"type": "web_search_preview"}], family("gpt-4o")) == 0
    assert prompts.count_hosted_calls(searched, [{"type": "web_search"}], family("gpt-4.1")) > 10_000


# Replies


@pytest.mark.parametrize(
    ("model", "endpoint", "more"),
    [("gpt-4o", "chat", 0), ("gpt-4o", "responses", 1), ("gpt-5", "chat", 9), ("gpt-5.4", "chat", 3), ("gpt-5", "responses", 4)],
)
def test_a_text_costs_what_ends_it_too(model: str, endpoint: str, more: int) -> None:
    assert prompts.count_reply(ReplyParts(["Hello"]), family(model), endpoint) == 1 + more


@pytest.mark.parametrize(
    ("model", "endpoint", "more"),
    [("gpt-4o", "chat", 7), ("gpt-4o", "responses", 8), ("gpt-5", "chat", 16), ("gpt-5", "responses", 11)],
)
def test_a_call_costs_what_wraps_it(model: str, endpoint: str, more: int) -> None:
    call = ("look_up", '{"word":"tea"}')
    assert prompts.count_reply(ReplyParts(calls=[call]), family(model), endpoint) == sum(map(tokens.count, call)) + more


def test_calls_at_once_cost_more_each() -> None:
    single, two, three = (
        prompts.count_reply(ReplyParts(calls=[("f", "")] * many), family("gpt-4o"), "chat") for many in (1, 2, 3)
    )
    assert two > 2 * single and three - two == 12


def test_a_reply_beside_tools_or_to_a_schema_costs_more() -> None:
    hello = ReplyParts(["Hello"])
    assert prompts.count_reply(hello, family("gpt-4o"), "chat", Context(tools=True)) == 2
    assert prompts.count_reply(hello, family("gpt-5.4"), "chat", Context(schema=True)) == 8


def test_an_empty_reply_costs_nothing() -> None:
    assert prompts.count_reply(ReplyParts(), family("gpt-5"), "chat") == 0


# As a server reports them

Client = Callable[..., OpenAI]
CALL = {"id": "c", "when": {}, "reply": {"tool_calls": [{"name": "look_up", "arguments": {"word": "tea"}}]}}
TEXT = {"id": "t", "when": {}, "reply": "Hello"}


def test_chat_reports_calls_and_tools(serve: Serve, client: Client) -> None:
    request: Any = {"model": "gpt-4o", "messages": [HELLO], "tools": [TOOL]}
    usage = client(serve([CALL])).chat.completions.create(**request).usage
    assert usage is not None
    assert usage.prompt_tokens == chat(HELLO, tools=[TOOL])
    assert usage.completion_tokens == tokens.count("look_up") + tokens.count('{"word":"tea"}') + 7
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_stream_reports_what_a_whole_answer_does(serve: Serve, client: Client) -> None:
    request: Any = {"model": "gpt-4o", "messages": [HELLO], "tools": [TOOL]}
    completions = client(serve([CALL])).chat.completions
    *_, last = completions.create(stream=True, stream_options={"include_usage": True}, **request)
    assert last.usage == completions.create(**request).usage


def test_responses_report_images_and_earlier_items(serve: Serve, client: Client) -> None:
    responses = client(serve([TEXT])).responses
    image = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}
    request: Any = [{"role": "user", "content": [image]}]
    first = responses.create(model="gpt-4o", input=request)
    second = responses.create(model="gpt-4o", input="Hello", previous_response_id=first.id)
    assert first.usage is not None and second.usage is not None
    assert first.usage.input_tokens == 3 + 4 + 425
    assert first.usage.output_tokens == 2
    assert second.usage.input_tokens == first.usage.input_tokens + 5 + 5


def test_counting_says_what_a_response_will_report(serve: Serve, client: Client) -> None:
    responses = client(serve([TEXT])).responses
    request: Any = {
        "model": "gpt-5",
        "input": "Hello",
        "instructions": "Be kind.",
        "tools": [{"type": "function", **TOOL["function"]}],
    }  # type: ignore[dict-item]
    usage = responses.create(**request).usage
    assert usage is not None and responses.input_tokens.count(**request).input_tokens == usage.input_tokens


@pytest.mark.parametrize("limit", [16, 20])
def test_no_answer_costs_more_than_its_limit(serve: Serve, client: Client, limit: int) -> None:
    long = {"id": "l", "when": {}, "reply": {"tool_calls": [{"name": "look_up", "arguments": {"word": "tea " * 12}}]}}
    api = client(serve([long]))
    messages: Any = [HELLO]
    usage = api.chat.completions.create(model="gpt-4o", messages=messages, max_completion_tokens=limit).usage
    assert usage is not None and usage.completion_tokens == limit
    response = api.responses.create(model="gpt-4o", input="Hello", max_output_tokens=limit)
    assert response.usage is not None and response.usage.output_tokens == limit

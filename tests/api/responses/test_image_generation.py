"""The tool ``image_generation`` of the Responses API: pictures of a rule, and drawn ones."""

from __future__ import annotations

import base64
import io

import openai
import pytest
from openai.types.responses import Response
from PIL import Image

from ...support.answers import ask, respond, stream
from ...support.wire import post

CALL = {"type": "image_generation_call"}
RULES = [
    {"when": {"user": "draw"}, "reply": {"blocks": [{"item": CALL}, {"text": "Here."}]}},
    {"when": {"user": "given"}, "reply": {"image": {"b64": "aGk="}, "content": "Here."}},
    {"when": {"user": "both"}, "reply": {"image": {"b64": "aGk="}, "blocks": [{"text": "See:"}, {"item": CALL}]}},
    {"when": {"user": "address"}, "reply": {"image": {"url": "http://127.0.0.1/x.png"}}},
    {"when": {"user": "failed"}, "reply": {"blocks": [{"item": {**CALL, "status": "failed", "result": None}}]}},
    {"when": {"user": "text"}, "reply": "Only words."},
]


@pytest.fixture
def mock(serve):
    return serve({"responses": RULES, "unmatched": "auto"})


def tool(**options):
    return {"type": "image_generation", **options}


def kinds(response):
    return [item["type"] for item in response["output"]]


def picture(item):
    return Image.open(io.BytesIO(base64.b64decode(item["result"])))


def test_a_call_without_a_result_is_drawn_as_the_tool_asks(mock):
    options = {"size": "1536x1024", "quality": "low", "background": "transparent"}
    response = respond(mock, ask("draw", tools=[tool(**options)]))
    call, message = response["output"]
    assert (picture(call).format, picture(call).size, picture(call).mode) == ("PNG", (1536, 1024), "RGBA")
    assert {name: call[name] for name in options} == options
    assert (call["status"], call["action"], call["output_format"], call["revised_prompt"]) == (
        "completed", "generate", "png", "draw",
    )  # fmt: skip
    assert message["content"][0]["text"] == "Here."
    assert Response.model_validate(response).output[0].result == call["result"]


def test_the_tokens_of_a_picture_are_in_the_usage_of_tools(mock):
    usage = respond(mock, ask("draw", tools=[tool()]))["tool_usage"]["image_gen"]
    assert (usage["output_tokens"], usage["output_tokens_details"]["image_tokens"]) == (1056, 1056)
    assert usage["total_tokens"] == usage["input_tokens"] + 1056
    assert respond(mock, ask("text", tools=[tool()]))["tool_usage"]["image_gen"]["total_tokens"] == 0


def test_the_image_of_a_reply_is_the_result(mock):
    given = respond(mock, ask("given", tools=[tool()]))
    assert (kinds(given), given["output"][0]["result"]) == (["image_generation_call", "message"], "aGk=")
    both = respond(mock, ask("both"))
    assert (kinds(both), both["output"][1]["result"]) == (["message", "image_generation_call"], "aGk=")


def test_a_text_of_a_rule_gets_no_picture(mock):
    assert kinds(respond(mock, ask("text", tools=[tool()]))) == ["message"]


def test_a_failed_call_has_no_picture(mock):
    (call,) = respond(mock, ask("failed", tools=[tool()]))["output"]
    assert (call["status"], call["result"]) == ("failed", None)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ["image_generation_call", "message"]),
        ("required", ["image_generation_call", "message"]),
        ({"type": "image_generation"}, ["image_generation_call", "message"]),
        ({"type": "allowed_tools", "mode": "auto", "tools": [tool()]}, ["image_generation_call", "message"]),
        ("none", ["message"]),
    ],
)
def test_a_generated_reply_draws_when_the_choice_of_tools_allows_it(mock, choice, expected):
    assert kinds(respond(mock, ask("a fox", tools=[tool()], tool_choice=choice))) == expected


def test_a_generated_reply_calls_a_function_first(mock):
    function = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    assert kinds(respond(mock, ask("a fox", tools=[tool(), function]))) == ["function_call"]


def test_a_generated_reply_has_no_picture_in_a_format_that_is_not_drawn(mock):
    tools = [tool(output_format="jpeg")]
    assert kinds(respond(mock, ask("a fox", tools=tools))) == ["message"]
    error = post(mock, ask("a fox", tools=tools, tool_choice={"type": "image_generation"}), "/responses").json()["error"]
    assert error["code"] == "unsupported_output_format"


@pytest.mark.parametrize(
    ("text", "options", "param", "code"),
    [
        ("draw", {"size": "99999x99999"}, "tools[0].size", "invalid_value"),
        ("draw", {"quality": "best"}, "tools[0].quality", "invalid_value"),
        ("address", {}, None, "no_image_bytes"),
    ],
)
def test_a_picture_that_cannot_be_made_is_an_error(mock, client, text, options, param, code):
    with pytest.raises(openai.BadRequestError) as caught:
        client(mock).responses.create(**ask(text, tools=[tool(**options)]))
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_stream_has_the_partial_images_that_the_tool_asks_for(mock, client):
    received = stream(mock, ask("draw", tools=[tool(partial_images=2)]))
    names = [event["type"].removeprefix("response.image_generation_call.") for event in received]
    assert names[3:8] == ["in_progress", "generating", "partial_image", "partial_image", "completed"]
    done = next(event["item"] for event in received if event["type"] == "response.output_item.done")
    partials = [event for event in received if event["type"].endswith("partial_image")]
    assert [event["partial_image_index"] for event in partials] == [0, 1]
    assert partials[0]["size"] == done["size"] == "1024x1024"
    assert received[0]["response"]["tool_usage"]["image_gen"]["total_tokens"] == 0
    assert received[-1]["response"]["tool_usage"]["image_gen"]["output_tokens"] == 1056
    with client(mock).responses.stream(**ask("draw", tools=[tool()])) as events:
        assert events.get_final_response().output[0].result == done["result"]


def test_the_next_request_can_refer_to_the_picture(mock, client):
    first = client(mock).responses.create(**ask("draw", tools=[tool()]))
    second = client(mock).responses.create(**ask("text", previous_response_id=first.id))
    assert second.output_text == "Only words."
    again = client(mock).responses.create(model="gpt-4o", input=[{"type": "image_generation_call", "id": first.output[0].id,
                                          "status": "completed", "result": first.output[0].result},
                                          {"role": "user", "content": "text"}])  # fmt: skip
    assert again.output_text == "Only words."

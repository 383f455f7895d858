"""Streamed responses: the order and content of events, and their equality with the whole response."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from ...support.answers import ask, checked, kinds, same, stream
from ...support.wire import post
from .test_create import RULES, TEXT


@pytest.fixture
def mock(serve):
    return serve([*RULES, {"id": "emoji", "when": {"user": "emoji"}, "reply": 'Grüße 👩‍👩‍👧 你好 \n\n\t"quoted" \\ end'}])


def test_the_events_of_a_text(mock):
    assert kinds(stream(mock, ask("Hello"))) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip


def test_the_events_of_reasoning_come_before_the_text(mock):
    assert kinds(stream(mock, ask("think")))[2:8] == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done",
        "reasoning_summary_part.done", "output_item.done",
    ]  # fmt: skip


def test_the_events_of_a_refusal(mock):
    assert kinds(stream(mock, ask("bad")))[3:7] == ["content_part.added", "refusal.delta", "refusal.done", "content_part.done"]


def test_the_events_of_a_function_call(mock):
    received = stream(mock, ask("weather"))
    assert kinds(received)[2:-1] == [
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
    ]  # fmt: skip
    added = received[2]["item"]
    assert (added["name"], added["arguments"], added["status"]) == ("get_weather", "", "in_progress")


def test_the_events_of_a_custom_tool_call(mock):
    assert kinds(stream(mock, ask("custom")))[2:-1] == [
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done",
    ]  # fmt: skip


def test_an_annotation_follows_the_text_that_it_marks(mock):
    received = stream(mock, ask("cite"))
    assert kinds(received)[3:-3] == [
        "content_part.added", "output_text.delta", "output_text.annotation.added", "output_text.delta",
        "output_text.annotation.added", "output_text.delta", "output_text.done",
    ]  # fmt: skip
    added = [event for event in received if event["type"].endswith("annotation.added")]
    assert [event["annotation_index"] for event in added] == [0, 1]
    assert added[1]["annotation"]["url"] == "https://b.example"


def test_the_response_is_empty_until_it_is_completed(mock):
    first, second, *_, last = stream(mock, ask("Hello"))
    for event in (first, second):
        response = event["response"]
        assert (response["status"], response["output"], response["usage"]) == ("in_progress", [], None)
        assert (response["completed_at"], response["service_tier"]) == (None, "auto")
    assert last["response"]["usage"]["output_tokens"] > 0
    assert last["response"]["output"][0]["content"][0]["text"] == TEXT


@pytest.mark.parametrize("text", ["Hello", "emoji", "think", "bad", "cite", "weather", "both", "custom", "mixed", "empty"])
def test_a_stream_ends_with_the_whole_response(mock, text):
    streamed = stream(mock, ask(text))[-1]["response"]
    assert same(streamed) == same(post(mock, ask(text), "/responses").json())


@pytest.mark.parametrize("text", ["Hello", "emoji", "mixed", "both", "custom", "think", "bad"])
def test_deltas_join_to_what_is_done(mock, text):
    joined: dict[tuple, str] = {}
    for event in stream(mock, ask(text)):
        kind, _, step = event["type"].rpartition(".")
        key = (kind, event.get("item_id"), event.get("content_index"), event.get("summary_index"))
        if step == "delta":
            joined[key] = joined.get(key, "") + event["delta"]
        elif step == "done" and key in joined:
            assert joined.pop(key) in (event.get("text"), event.get("refusal"), event.get("arguments"), event.get("input"))
    assert not joined


def test_indexes_and_ids_lead_to_the_output(mock):
    received = stream(mock, ask("mixed"))
    output = received[-1]["response"]["output"]
    for event in received[2:-1]:
        item = output[event["output_index"]]
        assert item["id"] == (event["item"]["id"] if "item" in event else event["item_id"])
    done = [event for event in received if event["type"] == "response.output_item.done"]
    assert [event["item"] for event in done] == output


def test_the_last_event_of_a_response_that_was_cut(serve):
    mock = serve([{"when": {"user": "count"}, "reply": "one two three four five six seven eight nine ten " * 5}])
    last = stream(mock, ask("count", max_output_tokens=16))[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_failure_has_two_events(mock):
    *_, error, last = stream(mock, ask("fail"))
    assert (error["type"], error["code"], error["message"], error["param"]) == ("error", "rate_limit_exceeded", "Too fast.", None)
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Too fast."}


def test_logprobs_are_beside_their_tokens(mock):
    received = stream(mock, ask("Hello", include=["message.output_text.logprobs"], top_logprobs=2))
    deltas = [event for event in received if event["type"] == "response.output_text.delta"]
    assert all("".join(each["token"] for each in event["logprobs"]) == event["delta"] for event in deltas)
    done = next(event for event in received if event["type"] == "response.output_text.done")
    assert [each["token"] for each in done["logprobs"]] == [event["delta"] for event in deltas]


def test_log_probabilities_have_bytes_and_are_in_the_item_only(mock):
    received = stream(mock, ask("Hello", include=["message.output_text.logprobs"], top_logprobs=1))
    delta = next(event for event in received if event["type"] == "response.output_text.delta")
    assert delta["logprobs"][0]["bytes"] == list(delta["delta"].encode())
    part = next(event["part"] for event in received if event["type"] == "response.content_part.done")
    item = next(event["item"] for event in received if event["type"] == "response.output_item.done")
    assert (part["logprobs"], len(item["content"][0]["logprobs"]) > 1) == ([], True)


def test_obfuscation_only_on_request(mock):
    plain = post(mock, ask("Hello", stream=True), "/responses").text
    hidden = post(mock, ask("Hello", stream=True, stream_options={"include_obfuscation": True}), "/responses").text
    assert "obfuscation" not in plain
    assert hidden.count('"obfuscation":"') == hidden.count("event: response.output_text.delta")


def test_pace_cuts_the_text(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "one two three", "pace": {"chunks": ["one ", "two "]}}}])
    deltas = [event["delta"] for event in stream(mock, ask("x")) if event["type"] == "response.output_text.delta"]
    assert deltas == ["one ", "two ", "three"]


def test_logprobs_with_pieces_of_another_size(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "one two three", "pace": {"chunk": 2}}}])
    received = stream(mock, ask("x", include=["message.output_text.logprobs"]))
    tokens = [each["token"] for event in received if event["type"].endswith("text.delta") for each in event["logprobs"]]
    assert "".join(tokens) == "one two three"


def test_accept_does_not_decide(mock):
    answer = post(mock, ask("Hello", stream=True), "/responses", headers={"accept": "application/json"})
    assert answer.text.startswith("event: response.created\n")
    assert "[DONE]" not in answer.text


def test_an_error_event_in_the_middle(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "one two", "fault": {"kind": "error_event", "after": 5}}}])
    received = checked(post(mock, ask("x", stream=True), "/responses").text)
    assert [event["sequence_number"] for event in received] == list(range(7))
    assert [event["type"] for event in received[-2:]] == ["error", "response.failed"]
    assert received[-1]["response"]["error"]["code"] == "server_error"


# The official client


def test_the_stream_helper(mock, client):
    with client(mock).responses.stream(**ask("mixed")) as events:
        final = events.until_done().get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "reasoning", "message"]
    assert final.output_text == "One. Two.Three."


class Weather(BaseModel):
    city: str
    degrees: int


def test_the_stream_helper_parses(mock, client):
    with client(mock).responses.stream(**ask("Oslo?"), text_format=Weather) as events:
        assert events.get_final_response().output_parsed == Weather(city="Oslo", degrees=7)


def test_the_stream_helper_parses_arguments(mock, client):
    tools = [{"type": "function", "name": "get_weather", "strict": True, "parameters": {"type": "object", "properties": {}}}]
    with client(mock).responses.stream(**ask("weather"), tools=tools) as events:
        (call,) = events.get_final_response().output
    assert call.parsed_arguments == {"city": "SF"}


def test_the_asynchronous_client(mock, async_client):
    async def text():
        async with async_client(mock) as sdk:
            events = await sdk.responses.create(**ask("Hello"), stream=True)
            return "".join([event.delta async for event in events if event.type == "response.output_text.delta"])

    assert asyncio.run(text()) == TEXT


# Byte for byte


def test_golden_events(serve):
    config = {"responses": [{"when": {"user": "Hello"}, "reply": "Hi"}], "clock": "2026-01-02T03:04:05Z", "seed": 7}
    text = post(serve(config), ask("Hello", stream=True), "/responses").text
    id = text.partition('"item_id":"')[2].partition('"')[0]
    assert len(id) == len("msg_") + 50
    assert text.partition("event: response.output_item.added\n")[2].partition("event: response.completed\n")[0] == (
        'data: {"type":"response.output_item.added","item":{"id":"ID","type":"message","status":"in_progress","role":"assistant",'
        '"content":[]},"output_index":0,"sequence_number":2}\n\n'
        "event: response.content_part.added\n"
        'data: {"type":"response.content_part.added","content_index":0,"item_id":"ID","output_index":0,"part":'
        '{"type":"output_text","annotations":[],"logprobs":[],"text":""},"sequence_number":3}\n\n'
        "event: response.output_text.delta\n"
        'data: {"type":"response.output_text.delta","content_index":0,"delta":"Hi","item_id":"ID","logprobs":[],'
        '"output_index":0,"sequence_number":4}\n\n'
        "event: response.output_text.done\n"
        'data: {"type":"response.output_text.done","content_index":0,"item_id":"ID","logprobs":[],"output_index":0,'
        '"text":"Hi","sequence_number":5}\n\n'
        "event: response.content_part.done\n"
        'data: {"type":"response.content_part.done","content_index":0,"item_id":"ID","output_index":0,"part":'
        '{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"},"sequence_number":6}\n\n'
        "event: response.output_item.done\n"
        'data: {"type":"response.output_item.done","item":{"id":"ID","type":"message","status":"completed","role":"assistant",'
        '"content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"}]},"output_index":0,"sequence_number":7}\n\n'
    ).replace("ID", id)

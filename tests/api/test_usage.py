"""The ``usage`` of a rule, with the names of either API, in the answers of every endpoint that has one."""

from __future__ import annotations

import json

import pytest

from ..support.answers import ask, respond, stream
from ..support.wire import events, post, user

CHAT = {"prompt_tokens": 1000, "completion_tokens": 80, "prompt_tokens_details": {"cached_tokens": 900}}
RESPONSES = {"input_tokens": 1000, "output_tokens": 80, "input_tokens_details": {"cached_tokens": 900}}


@pytest.fixture(params=[CHAT, RESPONSES], ids=["chat", "responses"])
def mock(serve, request):
    return serve([{"when": {}, "reply": {"content": "hi", "usage": request.param}}])


def test_chat(mock):
    body = user("Hello", stream=True, stream_options={"include_usage": True})
    streamed = [event for event in events(post(mock, body).text) if event != "[DONE]" and event["usage"]]
    for usage in (post(mock, user("Hello")).json()["usage"], streamed[-1]["usage"]):
        assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (1000, 80, 1080)
        assert usage["prompt_tokens_details"]["cached_tokens"] == 900
        assert not any(name.startswith(("input_", "output_")) for name in usage)


def test_responses(mock):
    for response in (respond(mock, ask("Hello")), stream(mock, ask("Hello"))[-1]["response"]):
        usage = response["usage"]
        assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (1000, 80, 1080)
        assert usage["input_tokens_details"] == {"cache_write_tokens": 0, "cached_tokens": 900}


def test_completions(mock):
    body = {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}
    usage = post(mock, body, "/completions").json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (1000, 80, 1080)


def test_further_members_are_sent(serve):
    mock = serve([{"when": {}, "reply": {"content": "hi", "usage": {"cost": 0.5}}}])
    assert post(mock, user("Hello")).json()["usage"]["cost"] == 0.5
    assert json.loads(post(mock, ask("Hello"), "/responses").text)["usage"]["cost"] == 0.5

"""The prompt cache: ``cached_tokens`` of the longest prefix that was seen before, from 1,024 tokens on in steps of 128."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.api import prompt_cache
from openaimock.config.load import load
from openaimock.params.models import overlay

from ..support.wire import events, post

#: A text of 1,500 tokens, and one that begins like it for 1,200.
LONG = " ".join("word" for _ in range(1500))
BRANCH = " ".join(["word"] * 1200 + ["other"] * 300)
MODEL = "gpt-4o"


@pytest.fixture(scope="module")
def shared():
    from openaimock import start_mock_server

    with start_mock_server({"prompt_cache": True, "unmatched": "echo"}) as mock:
        yield mock


@pytest.fixture
def mock(shared):
    shared.reset()
    return shared


def chat(mock, *texts, **more):
    """Prompt tokens and cached tokens of a chat request."""
    messages = [{"role": "user" if at % 2 else "system", "content": text} for at, text in enumerate(texts)]
    body = {"model": MODEL, "messages": messages, **more}
    answer = post(mock, body, headers={"x-openaimock-namespace": more.pop("namespace", "default")})
    if more.get("stream"):
        usage = [event for event in events(answer.text) if event != "[DONE]"][-1].get("usage")
    else:
        usage = answer.json()["usage"]
    return usage and (usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"])


def respond(mock, items, **more):
    body = {"model": MODEL, "input": items, **more}
    answer = post(mock, body, "/responses")
    response = events(answer.text)[-1]["response"] if more.get("stream") else answer.json()
    return response, response["usage"]["input_tokens"], response["usage"]["input_tokens_details"]["cached_tokens"]


def test_the_same_prompt_is_cached_in_whole_steps(mock):
    total, cached = chat(mock, LONG)
    assert (total > 1500, cached) == (True, 0)
    assert chat(mock, LONG) == (total, total // 128 * 128)


def test_a_prompt_of_less_than_1024_tokens_is_not_cached(mock):
    short = " ".join(["word"] * 900)
    assert [chat(mock, short)[1] for _ in range(2)] == [0, 0]


def test_only_the_common_beginning_is_cached(mock):
    chat(mock, LONG, "one")
    assert chat(mock, BRANCH)[1] == 1152
    assert chat(mock, "x " + LONG)[1] == 0
    # Now both branches are known.
    assert chat(mock, BRANCH)[1] == chat(mock, LONG)[1] == 1408


def test_a_conversation_that_grows_is_cached_up_to_its_last_turn(mock):
    texts = [LONG]
    before = 0
    for turn in range(4):
        texts.append(" ".join([f"turn{turn}"] * 100))
        total, cached = chat(mock, *texts)
        assert cached == (before // 128 * 128 if turn else 0)
        before = total


def test_a_stream_caches_and_reports_too(mock):
    first = chat(mock, LONG, stream=True, stream_options={"include_usage": True})
    second = chat(mock, LONG, stream=True, stream_options={"include_usage": True})
    assert (first[1], second[1]) == (0, 1408)
    mock.reset()
    # A stream that does not report its usage fills the cache as well.
    assert chat(mock, LONG, stream=True) is None
    assert chat(mock, LONG)[1] == 1408


def test_the_tools_are_the_beginning_of_a_prompt(mock):
    functions = [
        {"name": f"tool_{number}", "description": "word " * 60, "parameters": {"type": "object"}} for number in range(25)
    ]
    tools = [{"type": "function", "function": function} for function in functions]
    total, cached = chat(mock, "Hello", tools=tools)
    assert (total > 1500, cached) == (True, 0)
    assert 1024 <= chat(mock, "Bye", tools=tools)[1] < total
    assert chat(mock, "Bye", tools=tools[1:])[1] == 0


@pytest.mark.parametrize("stream", [False, True])
def test_responses_cache_whole_and_streamed(mock, stream):
    _, total, cached = respond(mock, LONG, stream=stream)
    assert cached == 0
    assert respond(mock, LONG, stream=stream)[1:] == (total, total // 128 * 128)
    assert respond(mock, BRANCH, stream=stream)[2] == 1152


def test_the_prompts_of_plain_responses_are_cached(serve):
    mock = serve({"prompt_cache": True, "responses": [{"when": {}, "reply": "Hi"}]})
    assert [respond(mock, LONG)[2], respond(mock, LONG)[2] > 1024] == [0, True]


def test_instructions_and_earlier_responses_are_part_of_the_prompt(mock):
    first, total, _ = respond(mock, "Hello", instructions=LONG)
    assert respond(mock, "Bye", instructions=LONG)[2] >= 1408
    mock.reset()
    first, total, _ = respond(mock, LONG)
    _, _, cached = respond(mock, "And then?", previous_response_id=first["id"])
    assert cached == total // 128 * 128
    # The client sends the conversation itself, with what the API has added to its own message.
    items = [{"role": "user", "content": LONG}, *first["output"], {"role": "user", "content": "And then?"}]
    assert respond(mock, items)[2] >= cached


def test_images_and_calls_are_part_of_the_prefix(mock):
    def parts(image):
        address = f"https://a.test/{image}.png"
        return [{"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": address}}]

    messages = [{"role": "user", "content": parts("a")}, {"role": "user", "content": LONG}]
    post(mock, {"model": MODEL, "messages": messages})
    usage = post(mock, {"model": MODEL, "messages": messages}).json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > 1408
    messages[0] = {"role": "user", "content": parts("b")}
    assert post(mock, {"model": MODEL, "messages": messages}).json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_a_cache_belongs_to_a_namespace_and_a_model(mock):
    chat(mock, LONG)
    answer = post(
        mock, {"model": MODEL, "messages": [{"role": "system", "content": LONG}]}, headers={"x-openaimock-namespace": "b"}
    )
    assert answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert chat(mock, LONG, model="gpt-4o-mini")[1] == 0


def test_the_usage_of_a_rule_counts(serve):
    mock = serve({"prompt_cache": True, "responses": [{"when": {}, "reply": {"content": "x", "usage": {"prompt_tokens": 1100}}}]})
    chat(mock, LONG)
    assert chat(mock, LONG) == (1100, 1100)


def test_by_default_nothing_is_cached(serve):
    mock = serve({"unmatched": "echo"})
    assert [chat(mock, LONG)[1] for _ in range(2)] == [0, 0]
    assert mock.app.api.namespaces["default"].count(prompt_cache.COLLECTION) == 0


def test_the_cache_is_bounded(mock, monkeypatch):
    monkeypatch.setattr(prompt_cache, "MAX_PREFIXES", 16)
    for number in range(20):
        chat(mock, f"{number} {LONG}")
    assert mock.app.api.namespaces["default"].count(prompt_cache.COLLECTION) <= 16


FAMILY = overlay(load({"unmatched": "echo"}).models).family(MODEL)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3), max_size=60), st.lists(st.integers(0, 3), max_size=60))
def test_prefixes_are_equal_exactly_as_far_as_the_prompts_are(first, second):
    """The oracle compares the texts themselves; each number stands for 32 equal words."""

    def names(blocks):
        text = "".join(f" {'abcd'[block]}" * 32 for block in blocks)
        return list(prompt_cache._prefixes([prompt_cache.Section([text], "user", 32 * len(blocks))], FAMILY))

    common = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    equal = sum(a == b for a, b in zip(names(first), names(second), strict=False))
    assert equal == max(0, 32 * common // 128 - 7)

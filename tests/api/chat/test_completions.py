"""Chat completions through the official client, and byte for byte."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ...support.wire import events, post, strictly, user

TOOL_CALL = {"id": "call_abc", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"SF"}'}}
RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi there! How can I help you today?"},
    {"id": "weather", "when": {"user": "weather"}, "reply": {"tool_calls": [TOOL_CALL]}},
    {
        "id": "both",
        "when": {"user": "both"},
        "reply": {
            "tool_calls": [
                {"name": "get_weather", "arguments": {"city": "Paris"}},
                {"name": "get_time", "arguments": {"zone": "CET"}},
            ]
        },
    },
    {"id": "no", "when": {"user": "bad"}, "reply": {"refusal": "I cannot help with that."}},
    {"id": "emoji", "when": {"user": "emoji"}, "reply": 'Grüße 👩‍👩‍👧 你好 \n\n\t"quoted" \\ end'},
    {"id": "think", "when": {"user": "think"}, "reply": {"reasoning": "Let me think about it.", "content": "42"}},
    {"id": "custom", "when": {"user": "custom"}, "reply": {"tool_calls": [{"name": "shell", "input": "ls -l"}]}},
    {
        "id": "given",
        "when": {"user": "given"},
        "reply": {
            "content": "x",
            "id": "chatcmpl-given",
            "created": 1700000000,
            "model": "gpt-given",
            "system_fingerprint": "fp_given",
            "service_tier": "flex",
            "finish_reason": "content_filter",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
    },
]


@pytest.fixture
def mock(serve):
    return serve(RULES)


def test_whole_reply_is_what_the_type_says(mock):
    answer = strictly(ChatCompletion, post(mock, user("Hello")).json())
    choice = answer.choices[0]
    assert choice.message.content == "Hi there! How can I help you today?"
    assert (choice.finish_reason, choice.index, choice.logprobs) == ("stop", 0, None)
    assert answer.model == "gpt-4o-2024-08-06"


def test_message_has_null_refusal_and_empty_annotations(mock):
    message = post(mock, user("Hello")).json()["choices"][0]["message"]
    assert message == {
        "role": "assistant",
        "content": "Hi there! How can I help you today?",
        "refusal": None,
        "annotations": [],
    }


def test_usage_has_all_details(mock):
    usage = post(mock, user("Hello")).json()["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}
    assert usage["completion_tokens_details"] == {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }


def test_reasoning_counts_as_reasoning_tokens(mock):
    usage = post(mock, user("think")).json()["usage"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]


def test_tool_call_whole(mock):
    answer = strictly(ChatCompletion, post(mock, user("weather")).json())
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    assert answer.choices[0].message.tool_calls[0].to_dict() == TOOL_CALL


def test_parallel_calls_get_ids_of_their_own(mock):
    calls = strictly(ChatCompletion, post(mock, user("both")).json()).choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Paris"}, {"zone": "CET"}]
    assert len({call.id for call in calls}) == 2
    assert all(call.id.startswith("call_") for call in calls)


def test_custom_tool_call(mock):
    call = strictly(ChatCompletion, post(mock, user("custom")).json()).choices[0].message.tool_calls[0]
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "shell", "ls -l")


def test_refusal_stands_in_its_own_field(mock):
    message = strictly(ChatCompletion, post(mock, user("bad")).json()).choices[0].message
    assert (message.content, message.refusal) == (None, "I cannot help with that.")


def test_overrides_are_sent_as_given(mock):
    answer = post(mock, user("given")).json()
    assert answer["id"] == "chatcmpl-given"
    assert answer["created"] == 1700000000
    assert answer["model"] == "gpt-given"
    assert answer["system_fingerprint"] == "fp_given"
    assert answer["service_tier"] == "flex"
    assert answer["choices"][0]["finish_reason"] == "content_filter"
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


# Streams


def stream(mock, text, **more):
    response = post(mock, user(text, stream=True, **more))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "cache-control" not in response.headers
    *chunks, done = events(response.text)
    assert done == "[DONE]"
    return [strictly(ChatCompletionChunk, chunk) for chunk in chunks]


def test_stream_begins_with_the_role_and_ends_with_the_reason(mock):
    first, *middle, last = stream(mock, "Hello")
    assert first.choices[0].delta.to_dict() == {"role": "assistant", "content": "", "refusal": None}
    assert (last.choices[0].delta.to_dict(), last.choices[0].finish_reason) == ({}, "stop")
    assert all(chunk.choices[0].finish_reason is None for chunk in [first, *middle])


@pytest.mark.parametrize("text", ["Hello", "emoji"])
def test_content_chunks_join_to_the_content(mock, text):
    joined = "".join(chunk.choices[0].delta.content or "" for chunk in stream(mock, text))
    assert joined == post(mock, user(text)).json()["choices"][0]["message"]["content"]


def test_all_chunks_share_id_created_and_model(mock):
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in stream(mock, "Hello")}) == 1


def test_no_usage_unless_asked_for(mock):
    raw = post(mock, user("Hello", stream=True)).text
    assert '"usage"' not in raw


def test_usage_chunk_comes_last_and_the_others_have_null(mock):
    raw = post(mock, user("Hello", stream=True, stream_options={"include_usage": True})).text
    *chunks, last, done = events(raw)
    assert done == "[DONE]"
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"] == post(mock, user("Hello")).json()["usage"]


def test_tool_call_deltas(mock):
    deltas = [chunk.choices[0].delta for chunk in stream(mock, "weather")]
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    assert (calls[0].index, calls[0].id, calls[0].type) == (0, "call_abc", "function")
    assert (calls[0].function.name, calls[0].function.arguments) == ("get_weather", "")
    assert all((call.id, call.type, call.function.name) == (None, None, None) for call in calls[1:])
    assert "".join(call.function.arguments for call in calls) == '{"city":"SF"}'
    assert deltas[0].content is None


def first_delta(mock, text, **more):
    return events(post(mock, user(text, stream=True, **more)).text)[0]["choices"][0]["delta"]


def test_the_only_call_begins_in_the_chunk_of_the_role(mock):
    call = {"index": 0, "id": "call_abc", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
    assert first_delta(mock, "weather") == {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}
    functions = [{"name": "get_weather"}]
    assert first_delta(mock, "weather", functions=functions)["function_call"] == {"name": "get_weather", "arguments": ""}


def test_parallel_calls_follow_the_chunk_of_the_role(mock):
    assert first_delta(mock, "both") == {"role": "assistant", "content": None}


def test_calls_after_text_follow_the_text(serve):
    blocks = {"content": "Let me see.", "tool_calls": [TOOL_CALL]}
    mock = serve([{"when": {}, "reply": blocks}])
    assert first_delta(mock, "weather") == {"role": "assistant", "content": "", "refusal": None}


def test_annotations_are_in_the_last_delta(serve):
    citation = {
        "type": "url_citation",
        "url_citation": {"url": "https://example.com", "title": "x", "start_index": 0, "end_index": 1},
    }
    mock = serve([{"when": {}, "reply": {"content": "a", "annotations": [citation]}}])
    *_, last, _done = events(post(mock, user("hi", stream=True)).text)
    assert last["choices"][0]["delta"] == {"annotations": [citation]}
    assert last["choices"][0]["finish_reason"] == "stop"


def test_the_chunk_of_the_role_has_empty_logprobs(mock):
    first, *_ = events(post(mock, user("Hello", stream=True, logprobs=True)).text)
    assert first["choices"][0]["logprobs"] == {"content": [], "refusal": None}


MEMBERS = [
    ("gpt-4o", "gpt-4o-2024-08-06", True, True, True),
    ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", False, True, True),
    ("gpt-5-mini", "gpt-5-mini-2025-08-07", False, False, True),
    ("o4-mini", "o4-mini-2025-04-16", False, False, True),
    ("gpt-5.6", "gpt-5.6-sol", False, False, True),
    ("gpt-4o-search-preview", "gpt-4o-search-preview-2025-03-11", True, False, False),
    ("gpt-audio-mini", "gpt-audio-mini-2025-12-15", True, False, True),
    ("my-deployment", "my-deployment", True, True, True),
]


@pytest.mark.parametrize(("model", "snapshot", "fingerprint", "logprobs", "tier"), MEMBERS)
@pytest.mark.parametrize("stream", [False, True])
def test_members_depend_on_the_model(mock, model, snapshot, fingerprint, logprobs, tier, stream):
    response = post(mock, {**user("Hello", stream=stream), "model": model})
    answers = events(response.text)[:-1] if stream else [response.json()]
    for answer in answers:
        assert answer["model"] == snapshot
        assert isinstance(answer["system_fingerprint"], str) == fingerprint
        assert ("service_tier" in answer) == tier
        assert ("logprobs" in answer["choices"][0]) == logprobs


def test_requested_logprobs_are_sent_whatever_the_model(mock):
    answer = post(mock, {**user("Hello", logprobs=True), "model": "gpt-5.4"}).json()
    assert answer["choices"][0]["logprobs"]["content"]


def test_usage_of_audio_models_counts_text(mock):
    usage = post(mock, {**user("Hello"), "model": "gpt-audio"}).json()["usage"]
    assert usage["prompt_tokens_details"]["text_tokens"] == usage["prompt_tokens"]
    assert usage["prompt_tokens_details"]["image_tokens"] == 0
    assert usage["completion_tokens_details"]["text_tokens"] == usage["completion_tokens"]


def test_usage_of_the_newest_models_counts_cache_writes(mock):
    assert post(mock, {**user("Hello"), "model": "gpt-5.6"}).json()["usage"]["prompt_tokens_details"]["cache_write_tokens"] == 0


def test_moderation_of_a_request_that_asks_for_it(mock):
    body = user("Hello", moderation={"model": "omni-moderation-latest"})
    moderation = post(mock, body).json()["moderation"]
    for side in ("input", "output"):
        assert moderation[side]["type"] == "moderation_results"
        assert moderation[side]["results"][0]["flagged"] is False
    *_, last, _done = events(post(mock, {**body, "stream": True}).text)
    assert (last["choices"], last["moderation"]["input"]) == ([], moderation["input"])


def test_parallel_tool_call_deltas_have_their_index(mock):
    calls = [call for chunk in stream(mock, "both") for call in chunk.choices[0].delta.tool_calls or ()]
    assert [call.function.name for call in calls if call.id] == ["get_weather", "get_time"]
    second = "".join(call.function.arguments for call in calls if call.index == 1)
    assert json.loads(second) == {"zone": "CET"}


def test_refusal_is_streamed(mock):
    chunks = stream(mock, "bad")
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == "I cannot help with that."
    assert not any(chunk.choices[0].delta.content for chunk in chunks)


def test_stream_helper_of_the_sdk_gives_what_the_whole_reply_gives(mock, client):
    sdk = client(mock)
    with sdk.chat.completions.stream(**user("both")) as streamed:
        final = streamed.get_final_completion()
    whole = sdk.chat.completions.create(**user("both"))
    arguments = [call.function.arguments for call in final.choices[0].message.tool_calls]
    assert arguments == [call.function.arguments for call in whole.choices[0].message.tool_calls]


def test_accept_header_does_not_decide(mock):
    response = post(mock, user("Hello", stream=True), headers={"accept": "application/json"})
    assert response.text.endswith("data: [DONE]\n\n")


def test_async_client(mock, async_client):
    async def both():
        async with async_client(mock) as sdk:
            whole = await sdk.chat.completions.create(**user("Hello"))
            parts = [chunk async for chunk in await sdk.chat.completions.create(**user("Hello"), stream=True)]
        return whole.choices[0].message.content, "".join(part.choices[0].delta.content or "" for part in parts)

    whole, streamed = asyncio.run(both())
    assert whole == streamed == "Hi there! How can I help you today?"


# What a request's parameters make of it


def test_n_choices(mock):
    answer = post(mock, user("Hello", n=3)).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in answer["choices"]} == {"Hi there! How can I help you today?"}


def test_n_choices_streamed(mock):
    texts = {0: "", 1: ""}
    reasons = {}
    for chunk in stream(mock, "Hello", n=2):
        choice = chunk.choices[0]
        texts[choice.index] += choice.delta.content or ""
        reasons[choice.index] = choice.finish_reason or reasons.get(choice.index)
    assert texts == {0: "Hi there! How can I help you today?", 1: "Hi there! How can I help you today?"}
    assert reasons == {0: "stop", 1: "stop"}


@pytest.mark.parametrize("stop", ["How", ["zebra", "How", "help"]])
def test_stop_cuts_before_the_sequence(mock, stop):
    choice = post(mock, user("Hello", stop=stop)).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hi there! ", "stop")


@pytest.mark.parametrize(
    "facts", [{"finish_reason": "length"}, {"usage": {"completion_tokens": 1}}, {"usage": {"output_tokens": 1}}]
)
def test_a_reply_that_says_that_it_keeps_the_limit_is_not_cut(serve, facts):
    mock = serve([{"when": {}, "reply": {"content": "one two three four", **facts}}])
    assert post(mock, user("Hello", max_tokens=1)).json()["choices"][0]["message"]["content"] == "one two three four"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_token_limits_cut_with_length(mock, name):
    answer = post(mock, user("Hello", **{name: 3})).json()
    content = answer["choices"][0]["message"]["content"]
    assert "Hi there! How can I help you today?".startswith(content)
    assert content not in ("", "Hi there! How can I help you today?")
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3


def test_a_limit_that_is_not_reached_changes_nothing(mock):
    assert post(mock, user("Hello", max_tokens=1000)).json()["choices"][0]["finish_reason"] == "stop"


def test_logprobs_spell_the_content(mock):
    answer = strictly(ChatCompletion, post(mock, user("Hello", logprobs=True, top_logprobs=3)).json())
    text = answer.choices[0].logprobs.content
    assert "".join(token.token for token in text) == "Hi there! How can I help you today?"
    assert all(bytes(token.bytes).decode() == token.token for token in text)
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in text)
    assert all(token.top_logprobs[0].token == token.token for token in text)


def test_logprobs_are_streamed_beside_their_tokens(mock):
    for chunk in stream(mock, "Hello", logprobs=True):
        if chunk.choices[0].delta.content:
            assert "".join(t.token for t in chunk.choices[0].logprobs.content) == chunk.choices[0].delta.content


def test_legacy_functions(mock):
    functions = [{"name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
    choice = post(mock, user("weather", functions=functions)).json()["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "get_weather", "arguments": '{"city":"SF"}'}


def test_legacy_functions_streamed(mock):
    functions = [{"name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
    chunks = stream(mock, "weather", functions=functions)
    calls = [chunk.choices[0].delta.function_call for chunk in chunks if chunk.choices[0].delta.function_call]
    assert calls[0].name == "get_weather"
    assert "".join(call.arguments for call in calls) == '{"city":"SF"}'
    assert chunks[-1].choices[0].finish_reason == "function_call"


def test_messages_with_parts_and_every_role_are_read(mock, client):
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": "earlier"},
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
        {"role": "tool", "tool_call_id": "call_abc", "content": [{"type": "text", "text": "sunny"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Hello"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
    ]
    assert client(mock).chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content.startswith("Hi")


def test_a_miss_is_not_retried_by_the_sdk(mock, client):
    with pytest.raises(openai.BadRequestError) as raised:
        client(mock, max_retries=3).chat.completions.create(**user("Hullo"))
    assert raised.value.code == "no_match"
    assert raised.value.message.count("Nearest rules") == 1
    assert len(mock.app.api.namespaces["default"].exchanges()) == 1


# Byte for byte


GOLDEN = {"responses": RULES[:1], "clock": "2026-01-02T03:04:05Z", "seed": 7}


def test_golden_whole_reply(serve):
    response = post(serve(GOLDEN), user("Hello"))
    assert response.text == (
        '{"id":"chatcmpl-EfV3mTxarDQq0dikSOjdQ84SnjZfd","object":"chat.completion","created":1767323045,"model":"gpt-4o-2024-08-06","choices":[{"index":0,'
        '"message":{"role":"assistant","content":"Hi there! How can I help you today?","refusal":null,"annotations":[]},'
        '"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":8,"completion_tokens":10,"total_tokens":18,'
        '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,'
        '"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default",'
        '"system_fingerprint":"fp_9ec095375b"}'
    )


def test_golden_stream(serve):
    head = (
        '{"id":"chatcmpl-EfV3mTxarDQq0dikSOjdQ84SnjZfd","object":"chat.completion.chunk","created":1767323045,"model":"gpt-4o-2024-08-06",'
        '"service_tier":"default","system_fingerprint":"fp_9ec095375b","choices":'
    )
    tail = '"logprobs":null,"finish_reason":'
    mock = serve({**GOLDEN, "responses": [{"when": {"user": "Hello"}, "reply": "Hi there"}]})
    response = post(mock, user("Hello", stream=True, stream_options={"include_usage": True}))
    assert response.text == (
        f'data: {head}[{{"index":0,"delta":{{"role":"assistant","content":"","refusal":null}},{tail}null}}],"usage":null}}\n\n'
        f'data: {head}[{{"index":0,"delta":{{"content":"Hi"}},{tail}null}}],"usage":null}}\n\n'
        f'data: {head}[{{"index":0,"delta":{{"content":" there"}},{tail}null}}],"usage":null}}\n\n'
        f'data: {head}[{{"index":0,"delta":{{}},{tail}"stop"}}],"usage":null}}\n\n'
        f'data: {head}[],"usage":{{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"prompt_tokens_details":'
        '{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
        '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}\n\n'
        "data: [DONE]\n\n"
    )


@pytest.mark.parametrize("limit", [None, 1, 2, 3, 10])
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_short_way_gives_what_the_long_way_gives(serve, name, limit):
    """``n: 1`` asks for nothing, but takes a plain text off the short way."""
    short, long = (post(serve(GOLDEN), user("Hello", **{name: limit}, **more)).text for more in ({}, {"n": 1}))
    assert short == long

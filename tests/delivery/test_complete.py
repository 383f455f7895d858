"""What a reply says beside content and calls reaches the client: further members, recorded answers, headers, status."""

from __future__ import annotations

import pytest

from ..support.wire import events, post, user


def rule(**reply):
    return [{"when": {}, "reply": reply}]


def chat(mock, **more):
    return post(mock, user("go", **more))


def chunks(mock, **more):
    return [event for event in events(chat(mock, stream=True, **more).text) if event != "[DONE]"]


def responses(mock, **more):
    return post(mock, {"model": "gpt-4o", "input": "go", **more}, "/responses")


# Extra members

EXTRA = {
    "citations": ["https://example.org"],
    "usage.cost": 0.5,
    "choices.0.native_finish_reason": "STOP",
    "message.reasoning_content": "six times seven",
}


def test_extra_members_of_a_whole_answer(serve):
    answer = chat(serve(rule(content="42", extra=EXTRA))).json()
    (choice,) = answer["choices"]
    assert answer["citations"] == ["https://example.org"]
    assert answer["usage"]["cost"] == 0.5
    assert answer["usage"]["total_tokens"] > 0
    assert (choice["native_finish_reason"], choice["finish_reason"]) == ("STOP", "stop")
    assert (choice["message"]["reasoning_content"], choice["message"]["content"]) == ("six times seven", "42")


def test_extra_members_of_a_stream(serve):
    sent = chunks(serve(rule(content="42", extra=EXTRA)), stream_options={"include_usage": True})
    assert all(chunk["citations"] == ["https://example.org"] for chunk in sent)
    assert [chunk["usage"]["cost"] for chunk in sent if chunk["usage"]] == [0.5]
    deltas = [choice["delta"] for chunk in sent for choice in chunk["choices"]]
    names = [name for delta in deltas for name in delta if name in ("reasoning_content", "content") and delta[name]]
    assert names == [*["reasoning_content"] * (len(names) - 1), "content"]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "six times seven"
    ends = [choice for chunk in sent for choice in chunk["choices"] if choice["finish_reason"]]
    assert [end["native_finish_reason"] for end in ends] == ["STOP"]
    assert sum("native_finish_reason" in choice for chunk in sent for choice in chunk["choices"]) == 1


def test_extra_members_of_every_response_object(serve):
    mock = serve(rule(content="42", extra={"citations": [1], "message.x": 1}))
    assert responses(mock).json()["citations"] == [1]
    sent = events(responses(mock, stream=True).text)
    assert [event["response"]["citations"] for event in sent if "response" in event] == [[1]] * 3
    assert "text/event-stream" in responses(mock, stream=True).headers["content-type"]


def test_extra_members_are_filled_in(serve):
    assert chat(serve(rule(content="x", extra={"echo": "{{ user }}"}))).json()["echo"] == "go"


def test_extra_members_of_other_endpoints(serve):
    mock = serve(rule(extra={"cost": 1}))
    assert post(mock, {"model": "text-embedding-3-small", "input": "a"}, "/embeddings").json()["cost"] == 1
    assert post(mock, {"model": "gpt-3.5-turbo-instruct", "prompt": "a"}, "/completions").json()["cost"] == 1


# Nulls and empty texts


@pytest.mark.parametrize("reason", [None, "", "error"])
def test_any_finish_reason(serve, reason):
    mock = serve(rule(content="x", finish_reason=reason))
    assert chat(mock).json()["choices"][0]["finish_reason"] == reason
    assert [choice["finish_reason"] for chunk in chunks(mock) for choice in chunk["choices"]][-1] == reason


def test_null_members(serve):
    mock = serve(rule(content=None, usage=None, system_fingerprint=None, service_tier=None, id="", model=""))
    answer = chat(mock).json()
    assert answer["choices"][0]["message"]["content"] is None
    assert [answer[name] for name in ("usage", "system_fingerprint", "service_tier", "id", "model")] == [None, None, None, "", ""]
    assert chunks(mock)[0]["choices"][0]["delta"]["content"] is None


# Usage


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": 1000, "output_tokens": 80, "input_tokens_details": {"cached_tokens": 900}},
        {"prompt_tokens": 1000, "completion_tokens": 80, "prompt_tokens_details": {"cached_tokens": 900}},
    ],
)
def test_usage_in_the_words_of_either_api(serve, usage):
    mock = serve(rule(content="hi", usage=usage))
    whole, streamed = chat(mock).json()["usage"], chunks(mock, stream_options={"include_usage": True})[-1]["usage"]
    for counted in (whole, streamed):
        assert (counted["prompt_tokens"], counted["completion_tokens"], counted["total_tokens"]) == (1000, 80, 1080)
        assert counted["prompt_tokens_details"]["cached_tokens"] == 900
        assert "input_tokens" not in counted
    counted = responses(mock).json()["usage"]
    assert (counted["input_tokens"], counted["output_tokens"], counted["total_tokens"]) == (1000, 80, 1080)
    assert counted["input_tokens_details"]["cached_tokens"] == 900
    assert "prompt_tokens" not in counted


# Recorded answers

RECORD = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Dear {{ name }}", "reasoning_content": "hm", "vendor": {"a": [1]}},
            "finish_reason": "stop",
            "stop_reason": None,
            "content_filter_results": {"hate": {"filtered": False}},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": None},
    "prompt_logprobs": None,
    "prompt_filter_results": [{"prompt_index": 0}],
    "system_fingerprint": None,
}


def recorded(record):
    return [{"matcher": {"messages": [{"role": "user", "content": "go"}]}, "response": record}]


def test_a_recorded_answer_is_sent_as_written(serve):
    answer = chat(serve(recorded(RECORD))).json()
    assert {name: answer[name] for name in RECORD} == RECORD


def test_the_limit_of_a_request_does_not_cut_a_recorded_answer(serve):
    mock = serve(recorded(RECORD))
    assert chat(mock, max_tokens=1).json()["choices"] == RECORD["choices"]
    deltas = [choice["delta"] for chunk in chunks(mock, max_tokens=1) for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "Dear {{ name }}"


@pytest.mark.parametrize("reason", [None, "", "stop"])
def test_no_choice_of_a_recorded_answer_is_cut(serve, reason):
    choices = [
        {"index": index, "message": {"role": "assistant", "content": f"one two three {index}"}, "finish_reason": reason}
        for index in range(2)
    ]
    mock = serve(recorded({**RECORD, "choices": choices}))
    assert chat(mock, max_tokens=1, n=2).json()["choices"] == choices
    texts = {0: "", 1: ""}
    for chunk in chunks(mock, max_tokens=1, n=2):
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["delta"].get("content") or ""
    assert texts == {0: "one two three 0", 1: "one two three 1"}


def test_a_recorded_answer_is_streamed_with_all_its_members(serve):
    first, *others = chunks(serve(recorded(RECORD)), stream_options={"include_usage": True})
    assert (first["choices"], first["prompt_filter_results"]) == ([], [{"prompt_index": 0}])
    assert all("prompt_filter_results" not in chunk and chunk["prompt_logprobs"] is None for chunk in others)
    assert {chunk["id"] for chunk in others} == {"chatcmpl-1"}
    deltas = [choice["delta"] for chunk in others for choice in chunk["choices"]]
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "hm"
    assert [delta["vendor"] for delta in deltas if "vendor" in delta] == [{"a": [1]}]
    assert others[-1]["usage"] == RECORD["usage"]
    assert others[-2]["choices"][0]["content_filter_results"] == {"hate": {"filtered": False}}


def test_a_recorded_function_call_is_sent_in_its_older_form(serve):
    message = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}}
    record = {**RECORD, "choices": [{"index": 0, "message": message, "finish_reason": "function_call"}]}
    mock = serve(recorded(record))
    assert chat(mock).json()["choices"][0]["message"] == message
    calls = [choice["delta"]["function_call"] for chunk in chunks(mock) for choice in chunk["choices"]
             if "function_call" in choice["delta"]]  # fmt: skip
    assert calls[0]["name"] == "f"
    assert "".join(call.get("arguments", "") for call in calls) == '{"a":1}'


def test_a_recorded_response_answers_both_apis(serve):
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "Hello", "annotations": [], "own": 1}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}", "status": "completed"},
    ]  # fmt: skip
    record = {"id": "resp_1", "object": "response", "model": "m", "output": output, "vendor": None}
    mock = serve(recorded(record))
    answer = responses(mock).json()
    assert {name: answer[name] for name in record} == record
    sent = events(responses(mock, stream=True).text)
    assert sent[-1]["response"]["output"] == output
    assert all("vendor" in event["response"] for event in sent if "response" in event)
    message = chat(mock).json()["choices"][0]["message"]
    assert (message["content"], message["tool_calls"][0]["id"]) == ("Hello", "call_1")


# Headers and status


@pytest.mark.parametrize(
    "reply",
    [
        {"content": "hi"},
        {"tool_calls": [{"name": "f"}]},
        {"error": 429},
        {"error": {"status": 500, "message": "own"}},
        {"body": "x"},
        {"auto": True},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_headers_of_any_reply(serve, reply, stream):
    answer = chat(serve(rule(**reply, headers={"X-Limit": "tpm", "openai-version": "9"})), stream=stream)
    assert (answer.headers["x-limit"], answer.headers["openai-version"]) == ("tpm", "9")


@pytest.mark.parametrize("stream", [False, True])
def test_a_status_alone_is_that_of_the_content(serve, stream):
    answer = chat(serve(rule(content="hi", status=201)), stream=stream)
    assert (answer.status_code, "hi" in answer.text) == (201, True)


def test_a_filled_header_is_one_line_of_latin_1(serve, caplog):
    mock = serve(rule(content="x", headers={"x-user": "<{{ user }}>"}))
    answer = post(mock, user("a\r\nb: \u00e9 \u20ac"))
    assert (answer.status_code, answer.headers["x-user"]) == (200, "<a b: \u00e9 %E2%82%AC>")
    assert "x-user" in caplog.text


def test_errors_with_members_of_their_own(serve):
    error = {"status": 400, "code": 7, "type": None, "message": "", "innererror": {"code": "X"}, "metadata": None}
    body = chat(serve(rule(error=error))).json()["error"]
    assert body == {"message": "", "type": None, "param": None, "code": 7, "innererror": {"code": "X"}, "metadata": None}


# Raw streams

RAW = ': PROCESSING\n\ndata: {"a":1}\n\ndata: {"a":2}\n\ndata: [DONE]\n\n'


def test_a_raw_stream_is_sent_as_written_at_a_pace(serve):
    mock = serve(rule(body=RAW, headers={"content-type": "text/event-stream; x=1"}, pace={"tps": 200}))
    answer = chat(mock, stream=True)
    assert (answer.text, answer.headers["content-type"]) == (RAW, "text/event-stream; x=1")
    (exchange,) = mock.exchanges
    gaps = [after - before for before, after in zip(exchange.chunks, exchange.chunks[1:], strict=False)]
    assert gaps == pytest.approx([0.005] * 3)


def test_a_fault_cuts_a_raw_stream_after_events(serve):
    mock = serve(rule(body=RAW, fault={"kind": "truncate", "after": 2}))
    assert chat(mock, stream=True).text == RAW[: RAW.index('data: {"a":2}')]

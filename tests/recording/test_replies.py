"""Recorded answers as replies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openaimock.recording.exchange import Recording, events, unpacked
from openaimock.recording.replies import reply, usage, vector
from openaimock.types.ask import Ask


def said(endpoint: str, answer: Any, *, status: int = 200, keep_ids: bool = False, **headers: str) -> dict[str, Any]:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    recording = Recording("POST", "/", status=status, response=raw, response_headers=named)
    return reply(Ask(endpoint, {}, model="gpt-4o"), recording, keep_ids=keep_ids)


def choice(message: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **more}]}


def output(*items: Any, **more: Any) -> dict[str, Any]:
    return {"status": "completed", "output": list(items), **more}


def message(*texts: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text} for text in texts]}


def stream(*chunks: Any) -> bytes:
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + b"data: [DONE]\n\n"


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (choice({"content": "hi"}), {"content": "hi"}),
        (choice({"content": None, "refusal": "no"}), {"refusal": "no"}),
        (choice({"content": "hi"}, finish_reason="length"), {"content": "hi", "finish_reason": "length"}),
        (choice({"content": ""}), {"content": ""}),
        (
            choice({"content": None, "tool_calls": [CALL]}, finish_reason="tool_calls"),
            # Arguments that are not written as JSON is written here stay as they are.
            {"tool_calls": [{"name": "f", "arguments": '{"a": 1}'}]},
        ),
        (choice({"content": "hi", "reasoning_content": "hm"}), {"content": "hi", "extra": {"message.reasoning_content": "hm"}}),
        (
            {"choices": [choice({"content": "a"})["choices"][0]] * 2, "id": "x", "model": "gpt-4o"},
            {"response": {"choices": [choice({"content": "a"})["choices"][0]] * 2}},
        ),
        ({"nothing": "known"}, {"status": 200, "body": {"nothing": "known"}}),
        (b"<html>", {"status": 200, "body": "<html>"}),
    ],
)
def test_a_chat_completion(answer: Any, expected: Any) -> None:
    assert said("chat", answer) == expected


def test_a_chat_stream_gives_its_pieces_and_calls() -> None:
    def delta(end: str | None = None, **parts: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": parts, "finish_reason": end}]}

    def call(**function: str) -> list[Any]:
        return [{"index": 0, "id": "c" if "name" in function else None, "function": function}]

    raw = stream(
        delta(role="assistant", content=""),
        delta(content="one"),
        delta(content=" two"),
        delta(tool_calls=call(name="f", arguments="")),
        delta(tool_calls=call(arguments='{"a"')),
        delta(tool_calls=call(arguments=":1}")),
        delta("tool_calls"),
    )
    assert said("chat", raw, content_type="text/event-stream") == {
        "content": "one two",
        "tool_calls": [{"name": "f", "arguments": {"a": 1}}],
        "pace": {"chunks": ["one", " two"]},
    }


def test_a_stream_with_an_error_or_without_an_end_is_kept_as_it_is() -> None:
    for endpoint, raw in (("chat", stream({"error": {"message": "x"}})), ("responses", stream({"type": "response.created"}))):
        assert said(endpoint, raw, content_type="text/event-stream") == {
            "status": 200,
            "headers": {"content-type": "text/event-stream"},
            "body": raw.decode(),
        }


def test_gaps_are_those_before_each_piece() -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("", "a", "", "b")]
    recording = Recording("POST", "/", response=stream(*chunks), gaps=(5.0, 10.0, 20.0, 30.0, 1.0))
    assert reply(Ask("chat"), recording)["pace"] == {"chunks": ["a", "b"], "gaps": [15.0, 50.0]}


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"}
FUNCTION = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (output(message("hi")), {"content": "hi"}),
        (output(), {"content": ""}),
        (
            output(REASONING, message("hi"), FUNCTION),
            {"reasoning": "hm", "content": "hi", "tool_calls": [{"name": "f", "arguments": {}}]},
        ),
        (output(FUNCTION, message("hi")), {"blocks": [{"tool_call": {"name": "f", "arguments": {}}}, {"text": "hi"}]}),
        (output(message("a", "b")), {"blocks": [{"text": "a"}, {"text": "b"}]}),
        (
            output(SEARCH, message("hi")),
            {"blocks": [{"item": {name: SEARCH[name] for name in ("type", "status", "action")}}, {"text": "hi"}]},
        ),
        (
            output(message("hi"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            {"content": "hi", "finish_reason": "length"},
        ),
        (
            output(status="failed", error={"code": "server_error", "message": "Oh."}),
            {"blocks": [{"item": {"type": "error", "code": "server_error", "message": "Oh."}}]},
        ),
    ],
)
def test_a_response(answer: Any, expected: Any) -> None:
    assert said("responses", answer) == expected


def test_two_messages_stay_two() -> None:
    blocks = said("responses", output(message("a"), message("b")))["blocks"]
    assert [next(iter(block)) for block in blocks] == ["text", "item"]


def test_headers_by_which_clients_retry_are_kept() -> None:
    error = {"message": "No.", "type": "t", "param": None, "code": None}
    headers = {"retry-after": "0.5", "retry-after-ms": "500", "x-should-retry": "true"}
    answer = said("chat", {"error": error}, status=503, **{name.replace("-", "_"): value for name, value in headers.items()})
    assert answer == {"error": {"status": 503, **error}, "headers": headers}
    assert said("chat", {"detail": "busy"}, status=503, retry_after="2")["headers"] == {"retry-after": "2"}
    assert said("chat", b"gone", status=502, content_type="text/html", retry_after="2")["headers"]["retry-after"] == "2"


def test_an_error_becomes_its_parts() -> None:
    error = {"message": "No.", "type": "t", "param": None, "code": 5, "innererror": {"a": 1}}
    assert said("chat", {"error": error}, status=429, retry_after="3") == {
        "error": {
            "status": 429,
            "type": "t",
            "code": "5",
            "message": "No.",
            "param": None,
            "innererror": {"a": 1},
            "retry_after": 3,
        }
    }
    assert said("chat", b"gone", status=502, content_type="text/html") == {
        "status": 502,
        "headers": {"content-type": "text/html"},
        "body": "gone",
    }


def test_usage_says_what_cannot_be_counted() -> None:
    counts = {
        "prompt_tokens": 2,
        "completion_tokens": 3,
        "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
    }
    assert usage(counts) == {
        "prompt_tokens": 2,
        "completion_tokens": 3,
        "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
    }
    assert usage({"prompt_tokens": 2, "total_tokens": 2}) == {"prompt_tokens": 2, "total_tokens": 2}


def test_ids_and_times_are_kept_only_when_asked_for() -> None:
    answer = {**choice({"content": None, "tool_calls": [CALL]}), "id": "chatcmpl-1", "created": 5, "system_fingerprint": "fp_1"}
    assert "id" not in json.dumps(said("chat", answer))
    reply = said("chat", answer, keep_ids=True)
    assert (reply["id"], reply["created"], reply["system_fingerprint"], reply["tool_calls"][0]["id"]) == (
        "chatcmpl-1",
        5,
        "fp_1",
        "call_1",
    )


def test_a_packed_vector_is_the_shortest_numbers() -> None:
    assert vector("zczMPQAAAL8=") == [0.1, -0.5]
    assert vector([0.1]) == [0.1]


def test_speech_is_base64_with_its_format() -> None:
    assert said("audio.speech", b"\xff\xfb", content_type="audio/mpeg") == {"speech": {"b64": "//s=", "format": "mp3"}}


def test_events_may_be_folded_and_have_comments() -> None:
    assert [tuple(event) for event in events(b": hi\r\nevent: a\r\ndata: 1\r\n2\r\n\r\ndata: 3")] == [("a", "12"), ("", "3")]


@pytest.mark.parametrize(("body", "encoding", "reason"), [(b"\x1f\x8bxx", "gzip", "cannot be read"), (b"\xff\xfe", "br", "br")])
def test_a_body_that_cannot_be_unpacked_says_why(body: bytes, encoding: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        unpacked(body, encoding)

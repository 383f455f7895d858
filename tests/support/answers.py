"""Requests to the Responses API whose every answer and every event is held against the SDK's types, and against each other."""

from __future__ import annotations

from typing import Any

from openai.types.responses import Response, ResponseStreamEvent

from .wire import events, post, strictly

#: Members that the API sends and the SDK's types do not list, by ``object`` or ``type``.
UNLISTED = {
    "response": ("billing", "frequency_penalty", "presence_penalty", "store"),
    "custom_tool_call": ("status",),
    "image_generation": ("n",),
    "web_search": ("return_token_budget", "search_content_types"),
    "web_search_2025_08_26": ("return_token_budget", "search_content_types"),
}


def ask(input: Any, /, **parameters: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "input": input, **parameters}


def listed(value: Any) -> Any:
    """A value without the members that the API sends and the SDK's types do not list."""
    if isinstance(value, list):
        return [listed(item) for item in value]
    if not isinstance(value, dict):
        return value
    unlisted = UNLISTED.get(value.get("object") or str(value.get("type")), ())
    if "score" in value:
        unlisted = ("vector_store_id",)  # a result of a file search, which has no type
    return {name: listed(item) for name, item in value.items() if name not in unlisted}


def without_bytes(value: Any) -> Any:
    """A streamed event without the ``bytes`` of log probabilities, which the SDK's types do not list there."""
    if isinstance(value, list):
        return [without_bytes(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_bytes(item) for name, item in value.items() if name != "bytes"}


def respond(mock: Any, body: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The Response that a request gets, checked."""
    answer = post(mock, body, "/responses", **options)
    assert answer.status_code == 200, answer.text
    strictly(Response, listed(answer.json()))
    return answer.json()


def checked(text: str) -> list[dict[str, Any]]:
    """The events of a stream, checked one by one."""
    received = events(text)
    for event in received:
        text_event = event["type"].startswith("response.output_text.")
        strictly(ResponseStreamEvent, listed(without_bytes(event) if text_event else event))
    names = [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
    assert names == [event["type"] for event in received]
    return received


def stream(mock: Any, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that a request gets, checked; they begin and end as they must."""
    answer = post(mock, {**body, "stream": True}, "/responses")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    received = checked(answer.text)
    assert [event["sequence_number"] for event in received] == list(range(len(received)))
    assert received[0]["type"] == "response.created"
    return received


def kinds(stream_events: list[dict[str, Any]]) -> list[str]:
    """The types of events, each run of equal ones once, without their common beginning."""
    names = [event["type"].removeprefix("response.") for event in stream_events]
    return [name for at, name in enumerate(names) if not at or names[at - 1] != name]


def refused(mock: Any, body: Any, path: str = "/responses") -> tuple[int, Any, Any, str]:
    """Status, param, code and message of a refusal."""
    answer = post(mock, body, path)
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    return answer.status_code, error["param"], error["code"], error["message"]


def same(value: Any) -> Any:
    """A response without what differs between two of them: ids, times, and ``billing``, which streams do not have."""
    if isinstance(value, list):
        return [same(item) for item in value]
    if isinstance(value, dict):
        changing = ("id", "item_id", "call_id", "container_id", "created_at", "completed_at", "encrypted_content", "billing")
        return {name: same(item) for name, item in value.items() if name not in changing}
    return value

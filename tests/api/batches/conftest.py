"""What the tests of batches share: input files, and batches at their end."""

from __future__ import annotations

import json

import pytest

MODEL = "gpt-4o"
RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "refused", "when": {"user": "bad"}, "reply": {"error": {"status": 400, "message": "No.", "code": "bad_thing"}}},
    {"id": "counted", "when": {"user": "count"}, "replies": ["one", "two", "three"]},
    {"id": "broken", "when": {"user": "broken"}, "reply": {"content": "x", "fault": "disconnect"}},
    {"id": "late", "when": {"user": "late"}, "reply": {"content": "At last.", "latency": 3_600_000}},
    {"id": "never", "when": {"user": "never"}, "reply": {"content": "x", "fault": "stall"}},
    {"id": "text", "when": {"user": "text"}, "reply": {"body": "plain text"}},
]


def chat(*texts, model=MODEL, **more):
    """The lines of a batch of chat requests."""
    return [
        {
            "custom_id": f"request-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": model, "messages": [{"role": "user", "content": text}], **more},
        }
        for number, text in enumerate(texts)
    ]


def lines(requests):
    """The bytes of an input file."""
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in requests)


def create(sdk, requests, endpoint="/v1/chat/completions", **more):
    """A new batch of these requests."""
    content = requests if isinstance(requests, bytes) else lines(requests)
    file = sdk.files.create(file=("input.jsonl", content), purpose="batch")
    return sdk.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more)


def poll(sdk, batch, times=4):
    """The batch after some retrievals."""
    for _ in range(times):
        batch = sdk.batches.retrieve(batch.id)
    return batch


def results(sdk, file_id):
    """The lines of a file of results."""
    return [json.loads(line) for line in sdk.files.content(file_id).text.splitlines()]


@pytest.fixture
def mock(serve):
    return serve({"clock": "2026-01-01T00:00:00Z", "responses": RULES})

"""JSON lines of the API itself: the input and output of batches, and chats to fine-tune a model with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..recording.exchange import Recording
from .outcomes import Half, Omission, Outcome, api_path, as_bytes

JSON = Any


def is_batch(document: JSON) -> bool:
    """Whether a line is a request of a batch, or its answer."""
    if not isinstance(document, Mapping) or not isinstance(document.get("custom_id"), str):
        return False
    return isinstance(document.get("body"), Mapping) or "response" in document or "error" in document


def read_batch(document: Mapping[str, JSON], place: str) -> Iterator[Outcome]:
    """The request or answer of one line."""
    if isinstance(document.get("body"), Mapping):
        yield Half(document["custom_id"], place, request=document)
    else:
        yield Half(document["custom_id"], place, answer=document)


def joined(halves: list[Half]) -> Iterator[Outcome]:
    """The exchanges of requests and answers with the same ``custom_id``, in the order of the requests."""
    answers = {half.id: half for half in halves if half.answer is not None}
    ids = set()
    for half in halves:
        if half.request is None:
            continue
        ids.add(half.id)
        output = answers.get(half.id)
        if output is None:
            yield Omission(half.place, f"the answer of '{half.id}' is missing; name the batch's output file too")
        else:
            yield _exchange(half, output)
    for id, half in answers.items():
        if id not in ids:
            yield Omission(half.place, f"the request of '{id}' is missing; name the batch's input file too")


def _exchange(half: Half, output: Half) -> Outcome:
    request, answer = half.request or {}, output.answer or {}
    response = answer.get("response")
    if not isinstance(response, Mapping):
        failure = answer.get("error") or {}
        return Omission(output.place, f"there is no response: {failure.get('message') or failure.get('code') or 'it failed'}")
    status = response.get("status_code")
    return Recording(
        method=str(request.get("method", "POST")).upper(),
        path=api_path(str(request.get("url", "/v1/chat/completions"))),
        body=as_bytes(request["body"]),
        status=status if isinstance(status, int) and 200 <= status <= 599 else 200,
        response=as_bytes(response.get("body")),
        place=half.place,
    )


def is_chat(document: JSON) -> bool:
    """Whether a line is a chat to fine-tune a model with."""
    if not isinstance(document, Mapping) or not isinstance(document.get("messages"), list) or "model" in document:
        return False
    return all(isinstance(message, Mapping) and "role" in message for message in document["messages"])


def read_chat(document: Mapping[str, JSON], place: str) -> Iterator[Outcome]:
    """A chat whose last message is the answer; what follows the last answer is left out."""
    messages = [{name: value for name, value in message.items() if name != "weight"} for message in document["messages"]]
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    if len(messages) < 2:
        yield Omission(place, "there is no answer to a message")
        return
    *prompt, answer = messages
    body = {"model": "gpt-4o", "messages": prompt}
    for name in ("tools", "functions"):
        if document.get(name):
            body[name] = document[name]
    calls = answer.get("tool_calls")
    choice = {"index": 0, "message": {"content": None, **answer}, "finish_reason": "tool_calls" if calls else "stop"}
    yield Recording(
        "POST",
        "/v1/chat/completions",
        json.dumps(body).encode(),
        response=json.dumps({"choices": [choice]}).encode(),
        place=place,
    )

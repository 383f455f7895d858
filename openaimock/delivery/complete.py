"""Completion of an answer: the further members of a reply, whole and streamed, and recorded answers as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..http import payloads, sse
from ..http.sse import Frame
from ..replies.extra import merge
from ..text import tokens
from ..types.ask import JSON, Ask
from ..types.reply import Extra, Pace, Reply
from .pace import pieces

#: The endpoint of each kind of recorded answer.
_KINDS = {"chat.completion": "chat", "response": "responses", "text_completion": "completions"}
#: The members that every chat completion has.
_OF_CHAT = ("id", "created", "model", "system_fingerprint", "service_tier", "prompt_filter_results")
_PREFIX = b"data: {"
#: What changes while a Response is generated: only the last event has the reply's own values.
_AT_END = ("status", "output", "usage", "error", "incomplete_details", "completed_at")


def complete(payload: Any, ask: Ask, reply: Reply) -> Any:
    """The payload of an endpoint for a reply, with the reply's further members; a recorded answer as it is written."""
    if reply.extra is None and reply.response is None:
        return payload
    members = _members(ask, reply)
    if isinstance(payload, payloads.Events):
        frames = _stream(payload.frames, ask, members, reply.pace)
        return payload._replace(frames=frames)
    if isinstance(payload, payloads.JSON):
        value = json.loads(payload.payload) if isinstance(payload.payload, bytes) else payload.payload
        return payload._replace(payload=_whole(value, ask, reply, members))
    return payload


def _members(ask: Ask, reply: Reply) -> Extra:
    extra, record = reply.extra or Extra(), reply.response
    if record is None or ask.endpoint == "chat":
        return extra
    if _is_of(record, ask):
        return extra._replace(top={**record, **extra.top}) if ask.endpoint == "responses" else extra
    # The other endpoints have no use for the members that every chat completion has.
    return extra._replace(top={name: value for name, value in extra.top.items() if name not in _OF_CHAT})


def _is_of(record: Mapping[str, JSON], ask: Ask) -> bool:
    """Whether a recorded answer is one of the request's endpoint."""
    kind = record.get("object") or ("response" if "output" in record else "chat.completion")
    return _KINDS.get(str(kind)) == ask.endpoint


def _whole(value: Any, ask: Ask, reply: Reply, members: Extra) -> Any:
    if not isinstance(value, dict):
        return value
    if reply.response is not None and _is_of(reply.response, ask):
        return {**value, **_with_defaults(reply.response)}
    value = merge(value, members.top)
    for index, choice in enumerate(value.get("choices") or ()):
        value["choices"][index] = choice = merge(choice, {**members.choices.get(None, {}), **members.choices.get(index, {})})
        message = members.messages.get(index)
        if message and isinstance(choice.get("message"), Mapping):
            choice["message"] = merge(choice["message"], message)
    return value


def _with_defaults(record: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """A recorded answer whose choices have the members that clients cannot do without."""
    choices = record.get("choices")
    if not isinstance(choices, list):
        return record
    return {
        **record,
        "choices": [
            {"index": index, "finish_reason": "stop", **choice, "message": {"role": "assistant", **choice["message"]}}
            if isinstance(choice.get("message"), Mapping)
            else choice
            for index, choice in enumerate(choices)
        ],
    }


# Streams


def _stream(frames: Iterable[Frame], ask: Ask, extra: Extra, pace: Pace | None) -> Iterator[Frame]:
    """The frames of a stream with the members of ``extra``."""
    if ask.endpoint == "responses":
        return _responses(frames, extra.top)
    if ask.endpoint.startswith(("images.", "audio.")):
        return _events(frames, extra.top)
    return _chunks(frames, ask, extra, pace)


def _responses(frames: Iterable[Frame], top: Mapping[str, JSON]) -> Iterator[Frame]:
    """The events of the Responses API: the members are those of every ``response`` object."""
    for data, count in frames:
        head, line, rest = data.partition(b"data: ")
        event = _parsed(line + rest)
        if event is None or not isinstance(event.get("response"), dict):
            yield data, count
            continue
        ended = event.get("type") in ("response.completed", "response.incomplete", "response.failed")
        members = top if ended else {name: value for name, value in top.items() if name not in _AT_END}
        event["response"] = merge(event["response"], members)
        yield head + sse.data(event)[0], count


def _events(frames: Iterable[Frame], top: Mapping[str, JSON]) -> Iterator[Frame]:
    """The events of images and audio: the members are those of every event; ``usage`` is that of the events that have one."""
    for data, count in frames:
        head, line, rest = data.partition(b"data: ")
        event = _parsed(line + rest)
        if event is None:
            yield data, count
            continue
        members = {name: value for name, value in top.items() if name != "usage" or "usage" in event}
        yield head + sse.data(merge(event, members))[0], count


def _chunks(frames: Iterable[Frame], ask: Ask, extra: Extra, pace: Pace | None) -> Iterator[Frame]:
    """The chunks of chat completions and completions."""
    top = {name: value for name, value in extra.top.items() if name != "prompt_filter_results"}
    opened = False
    for data, count in frames:
        chunk = _parsed(data)
        if chunk is None:
            yield data, count
            continue
        if not opened and "prompt_filter_results" in extra.top:
            yield sse.data(_filter_chunk(extra.top["prompt_filter_results"]))
        opened = True
        _add_top(chunk, top)
        added: list[Frame] = []
        for choice in chunk.get("choices") or ():
            added += _change_choice(chunk, choice, ask, extra, pace)
        yield sse.data(chunk, count)
        yield from added


def _parsed(data: bytes) -> dict[str, Any] | None:
    if not data.startswith(_PREFIX):
        return None
    try:
        value = json.loads(data[len("data: ") :])
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _filter_chunk(results: JSON) -> dict[str, Any]:
    """Azure's first chunk, which has no choices."""
    return {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": results}


def _add_top(chunk: dict[str, Any], top: Mapping[str, JSON]) -> None:
    for name, value in top.items():
        if name != "usage":
            chunk[name] = merge(chunk.get(name), value)
        elif chunk.get("usage"):
            # Only the last chunk counts.
            chunk[name] = merge(chunk[name], value)


def _change_choice(
    chunk: Mapping[str, Any], choice: dict[str, Any], ask: Ask, extra: Extra, pace: Pace | None
) -> Iterator[Frame]:
    """Change a choice of a chunk; the frames to send after the chunk."""
    index, delta = choice.get("index", 0), choice.get("delta")
    message = extra.messages.get(index) or {}
    if isinstance(delta, dict):
        if index in extra.legacy and "tool_calls" in delta:
            call = delta.pop("tool_calls")[0]
            delta["function_call"] = call.get("function") or {}
        if "role" in delta:
            delta.update({name: value for name, value in message.items() if _is_empty(value)})
    members = {**extra.choices.get(None, {}), **extra.choices.get(index, {})}
    if choice.get("finish_reason") is not None and members:
        choice.update(merge(choice, members))
    if not isinstance(delta, dict) or "role" not in delta:
        return iter(())
    deltas = [(name, value) for name, value in message.items() if not _is_empty(value)]
    # The frames are encoded here, while the chunk has its members.
    return iter([frame for name, value in deltas for frame in _deltas(chunk, index, name, value, ask, pace)])


def _is_empty(value: JSON) -> bool:
    return value is None or value in ("", [], {})


def _deltas(chunk: Mapping[str, Any], index: int, name: str, value: JSON, ask: Ask, pace: Pace | None) -> Iterator[Frame]:
    """A member of a message as deltas: a text in pieces, another value in one."""
    values = pieces(value, pace, ask.model) if isinstance(value, str) else [value]
    for piece in values:
        choice = {"index": index, "delta": {name: piece}, "logprobs": None, "finish_reason": None}
        # Recorded gaps are those of the content's pieces.
        counted = isinstance(piece, str) and not (pace and pace.gaps)
        count = float(tokens.count(piece, ask.model)) if counted else 0.0
        yield sse.data({**chunk, "choices": [choice]}, count)

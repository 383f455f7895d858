"""Fixtures of aimock: what a request must contain, and what to answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..config.write import literal
from ..http.json import dump
from .outcomes import Omission, Outcome, Ready

JSON = Any
Words = dict[str, Any]

#: Endpoints by aimock's words; what is not here is not part of the OpenAI API.
_ENDPOINTS: dict[str, str | list[str]] = {
    "chat": ["chat", "responses"],
    "embedding": "embeddings",
    "image": "images.generations",
    "speech": "audio.speech",
    "transcription": "audio.transcriptions",
    "translation": "audio.translations",
}
#: Members of an answer that have a name of their own here; a None has no effect on the API's answers.
_OVERRIDES = {
    "id": "id",
    "created": "created",
    "model": "model",
    "usage": "usage",
    "systemFingerprint": "system_fingerprint",
    "finishReason": "finish_reason",
    "reasoning": "reasoning",
}
_NOT_CONVERTED = ("context", "predicate")
#: Members of a fixture that change its answer and have no words here.
_NO_WORDS = ("chaos", "disconnectAfterMs", "misbehavior", "replaySpeed")


def recognised(document: JSON) -> bool:
    """Whether a document is a file of fixtures."""
    return isinstance(document, Mapping) and isinstance(document.get("fixtures"), list)


def read(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The fixtures as rules, of which the first that fits answers; those that differ only in their turn are one rule."""
    sequences: dict[str, Words] = {}
    for number, fixture in enumerate(document["fixtures"], 1):
        place = f"{name}: fixture {number}"
        if not isinstance(fixture, Mapping) or not isinstance(fixture.get("match"), Mapping):
            yield Omission(place, "there is no match")
            continue
        match = dict(fixture["match"])
        turn = match.pop("sequenceIndex", None)
        try:
            rule = {"when": _when(match), "reply": _reply(fixture)}
        except _NoWords as reason:
            yield Omission(place, str(reason))
            continue
        yield from (
            Omission(f"{place}: {name}", "it has no words here; the rule is without it")
            for name in _NO_WORDS
            if fixture.get(name)
        )
        if turn is None:
            yield Ready(rule, place, first=True)
            continue
        key = dump(match)
        if key in sequences:
            sequences[key]["replies"].append(rule["reply"])
        else:
            sequences[key] = {"when": rule["when"], "replies": [rule["reply"]]}
            yield Ready(sequences[key], place, first=True)


class _NoWords(ValueError):
    """A fixture that has no words here, and why."""


def _when(match: Mapping[str, JSON]) -> Words:
    condition: Words = {}
    parts: list[Words] = []
    for name, value in match.items():
        if value is None:
            continue
        if name in _NOT_CONVERTED:
            raise _NoWords(f"'{name}' has no match here")
        if name == "userMessage":
            condition["user"] = _contains(value)
        elif name == "systemMessage" and isinstance(value, list):
            parts += [{"system": _contains(text)} for text in value]
        elif name == "systemMessage":
            condition["system"] = _contains(value)
        elif name == "inputText":
            condition |= {"endpoint": "embeddings", "text": _contains(value)}
        elif name == "toolResultContains":
            condition["tool"] = _contains(value)
        elif name == "model":
            condition["model"] = {"regex": f"^{re.escape(str(value))}(-\\d.*)?$", "case_sensitive": True}
        elif name == "endpoint":
            if value not in _ENDPOINTS:
                raise _NoWords(f"the endpoint '{value}' is not one of the OpenAI API's")
            condition.setdefault("endpoint", _ENDPOINTS[value])
        elif name in _NAMES:
            condition[_NAMES[name]] = [value] if name == "toolName" else value
        else:
            raise _NoWords(f"'{name}' has no match here")
    return {**condition, "all": parts} if parts else condition


_NAMES = {
    "toolCallId": "tool_call_id",
    "toolName": "tools",
    "responseFormat": "response_format",
    "turnIndex": "turn",
    "hasToolResult": "has_tool_result",
}


def _contains(value: JSON) -> Words:
    return {"contains": str(value), "case_sensitive": True}


# Answers


def _reply(fixture: Mapping[str, JSON]) -> Words:
    response = fixture.get("response")
    if not isinstance(response, Mapping):
        raise _NoWords("there is no response")
    words = _answer(response)
    if "error" not in words and "body" not in words:
        words |= {key: response[name] for name, key in _OVERRIDES.items() if response.get(name) is not None}
    return literal({**words, **_timing(fixture)})


def _answer(response: Mapping[str, JSON]) -> Words:
    if isinstance(response.get("error"), Mapping):
        failure = {name: value for name, value in response["error"].items() if value is not None}
        after = {"retry_after": response["retryAfter"]} if "retryAfter" in response else {}
        return {"error": {"status": response.get("status", 500), **failure, **after}}
    if "json" in response:
        return {"status": response.get("status", 200), "body": response["json"]}
    if response.get("blocks"):
        return {"blocks": [_block(block) for block in response["blocks"]]}
    if "embedding" in response:
        return {"embedding": response["embedding"]}
    if isinstance(response.get("transcription"), Mapping):
        return {"content": response["transcription"].get("text", "")}
    if "image" in response or "images" in response:
        return {"image": _images(response)}
    if "audio" in response and "content" not in response:
        audio = response["audio"]
        data = audio.get("b64Json") if isinstance(audio, Mapping) else audio
        return {"speech": {"b64": data, **({"format": response["format"]} if response.get("format") else {})}}
    words: Words = {}
    if response.get("content") is not None:
        words["content"] = response["content"]
    if response.get("toolCalls"):
        words["tool_calls"] = [_call(call) for call in response["toolCalls"]]
    if not words:
        raise _NoWords(f"an answer with {', '.join(response) or 'nothing'} has no words here")
    return words


def _block(block: Mapping[str, JSON]) -> Words:
    return {"text": block.get("text", "")} if block.get("type") == "text" else {"tool_call": _call(block)}


def _call(call: Mapping[str, JSON]) -> Words:
    arguments = call.get("arguments", "{}")
    named = {"id": call["id"]} if call.get("id") else {}
    return {**named, "name": call["name"], "arguments": dump(arguments) if isinstance(arguments, list) else arguments}


def _images(response: Mapping[str, JSON]) -> Words | list[Words]:
    images = response.get("images") or [response.get("image")]
    if not all(isinstance(image, Mapping) for image in images):
        raise _NoWords("an image that is not a mapping has no words here")
    words = [{"b64": image["b64Json"]} if image.get("b64Json") else {"url": image.get("url", "")} for image in images]
    return words[0] if len(words) == 1 else words


def _timing(fixture: Mapping[str, JSON]) -> Words:
    """Latency, pace and fault of a fixture."""
    timing: Words = {}
    pace: Words = {}
    recorded, profile = fixture.get("recordedTimings"), fixture.get("streamingProfile")
    if isinstance(profile, Mapping):
        pace = {name: profile[name] for name in ("ttft", "tps", "jitter") if isinstance(profile.get(name), (int, float))}
    elif isinstance(recorded, Mapping) and recorded.get("ttftMs"):
        pace = {"ttft": recorded["ttftMs"]}
    if isinstance(fixture.get("chunkSize"), int):
        pace["chunk"] = fixture["chunkSize"]
    if pace:
        timing["pace"] = pace
    if isinstance(fixture.get("latency"), (int, float)):
        timing["latency"] = fixture["latency"]
    if isinstance(fixture.get("truncateAfterChunks"), int):
        timing["fault"] = {"kind": "disconnect", "after": fixture["truncateAfterChunks"]}
    return timing

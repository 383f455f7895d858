"""Streams: the events of a recorded stream, put together to the whole answer, and the pieces in which its text came."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .exchange import Event, Recording, Skipped, events, parsed

JSON = Any


class Answer(NamedTuple):
    """A whole answer. ``pieces`` are those of its first text in a stream, ``gaps`` the milliseconds before each of them."""

    whole: JSON
    pieces: tuple[str, ...] = ()
    gaps: tuple[float, ...] = ()


class Unclear(ValueError):
    """A stream that does not add up to a whole answer: cut short, or with an error in its midst."""


#: A piece of text, and the number of the event that brought it.
Piece = tuple[int, str]


def answer(recording: Recording, endpoint: str) -> Answer:
    """What a successful recording answers; Unclear for a stream that is no whole answer, or for no JSON at all.

    Skipped for a chat that was cut off.
    """
    if not recording.streamed:
        whole = parsed(recording.response)
        if whole is None:
            raise Unclear("the answer is not JSON")
        return Answer(whole)
    join = _JOINS.get(endpoint)
    if join is None:
        raise Unclear(f"a stream of {endpoint} is kept as it is")
    listed = events(recording.response)
    whole, pieces = join(_chunks(listed))
    if endpoint == "chat" and listed[-1].data.strip() != "[DONE]" and any(not each["finish_reason"] for each in whole["choices"]):
        raise Skipped("the stream ends before the answer does")
    gaps: list[float] = []
    if recording.gaps:
        before = 0
        for number, _ in pieces:
            gaps.append(round(sum(recording.gaps[before : number + 1]), 1))
            before = number + 1
    return Answer(whole, tuple(text for _, text in pieces), tuple(gaps))


def _chunks(stream: Sequence[Event]) -> list[tuple[int, dict[str, JSON]]]:
    """The data of the events, each with its number."""
    chunks = []
    for number, event in enumerate(stream):
        if event.data.strip() == "[DONE]":
            continue
        chunk = parsed(event.data)
        if not isinstance(chunk, dict):
            raise Unclear("an event is not a JSON object")
        if event.name == "error" or chunk.get("type") == "error" or chunk.get("error"):
            raise Unclear("the stream has an error in its midst")
        chunks.append((number, chunk))
    return chunks


# Chat completions


def _chat(chunks: Sequence[tuple[int, dict[str, JSON]]]) -> tuple[JSON, list[Piece]]:
    whole: dict[str, JSON] = {}
    choices: dict[int, dict[str, JSON]] = {}
    pieces: list[Piece] = []
    for number, chunk in chunks:
        whole.update((name, value) for name, value in chunk.items() if name != "choices" and value is not None)
        for part in chunk.get("choices") or ():
            index = part.get("index") or 0
            choice = choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": None}})
            delta = part.get("delta") or {}
            text = delta.get("content") or delta.get("refusal")
            if text and isinstance(text, str) and index == 0:
                pieces.append((number, text))
            _add_delta(choice["message"], delta)
            _add_choice(choice, part)
    if not choices:
        raise Unclear("the stream has no choices")
    for choice in choices.values():
        calls = choice["message"].pop("tool_calls", None)
        if calls:
            choice["message"]["tool_calls"] = [calls[index] for index in sorted(calls)]
        choice.setdefault("finish_reason", None)
    whole["object"] = "chat.completion"
    whole.pop("obfuscation", None)
    return {**whole, "choices": [choices[index] for index in sorted(choices)]}, pieces


def _add_choice(choice: dict[str, JSON], part: dict[str, JSON]) -> None:
    for name, value in part.items():
        if name in ("index", "delta") or value is None:
            continue
        if name == "logprobs":
            logprobs = choice.setdefault("logprobs", {"content": None, "refusal": None})
            for kind, entries in value.items():
                if isinstance(entries, list):
                    logprobs[kind] = [*(logprobs.get(kind) or ()), *entries]
        else:
            choice[name] = value


def _add_delta(message: dict[str, JSON], delta: dict[str, JSON]) -> None:
    for name, value in delta.items():
        if value is None or name == "role":
            continue
        if name == "tool_calls":
            calls = message.setdefault("tool_calls", {})
            for part in value:
                _add_call(calls.setdefault(part.get("index", len(calls)), {}), part)
        elif name in ("function_call", "audio"):
            _add_call(message.setdefault(name, {}), value)
        elif isinstance(value, str) and isinstance(message.get(name) or "", str):
            message[name] = (message.get(name) or "") + value
        elif isinstance(value, list) and isinstance(message.get(name, []), list):
            message[name] = [*message.get(name, []), *value]
        else:
            message[name] = value


#: What comes in pieces inside a call or audio; anything else comes whole.
_GROWING = ("arguments", "input", "data", "transcript")


def _add_call(call: dict[str, JSON], part: dict[str, JSON]) -> None:
    for name, value in part.items():
        if name == "index" or value is None:
            continue
        if isinstance(value, dict):
            _add_call(call.setdefault(name, {}), value)
        elif name in _GROWING and isinstance(value, str):
            call[name] = call.get(name, "") + value
        elif value != "" or name not in call:
            call[name] = value


# Completions


def _completions(chunks: Sequence[tuple[int, dict[str, JSON]]]) -> tuple[JSON, list[Piece]]:
    whole: dict[str, JSON] = {}
    choices: dict[int, dict[str, JSON]] = {}
    pieces: list[Piece] = []
    for number, chunk in chunks:
        whole.update((name, value) for name, value in chunk.items() if name != "choices" and value is not None)
        for part in chunk.get("choices") or ():
            index = part.get("index") or 0
            choice = choices.setdefault(index, {"text": "", "index": index, "logprobs": None, "finish_reason": None})
            text = part.get("text") or ""
            choice["text"] += text
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            _add_lists(choice, part.get("logprobs"))
            if text and index == 0:
                pieces.append((number, text))
    if not choices:
        raise Unclear("the stream has no choices")
    return {**whole, "choices": [choices[index] for index in sorted(choices)]}, pieces


def _add_lists(choice: dict[str, JSON], logprobs: JSON) -> None:
    if isinstance(logprobs, dict):
        before = choice["logprobs"] or {}
        choice["logprobs"] = {
            name: [*(before.get(name) or ()), *value] if isinstance(value, list) else value for name, value in logprobs.items()
        }


# Responses


def _responses(chunks: Sequence[tuple[int, dict[str, JSON]]]) -> tuple[JSON, list[Piece]]:
    whole: JSON = None
    pieces: list[Piece] = []
    first: tuple[JSON, JSON] | None = None
    for number, chunk in chunks:
        kind = chunk.get("type")
        if kind in ("response.output_text.delta", "response.refusal.delta") and chunk.get("delta"):
            part = chunk.get("output_index"), chunk.get("content_index")
            first = first or part
            if part == first:
                pieces.append((number, chunk["delta"]))
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            whole = chunk.get("response")
    if not isinstance(whole, dict):
        raise Unclear("the stream ends before the response does")
    return whole, pieces


# Images and audio


def _images(chunks: Sequence[tuple[int, dict[str, JSON]]]) -> tuple[JSON, list[Piece]]:
    completed = [chunk for _, chunk in chunks if str(chunk.get("type")).endswith(".completed")]
    if not completed:
        raise Unclear("the stream ends before the image does")
    return {**completed[-1], "data": [{"b64_json": chunk["b64_json"]} for chunk in completed]}, []


def _speech(chunks: Sequence[tuple[int, dict[str, JSON]]]) -> tuple[JSON, list[Piece]]:
    pieces = [base64.b64decode(chunk["audio"]) for _, chunk in chunks if chunk.get("type") == "speech.audio.delta"]
    done = next((chunk for _, chunk in chunks if chunk.get("type") == "speech.audio.done"), None)
    if done is None or not pieces:
        raise Unclear("the stream ends before the speech does")
    return {"audio": base64.b64encode(b"".join(pieces)).decode(), "usage": done.get("usage")}, []


def _transcriptions(chunks: Sequence[tuple[int, dict[str, JSON]]]) -> tuple[JSON, list[Piece]]:
    kinds = {chunk.get("type") for _, chunk in chunks}
    done = next((chunk for _, chunk in chunks if chunk.get("type") == "transcript.text.done"), None)
    if done is None or "transcript.text.segment" in kinds:
        raise Unclear("a stream with segments, or one that ends before the text does")
    return done, [(number, chunk["delta"]) for number, chunk in chunks if chunk.get("type") == "transcript.text.delta"]


_JOINS: dict[str, Callable[[Sequence[tuple[int, dict[str, JSON]]]], tuple[JSON, list[Piece]]]] = {
    "chat": _chat,
    "completions": _completions,
    "responses": _responses,
    "images.generations": _images,
    "images.edits": _images,
    "audio.speech": _speech,
    "audio.transcriptions": _transcriptions,
}

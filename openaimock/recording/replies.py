"""Replies: a recorded answer in the words of a rule's ``reply``, for every endpoint; what has no words there is kept whole."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..types.ask import Ask
from . import items
from .exchange import Recording, parsed
from .streams import Answer, Unclear, answer

JSON = Any
Words = dict[str, Any]

#: Members of an answer that are generated for each request.
_GENERATED = ("id", "object", "created", "created_at", "model", "usage", "choices", "service_tier", "system_fingerprint")
_MESSAGE = ("role", "content", "refusal", "tool_calls", "function_call", "annotations", "audio")
_CHOICE = ("index", "message", "finish_reason", "logprobs")


def reply(ask: Ask, recording: Recording, *, keep_ids: bool = False) -> Words:
    """A reply that gives a client what the recording gave: content, calls, usage, finish reason, pieces.

    ``{"response": ...}`` is a whole answer for the rule itself, where several choices or unusual members need one.
    """
    if recording.status >= 400:
        return error(recording)
    if ask.endpoint == "audio.speech" and recording.status == 200 and not recording.streamed:
        return _speech(recording)
    words = _WORDS.get(ask.endpoint)
    if words is not None and recording.status == 200 and not recording.response.strip():
        # Some recorders lose the body of a stream. A client cannot read such an answer.
        raise Unclear("the recorded answer is empty")
    if words is None or recording.status != 200:
        return raw(recording)
    try:
        recorded = answer(recording, ask.endpoint)
        result = words(ask, recorded, keep_ids)
    except (Unclear, AttributeError, KeyError, TypeError, IndexError):
        # A shape that no API of today has: it is sent again as it was.
        return raw(recording)
    if recorded.pieces and "response" not in result:
        result["pace"] = {"chunks": list(recorded.pieces), **({"gaps": list(recorded.gaps)} if recorded.gaps else {})}
    return result


# What is not in the words of the endpoint


def error(recording: Recording) -> Words:
    """An error in the API's envelope by its parts; any other as it is."""
    body = parsed(recording.response)
    details = body.get("error") if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(details, dict) or not isinstance(details.get("message"), str):
        return raw(recording)
    words: Words = {"status": recording.status}
    words.update((name, details[name]) for name in ("type", "code", "message", "param") if name in details)
    words.update((name, value) for name, value in details.items() if name not in words)
    if not isinstance(words.get("code"), (str, type(None))):
        words["code"] = str(words["code"])
    after = recording.response_headers.get("retry-after", "")
    headers = _for_clients(recording)
    if after.isascii() and after.isdigit():
        words["retry_after"] = int(headers.pop("retry-after"))
    return {"error": words, **({"headers": headers} if headers else {})}


#: Headers of an answer by which clients decide what to do next.
_DECIDING = ("retry-after", "retry-after-ms", "x-should-retry", "location")


def _for_clients(recording: Recording) -> dict[str, str]:
    return {name: recording.response_headers[name] for name in _DECIDING if name in recording.response_headers}


def raw(recording: Recording) -> Words:
    """Status and body as they are; JSON as a value, so that it can be read."""
    kind = recording.response_headers.get("content-type", "")
    value = None if recording.streamed else parsed(recording.response)
    headers = _for_clients(recording) if recording.status >= 300 else {}
    words: Words = {"status": recording.status, **({"headers": headers} if headers else {})}
    if isinstance(value, (dict, list)) and ("json" in kind or not kind):
        return {**words, "body": value}
    if kind:
        words["headers"] = {"content-type": kind, **headers}
    try:
        return {**words, "body": recording.response.decode()}
    except UnicodeDecodeError:
        raise Unclear(f"the answer is binary ({kind or 'of no known type'})") from None


# Chat completions


def _chat(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    whole = recorded.whole
    choices = whole["choices"]
    if len(choices) != 1:
        return {"response": _whole(ask, whole, keep_ids)}
    choice, message = choices[0], choices[0]["message"]
    words: Words = {}
    if isinstance(message.get("content"), str) and (message["content"] or not message.get("tool_calls")):
        words["content"] = message["content"]
    for name in ("refusal", "annotations", "audio"):
        if message.get(name):
            words[name] = message[name]
    calls = [_call(call, keep_ids) for call in message.get("tool_calls") or ()]
    if message.get("function_call"):
        calls.append(_call({"function": message["function_call"]}, False))
    if calls:
        words["tool_calls"] = calls
    if "audio" in words and not keep_ids:
        words["audio"] = {name: value for name, value in words["audio"].items() if name not in ("id", "expires_at")}
    if choice.get("logprobs"):
        words["logprobs"] = choice["logprobs"]
    reason = choice.get("finish_reason")
    if reason and reason != ("tool_calls" if calls else "stop") and not (reason == "function_call" and calls):
        words["finish_reason"] = reason
    extra = _extra(whole, choice, message)
    if extra:
        words["extra"] = extra
    if not words.keys() - {"finish_reason", "extra"}:
        words["content"] = ""
    return {**words, **_overrides(ask, whole, keep_ids)}


def _extra(whole: JSON, choice: JSON, message: JSON) -> Words:
    """Members that the API itself does not have, by their paths."""
    extra: Words = {name: value for name, value in whole.items() if name not in _GENERATED and value not in (None, [], {})}
    for prefix, members, usual in (("choices.0", choice, _CHOICE), ("message", message, _MESSAGE)):
        for name, value in members.items():
            if name not in usual and value not in (None, [], {}, ""):
                extra[f"{prefix}.{name}"] = value
    return extra


def _whole(ask: Ask, whole: JSON, keep_ids: bool) -> Words:
    """A whole chat completion without what is generated for each request."""
    volatile = () if keep_ids else ("id", "created", "system_fingerprint")
    members = {name: value for name, value in whole.items() if name not in volatile and value is not None}
    if members.get("model") == ask.model:
        del members["model"]
    return members


def _call(call: JSON, keep_ids: bool) -> Words:
    tied = {"id": call["id"]} if keep_ids and call.get("id") else {}
    if "custom" in call:
        return {**tied, "name": call["custom"]["name"], "input": call["custom"].get("input") or ""}
    return {**tied, "name": call["function"]["name"], "arguments": items.arguments(call["function"].get("arguments") or "")}


def _overrides(ask: Ask, whole: JSON, keep_ids: bool) -> Words:
    """What the API made besides the content: usage, a model of another name, and, if they are to be kept, ids and times."""
    words: Words = {}
    counted = usage(whole.get("usage"))
    if counted:
        words["usage"] = counted
    if isinstance(whole.get("model"), str) and whole["model"] not in ("", ask.model):
        words["model"] = whole["model"]
    if whole.get("service_tier") not in (None, "default", "auto"):
        words["service_tier"] = whole["service_tier"]
    if keep_ids:
        created = whole.get("created", whole.get("created_at"))
        words |= {"id": whole["id"]} if whole.get("id") else {}
        words |= {"created": int(created)} if created is not None else {}
        words |= {"system_fingerprint": whole["system_fingerprint"]} if whole.get("system_fingerprint") else {}
    return words


def usage(counted: JSON) -> Words:
    """The counts of tokens that say something: no sum of the others, no details that are all zero."""
    if not isinstance(counted, Mapping):
        return {}
    members = {name: value for name, value in counted.items() if value is not None}
    for name in [name for name, value in members.items() if isinstance(value, Mapping)]:
        if not any(members[name].values()):
            del members[name]
        else:
            members[name] = {detail: count for detail, count in members[name].items() if count is not None}
    parts = [members.get(name) for name in ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")]
    counts = [part for part in parts if isinstance(part, int)]
    if len(counts) == 2 and members.get("total_tokens") == sum(counts):
        del members["total_tokens"]
    return members


# Other endpoints


def _responses(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    whole = recorded.whole
    words = items.words(whole, keep_ids)
    return {**words, **_overrides(ask, whole, keep_ids)}


def _completions(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    (choice,) = _only(recorded.whole["choices"])
    prompt = ask.text if ask.body.get("echo") else ""
    words: Words = {"content": choice["text"].removeprefix(prompt)}
    if choice.get("logprobs"):
        words["logprobs"] = choice["logprobs"]
    if choice.get("finish_reason") not in (None, "stop"):
        words["finish_reason"] = choice["finish_reason"]
    return {**words, **_overrides(ask, recorded.whole, keep_ids)}


def _embeddings(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    (entry,) = _only(recorded.whole["data"])
    return {"embedding": vector(entry["embedding"]), **_overrides(ask, recorded.whole, keep_ids)}


def _moderations(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    (result,) = _only(recorded.whole["results"])
    verdict = {name: result[name] for name in ("flagged", "categories", "category_scores")}
    return {"moderation": verdict, **_overrides(ask, {**recorded.whole, "usage": None}, keep_ids)}


#: What the model chose of a picture, where the request leaves it to the model.
_CHOSEN = ("background", "quality", "size")


def _images(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    whole = recorded.whole
    images = [_image(image) for image in whole["data"]]
    if not images:
        raise Unclear("an answer without an image")
    words: Words = {"image": images[0] if len(images) == 1 else images}
    chosen = {name: whole[name] for name in _CHOSEN if whole.get(name) and ask.body.get(name) in (None, "auto")}
    if chosen:
        words["extra"] = chosen
    return {**words, **_overrides(ask, {**whole, "model": None}, keep_ids)}


def _image(image: JSON) -> Words:
    data = {"b64": image["b64_json"]} if image.get("b64_json") else {"url": image["url"]}
    return {**data, **({"revised_prompt": image["revised_prompt"]} if image.get("revised_prompt") is not None else {})}


#: Formats of speech by their content types.
_FORMATS = {
    "mpeg": "mp3",
    "wav": "wav",
    "x-wav": "wav",
    "ogg": "opus",
    "opus": "opus",
    "aac": "aac",
    "flac": "flac",
    "pcm": "pcm",
}


def _speech(recording: Recording) -> Words:
    kind = recording.response_headers.get("content-type", "").split(";")[0].removeprefix("audio/")
    payload = {"b64": base64.b64encode(recording.response).decode()}
    return {"speech": {**payload, "format": _FORMATS[kind]} if kind in _FORMATS else payload}


def _speech_events(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    return {"speech": {"b64": recorded.whole["audio"]}, **_overrides(ask, recorded.whole, keep_ids)}


def _transcriptions(ask: Ask, recorded: Answer, keep_ids: bool) -> Words:
    if not recorded.whole.keys() <= {"type", "text", "usage"}:
        raise Unclear("a transcription with more than its text")
    return {"content": recorded.whole["text"], **_overrides(ask, recorded.whole, keep_ids)}


def _only(entries: Sequence[JSON]) -> Sequence[JSON]:
    if len(entries) != 1:
        raise Unclear(f"{len(entries)} entries")
    return entries


def vector(value: JSON) -> list[float]:
    """The numbers of an embedding, from base64 too: the shortest that are the same as 32-bit floats."""
    if isinstance(value, str):
        data = base64.b64decode(value)
        return [_shortest(number) for (number,) in struct.iter_unpack("<f", data)]
    return list(value)


def _shortest(number: float) -> float:
    for digits in (7, 8):
        short = float(f"{number:.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", number):
            return short
    return float(f"{number:.9g}")


_WORDS: dict[str, Callable[[Ask, Answer, bool], Words]] = {
    "chat": _chat,
    "responses": _responses,
    "completions": _completions,
    "embeddings": _embeddings,
    "moderations": _moderations,
    "images.generations": _images,
    "images.edits": _images,
    "images.variations": _images,
    "audio.speech": _speech_events,
    "audio.transcriptions": _transcriptions,
    "audio.translations": _transcriptions,
}

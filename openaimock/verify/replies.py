"""Replies: answers that the API would not send, by the forms of its answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..api.responses.items import KINDS
from ..config.entries import Entries, replies_of
from .finding import Finding, at, similar

Keys = tuple[str | int, ...]
#: A message, whether the API still sends it, and the keys inside the reply.
Difference = tuple[str, bool, Keys]

#: The reasons for which answers end: of chat completions, and of incomplete Responses.
FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call", "max_output_tokens")
SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
ANNOTATIONS = ("url_citation", "file_citation", "container_file_citation", "file_path")
#: The statuses of the API's errors.
STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504, 520, 529)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
#: Members of ``usage`` in the words of either API.
_USAGE = (
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details", "input_tokens",
    "output_tokens", "input_tokens_details", "output_tokens_details", "type", "seconds",
)  # fmt: skip
#: The members of a chat completion, of its choices and messages, and of a Response.
_COMPLETION = (
    "id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "metadata", "moderation",
    "request_id",
)  # fmt: skip
_CHOICE = ("index", "message", "finish_reason", "logprobs")
_MESSAGE = ("role", "content", "refusal", "annotations", "audio", "function_call", "tool_calls")
_RESPONSE = (
    "id", "object", "created_at", "completed_at", "status", "model", "output", "usage", "error", "incomplete_details",
    "instructions", "metadata", "parallel_tool_calls", "temperature", "tool_choice", "tools", "top_p", "background",
    "conversation", "image", "input_transformations", "max_output_tokens", "max_tool_calls", "moderation",
    "previous_response_id", "prompt", "prompt_cache_diagnostics", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "text", "tool_usage", "top_logprobs",
    "truncation", "user", "store", "billing", "presence_penalty", "frequency_penalty", "access_programs",
    "context_management", "output_text", "background_options",
)  # fmt: skip


def findings(entries: Entries, now: float) -> Iterator[Finding]:
    """The replies that the API would not send."""
    for entry in entries.rules:
        for reply, keys in replies_of(entry):
            if "function" in reply:
                continue
            for message, works, inner in (*_recorded(reply), *_content(reply), *_members(reply)):
                yield at(entry, message, *keys, *inner, works=works)


def _content(reply: Mapping[str, Any]) -> Iterator[Difference]:
    """Calls and texts that exclude each other or are invalid."""
    calls = reply.get("tool_calls") or ()
    if reply.get("refusal") and (calls or reply.get("content")):
        yield f"a refusal comes alone, not with '{'tool_calls' if calls else 'content'}'", False, ("refusal",)
    ids: set[str] = set()
    for place, call in enumerate(calls):
        inner: Keys = ("tool_calls", place)
        if "{{" not in call["name"] and not _NAME.fullmatch(call["name"]):
            yield f"a tool cannot have the name '{call['name'][:80]}': up to 64 letters, digits, '_' and '-'", False, inner
        if call["kind"] == "function" and "{{" not in call["arguments"] and not _is_object(call["arguments"]):
            yield "the arguments of a function are the JSON text of an object", False, inner
        if call["id"] and call["id"] in ids:
            yield f"two calls have the id '{call['id']}'", False, inner
        ids.add(call["id"])


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _members(reply: Mapping[str, Any]) -> Iterator[Difference]:
    """Members whose values the API does not have."""
    reason = reply.get("finish_reason")
    calls = reply.get("tool_calls") or any(block.get("kind") in ("tool_call", "item") for block in reply.get("blocks") or ())
    for name, value, allowed in (
        ("finish_reason", reason, FINISH_REASONS),
        ("service_tier", reply.get("service_tier"), SERVICE_TIERS),
    ):
        if isinstance(value, str) and "{{" not in value and value not in allowed:
            yield f"no answer has the {name} '{value}'{similar(value, allowed)}", False, (name,)
    if reason in ("tool_calls", "function_call") and not calls and "response" not in reply and not reply.get("auto"):
        yield f"the finish_reason '{reason}' needs a tool call", False, ("finish_reason",)
    for place, annotation in enumerate(reply.get("annotations") or ()):
        kind = annotation.get("type")
        if kind not in ANNOTATIONS:
            yield f"no annotation has the type '{kind}'{similar(str(kind), ANNOTATIONS)}", False, ("annotations", place)
    status = (reply.get("error") or {}).get("status")
    if status is not None and (status < 400 or status not in STATUSES):
        yield f"no error of the API has the status {status}", False, ("error",)
    yield from _usage(reply.get("usage") or {})


def _usage(usage: Mapping[str, Any]) -> Iterator[Difference]:
    for name in usage:
        if name not in _USAGE:
            yield f"'usage' has no member '{name}'{similar(name, _USAGE)}", False, ("usage", name)
    for first, second in (("prompt_tokens", "completion_tokens"), ("input_tokens", "output_tokens")):
        counts = [count for name in (first, second, "total_tokens") if isinstance(count := usage.get(name), int)]
        if len(counts) == 3 and sum(counts[:2]) != counts[2]:
            yield f"'total_tokens' is {counts[2]}, but '{first}' and '{second}' make {sum(counts[:2])}", False, ("usage",)


def _recorded(reply: Mapping[str, Any]) -> Iterator[Difference]:
    """Members of an answer under ``response`` that the API's answers do not have."""
    answer = reply.get("response")
    if not isinstance(answer, Mapping):
        return
    if "output" in answer:
        yield from _unknown(answer, _RESPONSE, "a Response", ())
        yield from _other(answer, "object", ("response",), "a Response", ())
        for place, item in enumerate(answer.get("output") or ()):
            yield from _other(item, "type", tuple(KINDS), "an output item", ("output", place))
        return
    yield from _unknown(answer, _COMPLETION, "a chat completion", ())
    yield from _other(answer, "object", ("chat.completion",), "a chat completion", ())
    for place, choice in enumerate(answer.get("choices") or ()):
        yield from _unknown(choice, _CHOICE, "a choice", ("choices", place))
        message = choice.get("message") or {}
        yield from _unknown(message, _MESSAGE, "a message", ("choices", place, "message"))
        yield from _other(message, "role", ("assistant",), "the message of an answer", ("choices", place, "message"))
        if message.get("function_call"):
            text = "'function_call' is the API's old form; write 'tool_calls'"
            yield text, True, ("choices", place, "message", "function_call")


def _other(value: Mapping[str, Any], member: str, allowed: Sequence[str], noun: str, keys: Keys) -> Iterator[Difference]:
    """A member that may be left out, with a value that the API does not send there."""
    actual = value.get(member)
    if isinstance(actual, str) and actual not in allowed:
        expected = similar(actual, allowed) or (f", but '{allowed[0]}'" if len(allowed) == 1 else "")
        yield f"{noun} of the API does not have the {member} '{actual}'{expected}", False, (*keys, member)


def _unknown(value: Mapping[str, Any], names: Sequence[str], noun: str, keys: Keys) -> Iterator[Difference]:
    for name in value:
        if name not in names:
            yield f"{noun} of the API has no member '{name}'{similar(name, names)}", False, (*keys, name)

"""Conversation: the order of tool calls and results, the members of messages, and the choice among tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from ..http.catalog import printable
from ..params.models import Model
from ..types.ask import Ask, Message
from ..types.tools import choice, response_form, tools
from .check import Check, Finding
from .usual import unusual_items

# Chat: the results follow the message with the calls

_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "The following tool_call_ids did not have response messages: "
)
_ORPHAN = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."


def _chat(ask: Ask, model: Model) -> Iterator[Finding]:
    #: The calls of the message before, and the index of the message that answers each.
    called: dict[str, int | None] = {}
    for at, message in enumerate(ask.messages):
        if message.role == "tool":
            yield from _result(message.tool_call_id or "", at, called)
        else:
            if called:
                yield from _missing(called, f"messages.[{at}].role")
                called = {}
            if message.tool_calls:
                yield from _calls(message, at, called)
    yield from _missing(called, "messages")


def _result(id: str, at: int, called: dict[str, int | None]) -> Iterator[Finding]:
    """The problem of a tool message, if it does not answer one of the calls before it."""
    where = f"messages.[{at}].tool_call_id"
    if not called:
        yield Finding("orphan_tool_message", _ORPHAN, f"messages.[{at}].role")
    elif id not in called:
        message = f"Invalid parameter: 'tool_call_id' of '{printable(id)}' not found in 'tool_calls' of previous message."
        yield Finding("unknown_tool_call_id", message, where)
    elif called[id] is not None:
        places = f"in messages[{called[id]}] and messages[{at}]."
        yield Finding(
            "duplicate_tool_call_id",
            f"Invalid parameter: Duplicate value for 'tool_call_id' of '{printable(id)}', {places}",
            where,
        )
    else:
        called[id] = at


def _calls(message: Message, at: int, called: dict[str, int | None]) -> Iterator[Finding]:
    """Repeated ids of the calls of an assistant message; adds its calls to ``called``."""
    for place, call in enumerate(message.tool_calls):
        if not call.id:
            # A ``function_call``, which has no id.
            continue
        if call.id in called:
            message_text = f"Invalid parameter: Duplicate value for 'tool_call_id' of '{printable(call.id)}', in messages[{at}]."
            yield Finding("duplicate_tool_call_id", message_text, f"messages.[{at}].tool_calls.[{place}].id")
        called[call.id] = None


def _missing(called: Mapping[str, int | None], param: str) -> Iterator[Finding]:
    unanswered = [id for id, answer in called.items() if answer is None]
    if unanswered:
        yield Finding("unanswered_tool_call", _UNANSWERED + printable(", ".join(unanswered), 400), param)


def _audio_parts(ask: Ask, model: Model) -> Iterator[Finding]:
    if model.audio or model.reasons is None:
        return
    for at, message in enumerate(ask.messages):
        if "input_audio" in message.parts:
            message_text = f"Invalid 'messages[{at}]'. Content blocks are expected to be either text or image_url type."
            yield Finding("audio_part", message_text, f"messages[{at}]", "invalid_value")


def is_plain(messages: str | Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether each message is only a role and a text, so that nothing needs a check."""
    if messages is None or isinstance(messages, str):
        return True
    for message in messages:  # noqa: SIM110 (a generator would take three times as long)
        if len(message) != 2 or message.get("content").__class__ is not str:
            return False
    return True


# Responses: the results may be anywhere in the input or in the items before it

#: Types of calls and of their results, with the name that the API has for each in messages.
_PAIRS = {"function_call": "function call", "custom_tool_call": "custom tool call"}
_RESULTS = {f"{kind}_output": words for kind, words in _PAIRS.items()}
#: Types of items that may contain a call.
_OPAQUE = frozenset(["compaction", "program"])
#: Types of items that are calls or results, or may contain or find calls.
_LINKED = frozenset([*_PAIRS, *_RESULTS, *_OPAQUE, "tool_search_call"])


def _responses(ask: Ask, model: Model) -> Iterator[Finding]:
    before, added = getattr(ask, "before", ()), getattr(ask, "items", ())
    items = [*before, *added]
    yield from _duplicates(items)
    if any(item.get("type") == "reasoning" for item in added):
        yield from _lone_reasoning(added)
    items = [item for item in items if item.get("type") in _LINKED]
    added = [item for item in added if item.get("type") in _LINKED]
    calls = {item.get("call_id"): words for item in items if (words := _PAIRS.get(item.get("type") or ""))}
    results = {item.get("call_id"): words for item in added if (words := _RESULTS.get(item.get("type") or ""))}
    if not any(item.get("type") in _OPAQUE for item in items):
        searches = {item.get("call_id") for item in items if item.get("type") == "tool_search_call"}
        for id, words in results.items():
            if id and id not in calls and id not in searches:
                message = f"No tool call found for {words} output with call_id {printable(id)}."
                yield Finding("orphan_tool_output", message, "input")
    answered = {item.get("call_id") for item in items if item.get("type") in _RESULTS}
    if not any(tool.get("async") for tool in ask.body.get("tools") or ()):
        for id, words in calls.items():
            if id not in answered:
                yield Finding("unanswered_tool_call", f"No tool output found for {words} {printable(str(id))}.", "input")


#: The members of a message of a Responses input (``end_turn`` and the last are undocumented: the Codex CLI sends them), and
#: those of the types of parts to which clients add members.
_MESSAGE_MEMBERS = frozenset(
    ["type", "role", "content", "id", "status", "end_turn", "internal_chat_message_metadata_passthrough"]
)
_PART_MEMBERS = {
    "input_text": frozenset(["type", "text", "prompt_cache_breakpoint"]),
    "output_text": frozenset(["type", "text", "annotations", "logprobs"]),
}


def _members(ask: Ask, model: Model) -> Iterator[Finding]:
    for at, item in unusual_items(ask):
        if item.get("type") not in (None, "message") or "role" not in item:
            continue
        allowed = _MESSAGE_MEMBERS | {"phase"} if item["role"] == "assistant" else _MESSAGE_MEMBERS
        paths = [f"input[{at}].{printable(name)}" for name in item if name not in allowed and item[name] is not None]
        content = item.get("content")
        for place, part in enumerate(content if isinstance(content, list) else ()):
            names = _PART_MEMBERS.get(part["type"])
            if names:
                here = f"input[{at}].content[{place}]"
                paths += [f"{here}.{printable(name)}" for name in part if name not in names and part[name] is not None]
        for path in paths:
            yield Finding("unknown_parameter", f"Unknown parameter: '{path}'.", path, "unknown_parameter")


def _duplicates(items: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    ids: set[str] = set()
    for item in items:
        id = item.get("id")
        if id and item.get("type") != "item_reference":
            if id in ids:
                message = f"Duplicate item found with id {printable(id)}. Remove duplicate items from your input and try again."
                yield Finding("duplicate_item", message, "input")
            ids.add(id)


def _lone_reasoning(items: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Stored reasoning without the output item that followed it."""
    for item, following in zip(items, chain(items[1:], [None]), strict=False):
        if item.get("type") == "reasoning" and item.get("id") and (following is None or not _is_output(following)):
            message = f"Item '{printable(item['id'])}' of type 'reasoning' was provided without its required following item."
            yield Finding("lone_reasoning", message, "input")


def _is_output(item: Mapping[str, Any]) -> bool:
    """Whether an item is the model's; a message in the short form, without an id, does not count."""
    kind = item.get("type") or "message"
    if kind == "message":
        return item.get("role") == "assistant" and bool(item.get("id"))
    return not kind.endswith("_output")


def of_tools(ask: Ask) -> Iterator[Finding]:
    """The findings about the order of tool calls and their results; none for an endpoint without tools."""
    find = {"chat": _chat, "responses": _responses}.get(ask.endpoint)
    return iter(()) if find is None else find(ask, Model())


# The word that JSON mode requires

#: The error, and its param, by the parameter that asks for JSON.
_JSON_WORD = {
    "response_format": (
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        "messages",
    ),
    "text.format": (
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
        "input",
    ),
}


def _json_word(ask: Ask, model: Model) -> Iterator[Finding]:
    if ask.response_format != "json_object":
        return
    # ``instructions`` are the first of the Ask's messages, and do not count.
    instructions = ask.body.get("instructions")
    skipped = 1 if isinstance(instructions, str) and instructions else 0
    if not any("json" in message.text.lower() for message in ask.messages[skipped:]):
        yield Finding("json_word", *_JSON_WORD[response_form(ask).param])


# The choice among tools


def _chat_choice(ask: Ask, model: Model) -> Iterator[Finding]:
    body = ask.body
    offered = body.get("tools") or body.get("functions")
    if not offered:
        if body.get("tool_choice") is not None:
            message = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
            yield Finding("tool_choice_without_tools", message, "tool_choice")
        if body.get("parallel_tool_calls") is not None and model.reasons is False and not model.modern:
            message = "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified."
            yield Finding("parallel_without_tools", message, "parallel_tool_calls")
        return
    name = _absent(ask)
    if name is not None:
        where, among = ("tool_choice", "tools") if body.get("tools") and not model.modern else ("function_call", "functions")
        message = f"Invalid value for '{where}': no function named '{printable(name)}' was specified in the '{among}' parameter."
        yield Finding("unknown_tool_choice", message, where)


def _absent(ask: Ask) -> str | None:
    """The tool that must be called, if the request does not offer it."""
    mode, names = choice(ask)
    if mode != "required" or names is None or len(names) != 1:
        return None
    name = _alias(names[0])
    return None if any(name in (tool.name, _alias(tool.kind)) for tool in tools(ask)) else names[0]


def _alias(kind: str) -> str:
    """One name for all versions of the search tool, which the API takes for each other."""
    return "web_search" if kind.startswith("web_search") else kind


def _responses_choice(ask: Ask, model: Model) -> Iterator[Finding]:
    # A stored prompt may have tools.
    if ask.body.get("prompt") or ask.body.get("tool_choice") is None:
        return
    offered = tools(ask)
    if ask.body["tool_choice"] == "required" and not offered:
        yield Finding(
            "tool_choice_without_tools", "Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice"
        )
    name = _absent(ask)
    if name is not None:
        yield Finding("unknown_tool_choice", f"Tool choice '{printable(name)}' not found in 'tools' parameter.", "tool_choice")


_USER = {"role": "user", "content": "What time is it?"}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
_CALLING = {"role": "assistant", "content": None, "tool_calls": [_CALL]}
_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}
_ANSWERED = {"messages": [_USER, _CALLING, _RESULT]}
_TOOL = {"type": "function", "function": {"name": "now"}}
_FLAT_CALL = {"type": "function_call", "call_id": "call_1", "name": "now", "arguments": "{}"}
_FLAT_RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
_FLAT_ANSWERED = {"input": [_USER, _FLAT_CALL, _FLAT_RESULT]}
_REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
_ANSWER = {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "Noon."}]}
_AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
_AUDIO_MESSAGES = {"messages": [{"role": "user", "content": [_AUDIO]}]}
_JSON = {"response_format": {"type": "json_object"}}
_FLAT_JSON = {"text": {"format": {"type": "json_object"}}}
_FLAT_TOOL = {"type": "function", "name": "now"}
_MESSAGES = ("messages",)
_INPUT_KEYS = ("input", "previous_response_id", "conversation")
_CHOICE_KEYS = ("tool_choice", "function_call", "parallel_tool_calls")

CONVERSATION = (
    Check("unknown_parameter", "A member that a message or its text does not have.", ("responses",),
          {"input": [{**_USER, "name": "Ada"}]}, {"input": [_USER]}, _members, ("input",)),
    Check("orphan_tool_message", "A tool message without a call before it.", ("chat",),
          {"messages": [_USER, _RESULT]}, _ANSWERED, _chat, _MESSAGES),
    Check("unknown_tool_call_id", "A tool message for a call that the message before it does not have.", ("chat",),
          {"messages": [_USER, _CALLING, _RESULT, {**_RESULT, "tool_call_id": "call_2"}]}, _ANSWERED, _chat, _MESSAGES),
    Check("duplicate_tool_call_id", "Two results for one call.", ("chat",),
          {"messages": [_USER, _CALLING, _RESULT, _RESULT]}, _ANSWERED, _chat, _MESSAGES),
    Check("unanswered_tool_call", "A call whose result does not follow it.", ("chat",),
          {"messages": [_USER, _CALLING, {"role": "user", "content": "Well?"}]}, _ANSWERED, _chat, _MESSAGES),
    Check("audio_part", "Audio for a model without audio input.", ("chat",),
          _AUDIO_MESSAGES, {"model": "gpt-4o-audio-preview", **_AUDIO_MESSAGES}, _audio_parts, _MESSAGES),
    Check("orphan_tool_output", "A result without its call.", ("responses",),
          {"input": [_USER, _FLAT_RESULT]}, _FLAT_ANSWERED, _responses, _INPUT_KEYS),
    Check("unanswered_tool_call", "A call without its result, also one of an earlier response.", ("responses",),
          {"input": [_USER, _FLAT_CALL]}, _FLAT_ANSWERED, _responses, _INPUT_KEYS),
    Check("duplicate_item", "The same item twice, also one of an earlier response.", ("responses",),
          {"input": [_USER, _ANSWER, _ANSWER, _USER]}, {"input": [_USER, _ANSWER, _USER]}, _responses, _INPUT_KEYS),
    Check("lone_reasoning", "Reasoning without the item that followed it.", ("responses",),
          {"input": [_USER, _REASONING, _USER]}, {"input": [_USER, _REASONING, _ANSWER, _USER]}, _responses, _INPUT_KEYS),
    Check("json_word", "JSON mode needs the word JSON in the messages.", ("chat",),
          _JSON, {**_JSON, "messages": [{"role": "user", "content": "Answer in JSON."}]}, _json_word, ("response_format",)),
    Check("json_word", "The same; ``instructions`` do not count.", ("responses",),
          {**_FLAT_JSON, "instructions": "Answer in JSON."}, {**_FLAT_JSON, "input": "Answer in JSON."}, _json_word, ("text",)),
    Check("tool_choice_without_tools", "A tool choice without tools.", ("chat",),
          {"tool_choice": "auto"}, {"tools": [_TOOL], "tool_choice": "auto"}, _chat_choice, _CHOICE_KEYS),
    Check("tool_choice_without_tools", "A tool choice without tools.", ("responses",),
          {"tool_choice": "required"}, {"tools": [_FLAT_TOOL], "tool_choice": "required"}, _responses_choice, _CHOICE_KEYS),
    Check("parallel_without_tools", "``parallel_tool_calls`` without tools.", ("chat",),
          {"parallel_tool_calls": False}, {"tools": [_TOOL], "parallel_tool_calls": False}, _chat_choice, _CHOICE_KEYS),
    Check("unknown_tool_choice", "The tool that must be called is not offered.", ("chat",),
          {"tools": [_TOOL], "tool_choice": {"type": "function", "function": {"name": "then"}}},
          {"tools": [_TOOL], "tool_choice": {"type": "function", "function": {"name": "now"}}}, _chat_choice, _CHOICE_KEYS),
    Check("unknown_tool_choice", "The tool that must be called is not offered.", ("responses",),
          {"tools": [_FLAT_TOOL], "tool_choice": {"type": "function", "name": "then"}},
          {"tools": [_FLAT_TOOL], "tool_choice": {"type": "function", "name": "now"}}, _responses_choice, _CHOICE_KEYS),
)  # fmt: skip

"""Replies: whether a rule's reply fits the schemas and tools of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..http.catalog import printable
from ..schema import validate
from ..schema.values import slow_patterns
from ..types.ask import Ask, ToolCall
from ..types.reply import Reply
from ..types.tools import Tool, choice, response_form, tools
from .check import Finding

#: The endpoints whose requests may have schemas and tools.
ENDPOINTS = frozenset(["chat", "responses"])
#: Finish reasons of answers that may end before they are valid.
_TRUNCATED = frozenset(["length", "max_output_tokens", "content_filter"])

#: The names of the checks, and what they mean.
CHECKS = {
    "reply_schema": "The content does not fit the schema of the response format, or is not JSON where that is required.",
    "reply_tool": "A tool is called that the request does not offer, or offers as another kind of tool.",
    "reply_tool_choice": "A tool is called that the tool choice does not allow, or none where it requires a call.",
    "reply_parallel_calls": "Several tools are called at once, though the request has ``parallel_tool_calls: false``.",
    "reply_pattern": "A pattern of the request's schema or tool is not checked, because a search may take exponential time.",
    "reply_arguments": "The arguments of a call are not JSON, or do not fit the parameters of the tool.",
}


def findings(ask: Ask, reply: Reply) -> Iterator[Finding]:
    """The problems of a written reply as an answer to this request; they never change the reply."""
    if ask.endpoint not in ENDPOINTS:
        return
    for candidate in (reply, *reply.others):
        if candidate.finish_reason in _TRUNCATED:
            continue
        yield from _choice(ask, candidate)
        if candidate.calls:
            offered = {tool.name: tool for tool in tools(ask)}
            for call in candidate.calls:
                yield from _call(call, offered)
        elif ask.response_format in ("json_schema", "json_object"):
            yield from _content(ask, candidate)


#: The kinds of tools that a client runs, and the member of a call with what they get.
_WRITTEN = {"function": "arguments", "custom": "input"}
#: Output items of the Responses API that are no calls of tools.
_NO_CALLS = ("message", "reasoning")


def _choice(ask: Ask, reply: Reply) -> Iterator[Finding]:
    """The calls of a reply against ``tool_choice`` and ``parallel_tool_calls``."""
    calls = [call.name for call in reply.calls]
    if len(calls) > 1 and ask.body.get("parallel_tool_calls") is False:
        message = f"the request has parallel_tool_calls: false, but the reply makes {len(calls)} calls"
        yield _finding("reply_parallel_calls", message)
    if not ask.tool_choice:
        return
    mode, names = choice(ask)
    allowed = None if names is None else ", ".join(f"'{printable(name)}'" for name in names)
    if mode == "none" and calls:
        yield _finding("reply_tool_choice", f"the request has tool_choice: none, but the reply calls '{printable(calls[0])}'")
    elif mode == "required" and ask.tools and not calls and not _answers_otherwise(reply):
        of = f"a call of {allowed}" if allowed else "a call of a tool"
        yield _finding("reply_tool_choice", f"the tool_choice of the request requires {of}, but the reply makes none")
    for name in calls if names is not None else ():
        if name not in (names or ()):
            message = f"the reply calls '{printable(name)}', but the tool_choice of the request allows only {allowed}"
            yield _finding("reply_tool_choice", message)


def _answers_otherwise(reply: Reply) -> bool:
    """Whether a reply refuses, or has an output item that is a call: of a tool that the API runs itself, for example."""
    if reply.joined("refusal"):
        return True
    items = [block.data for block in reply.blocks if block.kind == "item" and isinstance(block.data, dict)]
    return any(item.get("type") not in _NO_CALLS for item in items)


def _content(ask: Ask, reply: Reply) -> Iterator[Finding]:
    text = reply.text
    if text is None:
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield _finding("reply_schema", f"the request asks for JSON, but the content is not JSON: {_reason(error)}")
        return
    form = response_form(ask)
    if form.kind == "json_object" and not isinstance(value, dict):
        yield _finding("reply_schema", "the request asks for a JSON object, but the content is another kind of value")
    elif form.kind == "json_schema":
        yield from _slow_patterns(form.schema)
        mismatch = validate.check({} if form.schema is None else form.schema, value)
        if mismatch:
            yield _finding("reply_schema", f"the content does not fit the schema '{form.name}': {mismatch}", mismatch.path)


def _slow_patterns(schema: object) -> Iterator[Finding]:
    for pattern, part in slow_patterns(schema):
        message = f"the pattern '{printable(pattern)}' is not checked: a search may take exponential time because of {part}"
        yield _finding("reply_pattern", message)


def _call(call: ToolCall, offered: dict[str, Tool]) -> Iterator[Finding]:
    name = printable(call.name)
    tool = offered.get(call.name)
    if tool is None:
        listed = ", ".join(map(printable, offered)) or "none"
        yield _finding(
            "reply_tool", f"the reply calls '{name}', which the request does not offer (it offers: {printable(listed)})"
        )
    elif call.kind in _WRITTEN and tool.kind in _WRITTEN and call.kind != tool.kind:
        expected, actual = _WRITTEN[tool.kind], _WRITTEN[call.kind]
        yield _finding("reply_tool", f"'{name}' is a {tool.kind} tool: a call of it has '{expected}', not '{actual}'")
        return
    if call.kind != "function":
        return
    try:
        value = json.loads(call.arguments)
    except (ValueError, RecursionError) as error:
        yield _finding("reply_arguments", f"the arguments of '{name}' are not JSON: {_reason(error)}")
        return
    if not isinstance(value, dict):
        yield _finding("reply_arguments", f"the arguments of '{name}' are not an object")
    elif tool is not None and tool.parameters is not None:
        yield from _slow_patterns(tool.parameters)
        mismatch = validate.check(tool.parameters, value)
        if mismatch:
            yield _finding("reply_arguments", f"the arguments of '{name}' do not fit its parameters: {mismatch}", mismatch.path)


def _finding(check: str, message: str, path: str | None = None) -> Finding:
    return Finding(check, message, path, about="reply")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)

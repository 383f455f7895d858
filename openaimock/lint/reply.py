"""Replies: whether a rule's reply fits the schemas and tools of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..http.catalog import printable
from ..schema import validate
from ..schema.values import slow_patterns
from ..types.ask import Ask, ToolCall
from ..types.reply import Reply
from ..types.tools import Tool, response_form, tools
from .check import Finding

#: The endpoints whose requests may have schemas and tools.
ENDPOINTS = frozenset(["chat", "responses"])
#: Finish reasons of answers that may end before they are valid.
_TRUNCATED = frozenset(["length", "max_output_tokens", "content_filter"])

#: The names of the checks, and what they mean.
CHECKS = {
    "reply_schema": "The content does not fit the schema of the response format, or is not JSON where that is required.",
    "reply_tool": "A tool is called that the request does not offer.",
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
        if candidate.calls:
            offered = {tool.name: tool for tool in tools(ask)}
            for call in candidate.calls:
                yield from _call(call, offered)
        elif ask.response_format in ("json_schema", "json_object"):
            yield from _content(ask, candidate)


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

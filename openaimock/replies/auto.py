"""Auto: answers made up from the seed that are valid for what the request offers and asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from ..http.json import dump
from ..types.ask import Ask, ToolCall
from ..types.reply import Block, Reply
from ..types.tools import Tool, choice, response_form, tools

#: The endpoints that answer with text and calls; the others make answers of their own.
TEXT = frozenset(["chat", "responses", "completions"])
#: What a rule may write beside ``auto``; anything else is an answer already.
_BESIDE = ("reasoning", "item")
_ANY_OBJECT = {"type": "object", "additionalProperties": {"type": "string"}}
_NO_PARAMETERS = {"type": "object", "properties": {}}


def fill(ask: Ask, reply: Reply, random: Random) -> Reply:
    """The reply with what it has to say made up: one call of a tool, or text in the form that the request wants.

    A tool is called when the request says so, or when it offers some and none has answered yet after the last user message:
    so a loop around tools comes to its end.
    """
    if ask.endpoint not in TEXT or any(block.kind not in _BESIDE for block in reply.blocks):
        return reply
    tool = _due(ask)
    block = Block("text", _said(ask, random)) if tool is None else Block("tool_call", call=_call(tool, random))
    return replace(reply, blocks=(*reply.blocks, block))


def _due(ask: Ask) -> Tool | None:
    """The tool that is called next, None when text is due."""
    mode, names = choice(ask)
    able = [tool for tool in tools(ask) if tool.kind in ("function", "custom")]
    if names is not None:
        able = [tool for tool in able if tool.name in names]
    if mode == "none" or not able:
        return None
    if mode == "required":
        return _next(able, ask)
    return None if ask.has_tool_result else able[0]


def _next(able: Sequence[Tool], ask: Ask) -> Tool | None:
    """Where a tool must be called, the one called least often so far; None when all have been since the last user message.

    Agents that must call something end by calling a tool that says so; they are not kept from it by the first of the list.
    """
    called = [[call.name for call in message.tool_calls] for message in ask.messages]
    if ask.has_tool_result:
        last = max((at for at, message in enumerate(ask.messages) if message.role == "user"), default=-1)
        since = {name for names in called[last + 1 :] for name in names}
        return next((tool for tool in able if tool.name not in since), None)
    ever = [name for names in called for name in names]
    return min(able, key=lambda tool: ever.count(tool.name))


def _call(tool: Tool, random: Random) -> ToolCall:
    if tool.kind == "custom":
        return ToolCall(tool.name, _input(tool, random), kind="custom")
    made = _made(_NO_PARAMETERS if tool.parameters is None else tool.parameters, random)
    # Arguments are an object, whatever a schema without a type would allow.
    return ToolCall(tool.name, dump(made if isinstance(made, dict) else {}))


def _input(tool: Tool, random: Random) -> str:
    """Some input for a custom tool: as its regex wants it, or a sentence."""
    grammar = tool.grammar or {}
    if grammar.get("syntax") == "regex":
        return str(_made({"type": "string", "pattern": f"^(?:{grammar.get('definition')})$"}, random))
    return _sentence(random)


def _said(ask: Ask, random: Random) -> str:
    form = response_form(ask)
    if form.kind == "json_schema":
        return dump(_made(_ANY_OBJECT if form.schema is None else form.schema, random))
    return dump(_made(_ANY_OBJECT, random)) if form.kind == "json_object" else _sentence(random)


# Imported where they are needed: most mocks never make anything up.


def _made(schema: Any, random: Random) -> Any:
    from ..schema.generate import make

    return make(schema, random)


def _sentence(random: Random) -> str:
    from ..schema.scalars import text

    return text({}, "text", random)

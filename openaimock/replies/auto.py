"""Auto: generated replies that are valid for the tools and the response format of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from ..http.json import dump
from ..seed import digest
from ..types.ask import Ask, ToolCall
from ..types.reply import Block, Reply
from ..types.tools import Tool, choice, response_form, tools

#: The endpoints that answer with text and tool calls; the others make their own answers.
TEXT = frozenset(["chat", "responses", "completions", "audio.transcriptions", "audio.translations"])
#: Those whose text is free: no tool and no schema asks for something.
_FREE = frozenset(["audio.transcriptions", "audio.translations"])
#: Block kinds that a rule may combine with ``auto``; any other block is already an answer.
_BESIDE = ("reasoning", "item")
_ANY_OBJECT = {"type": "object", "additionalProperties": {"type": "string"}}
_NO_PARAMETERS = {"type": "object", "properties": {}}


def fill(ask: Ask, reply: Reply, seed: object) -> Reply:
    """The reply with generated content: one tool call, or text in the response format of the request.

    A tool is called when the request requires it, or when tools are offered and none has answered since the last user
    message, so that a loop of tool calls ends. The same request always gets the same content, whole and streamed.
    """
    if ask.endpoint not in TEXT or any(block.kind not in _BESIDE for block in reply.blocks):
        return reply
    if ask.endpoint in _FREE:
        # The same text in every format.
        random = Random(digest("auto", seed, ask.endpoint, ask.text))
        return replace(reply, blocks=(*reply.blocks, Block("text", _sentence(random))))
    random = _random(ask, seed)
    tool = _tool_to_call(ask)
    if tool is not None:
        return replace(reply, blocks=(*reply.blocks, Block("tool_call", call=_call(tool, random))))
    picture = (Block("item", data={"type": "image_generation_call"}),) if _draws(ask) and not reply.blocks else ()
    return replace(reply, blocks=(*reply.blocks, *picture, Block("text", _text(ask, random))))


def _draws(ask: Ask) -> bool:
    """Whether the answer has a picture: the tool is offered and may be used, and a PNG will do or the tool is required."""
    if ask.endpoint != "responses":
        # Another endpoint does not check the parameter.
        return False
    tool = next((tool for tool in ask.body.get("tools") or () if tool.get("type") == "image_generation"), None)
    if tool is None:
        return False
    mode, names = choice(ask)
    if mode == "none" or (names is not None and "image_generation" not in names):
        return False
    return names is not None or (tool.get("output_format") or "png") == "png"


#: Members of a request that do not change what is answered.
_DELIVERY = ("stream", "stream_options")


def _random(ask: Ask, seed: object) -> Random:
    """The random numbers for a request, from its body and its own text, which is one of several inputs."""
    body = {name: value for name, value in ask.body.items() if name not in _DELIVERY}
    return Random(digest("auto", seed, ask.endpoint, ask.text, dump(body)))


def _tool_to_call(ask: Ask) -> Tool | None:
    """The tool to call next, None when the answer is text."""
    mode, names = choice(ask)
    callable_tools = [tool for tool in tools(ask) if tool.kind in ("function", "custom")]
    if names is not None:
        callable_tools = [tool for tool in callable_tools if tool.name in names]
    if mode == "none" or not callable_tools:
        return None
    if mode == "required":
        return _least_called(callable_tools, ask)
    return None if ask.has_tool_result else callable_tools[0]


def _least_called(candidates: Sequence[Tool], ask: Ask) -> Tool | None:
    """Where a tool call is required, the tool called least often; None when all were called since the last user message.

    Agents with a required tool choice end by calling a tool for that; so every tool gets its turn.
    """
    called = [[call.name for call in message.tool_calls] for message in ask.messages]
    if ask.has_tool_result:
        last = max((at for at, message in enumerate(ask.messages) if message.role == "user"), default=-1)
        since = {name for names in called[last + 1 :] for name in names}
        return next((tool for tool in candidates if tool.name not in since), None)
    called_names = [name for names in called for name in names]
    return min(candidates, key=lambda tool: called_names.count(tool.name))


def _call(tool: Tool, random: Random) -> ToolCall:
    if tool.kind == "custom":
        return ToolCall(tool.name, _input(tool, random), kind="custom")
    arguments = _generate(_NO_PARAMETERS if tool.parameters is None else tool.parameters, random)
    # Arguments are an object, even where the schema has no type.
    return ToolCall(tool.name, dump(arguments if isinstance(arguments, dict) else {}))


def _input(tool: Tool, random: Random) -> str:
    """Input for a custom tool: a text that its regex matches, or a sentence."""
    grammar = tool.grammar or {}
    if grammar.get("syntax") == "regex":
        return str(_generate({"type": "string", "pattern": f"^(?:{grammar.get('definition')})$"}, random))
    return _sentence(random)


def _text(ask: Ask, random: Random) -> str:
    form = response_form(ask)
    if form.kind == "json_schema":
        return dump(_generate(_ANY_OBJECT if form.schema is None else form.schema, random))
    return dump(_generate(_ANY_OBJECT, random)) if form.kind == "json_object" else _sentence(random)


# Imported on use: most mocks never generate anything.


def _generate(schema: Any, random: Random) -> Any:
    from ..schema.generate import make

    return make(schema, random)


def _sentence(random: Random) -> str:
    from ..schema.scalars import text

    return text({}, "text", random)

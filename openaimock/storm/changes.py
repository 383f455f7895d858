"""Changes: replies as a model sends them when it makes a mistake, made from those of the rules."""

from __future__ import annotations

import json
from collections.abc import Callable

from ..http.json import dump
from ..types.ask import Ask, ToolCall
from ..types.reply import Block, Reply
from ..types.tools import tools

#: The name of a tool that no request offers.
NO_TOOL = "tool_that_does_not_exist"
_REFUSAL = "I'm sorry, but I can't help with that."


def _with(reply: Reply, *blocks: Block, finish_reason: str | None = None) -> Reply:
    """A reply of these blocks with the timing of another one."""
    return Reply(blocks=blocks, finish_reason=finish_reason, latency=reply.latency, pace=reply.pace, headers=reply.headers)


def _with_calls(reply: Reply, arguments: Callable[[str], str]) -> Reply:
    """The reply with changed arguments: ``arguments`` is a function of their text."""
    blocks = [
        block if block.call is None else block._replace(call=block.call._replace(arguments=arguments(block.call.arguments)))
        for block in reply.blocks
    ]
    return _with(reply, *blocks)


def malformed_arguments(ask: Ask, reply: Reply) -> Reply:
    """Tool calls whose arguments end too early."""
    return _with_calls(reply, lambda text: text[: max(1, len(text) // 2)])


def wrong_types(ask: Ask, reply: Reply) -> Reply:
    """Tool calls whose arguments are lists instead of texts and numbers, and texts instead of lists and objects."""

    def changed(text: str) -> str:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if not isinstance(value, dict):
            return dump([value])
        return dump({name: dump(inner) if isinstance(inner, (dict, list)) else [inner] for name, inner in value.items()})

    return _with_calls(reply, changed)


def unknown_tool(ask: Ask, reply: Reply) -> Reply:
    """A call of a tool that the request does not offer."""
    return _with(reply, Block("tool_call", call=ToolCall(NO_TOOL, "{}")))


def empty_content(ask: Ask, reply: Reply) -> Reply:
    """An empty text."""
    return _with(reply, Block("text", ""))


def refusal(ask: Ask, reply: Reply) -> Reply:
    """A refusal."""
    return _with(reply, Block("refusal", _REFUSAL))


def length(ask: Ask, reply: Reply) -> Reply:
    """The first half of the text, or of the arguments of the last call, with the finish reason ``length``."""
    blocks = list(reply.blocks)
    last = blocks.pop() if blocks else Block("text", "")
    if last.call is not None:
        arguments = last.call.arguments
        last = last._replace(call=last.call._replace(arguments=arguments[: len(arguments) // 2]))
    return _with(reply, *blocks, last._replace(text=last.text[: len(last.text) // 2]), finish_reason="length")


def same_call(ask: Ask, reply: Reply) -> Reply:
    """The last call of the conversation; without one the first of the reply, or a call of the first tool without arguments."""
    earlier = [call for message in ask.messages for call in message.tool_calls]
    if earlier:
        call = earlier[-1]
    elif reply.calls:
        call = reply.calls[0]
    else:
        offered = [tool for tool in tools(ask) if tool.kind in ("function", "custom")]
        if not offered:
            return reply
        call = ToolCall(offered[0].name, "{}" if offered[0].kind == "function" else "", kind=offered[0].kind)
    # Without an id it gets a new one each time, as from a model.
    return _with(reply, Block("tool_call", call=call._replace(id="")))

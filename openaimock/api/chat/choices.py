"""Choices of chat completions: whole ones, and the parts that whole and streamed ones share."""

from __future__ import annotations

from typing import Any

from ...state.namespace import Context
from ...types.ask import Ask, ToolCall
from ...types.reply import Reply
from .. import shaping


def whole_choice(ask: Ask, reply: Reply, reason: str, index: int, context: Context) -> dict[str, Any]:
    """One member of ``choices`` of a whole answer."""
    refusal, content = reply.joined("refusal"), reply.text
    message: dict[str, Any] = {"role": "assistant", "content": content}
    calls = [call_object(call, context) for call in reply.calls]
    if calls and ask.body.get("functions"):
        message["function_call"] = calls[0]["function"]
        reason = "function_call" if reason == "tool_calls" else reason
    elif calls:
        message["tool_calls"] = calls
    elif content is None and refusal is None:
        message["content"] = ""
    message |= {"refusal": refusal, "annotations": reply.annotations or []}
    if reply.audio is not None:
        message |= {"audio": audio_object(reply, context), "content": None}
    logprobs = {"logprobs": _logprobs(ask, reply, context)} if has_logprobs(ask, reply, context) else {}
    return {"index": index, "message": message, **logprobs, "finish_reason": reason}


def has_logprobs(ask: Ask, reply: Reply, context: Context) -> bool:
    """Whether choices have the member ``logprobs``: the model has it, the request asks for it, or the rule has it."""
    return bool(reply.logprobs is not None or ask.body.get("logprobs")) or context.model(ask.model).logprobs


def call_object(call: ToolCall, context: Context) -> dict[str, Any]:
    """One member of ``tool_calls``."""
    call_id = call.id or context.ids.id("call_")
    if call.kind == "custom":
        return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def audio_object(reply: Reply, context: Context) -> dict[str, Any]:
    """The ``audio`` of a message: that of the rule, with the members that it leaves out."""
    default = {"id": context.ids.hex("audio_"), "data": "", "expires_at": context.created + 3600, "transcript": reply.text or ""}
    return {**default, **reply.audio}


def _logprobs(ask: Ask, reply: Reply, context: Context) -> Any:
    if reply.logprobs is not None or not ask.body.get("logprobs"):
        return reply.logprobs
    return generated_logprobs(ask, reply.text, reply.joined("refusal"), context)


def generated_logprobs(ask: Ask, content: str | None, refusal: str | None, context: Context) -> dict[str, Any]:
    """The ``logprobs`` of a choice or chunk with these texts."""
    top = ask.body.get("top_logprobs") or 0

    def entries(text: str | None) -> Any:
        return None if text is None else shaping.logprobs(text, ask.model, top, context.ids.random)

    return {"content": entries(content), "refusal": entries(refusal)}

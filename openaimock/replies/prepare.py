"""Preparation of a reply for the endpoint that sends it: the words of its usage, and output items as text and calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..types.ask import JSON, Ask, ToolCall
from ..types.reply import Block, Reply

#: The names of chat completions, and those of the Responses API.
_NAMES = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}
_CHAT_NAMES = {name: chat for chat, name in _NAMES.items()}
#: The endpoints that count in the words of the Responses API.
_INPUT_OUTPUT = ("responses", "images.generations", "images.edits", "audio.speech", "audio.transcriptions")
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def prepare(ask: Ask, reply: Reply) -> Reply:
    """The reply in the terms of the request's endpoint: the words of ``usage``, and output items as text and calls."""
    changes: dict[str, Any] = {}
    if reply.usage:
        changes["usage"] = usage_in_words_of(ask.endpoint, reply.usage)
    if ask.endpoint != "responses" and any(block.kind == "item" for block in reply.blocks):
        changes["blocks"] = tuple(other for block in reply.blocks for other in _plain_blocks(block))
    return replace(reply, **changes) if changes else reply


def _plain_blocks(block: Block) -> list[Block]:
    """An output item of the Responses API as the blocks of another endpoint; none for items that others do not have."""
    item = block.data
    if block.kind != "item" or not isinstance(item, Mapping):
        return [block]
    kind = item.get("type")
    if kind == "message":
        parts = [part for part in item.get("content") or () if isinstance(part, Mapping)]
        texts = [Block("text", part.get("text") or "") for part in parts if part.get("type") in ("output_text", "text")]
        return texts + [Block("refusal", part.get("refusal") or "") for part in parts if part.get("type") == "refusal"]
    if kind in _CALLS:
        call_kind = "custom" if kind == "custom_tool_call" else "function"
        arguments = item.get(_CALLS[kind]) or ""
        return [Block("tool_call", call=ToolCall(item.get("name") or "", arguments, item.get("call_id") or "", call_kind))]
    if kind == "reasoning":
        parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
        texts_of = [part["text"] for part in parts if isinstance(part, Mapping) and isinstance(part.get("text"), str)]
        return [Block("reasoning", "\n".join(texts_of))] if texts_of else []
    return []


def usage_in_words_of(endpoint: str, usage: Mapping[str, JSON]) -> dict[str, JSON]:
    """A ``usage`` written in the words of either API, in those of an endpoint. Other members do not change."""
    names = _NAMES if endpoint in _INPUT_OUTPUT else _CHAT_NAMES
    return {names.get(name, name): value for name, value in usage.items()}

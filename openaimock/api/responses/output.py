"""The output items of a response, made from the blocks of a reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...params.models import Model
from ...state.namespace import Context
from ...types.ask import Ask, ToolCall
from ...types.reply import Block, Reply
from .. import shaping
from .items import Item, normalize_item, seal, text_part


def output_items(
    ask: Ask, reply: Reply, blocks: Iterable[Block], context: Context, tools: Sequence[Mapping[str, Any]]
) -> list[Item]:
    """The blocks of a reply as output items; consecutive texts and refusals are one message. ``tools`` are those echoed."""
    items: list[Item] = []
    parts: list[Item] | None = None
    annotations = [_annotation(annotation) for annotation in reply.annotations or ()]
    for block in blocks:
        if block.kind in ("text", "refusal"):
            if parts is None:
                parts = []
                items.append({"type": "message", "role": "assistant", "content": parts})
            if block.kind == "refusal":
                parts.append({"type": "refusal", "refusal": block.text})
            else:
                parts.append(text_part(block.text, annotations, _logprobs(ask, reply, block.text, context)))
                annotations = []
            continue
        parts = None
        items.append(_item(block, tools))
    if not items:
        items.append({"type": "message", "role": "assistant", "content": [text_part("")]})
    return _completed([normalize_item(item, context.ids) for item in items], context.model(ask.model))


def is_item(block: Block, kind: str) -> bool:
    """Whether a block is an output item of a type."""
    return block.kind == "item" and isinstance(block.data, Mapping) and block.data.get("type") == kind


def _completed(items: list[Item], model: Model) -> list[Item]:
    """Items with the members that only items of an answer have."""
    last_call = max((place for place, item in enumerate(items) if item["type"] in _CLIENT_CALLS), default=-1)
    for place, item in enumerate(items):
        if item["type"] == "reasoning":
            item.setdefault("content", [])
            item.setdefault("encrypted_content", seal(item["id"]))
        elif item["type"] == "message" and model.phase:
            item.setdefault("phase", "commentary" if place < last_call else "final_answer")
    return items


#: The calls that the client answers: a message before one is no final answer.
_CLIENT_CALLS = frozenset(
    [
        "function_call",
        "custom_tool_call",
        "computer_call",
        "shell_call",
        "local_shell_call",
        "apply_patch_call",
        "mcp_approval_request",
    ]
)


def _item(block: Block, tools: Sequence[Mapping[str, Any]]) -> Item:
    if block.call is not None:
        return _call(block.call, tools)
    if block.kind == "reasoning":
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": block.text}] if block.text else []}
    item: Item = block.data
    return item


def _call(call: ToolCall, tools: Sequence[Mapping[str, Any]]) -> Item:
    links: Item = {"call_id": call.id} if call.id else {}
    namespace = _namespace(tools, call.name)
    if namespace:
        links["namespace"] = namespace
    if call.kind == "custom":
        return {"type": "custom_tool_call", "input": call.arguments, "name": call.name, **links}
    return {"type": "function_call", "arguments": call.arguments, "name": call.name, **links}


def _namespace(tools: Sequence[Mapping[str, Any]], name: str) -> str | None:
    """The namespace of a function among the echoed tools; a deferred function is in one of its own name; else None."""
    for tool in tools:
        if tool.get("name") == name and tool["type"] != "namespace":
            return name if tool.get("defer_loading") else None
    for tool in tools:
        if tool["type"] == "namespace" and any(inner["name"] == name for inner in tool["tools"]):
            return str(tool["name"])
    return None


def _annotation(annotation: Any) -> Any:
    """An annotation in the form of the Responses API: flat, where chat nests it under the name of its type."""
    inner = annotation.get(annotation.get("type", ""))
    return {"type": annotation["type"], **inner} if isinstance(inner, dict) else annotation


def _logprobs(ask: Ask, reply: Reply, text: str, context: Context) -> Sequence[Any]:
    if reply.logprobs is not None:
        logprobs = reply.logprobs.get("content") if isinstance(reply.logprobs, dict) else reply.logprobs
        return list(logprobs or ())
    if "message.output_text.logprobs" not in (ask.body.get("include") or ()):
        return ()
    return shaping.logprobs(text, ask.model, ask.body.get("top_logprobs") or 0, context.ids.random)

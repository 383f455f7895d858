"""Recorded answers: a whole chat completion or Response under ``response:`` as a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .messages import Path
from .normalize import as_text, has_bad
from .tree import BAD, Node
from .validate import Checker, child


def response(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A reply from a recorded answer: ``response`` has it as written; its content and calls serve streams and other endpoints."""
    if not value.keys() & {"choices", "output"} or has_bad(value):
        return BAD
    shared = {
        name: value[name]
        for name in ("id", "created", "model", "usage", "system_fingerprint", "service_tier")
        if value.get(name) not in (None, "")
    }
    if "output" in value:
        return {
            "response": value,
            "template": False,
            "blocks": [{"kind": "item", "data": item} for item in value["output"]],
            **shared,
        }
    choices = child(node, "choices")
    for at, choice in enumerate(value["choices"]):
        if not isinstance(choice.get("message"), dict):
            return check.problem(choices.value[at], ((path, "choices"), at), "'message' is missing: a choice has a message")
    first, *others = map(_choice, value["choices"])
    return {"response": value, "template": False, **first, **shared, **({"others": others} if others else {})}


def _choice(choice: Any) -> dict[str, Any]:
    """The keys of a reply for one choice of a recorded chat completion."""
    message = choice["message"]
    reply: dict[str, Any] = {name: message[name] for name in ("refusal", "annotations", "audio") if message.get(name)}
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    if isinstance(content, str):
        reply["content"] = content
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str):
        reply["reasoning"] = reasoning
    calls = [_recorded_call(call) for call in message.get("tool_calls") or () if isinstance(call, dict)]
    if isinstance(message.get("function_call"), dict):
        calls.append(_recorded_call({"function": message["function_call"]}))
    if calls:
        reply["tool_calls"] = calls
    return reply | {name: choice[name] for name in ("finish_reason", "logprobs") if choice.get(name)}


def _recorded_call(call: dict[str, Any]) -> dict[str, Any]:
    kind = "custom" if isinstance(call.get("custom"), dict) else "function"
    inner: Mapping[str, Any] = call[kind] if isinstance(call.get(kind), dict) else {}
    arguments = inner.get("input" if kind == "custom" else "arguments") or ""
    return {"name": str(inner.get("name") or ""), "arguments": as_text(arguments), "id": call.get("id") or "", "kind": kind}

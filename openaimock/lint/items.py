"""Items of a Responses input that are sent back: their ids, and what a reasoning item may contain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..http.catalog import printable
from ..params.models import Model
from ..types.ask import Ask
from .check import Check, Finding
from .usual import unusual_items

#: How the ids of the model's items begin, by type.
_PREFIXES = {
    "message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc", "web_search_call": "ws",
    "file_search_call": "fs", "code_interpreter_call": "ci", "image_generation_call": "ig", "computer_call": "cu",
    "mcp_call": "mcp", "mcp_list_tools": "mcpl", "mcp_approval_request": "mcpr", "local_shell_call": "lsh", "shell_call": "sh",
    "apply_patch_call": "apc", "tool_search_call": "tsc", "compaction": "cmp",
}  # fmt: skip


def _items(ask: Ask, model: Model) -> Iterator[Finding]:
    for at, item in unusual_items(ask):
        kind = item.get("type") or ("message" if "role" in item else "item_reference")
        id, prefix = item.get("id"), _PREFIXES.get(kind)
        if id and prefix and not id.startswith(prefix):
            place = f"input[{at}].id"
            message = f"Invalid '{place}': '{printable(id)}'. Expected an ID that begins with '{prefix}'."
            yield Finding("item_id", message, place, "invalid_value")
        if kind == "reasoning" and item.get("content"):
            place, length = f"input[{at}].content", len(item["content"])
            message = (
                f"Invalid '{place}': array too long. Expected an array with maximum length 0, "
                f"but got an array with length {length} instead."
            )
            yield Finding("reasoning_content", message, place, "array_above_max_length")


_USER = {"role": "user", "content": "What time is it?"}
_RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
_ANSWER = {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "Noon."}]}


def _called(id: str) -> dict[str, Any]:
    call = {"type": "function_call", "id": id, "call_id": "call_1", "name": "now", "arguments": "{}"}
    return {"input": [_USER, call, _RESULT]}


def _thought(**members: Any) -> dict[str, Any]:
    return {"input": [_USER, {"type": "reasoning", "id": "rs_1", "summary": [], **members}, _ANSWER, _USER]}


ITEMS = (
    Check("item_id", "An id of another kind of item, such as a call id.", ("responses",),
          _called("call_1"), _called("fc_1"), _items, ("input",)),
    Check("reasoning_content", "The text of reasoning, which only the API may add.", ("responses",),
          _thought(content=[{"type": "reasoning_text", "text": "Hm."}]), _thought(), _items, ("input",)),
)  # fmt: skip

"""Item parameters: the items and tools that requests to the Responses and Conversations APIs may hold.

(API reference: Create a model response; SDK types ResponseInputItemParam and ToolParam.)
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ...params.common import FILTER
from ...params.compile import Check, compiled
from ...params.errors import ParamError, missing, not_one_of, wrong_type
from ...params.shapes import Also, Anything, Array, Boolean, Either, Integer, Map, Number, Object, OneOf, String, Union
from ..chat.params import SCHEMA

_MAX_TEXT = 10485760
_TEXT = String(max_length=_MAX_TEXT)
_CALL_ID = String(min_length=1, max_length=64)
_STATUS = OneOf(["in_progress", "completed", "incomplete"])
_FILE_ID = String(max_length=64)
_BREAKPOINT = Object({"mode": OneOf(["explicit"]), "ttl": OneOf(["30m", "12h"])}, required=["mode"])
_DETAIL = OneOf(["low", "high", "auto", "original"])

# Content

_INPUT_PARTS = {
    "input_text": Object({"text": _TEXT, "prompt_cache_breakpoint": _BREAKPOINT}, required=["text"]),
    "input_image": Object(
        {"image_url": String(), "file_id": _FILE_ID, "detail": _DETAIL, "prompt_cache_breakpoint": _BREAKPOINT}
    ),
    "input_file": Object(
        {
            "file_id": _FILE_ID,
            "filename": String(),
            "file_data": String(),
            "file_url": String(),
            "detail": OneOf(["auto", "low", "high"]),
            "prompt_cache_breakpoint": _BREAKPOINT,
        }
    ),
    "scoped_content": Object({}, open=True),
    "input_audio": Object(
        {"input_audio": Object({"data": String(), "format": OneOf(["mp3", "wav"])}, required=["data", "format"])},
        required=["input_audio"],
    ),
}
_OUTPUT_PARTS = {
    "output_text": Object({"text": String(), "annotations": Array(SCHEMA), "logprobs": Array(SCHEMA)}, required=["text"]),
    "refusal": Object({"refusal": String()}, required=["refusal"]),
}
#: The types that the API lists when it does not know a part's type: those of all places.
_PART_TYPES = (
    "input_text", "input_image", "input_audio", "output_text", "refusal", "input_file", "computer_screenshot", "summary_text",
    "encrypted_content",
)  # fmt: skip


def _parts(variants: dict[str, Object]) -> Also:
    """Parts of these types; for a known type in the wrong place the error names the part, for an unknown one its type."""
    variant_check = cache(lambda: compiled(Union("type", variants)))

    def check(parts: list[Any]) -> None:
        for at, part in enumerate(parts):
            kind = part.get("type") if part.__class__ is dict else None
            try:
                if kind in _PART_TYPES and kind not in variants:
                    raise not_one_of(tuple(variants), kind)
                if kind.__class__ is str and kind not in variants:
                    error = not_one_of(_PART_TYPES, kind)
                    error.names.append("type")
                    raise error
                variant_check()(part)
            except ParamError as error:
                error.names.append(at)
                raise

    return Also(Array(Anything()), check)


_INPUT_CONTENT = Either(String(), _parts(_INPUT_PARTS))
_OUTPUT_CONTENT = Either(String(), _parts(_OUTPUT_PARTS))
#: By role. Messages may have the ids and statuses of earlier answers.
_HEAD = {"id": String(), "type": OneOf(["message"]), "status": _STATUS}
_PHASE = OneOf(["commentary", "final_answer"])
_MESSAGES = {
    "assistant": Object({**_HEAD, "content": _OUTPUT_CONTENT, "phase": _PHASE}, required=["content"]),
    "system": Object({**_HEAD, "content": _INPUT_CONTENT}, required=["content"]),
    "developer": Object({**_HEAD, "content": _INPUT_CONTENT}, required=["content"]),
    "user": Object({**_HEAD, "content": _INPUT_CONTENT}, required=["content"]),
}

# Tools

_CALLERS = Array(OneOf(["direct", "programmatic"]))
_NAME = String(min_length=1, max_length=128, pattern="^[a-zA-Z0-9_-]+$")
_FUNCTION = Object(
    {
        "name": _NAME, "description": String(), "parameters": SCHEMA, "strict": Boolean(), "output_schema": SCHEMA,
        "defer_loading": Boolean(), "allowed_callers": _CALLERS, "async": Boolean(),
    },
    required=["name"],
)  # fmt: skip
_GRAMMAR = Object({"definition": String(), "syntax": OneOf(["lark", "regex"])}, required=["definition", "syntax"])
_CUSTOM = Object(
    {
        "name": _NAME, "description": String(), "format": Union("type", {"text": Object({}), "grammar": _GRAMMAR}),
        "defer_loading": Boolean(), "allowed_callers": _CALLERS, "async": Boolean(),
    },
    required=["name"],
)  # fmt: skip
_PLACE = Object({"type": OneOf(["approximate"]), "city": String(), "country": String(), "region": String(), "timezone": String()})
_SIZE = OneOf(["low", "medium", "high"])
_WEB_SEARCH = Object(
    {
        "filters": Object({"allowed_domains": Array(String())}), "user_location": _PLACE, "search_context_size": _SIZE,
        "external_web_access": Boolean(),
    }
)  # fmt: skip
_WEB_PREVIEW = Object(
    {"user_location": _PLACE, "search_context_size": _SIZE, "search_content_types": Array(OneOf(["text", "image"]))}
)
_HYBRID = Object({"embedding_weight": Number(), "text_weight": Number()}, required=["embedding_weight", "text_weight"])
_FILE_SEARCH = Object(
    {
        "vector_store_ids": Array(String()), "max_num_results": Integer(min=1, max=50), "filters": FILTER,
        "ranking_options": Object({"ranker": String(), "score_threshold": Number(min=0, max=1), "hybrid_search": _HYBRID}),
    },
    required=["vector_store_ids"],
)  # fmt: skip
_MCP = Object(
    {
        "server_label": String(), "server_url": String(), "connector_id": String(), "authorization": String(),
        "server_description": String(), "headers": Map(String()), "allowed_tools": Either(Array(String()), SCHEMA),
        "require_approval": Either(OneOf(["always", "never"]), SCHEMA), "defer_loading": Boolean(), "tunnel_id": String(),
        "allowed_callers": _CALLERS,
    },
    required=["server_label"],
)  # fmt: skip
_IMAGE = Object(
    {
        "model": String(), "quality": String(), "size": String(), "output_format": String(), "background": String(),
        "output_compression": Integer(min=0, max=100), "moderation": OneOf(["auto", "low"]), "input_fidelity": String(),
        "input_image_mask": SCHEMA, "partial_images": Integer(min=0, max=3), "action": OneOf(["generate", "edit", "auto"]),
        "complexity": String(), "frame_count": Integer(), "frame_duration_ms": Integer(), "svg": SCHEMA,
    }
)  # fmt: skip
_COMPUTER = Object(
    {"environment": String(), "display_width": Integer(), "display_height": Integer()},
    required=["environment", "display_width", "display_height"],
)
_INNER_TOOL = Union("type", {"function": _FUNCTION, "custom": _CUSTOM})
TOOL = Union(
    "type",
    {
        "function": _FUNCTION,
        "file_search": _FILE_SEARCH,
        "computer": Object({}),
        "computer_use_preview": _COMPUTER,
        "web_search": _WEB_SEARCH,
        "web_search_2025_08_26": _WEB_SEARCH,
        "mcp": _MCP,
        "code_interpreter": Object({"container": Either(String(), SCHEMA), "allowed_callers": _CALLERS}, required=["container"]),
        "programmatic_tool_calling": Object({}),
        "image_generation": _IMAGE,
        "local_shell": Object({}),
        "shell": Object({"environment": SCHEMA, "allowed_callers": _CALLERS}),
        "custom": _CUSTOM,
        "namespace": Object(
            {"name": _NAME, "description": String(), "tools": Array(_INNER_TOOL, min=1)}, required=["name", "tools"]
        ),
        "tool_search": Object({"execution": OneOf(["server", "client"]), "description": String(), "parameters": SCHEMA}),
        "web_search_preview": _WEB_PREVIEW,
        "web_search_preview_2025_03_11": _WEB_PREVIEW,
        "apply_patch": Object({"allowed_callers": _CALLERS}),
    },
)
TOOLS = Array(TOOL, called="an array of tools", repeats=True)

# Items

_OUTPUT = Either(_TEXT, Array(Union("type", _INPUT_PARTS)))
_REASONING = Object(
    {
        "id": String(min_length=1),
        "summary": Array(Object({"text": String()}, required=["text"])), "encrypted_content": String(), "status": _STATUS,
        "content": Array(Object({"text": String()}, required=["text"])),
    },
    required=["summary"],
)  # fmt: skip
_CALL = {"call_id": _CALL_ID, "name": String(), "namespace": String(), "status": String()}
_OPEN = Object({}, open=True)
_SCREENSHOT = Object({"type": String(), "image_url": String(), "file_id": String()}, required=["type"])
_STREAMS = Object({"stdout": _TEXT, "stderr": _TEXT, "outcome": SCHEMA})
_ITEMS: dict[str, Object] = {
    "additional_tools": Object({"role": String(), "tools": TOOLS}, required=["tools"]),
    "agent_message": _OPEN,
    "apply_patch_call": Object({"call_id": _CALL_ID, "operation": SCHEMA}, required=["call_id", "operation"]),
    "apply_patch_call_output": Object(
        {"call_id": _CALL_ID, "output": _TEXT, "status": OneOf(["completed", "failed"])}, required=["call_id", "status"]
    ),
    "code_interpreter_call": Object({"code": String(), "container_id": String()}, open=True),
    "compaction": Object({"encrypted_content": String(max_length=20971520)}, required=["encrypted_content"]),
    "compaction_trigger": _OPEN,
    "computer_call": Object({"call_id": _CALL_ID, "action": SCHEMA}, required=["call_id"], open=True),
    "computer_call_output": Object({"call_id": _CALL_ID, "output": _SCREENSHOT}, required=["call_id", "output"], open=True),
    "configuration_update": _OPEN,
    "custom_tool_call": Object({**_CALL, "input": String()}, required=["call_id", "name", "input"], open=True),
    "custom_tool_call_output": Object({"call_id": _CALL_ID, "output": _OUTPUT}, required=["call_id", "output"], open=True),
    "file_search_call": Object({"queries": Array(String())}, open=True),
    "function_call": Object({**_CALL, "arguments": String()}, required=["call_id", "name", "arguments"], open=True),
    "function_call_output": Object({"call_id": _CALL_ID, "output": _OUTPUT}, required=["output"], open=True),
    "image_generation_call": Object({"result": String()}, open=True),
    "item_reference": Object({"id": String()}, required=["id"]),
    "local_shell_call": Object({"call_id": String(), "action": SCHEMA}, required=["action"], open=True),
    "local_shell_call_output": Object({"output": String()}, required=["output"], open=True),
    "mcp_approval_request": Object({"name": String(), "arguments": String()}, open=True),
    "mcp_approval_response": Object(
        {"approval_request_id": String(), "approve": Boolean(), "reason": String()},
        required=["approval_request_id", "approve"],
    ),
    "mcp_call": Object({"name": String(), "arguments": String(), "server_label": String()}, open=True),
    "mcp_list_tools": Object({"server_label": String(), "tools": Array(SCHEMA)}, open=True),
    "multi_agent_call": _OPEN,
    "multi_agent_call_output": _OPEN,
    "program": _OPEN,
    "program_output": _OPEN,
    "reasoning": _REASONING,
    "shell_call": Object({"call_id": _CALL_ID, "action": SCHEMA}, required=["action"], open=True),
    "shell_call_output": Object({"call_id": _CALL_ID, "output": Array(_STREAMS)}, required=["call_id", "output"], open=True),
    "tool_search_call": _OPEN,
    "tool_search_output": Object({"tools": TOOLS}, required=["tools"], open=True),
    "web_search_call": Object({"action": SCHEMA}, open=True),
}
ITEM = Union("type", _ITEMS)
_NAMES = tuple(sorted([*_ITEMS, "message"]))
_REFERENCE = {"id", "type"}


def _is_text(item: dict[str, Any]) -> bool:
    """Whether an item is a message of a text, a call of a function or its result as a text: the checks pass it.

    Most items of an agent are, and this takes a quarter of the time of the checks.
    """
    kind, size = item.get("type"), len(item)
    if kind == "function_call_output":
        return size == 3 and item.get("output").__class__ is str and len(item["output"]) <= _MAX_TEXT and _has_call_id(item)
    if kind == "function_call":
        texts = item.get("name").__class__ is str and item.get("arguments").__class__ is str
        return size == 4 and texts and _has_call_id(item)
    if kind is not None and kind != "message":
        return False
    role, content = item.get("role"), item.get("content")
    if role.__class__ is not str or role not in _MESSAGES or size != (2 if "type" not in item else 3):
        return False
    if content.__class__ is list and len(content) == 1 and content[0].__class__ is dict and len(content[0]) == 2:
        part = content[0]
        text = part.get("text")
        fits = part.get("type") == ("output_text" if role == "assistant" else "input_text")
        return fits and text.__class__ is str and len(text) <= _MAX_TEXT
    return content.__class__ is str


def _has_call_id(item: dict[str, Any]) -> bool:
    id = item.get("call_id")
    return id.__class__ is str and 1 <= len(id) <= 64


def _item_check() -> Check:
    """The check of an item by its type; without a type it is a message (by its role) or a reference (only an id)."""
    # Compiled for the first item of a type: most mocks never read most types.
    message_of = cache(lambda role: compiled(_MESSAGES[role]))
    item_of = cache(lambda kind: compiled(_ITEMS[kind]))

    common_check = compiled(Object({"id": String(max_length=64), "call_id": String(), "status": String()}))

    def check(item: Any) -> None:
        if item.__class__ is not dict:
            raise wrong_type(Object({}, called="an input item"), item)
        if _is_text(item):
            return
        common_check(item)
        kind = item.get("type")
        if kind is None and item.get("id").__class__ is str and item.keys() <= _REFERENCE:
            return
        if kind is None or kind == "message":
            role = item.get("role")
            if role.__class__ is not str or role not in _MESSAGES:
                raise not_one_of(tuple(_MESSAGES), role if role.__class__ is str else "")
            if item.get("content") is None:
                raise missing("content")
            message_of(role)(item)
            return
        if kind.__class__ is not str or kind not in _ITEMS:
            raise not_one_of(_NAMES, kind if kind.__class__ is str else "")
        item_of(kind)(item)

    return check


#: An item of an ``input``; use it in an Array.
INPUT_ITEM = Also(Anything(), _item_check())
check_item: Check = compiled(INPUT_ITEM)

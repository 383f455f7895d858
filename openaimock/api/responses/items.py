"""Items of a Responses conversation: completed with the members that the API adds, and read as messages for matching."""

from __future__ import annotations

import binascii
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...http.json import dump
from ...seed import Ids, digest
from ...types.ask import Message, ToolCall
from ...types.parts import once_each

Item = dict[str, Any]
#: Letters and digits in the ids of responses, conversations and items.
ID_LENGTH = 50


class ItemKind(NamedTuple):
    """What the API adds to an item of one type: an id with a prefix, a status, and members with defaults."""

    prefix: str
    status: bool = True
    defaults: Mapping[str, Any] = {}
    #: Whether it has a ``call_id``, which its output refers to.
    calls: bool = False


#: All types of items. Defaults that are objects are merged with the given object.
KINDS: dict[str, ItemKind] = {
    "message": ItemKind("msg_"),
    "reasoning": ItemKind("rs_", status=False, defaults={"summary": []}),
    "function_call": ItemKind("fc_", defaults={"arguments": "{}"}, calls=True),
    "function_call_output": ItemKind("fc_"),
    "custom_tool_call": ItemKind("ctc_", defaults={"input": ""}, calls=True),
    "custom_tool_call_output": ItemKind("ctc_"),
    "web_search_call": ItemKind("ws_", defaults={"action": {"type": "search"}}),
    "file_search_call": ItemKind("fs_", defaults={"queries": [], "results": None}),
    "code_interpreter_call": ItemKind("ci_", defaults={"code": "", "container_id": "cntr_", "outputs": None}),
    "image_generation_call": ItemKind("ig_", defaults={"result": None}),
    "computer_call": ItemKind("cu_", defaults={"pending_safety_checks": []}, calls=True),
    "computer_call_output": ItemKind("cuo_"),
    "mcp_list_tools": ItemKind("mcpl_", status=False, defaults={"server_label": "mcp", "tools": []}),
    "mcp_call": ItemKind(
        "mcp_",
        defaults={
            "approval_request_id": None,
            "arguments": "{}",
            "error": None,
            "name": "",
            "output": None,
            "server_label": "mcp",
        },
    ),
    "mcp_approval_request": ItemKind("mcpr_", status=False, defaults={"arguments": "{}", "name": "", "server_label": "mcp"}),
    "mcp_approval_response": ItemKind("mcpa_", status=False),
    "local_shell_call": ItemKind("lsh_", defaults={"action": {"type": "exec", "command": [], "env": {}}}, calls=True),
    "local_shell_call_output": ItemKind("lsho_"),
    "shell_call": ItemKind(
        "sh_", defaults={"action": {"commands": [], "timeout_ms": None, "max_output_length": None}}, calls=True
    ),
    "shell_call_output": ItemKind("sho_", defaults={"max_output_length": None, "output": []}),
    "apply_patch_call": ItemKind("apc_", calls=True),
    "apply_patch_call_output": ItemKind("apco_"),
    "tool_search_call": ItemKind("tsc_", defaults={"arguments": {}, "call_id": None, "execution": "server"}),
    "tool_search_output": ItemKind("tso_", defaults={"call_id": None, "execution": "server", "tools": []}),
    "additional_tools": ItemKind("at_", status=False),
    "configuration_update": ItemKind("cfg_", status=False),
    "compaction": ItemKind("cmp_", status=False),
    "compaction_trigger": ItemKind("cmpt_", status=False),
    "program": ItemKind("cm_", status=False),
    "program_output": ItemKind("cmo_"),
}
_OTHER = ItemKind("item_", status=False)


def new_id(prefix: str, ids: Ids) -> str:
    """An id as the API makes them for responses, conversations and items."""
    return ids.hex(prefix, ID_LENGTH)


def normalize_item(source: Mapping[str, Any], ids: Ids) -> Item:
    """An item as the API stores and returns it: with an id, a status, and all members that its type always has."""
    name = source.get("type") or "message"
    if name == "message":
        return _normalize_message(source, ids)
    kind = KINDS.get(name, _OTHER)
    item: Item = {"id": source.get("id") or new_id(kind.prefix, ids), "type": name}
    if kind.status:
        item["status"] = source.get("status") or "completed"
    if kind.calls:
        item["call_id"] = source.get("call_id") or ids.id("call_")
    for key, default in kind.defaults.items():
        value = source.get(key)
        if isinstance(default, dict) and (value is None or isinstance(value, dict)):
            value = {**default, **(value or {})}
        elif value is None:
            value = ids.hex(default) if key == "container_id" else list(default) if isinstance(default, list) else default
        item[key] = value
    item.update((key, value) for key, value in source.items() if key not in item)
    if name == "reasoning":
        summary = item["summary"]
        item["summary"] = [_summary(part) for part in ([summary] if isinstance(summary, str) else summary)]
    if name == "compaction" and not item.get("encrypted_content"):
        item["encrypted_content"] = seal(item["id"])
    return item


def _normalize_message(source: Mapping[str, Any], ids: Ids) -> Item:
    role = source.get("role") or "assistant"
    message = {
        "id": source.get("id") or new_id("msg_", ids),
        "type": "message",
        "status": source.get("status") or "completed",
        "role": role,
        "content": _content(source.get("content"), role),
    }
    if source.get("phase"):
        message["phase"] = source["phase"]
    return message


def _content(content: Any, role: str) -> list[Item]:
    """The parts of a message, each with all members that its type always has."""
    if isinstance(content, str):
        return [text_part(content) if role == "assistant" else {"type": "input_text", "text": content}]
    return [normalize_part(part) for part in content or ()]


def _summary(part: Any) -> Item:
    """A part of a summary; a rule may give only its text."""
    return {"type": "summary_text", **part} if isinstance(part, dict) else {"type": "summary_text", "text": str(part)}


def normalize_part(part: Any) -> Any:
    """A part of a message as the API stores and returns it, with all members that its type always has."""
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    if kind == "output_text" and not ("annotations" in part and "logprobs" in part):
        return {**text_part(part.get("text") or ""), **{key: value for key, value in part.items() if value is not None}}
    if kind == "input_image":
        return {"file_id": None, "image_url": None, **part, "detail": part.get("detail") or "auto"}
    return {"file_id": None, **part} if kind == "input_file" else dict(part)


def text_part(text: str, annotations: Sequence[Any] = (), logprobs: Sequence[Any] = ()) -> Item:
    """An ``output_text`` part."""
    return {"type": "output_text", "annotations": list(annotations), "logprobs": list(logprobs), "text": text}


def input_items(value: Any) -> list[Item]:
    """The items of an ``input``: a text is one user message."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}] if value else []
    return list(value or ())


# Encrypted content, which is only encoded here

_SEAL = "gAAAAAB"
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


def seal(content: Any) -> str:
    """An ``encrypted_content``: derived from an id, or an encoded list of items that ``unseal`` decodes."""
    raw = digest("sealed", content, size=64) if isinstance(content, str) else zlib.compress(dump(content).encode())
    return _SEAL + binascii.b2a_base64(raw, newline=False).translate(_TO_URL).decode()


def unseal(text: str) -> list[Any]:
    """The items in an ``encrypted_content`` made by ``seal``; none in any other. Clients may send any text here."""
    try:
        packed = binascii.a2b_base64(text.removeprefix(_SEAL).encode("ascii").translate(_FROM_URL))
        items = json.loads(zlib.decompressobj().decompress(packed, _MAX_UNPACKED))
    except (ValueError, zlib.error, RecursionError):
        return []
    return items if isinstance(items, list) else []


#: Larger contents are not decoded, which limits what a decompression bomb costs.
_MAX_UNPACKED = 16 * 1024 * 1024

# Messages for matching

#: The kinds of parts as rules name them for every endpoint.
_PARTS = {
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "input_image": "image_url",
    "computer_screenshot": "image_url",
    "input_file": "file",
}
#: Calls with their own item types that clients answer: the name of the tool, and the member with its arguments.
_CALLS = {
    "computer_call": ("computer", "action"),
    "shell_call": ("shell", "action"),
    "local_shell_call": ("local_shell", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
}
_OUTPUTS = frozenset(
    [
        "function_call_output",
        "custom_tool_call_output",
        "computer_call_output",
        "shell_call_output",
        "local_shell_call_output",
        "apply_patch_call_output",
    ]
)


def messages(items: Iterable[Item], instructions: Any = None) -> list[Message]:
    """The items as chat messages: text and calls of one model turn are one message.

    Reasoning and calls that the API answers itself are left out. ``instructions`` come first, as a system message.
    """
    result = text_messages("", instructions)
    after_text = False
    for message, is_text in once_each(items, _message_of, _message_of):
        if message is None:
            after_text = False
            continue
        if message.role == "assistant" and result and result[-1].role == "assistant" and not (is_text and after_text):
            result[-1] = _merge(result[-1], message)
        else:
            result.append(message)
        after_text = is_text
    return result


def text_messages(text: str, instructions: Any = None) -> list[Message]:
    """The messages of an input that is a text; an empty one is no message."""
    result = [Message("system", instructions)] if isinstance(instructions, str) and instructions else []
    if text:
        result.append(Message("user", text))
    return result


def _merge(first: Message, second: Message) -> Message:
    text = "\n".join(filter(None, (first.text, second.text)))
    return first._replace(text=text, parts=first.parts + second.parts, tool_calls=first.tool_calls + second.tool_calls)


def _message_of(item: Item) -> tuple[Message | None, bool]:
    """The message of an item, and whether the item is a message itself."""
    kind = item.get("type") or "message"
    return _message(kind, item), kind == "message"


def _message(kind: str, item: Item) -> Message | None:
    if kind == "message":
        return _content_message(item.get("role") or "assistant", item.get("content"))
    if kind == "function_call":
        return _call_message(item["name"], item["arguments"], item.get("call_id"))
    if kind == "custom_tool_call":
        return _call_message(item["name"], item["input"], item.get("call_id"), "custom")
    if kind in _OUTPUTS:
        return _content_message("tool", _output(kind, item), item.get("call_id") or item.get("id"))
    if kind in _CALLS:
        name, where = _CALLS[kind]
        return _call_message(name, dump(item.get(where) or item.get("actions") or {}), item.get("call_id"), kind)
    if kind == "mcp_approval_request":
        return _call_message(item.get("name") or "", item.get("arguments") or "{}", item.get("id"), kind)
    if kind == "mcp_approval_response":
        return Message("tool", "true" if item.get("approve") else "false", tool_call_id=item.get("approval_request_id"))
    return None


def _call_message(name: str, arguments: str, call_id: str | None, kind: str = "function") -> Message:
    return Message("assistant", "", (), (ToolCall(name, arguments, call_id or "", kind),))


def _content_message(role: str, content: Any, call_id: str | None = None) -> Message:
    if content.__class__ is str:
        return Message(role, content, tool_call_id=call_id)
    parts = [part for part in content or () if isinstance(part, dict)]
    text = "\n".join(part.get("text") or part.get("refusal") or "" for part in parts if "text" in part or "refusal" in part)
    kinds = tuple(_PARTS.get(part.get("type") or "", part.get("type") or "") for part in parts)
    return Message(role, text, kinds, tool_call_id=call_id)


def _output(kind: str, item: Item) -> Any:
    """The result of a tool, as text or parts."""
    output = item.get("output")
    if kind == "shell_call_output":
        streams = [stream for entry in output or () for stream in (entry.get("stdout"), entry.get("stderr")) if stream]
        return "\n".join(streams)
    if kind == "apply_patch_call_output":
        return output or item.get("status") or ""
    return [output] if isinstance(output, dict) else output or ""

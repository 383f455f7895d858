"""Items: what a Responses conversation is made of; filled up as the API keeps them, and read as the messages that rules see."""

from __future__ import annotations

import binascii
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...http.json import dump
from ...seed import Ids, digest
from ...types.ask import Message, ToolCall

Item = dict[str, Any]
#: Letters and digits in the ids of responses and items.
LENGTH = 50


class ItemKind(NamedTuple):
    """What the API adds to an item of one type: an id that begins so, a status, and what may be left out."""

    prefix: str
    status: bool = True
    usual: Mapping[str, Any] = {}
    #: Whether a ``call_id`` ties it to its output.
    calls: bool = False


#: All types of items. Members in ``usual`` that are objects are filled up, not replaced.
KINDS: dict[str, ItemKind] = {
    "message": ItemKind("msg_"),
    "reasoning": ItemKind("rs_", status=False, usual={"summary": []}),
    "function_call": ItemKind("fc_", usual={"arguments": "{}"}, calls=True),
    "function_call_output": ItemKind("fc_"),
    "custom_tool_call": ItemKind("ctc_", usual={"input": ""}, calls=True),
    "custom_tool_call_output": ItemKind("ctc_"),
    "web_search_call": ItemKind("ws_", usual={"action": {"type": "search"}}),
    "file_search_call": ItemKind("fs_", usual={"queries": [], "results": None}),
    "code_interpreter_call": ItemKind("ci_", usual={"code": "", "container_id": "cntr_", "outputs": None}),
    "image_generation_call": ItemKind("ig_", usual={"result": None}),
    "computer_call": ItemKind("cu_", usual={"pending_safety_checks": []}, calls=True),
    "computer_call_output": ItemKind("cuo_"),
    "mcp_list_tools": ItemKind("mcpl_", status=False, usual={"server_label": "mcp", "tools": []}),
    "mcp_call": ItemKind(
        "mcp_",
        usual={
            "approval_request_id": None,
            "arguments": "{}",
            "error": None,
            "name": "",
            "output": None,
            "server_label": "mcp",
        },
    ),
    "mcp_approval_request": ItemKind("mcpr_", status=False, usual={"arguments": "{}", "name": "", "server_label": "mcp"}),
    "mcp_approval_response": ItemKind("mcpa_", status=False),
    "local_shell_call": ItemKind("lsh_", usual={"action": {"type": "exec", "command": [], "env": {}}}, calls=True),
    "local_shell_call_output": ItemKind("lsho_"),
    "shell_call": ItemKind("sh_", usual={"action": {"commands": [], "timeout_ms": None, "max_output_length": None}}, calls=True),
    "shell_call_output": ItemKind("sho_", usual={"max_output_length": None, "output": []}),
    "apply_patch_call": ItemKind("apc_", calls=True),
    "apply_patch_call_output": ItemKind("apco_"),
    "tool_search_call": ItemKind("tsc_", usual={"arguments": {}, "call_id": None, "execution": "server"}),
    "tool_search_output": ItemKind("tso_", usual={"call_id": None, "execution": "server", "tools": []}),
    "additional_tools": ItemKind("at_", status=False),
    "configuration_update": ItemKind("cfg_", status=False),
    "compaction": ItemKind("cmp_", status=False),
    "compaction_trigger": ItemKind("cmpt_", status=False),
    "program": ItemKind("cm_", status=False),
    "program_output": ItemKind("cmo_"),
}
_OTHER = ItemKind("item_", status=False)


def kept(given: Mapping[str, Any], ids: Ids) -> Item:
    """An item as the API keeps and shows it: with an id, a status, and all that its type always has."""
    name = given.get("type") or "message"
    if name == "message":
        return _kept_message(given, ids)
    kind = KINDS.get(name, _OTHER)
    made: Item = {"id": given.get("id") or ids.hex(kind.prefix, LENGTH), "type": name}
    if kind.status:
        made["status"] = given.get("status") or "completed"
    if kind.calls:
        made["call_id"] = given.get("call_id") or ids.id("call_")
    for key, usual in kind.usual.items():
        value = given.get(key)
        if isinstance(usual, dict) and (value is None or isinstance(value, dict)):
            value = {**usual, **(value or {})}
        elif value is None:
            value = ids.hex(usual) if key == "container_id" else list(usual) if isinstance(usual, list) else usual
        made[key] = value
    made.update((key, value) for key, value in given.items() if key not in made)
    if name == "reasoning":
        said = made["summary"]
        made["summary"] = [_summary(part) for part in ([said] if isinstance(said, str) else said)]
    if name == "compaction" and not made.get("encrypted_content"):
        made["encrypted_content"] = sealed(made["id"])
    return made


def _kept_message(given: Mapping[str, Any], ids: Ids) -> Item:
    role = given.get("role") or "assistant"
    made = {
        "id": given.get("id") or ids.hex("msg_", LENGTH),
        "type": "message",
        "status": given.get("status") or "completed",
        "role": role,
        "content": _content(given.get("content"), role),
    }
    if given.get("phase"):
        made["phase"] = given["phase"]
    return made


def _content(content: Any, role: str) -> list[Item]:
    """The parts of a message, each with what its type always has."""
    if isinstance(content, str):
        return [text_part(content) if role == "assistant" else {"type": "input_text", "text": content}]
    return [_part(part) for part in content or ()]


def _summary(part: Any) -> Item:
    """A part of a summary; a rule may write no more than its text."""
    return {"type": "summary_text", **part} if isinstance(part, dict) else {"type": "summary_text", "text": str(part)}


def _part(part: Item) -> Item:
    kind = part.get("type")
    if kind == "output_text" and not ("annotations" in part and "logprobs" in part):
        return {**text_part(part.get("text") or ""), **{key: value for key, value in part.items() if value is not None}}
    if kind == "input_image":
        return {**part, "detail": part.get("detail") or "auto"}
    return part


def text_part(text: str, annotations: Sequence[Any] = (), logprobs: Sequence[Any] = ()) -> Item:
    """An ``output_text`` part."""
    return {"type": "output_text", "annotations": list(annotations), "logprobs": list(logprobs), "text": text}


def given_items(value: Any) -> list[Item]:
    """The items of an ``input``: a text is one message of the user's."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}] if value else []
    return list(value or ())


# What the API hides: nothing is secret here, it only looks so

_SEAL = "gAAAAAB"
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")


def sealed(of: Any) -> str:
    """An ``encrypted_content``: always the same for the same id, or a list of items from which ``unsealed`` gives them back."""
    raw = digest("sealed", of, size=64) if isinstance(of, str) else zlib.compress(dump(of).encode())
    return _SEAL + binascii.b2a_base64(raw, newline=False).translate(_TO_URL).decode()


def unsealed(text: str) -> list[Any]:
    """The items in an ``encrypted_content`` that ``sealed`` made of some; none in any other. Who sends it may have made it up."""
    try:
        packed = binascii.a2b_base64(text.removeprefix(_SEAL).encode("ascii").translate(_FROM_URL))
        items = json.loads(zlib.decompressobj().decompress(packed, _LARGEST))
    except (ValueError, zlib.error, RecursionError):
        return []
    return items if isinstance(items, list) else []


#: Past this many bytes nobody compacted a conversation with us: it is somebody's bomb.
_LARGEST = 16 * 1024 * 1024

# What rules see

#: What rules call the kinds of parts: the same words for every endpoint.
_PARTS = {
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "input_image": "image_url",
    "computer_screenshot": "image_url",
    "input_file": "file",
}
#: Calls that clients answer, which the API has types of their own for: the tool's name, and where its arguments stand.
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
    """The items as messages, as a chat would have them: what the model says in one turn (text and calls) is one message.

    Reasoning and the calls that the API answers itself are passed over. ``instructions`` come first, as a system message.
    """
    said: list[Message] = [Message("system", instructions)] if isinstance(instructions, str) and instructions else []
    after_text = False
    for item in items:
        kind = item.get("type") or "message"
        message = _message(kind, item)
        if message is None:
            after_text = False
            continue
        is_text = kind == "message"
        if message.role == "assistant" and said and said[-1].role == "assistant" and not (is_text and after_text):
            said[-1] = _joined(said[-1], message)
        else:
            said.append(message)
        after_text = is_text
    return said


def _joined(first: Message, second: Message) -> Message:
    text = "\n".join(filter(None, (first.text, second.text)))
    return first._replace(text=text, parts=first.parts + second.parts, tool_calls=first.tool_calls + second.tool_calls)


def _message(kind: str, item: Item) -> Message | None:
    if kind == "message":
        return _of_content(item.get("role") or "assistant", item.get("content"))
    if kind == "function_call":
        return _calling(item["name"], item["arguments"], item.get("call_id"))
    if kind == "custom_tool_call":
        return _calling(item["name"], item["input"], item.get("call_id"), "custom")
    if kind in _OUTPUTS:
        return _of_content("tool", _output(kind, item), item.get("call_id") or item.get("id"))
    if kind in _CALLS:
        name, where = _CALLS[kind]
        return _calling(name, dump(item.get(where) or item.get("actions") or {}), item.get("call_id"), kind)
    if kind == "mcp_approval_request":
        return _calling(item.get("name") or "", item.get("arguments") or "{}", item.get("id"), kind)
    if kind == "mcp_approval_response":
        return Message("tool", "true" if item.get("approve") else "false", tool_call_id=item.get("approval_request_id"))
    return None


def _calling(name: str, arguments: str, call_id: str | None, kind: str = "function") -> Message:
    return Message("assistant", "", (), (ToolCall(name, arguments, call_id or "", kind),))


def _of_content(role: str, content: Any, call_id: str | None = None) -> Message:
    if content.__class__ is str:
        return Message(role, content, tool_call_id=call_id)
    parts = [part for part in content or () if isinstance(part, dict)]
    text = "\n".join(part.get("text") or part.get("refusal") or "" for part in parts if "text" in part or "refusal" in part)
    kinds = tuple(_PARTS.get(part.get("type") or "", part.get("type") or "") for part in parts)
    return Message(role, text, kinds, tool_call_id=call_id)


def _output(kind: str, item: Item) -> Any:
    """What a tool gave back, as text or parts."""
    output = item.get("output")
    if kind == "shell_call_output":
        streams = [stream for each in output or () for stream in (each.get("stdout"), each.get("stderr")) if stream]
        return "\n".join(streams)
    if kind == "apply_patch_call_output":
        return output or item.get("status") or ""
    return [output] if isinstance(output, dict) else output or ""

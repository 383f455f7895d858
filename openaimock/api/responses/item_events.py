"""The events of each type of output item.

(API reference: Streaming events; SDK type ResponseStreamEvent.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...http.json import dump
from ...http.sse import Frame
from ...params.models import family
from .event_stream import EventStream
from .items import Item


class ModelFacts(NamedTuple):
    """Facts of the model on which the first form of items depends."""

    #: It is a reasoning model.
    reasons: bool
    #: Its messages are complete when they are added.
    pro: bool

    @classmethod
    def of(cls, response: Mapping[str, Any]) -> ModelFacts:
        """The facts of the model of a response."""
        reasoning = response["reasoning"]
        pro = reasoning.get("mode") == "pro" or family(response["model"]).family.endswith("-pro")
        return cls(bool(reasoning.get("context")), pro)


_EMPTY = {
    "output_text": {"type": "output_text", "annotations": [], "logprobs": [], "text": ""},
    "refusal": {"type": "refusal", "refusal": ""},
    "reasoning_text": {"type": "reasoning_text", "text": ""},
}
_PARTS: dict[str, Callable[[EventStream, int, str, int, Item], Iterator[Frame]]] = {
    "output_text": EventStream.text,
    "refusal": EventStream.refusal,
    "reasoning_text": EventStream.thought,
}


def _content(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    id = dump(item["id"])
    for at, part in enumerate(item.get("content") or ()):
        where = f'"content_index":{at},"item_id":{id},"output_index":{index},"part":'
        empty = _EMPTY.get(part["type"])
        if empty is None:
            continue
        yield stream.frame("response.content_part.added", where + dump(empty))
        yield from _PARTS[part["type"]](stream, index, id, at, part)
        # The log probabilities are in the item, and empty here.
        done = {**part, "logprobs": []} if part.get("logprobs") else part
        yield stream.frame("response.content_part.done", where + dump(done))


def _reasoning(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    id = dump(item["id"])
    for at, part in enumerate(item["summary"]):
        where = f'"item_id":{id},"output_index":{index}'
        empty = dump({**part, "text": ""})
        kind = "response.reasoning_summary_"
        yield stream.frame(f"{kind}part.added", f'{where},"part":{empty},"summary_index":{at}')
        yield from stream.deltas(f"{kind}text.delta", part["text"], "", f'{where},"summary_index":{at}', paced=True)
        yield stream.frame(f"{kind}text.done", f'{where},"summary_index":{at},"text":{dump(part["text"])}')
        yield stream.frame(f"{kind}part.done", f'{where},"part":{dump(part)},"summary_index":{at}')
    yield from _content(stream, index, item)


def _arguments(kind: str, member: str) -> Callable[[EventStream, int, Item], Iterator[Frame]]:
    """The events of a tool call: deltas of the text of one member, then the whole text."""

    def events(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
        where = f'"item_id":{dump(item["id"])},"output_index":{index}'
        text = item.get(member) or ""
        yield from stream.deltas(f"{kind}.delta", text, "", where)
        yield stream.frame(f"{kind}.done", f'"{member}":{dump(text)},{where}')

    return events


_CODE = _arguments("response.code_interpreter_call_code", "code")
_MCP_ARGUMENTS = _arguments("response.mcp_call_arguments", "arguments")


def _code(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.code_interpreter_call."
    yield from stream.steps(index, item, [kind + "in_progress"])
    yield from _CODE(stream, index, item)
    yield from stream.steps(index, item, [kind + "interpreting", kind + "completed"])


def _mcp_call(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    yield from stream.steps(index, item, ["response.mcp_call.in_progress"])
    yield from _MCP_ARGUMENTS(stream, index, item)
    failed = item.get("error") is not None or item.get("status") == "failed"
    yield from stream.steps(index, item, ["response.mcp_call." + ("failed" if failed else "completed")])


def _mcp_tools(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    ended = "failed" if item.get("error") is not None else "completed"
    yield from stream.steps(index, item, ["response.mcp_list_tools.in_progress", "response.mcp_list_tools." + ended])


def _image(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.image_generation_call."
    yield from stream.steps(index, item, [kind + "in_progress", kind + "generating"])
    settings = {name: item[name] for name in ("background", "output_format", "quality", "size") if item.get(name)}
    for at in range(stream.previews if item.get("result") else 0):
        partial = {"item_id": item["id"], "output_index": index, "partial_image_b64": item["result"], "partial_image_index": at}
        yield stream.frame(kind + "partial_image", dump({**partial, **settings})[1:-1])
    yield from stream.steps(index, item, [kind + "completed"])


def _shell(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.shell_call_command."
    for at, command in enumerate(item["action"].get("commands") or ()):
        where = f'"command_index":{at},'
        yield stream.frame(kind + "added", f'"command":"",{where}"output_index":{index}')
        yield from stream.deltas(kind + "delta", command, where, f'"output_index":{index}')
        yield stream.frame(kind + "done", f'"command":{dump(command)},{where}"output_index":{index}')


def _shell_output(stream: EventStream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.shell_call_output_content."
    where = f'"item_id":{dump(item["id"])}'
    for at, output in enumerate(item.get("output") or ()):
        delta = {"command_index": at, "delta": {"stdout": output.get("stdout") or "", "stderr": output.get("stderr") or ""}}
        yield stream.frame(kind + "delta", f'{dump(delta)[1:-1]},{where},"output_index":{index}')
        done = {"command_index": at, "output": [output]}
        yield stream.frame(kind + "done", f'{dump(done)[1:-1]},{where},"output_index":{index}')


_CONTENT: dict[str, Callable[[EventStream, int, Item], Iterator[Frame]]] = {
    "message": _content,
    "reasoning": _reasoning,
    "function_call": _arguments("response.function_call_arguments", "arguments"),
    "custom_tool_call": _arguments("response.custom_tool_call_input", "input"),
    "code_interpreter_call": _code,
    "mcp_call": _mcp_call,
    "mcp_list_tools": _mcp_tools,
    "image_generation_call": _image,
    "shell_call": _shell,
    "shell_call_output": _shell_output,
}
#: Items without content of their own: the events of their progress.
_STEPS = {
    "web_search_call": [f"response.web_search_call.{step}" for step in ("in_progress", "searching", "completed")],
    "file_search_call": [f"response.file_search_call.{step}" for step in ("in_progress", "searching", "completed")],
}
#: Members that are still empty when an item is added.
_LATER: dict[str, Item] = {
    "message": {"content": []},
    "reasoning": {"summary": [], "content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "file_search_call": {"queries": [], "results": None},
    "code_interpreter_call": {"code": ""},
    "image_generation_call": {"result": None},
    "mcp_call": {"arguments": "", "output": None, "error": None},
    "mcp_list_tools": {"tools": []},
    "shell_call_output": {"output": []},
    "tool_search_call": {"arguments": {}},
}

#: Items that are never in progress.
_INSTANT = frozenset(["apply_patch_call_output", "program_output"])


def _added_item(item: Item, facts: ModelFacts) -> Item:
    """An item when it is added, before it has any content."""
    added = {**item, **{name: empty for name, empty in _LATER.get(item["type"], {}).items() if name in item}}
    if item["type"] == "web_search_call":
        # Reasoning models decide what to search for later than the others.
        added.pop("action")
        added |= {} if facts.reasons else {"action": {"type": item["action"].get("type", "search")}}
    instant = item["type"] in _INSTANT or (facts.pro and item["type"] == "message")
    if "status" in added and not instant:
        added["status"] = "in_progress"
    if isinstance(added.get("outputs"), list):
        added["outputs"] = []
    if item["type"] == "shell_call":
        added["action"] = {**item["action"], "commands": []}
    return added


def item_events(stream: EventStream, index: int, item: Item, facts: ModelFacts) -> Iterator[Frame]:
    """All events of one output item."""
    kind = item["type"]
    yield stream.frame("response.output_item.added", f'"item":{dump(_added_item(item, facts))},"output_index":{index}')
    content = _CONTENT.get(kind)
    if content is not None:
        yield from content(stream, index, item)
    else:
        yield from stream.steps(index, item, _STEPS.get(kind, ()))
    yield stream.frame("response.output_item.done", f'"item":{dump(item)},"output_index":{index}')

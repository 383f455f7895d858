"""References: the ids of files and vector stores that a prompt names and the mock does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..http.catalog import printable
from ..params.models import Model
from ..types.ask import Ask
from ..types.content import file_id, file_of, parts_of
from .check import Check, Finding
from .usual import unusual_items


def _files(ask: Ask, model: Model) -> Iterator[Finding]:
    """The files of messages and of results of calls."""
    is_chat = ask.endpoint == "chat"
    items = enumerate(ask.body["messages"]) if is_chat else unusual_items(ask)
    for path, part in parts_of(items, "messages" if is_chat else "input"):
        if id := file_id(part):
            member = file_of(part)[0]
            yield _file(id, ".".join(filter(None, (path, member, "file_id"))))


def _tools(ask: Ask, model: Model) -> Iterator[Finding]:
    """The vector stores of file search, the files of code interpreter, and the mask of image generation."""
    for at, tool in enumerate(ask.body["tools"] or ()):
        if tool.get("type") == "file_search":
            for id in tool["vector_store_ids"]:
                message = f"Vector store with id ['{printable(id)}'] not found."
                yield Finding("unknown_vector_store", message, "tools", status=404, unless=("vector_store", id))
        container = tool.get("container")
        ids: Sequence[Any] = container.get("file_ids") or () if isinstance(container, dict) else ()
        for place, id in enumerate(ids if isinstance(ids, list) else ()):
            if isinstance(id, str):
                yield _file(id, f"tools[{at}].container.file_ids[{place}]")
        mask = tool.get("input_image_mask") or {}
        if isinstance(mask.get("file_id"), str):
            yield _file(mask["file_id"], f"tools[{at}].input_image_mask.file_id")


def _file(id: str, path: str) -> Finding:
    if not id.startswith("file"):
        message = f"Invalid '{path}': '{printable(id)}'. Expected an ID that begins with 'file'."
        return Finding("unknown_file", message, path, "invalid_value")
    # The words of the API's file service; what the API says here is not known.
    return Finding("unknown_file", f"No such File object: {printable(id)}", path, status=404, unless=("file", id))


def _messages(part: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


def _input(part: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [part]}]}


def _tool(**members: Any) -> dict[str, Any]:
    return {"tools": [members]}


_TEXT = "data:text/plain;base64,AAAA"
REFERENCES = (
    Check("unknown_file", "A file that does not exist, or no longer.", ("chat",),
          _messages({"type": "file", "file": {"file_id": "file-1"}}),
          _messages({"type": "file", "file": {"file_data": _TEXT, "filename": "a.txt"}}), _files, ("messages",)),
    Check("unknown_file", "The same, also for an image.", ("responses",),
          _input({"type": "input_image", "file_id": "file-1"}),
          _input({"type": "input_file", "file_data": _TEXT, "filename": "a.txt"}), _files, ("input",)),
    Check("unknown_file", "The id of something else.", ("responses",),
          _input({"type": "input_file", "file_id": "vs_1"}),
          _input({"type": "input_text", "text": "What time is it?"}), _files, ("input",)),
    Check("unknown_file", "A file for code interpreter that does not exist.", ("responses",),
          _tool(type="code_interpreter", container={"type": "auto", "file_ids": ["file-1"]}),
          _tool(type="code_interpreter", container={"type": "auto"}), _tools, ("tools",)),
    Check("unknown_vector_store", "A vector store that does not exist.", ("responses",),
          _tool(type="file_search", vector_store_ids=["vs_1"]),
          _tool(type="web_search"), _tools, ("tools",)),
)  # fmt: skip

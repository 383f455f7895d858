"""File search: the ``file_search`` tool over the vector stores of the namespace.

(API reference: File search; SDK type ResponseFileSearchToolCall.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Block, Reply
from ..vector_stores import store as stored
from ..vector_stores.search import Result, results
from .output import is_item

_CALL, _INCLUDED = "file_search_call", "file_search_call.results"
#: The ``max_num_results`` of a tool that does not say, and how many characters of a message are searched for.
_MOST, _QUERY = 20, 4096


def searched(ask: Ask, reply: Reply, context: Context) -> Reply:
    """The reply with what its searches find.

    Calls of a rule get their results when the request includes them. A reply with a text and no call of its own gets one, which
    searches for the last user message, and cites the best file. Stores that do not exist are passed over, so that a rule can
    answer a request that names any store. APIError 400 when a store has expired.
    """
    if reply.response is not None:
        return reply
    tools = [(tool, ids) for tool in _tools(ask) if (ids := _existing(tool, context))]
    if not tools:
        return reply
    if any(is_item(block, _CALL) for block in reply.blocks):
        blocks = tuple(_with_results(block, ask, tools, context) if is_item(block, _CALL) else block for block in reply.blocks)
        return replace(reply, blocks=blocks)
    if reply.text is None or not ask.text or not _may_call(ask.body.get("tool_choice")):
        return reply
    return _with_call(ask, reply, tools, context)


#: A tool of a request, and those of its stores that exist.
_Tool = tuple[Mapping[str, Any], list[str]]


def _tools(ask: Ask) -> Iterator[Mapping[str, Any]]:
    return (tool for tool in ask.body.get("tools") or () if tool.get("type") == "file_search")


def _existing(tool: Mapping[str, Any], context: Context) -> list[str]:
    return [id for id in tool["vector_store_ids"] if context.store.get(stored.STORES, id) is not None]


def _may_call(choice: Any) -> bool:
    """Whether a ``tool_choice`` lets the model search."""
    if isinstance(choice, Mapping):
        allowed = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
        return any(tool.get("type") == "file_search" for tool in allowed)
    return bool(choice != "none")


def _with_results(block: Block, ask: Ask, tools: list[_Tool], context: Context) -> Block:
    """A call of a rule with the results that it does not give itself."""
    item = {**block.data, "queries": block.data.get("queries") or [ask.text[:_QUERY]]}
    if item.get("results") is None and _INCLUDED in (ask.body.get("include") or ()):
        item["results"] = [_view(result) for result in _search(tools, item["queries"], context)]
    return block._replace(data=item)


def _with_call(ask: Ask, reply: Reply, tools: list[_Tool], context: Context) -> Reply:
    queries = [ask.text[:_QUERY]]
    best = _search(tools, queries, context)
    included = [_view(result) for result in best] if _INCLUDED in (ask.body.get("include") or ()) else None
    call = Block("item", data={"type": _CALL, "queries": queries, "results": included})
    at = next(place for place, block in enumerate(reply.blocks) if block.kind == "text")
    blocks = (*reply.blocks[:at], call, *reply.blocks[at:])
    annotations = reply.annotations
    if annotations is None and best and best[0].score > 0:
        entry = best[0].entry
        place = max(0, len(reply.blocks[at].text) - 1)
        annotations = [{"type": "file_citation", "file_id": entry["id"], "filename": entry["filename"], "index": place}]
    return replace(reply, blocks=blocks, annotations=annotations)


def _search(tools: list[_Tool], queries: list[str], context: Context) -> list[Result]:
    """The best chunks that any of the tools finds, best first."""
    best: list[Result] = []
    for tool, ids in tools:
        for id in ids:
            stored.lookup_active(id, context)
        most = tool.get("max_num_results") or _MOST
        best += results(ids, queries, context, most, tool.get("filters"), tool.get("ranking_options"))
    return sorted(best, key=lambda result: -result.score)


def _view(result: Result) -> dict[str, Any]:
    entry = result.entry
    return {
        "attributes": entry["attributes"],
        "file_id": entry["id"],
        "filename": entry["filename"],
        "score": result.score,
        "text": result.text,
        "vector_store_id": entry["vector_store_id"],
    }

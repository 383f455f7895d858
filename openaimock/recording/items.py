"""Items: the output of a recorded response in the words of a rule's ``reply``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..http.json import dump
from .exchange import parsed

Item = dict[str, Any]
Words = dict[str, Any]

#: The order in which a reply without ``blocks`` is sent.
_USUAL = ("reasoning", "text", "refusal", "tool_call")
_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}


def words(response: Item, keep_ids: bool) -> Words:
    """What a response says: ``content`` and its like where the order is the usual one, else ``blocks``."""
    blocks = list(_blocks(response.get("output") or [], keep_ids))
    failure = response.get("error")
    if response.get("status") == "failed" and isinstance(failure, dict):
        blocks.append({"item": {"type": "error", **{name: failure[name] for name in ("code", "message") if failure.get(name)}}})
    reply = _plain(blocks) or ({"blocks": blocks} if blocks else {"content": ""})
    annotations, logprobs = _extras(response.get("output") or [])
    if annotations and not _has_items(reply):
        reply["annotations"] = annotations
    if logprobs and not _has_items(reply):
        reply["logprobs"] = {"content": logprobs}
    reason = _REASONS.get((response.get("incomplete_details") or {}).get("reason") or "")
    if reason:
        reply["finish_reason"] = reason
    return reply


def _has_items(reply: Words) -> bool:
    """Whether a message stands among the blocks as an item, with all that belongs to it."""
    return any(block.get("item", {}).get("type") == "message" for block in reply.get("blocks", ()))


def _plain(blocks: list[Words]) -> Words | None:
    """The blocks without ``blocks``; None when their order, or that there are several of one kind, would be lost."""
    kinds = [next(iter(block)) for block in blocks]
    places = [_USUAL.index(kind) if kind in _USUAL else -1 for kind in kinds]
    once = [kind for kind in kinds if kind != "tool_call"]
    if not blocks or -1 in places or places != sorted(places) or len(set(once)) != len(once):
        return None
    reply: Words = {{"text": "content"}.get(kind, kind): block[kind] for kind, block in zip(kinds, blocks, strict=True)}
    calls = [block["tool_call"] for block in blocks if "tool_call" in block]
    if calls:
        reply["tool_calls"] = calls
        del reply["tool_call"]
    return reply


def _blocks(output: list[Item], keep_ids: bool) -> Iterator[Words]:
    previous = ""
    for item in output:
        kind = item.get("type", "message")
        if kind == "message" and previous != "message" and _is_plain(item):
            for part in item["content"]:
                yield {"text": part["text"]} if part["type"] == "output_text" else {"refusal": part["refusal"]}
        elif kind == "reasoning" and _has_short_summary(item):
            yield {"reasoning": "".join(part.get("text", "") for part in item.get("summary") or ())}
        elif kind == "function_call" and not item.get("namespace"):
            yield {"tool_call": _call(item, keep_ids, arguments=arguments(item.get("arguments") or ""))}
        elif kind == "custom_tool_call" and not item.get("namespace"):
            yield {"tool_call": _call(item, keep_ids, input=item.get("input") or "")}
        else:
            yield {"item": _unchanged(item, keep_ids)}
        previous = kind


def _is_plain(item: Item) -> bool:
    """Whether a message is nothing but texts, the first of which may have annotations."""
    parts = item.get("content") or []
    if not parts or not all(part.get("type") in ("output_text", "refusal") for part in parts):
        return False
    return not any(part.get("annotations") or part.get("logprobs") for part in parts[1:])


def _has_short_summary(item: Item) -> bool:
    return len(item.get("summary") or ()) < 2 and not item.get("content")


def _extras(output: list[Item]) -> tuple[list[Any], list[Any]]:
    """Annotations and log probabilities of the first text."""
    for item in output:
        for part in item.get("content") or () if item.get("type") == "message" else ():
            if part.get("type") == "output_text":
                return part.get("annotations") or [], part.get("logprobs") or []
    return [], []


def _call(item: Item, keep_ids: bool, **rest: Any) -> Words:
    tied = {"id": item["call_id"]} if keep_ids and item.get("call_id") else {}
    return {**tied, "name": item["name"], **rest}


def arguments(text: str) -> Any:
    """Arguments as a mapping where it is sent as the very same text, else the text."""
    value = parsed(text) if text.startswith("{") else None
    return value if isinstance(value, dict) and dump(value) == text else text


def _unchanged(item: Mapping[str, Any], keep_ids: bool) -> Item:
    """An item as it is; without the ids that are generated for each request, and without what only the API can read."""
    volatile = () if keep_ids else ("id", "encrypted_content")
    return {name: value for name, value in item.items() if name not in volatile and value is not None}

"""The Response object: what a reply says as output items, counted, among all that the API echoes of the request.

(API reference: The response object; SDK type Response.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .. import tokens
from ..nouns import Ask, Block, Message, Reply, ToolCall
from ..spaces import Moment
from ..wording import known
from . import _shaping
from ._items import LENGTH, Item, kept, sealed, text_part

Response = dict[str, Any]

_NO_IMAGES = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "total_tokens": 0,
}
_TOOL_USAGE = {"image_gen": _NO_IMAGES, "web_search": {"num_requests": 0}}
_DEVELOPER = {"payer": "developer"}
#: What a response says of parameters that the request left out, where that is not null.
_USUAL: dict[str, Any] = {
    "frequency_penalty": 0.0,
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "prompt_cache_retention": "in_memory",
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}


def begun(ask: Ask, reply: Reply, moment: Moment) -> Response:
    """The Response as it is when the model begins: nothing said, nothing counted, the request's parameters echoed."""
    body = ask.body
    given = {name: value for name, value in body.items() if value is not None}

    def echo(name: str) -> Any:
        return given.get(name, _USUAL.get(name))

    response: Response = {
        "id": _id(reply, moment),
        "object": "response",
        "created_at": moment.created if reply.created is None else reply.created,
        "status": "in_progress",
        "access_programs": None,
        "background": bool(given.get("background")),
        "billing": _DEVELOPER,
        "completed_at": None,
        "error": None,
        "frequency_penalty": echo("frequency_penalty"),
        "incomplete_details": None,
        "instructions": given.get("instructions"),
        "max_output_tokens": given.get("max_output_tokens"),
        "max_tool_calls": given.get("max_tool_calls"),
        "model": reply.model or ask.model or moment.models[0],
        "moderation": None,
        "output": [],
        "parallel_tool_calls": echo("parallel_tool_calls"),
        "presence_penalty": echo("presence_penalty"),
        "previous_response_id": given.get("previous_response_id") or None,
        "prompt_cache_key": given.get("prompt_cache_key"),
        "prompt_cache_retention": echo("prompt_cache_retention"),
        "reasoning": {"context": None, "effort": None, "summary": None, **(given.get("reasoning") or {})},
        "safety_identifier": given.get("safety_identifier"),
        "service_tier": given.get("service_tier", "auto"),
        "store": given.get("store", True),
        "temperature": echo("temperature"),
        "text": _text(given.get("text") or {}),
        "tool_choice": echo("tool_choice"),
        "tool_usage": _TOOL_USAGE,
        "tools": [_tool(tool) for tool in given.get("tools") or ()],
        "top_logprobs": echo("top_logprobs"),
        "top_p": echo("top_p"),
        "truncation": echo("truncation"),
        "usage": None,
        "user": given.get("user"),
        "metadata": given.get("metadata") or {},
    }
    return response if given.keys().isdisjoint(_RARE) else {**response, **_rarely(given)}


_RARE = ("conversation", "prompt", "prompt_cache_options", "image")


def _rarely(given: Mapping[str, Any]) -> Response:
    """What a response has only when the request had it."""
    made: Response = {}
    if given.get("conversation"):
        made["conversation"] = {"id": conversation_id(given)}
    if "prompt" in given:
        made["prompt"] = {"id": "", "variables": None, "version": None, **given["prompt"]}
    if "prompt_cache_options" in given:
        options = {key: value for key, value in given["prompt_cache_options"].items() if key != "prewarm"}
        made["prompt_cache_options"] = {"mode": "implicit", "ttl": "30m", **options}
    if "image" in given:
        asked = given["image"].get("context_compression")
        made["image"] = {"context_compression": asked if asked in ("enabled", "disabled") else "disabled"}
    return made


def conversation_id(body: Mapping[str, Any]) -> str:
    """The conversation that a request names, as an id or an object; "" when it names none."""
    given = body.get("conversation")
    named: str | None = given.get("id") if isinstance(given, Mapping) else given
    return named or ""


def _id(reply: Reply, moment: Moment) -> str:
    # A rule that gives a whole chat completion may answer here too; clients chain only on ids of responses.
    if reply.id and not reply.id.startswith("chatcmpl-"):
        return reply.id
    return moment.draw.hex("resp_", LENGTH)


def _text(given: Mapping[str, Any]) -> Item:
    format = given.get("format") or {}
    if format.get("type") == "json_schema":
        format = {"type": "json_schema", "description": None, "strict": False, **_said(format)}
    return {"format": format if format.get("type") else {"type": "text"}, "verbosity": given.get("verbosity") or "medium"}


def _said(given: Mapping[str, Any]) -> Item:
    return {name: value for name, value in given.items() if value is not None}


_ANYWHERE = {"type": "approximate", "city": None, "country": "US", "region": None, "timezone": None}
_SEARCH = {"filters": None, "search_context_size": "medium", "user_location": _ANYWHERE}
#: What the API adds to the tools that it echoes.
_TOOLS: dict[str, Item] = {
    "function": {"description": None, "parameters": None, "strict": True},
    "custom": {"description": None, "format": {"type": "text"}},
    "web_search": _SEARCH,
    "web_search_2025_08_26": _SEARCH,
    "web_search_preview": {"search_context_size": "medium", "user_location": _ANYWHERE},
    "web_search_preview_2025_03_11": {"search_context_size": "medium", "user_location": _ANYWHERE},
    "file_search": {"filters": None, "max_num_results": 20, "ranking_options": {"ranker": "auto", "score_threshold": 0.0}},
    "image_generation": {
        "background": "auto", "moderation": "auto", "output_compression": 100, "output_format": "png", "quality": "auto",
        "size": "auto",
    },
    "mcp": {"allowed_tools": None, "headers": None, "require_approval": "always", "server_description": None},
}  # fmt: skip


def _tool(tool: Mapping[str, Any]) -> Item:
    kind = tool["type"]
    made = {"type": kind, **_TOOLS.get(kind, {}), **_said(tool)}
    if kind == "mcp":
        # What lets somebody into the server is never sent back.
        made.pop("authorization", None)
        made["headers"] = dict.fromkeys(made["headers"], "<redacted>") if made["headers"] else None
    elif kind == "namespace":
        made["tools"] = [_tool(inner) for inner in tool["tools"]]
    return made


# What is said


def ended(response: Response, ask: Ask, reply: Reply, moment: Moment) -> Response:
    """The Response when the model has said all that the request lets it say."""
    said, reason = _shaping.shape(reply, ask.model, (), ask.body.get("max_output_tokens"))
    blocks, error = _until_error(said.blocks)
    output = output_items(ask, said, blocks, moment) if blocks or not error else []
    reason = _INCOMPLETE.get(reason, "")
    status = "failed" if error else "incomplete" if reason else "completed"
    if status == "incomplete" and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"
    return {
        **response,
        "status": status,
        "completed_at": response["created_at"] if status == "completed" else None,
        "error": error,
        "incomplete_details": {"reason": reason} if reason and not error else None,
        "output": output,
        "service_tier": _shaping.service_tier(reply, ask),
        "usage": usage(ask, said),
    }


_INCOMPLETE = {"length": "max_output_tokens", "max_output_tokens": "max_output_tokens", "content_filter": "content_filter"}


def _until_error(blocks: Sequence[Block]) -> tuple[Sequence[Block], Item | None]:
    """The blocks before one of type ``error``, if there is one, and that error as a Response has it."""
    for at, block in enumerate(blocks):
        if block.kind == "item" and block.data.get("type") == "error":
            code = block.data.get("code") or "server_error"
            return blocks[:at], {"code": code, "message": block.data.get("message") or known(500).message}
    return blocks, None


def output_items(ask: Ask, said: Reply, blocks: Iterable[Block], moment: Moment) -> list[Item]:
    """The blocks of a reply as output items; texts and refusals that follow each other are one message."""
    made: list[Item] = []
    speaking: list[Item] | None = None
    annotations = [_annotation(each) for each in said.annotations or ()]
    for block in blocks:
        if block.kind in ("text", "refusal"):
            if speaking is None:
                speaking = []
                made.append({"type": "message", "role": "assistant", "content": speaking})
            if block.kind == "refusal":
                speaking.append({"type": "refusal", "refusal": block.text})
            else:
                speaking.append(text_part(block.text, annotations, _logprobs(ask, said, block.text, moment)))
                annotations = []
            continue
        speaking = None
        if block.call is not None:
            made.append(_call(ask, block.call))
        else:
            made.append(_reasoning(block.text) if block.kind == "reasoning" else block.data)
    if not made:
        made.append({"type": "message", "role": "assistant", "content": [text_part("")]})
    items = [kept(item, moment.draw) for item in made]
    for item in items:
        if item["type"] == "reasoning":
            item.setdefault("content", [])
            item.setdefault("encrypted_content", sealed(item["id"]))
    return items


def _reasoning(text: str) -> Item:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}] if text else []}


def _call(ask: Ask, call: ToolCall) -> Item:
    tied: Item = {"call_id": call.id} if call.id else {}
    namespace = _namespace(ask, call.name)
    if namespace:
        tied["namespace"] = namespace
    if call.kind == "custom":
        return {"type": "custom_tool_call", "input": call.arguments, "name": call.name, **tied}
    return {"type": "function_call", "arguments": call.arguments, "name": call.name, **tied}


def _namespace(ask: Ask, name: str) -> str | None:
    """The namespace in which the request offers a tool, None when it stands in none."""
    for tool in ask.body.get("tools") or ():
        if tool.get("name") == name and tool["type"] != "namespace":
            return None
    for tool in ask.body.get("tools") or ():
        if tool["type"] == "namespace" and any(inner["name"] == name for inner in tool["tools"]):
            return str(tool["name"])
    return None


def _annotation(given: Any) -> Any:
    """An annotation in the API's own form here: flat, where chat's holds an object named by its type."""
    inner = given.get(given.get("type", ""))
    return {"type": given["type"], **inner} if isinstance(inner, dict) else given


def _logprobs(ask: Ask, said: Reply, text: str, moment: Moment) -> Sequence[Any]:
    if said.logprobs is not None:
        given = said.logprobs.get("content") if isinstance(said.logprobs, dict) else said.logprobs
        return list(given or ())
    if "message.output_text.logprobs" not in (ask.body.get("include") or ()):
        return ()
    return _shaping.logprobs(text, ask.model, ask.body.get("top_logprobs") or 0, moment.draw.random)


# What is counted

_CHAT = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}


def usage(ask: Ask, said: Reply) -> Item:
    """The ``usage`` object (SDK type ResponseUsage); what the rule gives, in chat's words or in these, stands as it is given."""
    given = {_CHAT.get(name, name): value for name, value in (said.usage or {}).items()}
    heard = given.get("input_tokens")
    if heard is None:
        heard = input_tokens(ask)
    spoken = given.get("output_tokens")
    if spoken is None:
        spoken = _shaping.completion_tokens(said, ask.model)
    cached = {"cache_write_tokens": 0, "cached_tokens": 0}
    thought = {"reasoning_tokens": _shaping.reasoning_tokens(said, ask.model)}
    return {
        "input_tokens": heard,
        "input_tokens_details": {**cached, **_only(cached, given.get("input_tokens_details"))},
        "output_tokens": spoken,
        "output_tokens_details": {**thought, **_only(thought, given.get("output_tokens_details"))},
        "total_tokens": given.get("total_tokens", heard + spoken),
    }


def _only(names: Item, given: Any) -> Item:
    """The details that are counted here; chat has others."""
    return {name: value for name, value in (given or {}).items() if name in names}


def input_tokens(ask: Ask) -> int:
    """The tokens of all that a request says, with what came before it and the tools it offers."""
    counted: int = tokens.count_messages([_for_count(message) for message in ask.messages], ask.model)
    if ask.body.get("tools"):
        counted += tokens.count_tools(ask.body["tools"], ask.model)
    return counted


def _for_count(message: Message) -> Item:
    said: Item = {"role": message.role, "content": message.text}
    if message.tool_calls:
        said["tool_calls"] = [
            {"type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls
        ]
    return said

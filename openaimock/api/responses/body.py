"""The Response object: what a reply says as output items, counted, among all that the API echoes of the request.

(API reference: The response object; SDK type Response.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...http.catalog import api_error
from ...params import models
from ...state.namespace import Context
from ...text import prompts
from ...types.ask import Ask, ToolCall
from ...types.reply import Block, Reply
from .. import shaping
from .items import LENGTH, Item, kept, sealed, text_part

Response = dict[str, Any]


class ResponsesAsk(Ask):
    """An Ask with the items it is made of: the request's own, and those of the conversation before them."""

    items: Sequence[Item] = ()
    before: Sequence[Item] = ()


_NO_IMAGES = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "total_tokens": 0,
}
#: A response to a request that says nothing but what it must, in the order in which the API sends its members.
_PLAIN: dict[str, Any] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "status": "in_progress",
    "access_programs": None,
    "background": False,
    "billing": {"payer": "developer"},
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "",
    "moderation": None,
    "output": [],
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": "in_memory",
    "reasoning": {"context": None, "effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "auto",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tool_usage": {"image_gen": _NO_IMAGES, "web_search": {"num_requests": 0}},
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}


def begun(ask: Ask, reply: Reply, context: Context) -> Response:
    """The Response as it is when the model begins: nothing said, nothing counted, the request's parameters echoed."""
    response = _PLAIN.copy()
    for name, value in ask.body.items():
        if value is not None and name in _ECHOED:
            echo = _ECHOED[name]
            response[name] = value if echo is None else echo(value)
    response["id"] = _id(reply, context)
    response["created_at"] = context.created if reply.created is None else reply.created
    response["model"] = reply.model or ask.model or context.model_names[0]
    return response


def conversation_id(body: Mapping[str, Any]) -> str:
    """The conversation that a request or a response names, as an id or an object; "" when it names none."""
    given = body.get("conversation")
    named: str | None = given.get("id") if isinstance(given, Mapping) else given
    return named or ""


def _conversation(given: Any) -> Item:
    return {"id": given["id"] if isinstance(given, Mapping) else given}


def _cache(given: Mapping[str, Any]) -> Item:
    return {"mode": "implicit", "ttl": "30m", **{name: value for name, value in given.items() if name != "prewarm"}}


def _image(given: Mapping[str, Any]) -> Item:
    asked = given.get("context_compression")
    return {"context_compression": asked if asked in ("enabled", "disabled") else "disabled"}


def _prompt(given: Mapping[str, Any]) -> Item:
    return {"id": "", "variables": None, "version": None, **given}


def _reasoning_options(given: Mapping[str, Any]) -> Item:
    return {"context": None, "effort": None, "summary": None, **given}


def _id(reply: Reply, context: Context) -> str:
    # A rule that gives a whole chat completion may answer here too; clients chain only on ids of responses.
    if reply.id and not reply.id.startswith("chatcmpl-"):
        return reply.id
    return context.ids.hex("resp_", LENGTH)


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


def _tools(given: Sequence[Mapping[str, Any]]) -> list[Item]:
    return [_tool(tool) for tool in given]


#: The parameters that a response echoes, and how where that is not as they are. Some are there only when the request has them.
_ECHOED: dict[str, Callable[[Any], Any] | None] = {
    **dict.fromkeys(
        [
            "background", "frequency_penalty", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
            "parallel_tool_calls", "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
            "service_tier", "store", "temperature", "tool_choice", "top_logprobs", "top_p", "truncation", "user",
        ]
    ),
    "conversation": _conversation,
    "image": _image,
    "previous_response_id": lambda given: given or None,
    "prompt": _prompt,
    "prompt_cache_options": _cache,
    "reasoning": _reasoning_options,
    "text": _text,
    "tools": _tools,
}  # fmt: skip


# What is said


def response_for(ask: ResponsesAsk, reply: Reply, context: Context) -> Response:
    """The Response when the model has said all that the request lets it say."""
    response = begun(ask, reply, context)
    said, reason = shaping.truncate(reply, ask.model, (), ask.body.get("max_output_tokens"))
    blocks, error = _until_error(said.blocks)
    output = output_items(ask, said, blocks, context) if blocks or not error else []
    reason = _INCOMPLETE.get(reason, "")
    status = "failed" if error else "incomplete" if reason else "completed"
    if status == "incomplete" and output and "status" in output[-1]:
        output[-1]["status"] = "incomplete"
    response["status"] = status
    if status == "completed":
        response["completed_at"] = response["created_at"]
    elif status == "failed":
        response["error"] = error
    else:
        response["incomplete_details"] = {"reason": reason}
    response["output"] = output
    response["service_tier"] = shaping.service_tier(reply, ask)
    response["usage"] = usage(ask, said)
    return response


_INCOMPLETE = {"length": "max_output_tokens", "max_output_tokens": "max_output_tokens", "content_filter": "content_filter"}


def _until_error(blocks: Sequence[Block]) -> tuple[Sequence[Block], Item | None]:
    """The blocks before one of type ``error``, if there is one, and that error as a Response has it."""
    for at, block in enumerate(blocks):
        if block.kind == "item" and block.data.get("type") == "error":
            code = block.data.get("code") or "server_error"
            return blocks[:at], {"code": code, "message": block.data.get("message") or api_error(500).message}
    return blocks, None


def output_items(ask: Ask, said: Reply, blocks: Iterable[Block], context: Context) -> list[Item]:
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
                speaking.append(text_part(block.text, annotations, _logprobs(ask, said, block.text, context)))
                annotations = []
            continue
        speaking = None
        if block.call is not None:
            made.append(_call(ask, block.call))
        else:
            made.append(_reasoning(block.text) if block.kind == "reasoning" else block.data)
    if not made:
        made.append({"type": "message", "role": "assistant", "content": [text_part("")]})
    items = [kept(item, context.ids) for item in made]
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


def _logprobs(ask: Ask, said: Reply, text: str, context: Context) -> Sequence[Any]:
    if said.logprobs is not None:
        given = said.logprobs.get("content") if isinstance(said.logprobs, dict) else said.logprobs
        return list(given or ())
    if "message.output_text.logprobs" not in (ask.body.get("include") or ()):
        return ()
    return shaping.logprobs(text, ask.model, ask.body.get("top_logprobs") or 0, context.ids.random)


# What is counted

_CHAT = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}


def usage(ask: ResponsesAsk, said: Reply) -> Item:
    """The ``usage`` object (SDK type ResponseUsage); what the rule gives, in chat's words or in these, stands as it is given."""
    given = {_CHAT.get(name, name): value for name, value in (said.usage or {}).items()}
    heard = given.get("input_tokens")
    if heard is None:
        items = [block.data for block in said.blocks if isinstance(block.data, dict)]
        heard = input_tokens(ask) + prompts.count_hosted_calls(items, ask.body.get("tools") or (), models.family(ask.model))
    completion = given.get("output_tokens")
    if completion is None:
        completion = shaping.completion_tokens(said, ask, "responses")
    cached = {"cache_write_tokens": 0, "cached_tokens": 0}
    thought = {"reasoning_tokens": shaping.reasoning_tokens(said, ask.model)}
    return {
        "input_tokens": heard,
        "input_tokens_details": {**cached, **_only(cached, given.get("input_tokens_details"))},
        "output_tokens": completion,
        "output_tokens_details": {**thought, **_only(thought, given.get("output_tokens_details"))},
        "total_tokens": given.get("total_tokens", heard + completion),
    }


def _only(names: Item, given: Any) -> Item:
    """The details that are counted here; chat has others."""
    return {name: value for name, value in (given or {}).items() if name in names}


def input_tokens(ask: ResponsesAsk) -> int:
    """The tokens of all that a request says, with what came before it and the tools it offers."""
    return prompts.count_items([*ask.before, *ask.items], ask.body, models.family(ask.model))

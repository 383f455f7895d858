"""The Response object: the output items of a reply with usage, status and the echoed parameters of the request.

(API reference: The response object; SDK type Response.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...http.catalog import api_error
from ...state.namespace import Context
from ...text import moderation, prompts, tokens
from ...types.ask import Ask
from ...types.parts import once
from ...types.reply import Block, Reply
from .. import prompt_cache, shaping
from .echo import ECHOED, prompt_instructions, reasoning, tools
from .items import Item, new_id
from .output import is_item, output_items

Response = dict[str, Any]


class ResponsesAsk(Ask):
    """An Ask with the request's own items, and those of the conversation before them."""

    items: Sequence[Item] = ()
    before: Sequence[Item] = ()
    same: dict[str, Any]


_NO_IMAGES = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "total_tokens": 0,
}
#: The ``tool_usage`` of a response that used no tool.
NO_TOOLS: dict[str, Any] = {"image_gen": _NO_IMAGES, "web_search": {"num_requests": 0}}
#: The response to a request with required parameters only, in the API's order of members.
_DEFAULTS: dict[str, Any] = {
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
    "tool_usage": NO_TOOLS,
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}


def new_response(ask: ResponsesAsk, reply: Reply, context: Context) -> Response:
    """The Response without output and usage: the model's defaults and the echoed parameters of the request."""
    name = ask.model or context.model_names[0]
    model = context.model(name)
    response = _DEFAULTS.copy()
    if model.effort or model.context or model.mode:
        response["reasoning"] = reasoning({}, model)
    response["top_p"] = model.top_p
    response["prompt_cache_retention"] = model.prompt_cache_retention
    for parameter, value in ask.body.items():
        if value is not None and parameter in ECHOED:
            echo = ECHOED[parameter]
            response[parameter] = value if echo is None else echo(value, model)
    if "tools" not in ask.same:
        ask.same["tools"] = tools(ask.body.get("tools") or (), [*ask.before, *ask.items], model)
    response["tools"] = ask.same["tools"]
    if ask.body.get("prompt") and not isinstance(response["instructions"], str):
        response["instructions"] = prompt_instructions(ask.body["prompt"])
    response["id"] = _id(reply, context)
    response["created_at"] = context.created if reply.created is None else reply.created
    response["model"] = reply.model or model.snapshot
    return response


def takes_long(ask: Ask) -> bool:
    """Whether the request offers a tool that the mock itself answers, or has a file: both may take long."""
    return ask.has_file or _offers(ask, "file_search") or _offers(ask, "image_generation")


def _offers(ask: Ask, kind: str) -> bool:
    offered = ask.body.get("tools")
    return bool(offered) and kind in once(offered, _kinds, _kinds)


def _kinds(tools: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The types of tools."""
    return frozenset(tool.get("type") or "" for tool in tools)


def conversation_id(body: Mapping[str, Any]) -> str:
    """The conversation that a request or a response names, as an id or an object; "" when it names none."""
    conversation = body.get("conversation")
    id: str | None = conversation.get("id") if isinstance(conversation, Mapping) else conversation
    return id or ""


def _id(reply: Reply, context: Context) -> str:
    # A rule with the id of a chat completion may answer here too; clients chain only on ids of responses.
    if reply.id and not reply.id.startswith("chatcmpl-"):
        return reply.id
    return new_id("resp_", context.ids)


def response_for(ask: ResponsesAsk, reply: Reply, context: Context) -> Response:
    """The finished Response to a request."""
    response = new_response(ask, reply, context)
    # Imported here because few requests have the tools.
    if _offers(ask, "file_search"):
        from .file_search import searched

        reply = searched(ask, reply, context)
    has_call = any(is_item(block, "image_generation_call") for block in reply.blocks)
    draws = reply.image or _offers(ask, "image_generation") or has_call
    if draws:
        from .image_generation import drawn, image_usage

        reply = drawn(ask, reply, context)
    reply, reason = shaping.truncate(reply, ask.model, (), ask.body.get("max_output_tokens"))
    blocks, error = _until_error(reply.blocks)
    output = output_items(ask, reply, blocks, context, response["tools"]) if blocks or not error else []
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
    if ask.body.get("moderation"):
        response["moderation"] = _moderation(ask, reply, context)
    response["service_tier"] = shaping.service_tier(reply, ask)
    response["tool_usage"] = _tool_usage(output, image_usage(ask, output, context) if draws else None)
    response["usage"] = usage(ask, reply, context)
    return response


_INCOMPLETE = {"length": "max_output_tokens", "max_output_tokens": "max_output_tokens", "content_filter": "content_filter"}


def _until_error(blocks: Sequence[Block]) -> tuple[Sequence[Block], Item | None]:
    """The blocks before one of type ``error``, if there is one, and that error as a Response has it."""
    for place, block in enumerate(blocks):
        if block.kind == "item" and block.data.get("type") == "error":
            code = block.data.get("code") or "server_error"
            return blocks[:place], {"code": code, "message": block.data.get("message") or api_error(500).message}
    return blocks, None


def _moderation(ask: Ask, reply: Reply, context: Context) -> Item:
    """The moderation of input and output that a request asks for; a rule's ``moderation`` describes the input."""
    model, seed = ask.body["moderation"]["model"], context.seed
    return {
        "input": moderation.inline_result(model, ask.text, seed, reply.moderation),
        "output": moderation.inline_result(model, reply.text or "", seed, None),
    }


def _tool_usage(output: Sequence[Item], images: Item | None) -> Item:
    searches = sum(item["type"] == "web_search_call" for item in output)
    return {"image_gen": images or _NO_IMAGES, "web_search": {"num_requests": searches}}


def usage(ask: ResponsesAsk, reply: Reply, context: Context) -> Item:
    """The ``usage`` object (SDK type ResponseUsage); the ``usage`` of a rule overrides it."""
    overrides = dict(reply.usage or {})
    prompt = overrides.pop("input_tokens", None)
    if prompt is None:
        items = [block.data for block in reply.blocks if isinstance(block.data, dict)]
        model = context.model(ask.model)
        prompt = input_tokens(ask, context) + prompts.count_hosted_calls(items, ask.body.get("tools") or (), model)
    completion = overrides.pop("output_tokens", None)
    if completion is None:
        completion = shaping.completion_tokens(reply, ask, "responses")
    cached = prompt_cache.of_items([*ask.before, *ask.items], ask.body, context.model(ask.model), context)
    input_details = {
        "cache_write_tokens": 0,
        "cached_tokens": min(cached, prompt),
        **(overrides.pop("input_tokens_details", None) or {}),
    }
    output_details = {
        "reasoning_tokens": shaping.reasoning_tokens(reply, ask.model),
        **(overrides.pop("output_tokens_details", None) or {}),
    }
    total = overrides.pop("total_tokens", None)
    return {
        "input_tokens": prompt,
        "input_tokens_details": input_details,
        "output_tokens": completion,
        "output_tokens_details": output_details,
        "total_tokens": prompt + completion if total is None else total,
        **overrides,
    }


def input_tokens(ask: ResponsesAsk, context: Context) -> int:
    """The tokens of a request with the conversation before it and the tools it offers.

    They are counted once for bodies that differ in the last text only, but for the stored files that they name.
    """
    model = context.model(ask.model)
    last = tokens.count_encoded(ask.text, model.encoding)
    if "tokens" not in ask.same:
        files: list[Any] = []
        items = [*ask.before, *ask.items] if ask.before else ask.items
        # Without the last text, which may differ.
        ask.same["tokens"] = prompts.count_items(items, ask.body, model, files) - last, files
    others, files = ask.same["tokens"]
    count: int = others + last
    if not files:
        return count
    from .. import stored_parts  # few prompts name files

    return count + stored_parts.difference(files, model, "responses", context)

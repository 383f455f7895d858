"""Image generation: the pictures of ``image_generation_call`` items, from the rule or drawn from the prompt.

(API reference: Image generation tool; SDK type ImageGenerationCall.)
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...errors import APIError
from ...params.errors import ParamError
from ...params.image_rules import check_for_model
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Block, Reply
from ..images.answer import settings
from ..images.pictures import pictures
from ..images.usage import usage
from .items import Item
from .output import is_item

TOOL, CALL = "image_generation", "image_generation_call"
_MODEL = "gpt-image-1"
#: The members of a tool that are parameters of an image request.
_PARAMETERS = ("model", "quality", "size", "output_format", "background", "output_compression")


def drawn(ask: Ask, reply: Reply, context: Context) -> Reply:
    """The reply with the pictures of its calls.

    A call without a ``result`` gets the reply's ``image``, or a drawn one. A reply with an ``image`` and no call gets a call
    before its text. APIError 400 when there are no bytes to send, or for a parameter of the tool that the image model refuses.
    """
    if reply.response is not None:
        return reply
    blocks = list(reply.blocks)
    if reply.image and not any(is_item(block, CALL) for block in blocks):
        at = next((place for place, block in enumerate(blocks) if block.kind == "text"), len(blocks))
        blocks.insert(at, Block("item", data={"type": CALL}))
    if not any(_needs_picture(block) for block in blocks):
        return reply
    members = _drawn(ask, reply, context)
    return replace(
        reply,
        blocks=tuple(block._replace(data={**members, **block.data}) if _needs_picture(block) else block for block in blocks),
    )


def image_usage(ask: Ask, items: Iterable[Item], context: Context) -> Item | None:
    """The ``tool_usage.image_gen`` of the pictures among output items; None when there is none."""
    total: Item | None = None
    for item in items:
        if item["type"] == CALL and item.get("result"):
            request = _image_ask(ask, {**_parameters(ask)[0], "size": item.get("size"), "quality": item.get("quality")})
            counts = usage(request, None, context.model(request.model).pictures, 1, 0)
            total = counts if total is None else _sum(total, counts)
    return total


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> Item:
    """Two objects of counts, added."""
    return {name: _sum(value, other[name]) if isinstance(value, Mapping) else value + other[name] for name, value in one.items()}


def _needs_picture(block: Block) -> bool:
    """Whether it is a call that the rule leaves to the mock: without a ``result``, and not a failed one."""
    return is_item(block, CALL) and "result" not in block.data and block.data.get("status", "completed") == "completed"


def _parameters(ask: Ask) -> tuple[dict[str, Any], int]:
    """The parameters of the image request that the tool stands for, and the tool's place."""
    for at, tool in enumerate(ask.body.get("tools") or ()):
        if tool.get("type") == TOOL:
            return {name: tool[name] for name in _PARAMETERS if tool.get(name) is not None}, at
    return {}, 0


def _image_ask(ask: Ask, parameters: Mapping[str, Any]) -> Ask:
    """The image request that a call stands for: its prompt is the last user message."""
    return Ask("images.generations", dict(parameters), text=ask.text, model=parameters.get("model") or _MODEL)


def _drawn(ask: Ask, reply: Reply, context: Context) -> Item:
    """The members of a call with its picture."""
    parameters, at = _parameters(ask)
    request = _image_ask(ask, parameters)
    if not reply.image:
        _check(request, at)
    (picture,) = pictures(request, reply, context, ask.text)
    if picture.url is not None:
        raise APIError(
            400,
            "An image_generation_call has the bytes of its picture, and the rule gives only an address: write "
            "`image: {file: PATH}` or `image: {b64: ...}` in the rule.",
            code="no_image_bytes",
        )
    revised = ask.text if picture.revised_prompt is None else picture.revised_prompt
    return {
        "type": CALL,
        "status": "completed",
        "action": "generate",
        **settings(request, [picture]),
        "result": base64.b64encode(picture.data).decode(),
        "revised_prompt": revised,
    }


def _check(request: Ask, at: int) -> None:
    """APIError 400 for a size or a format that the image model does not have."""
    try:
        check_for_model(request.body, request.model)
    except ParamError as error:
        error.names += [at, "tools"]
        raise error.error() from None
    except APIError as error:
        error.param = f"tools[{at}].{error.param}" if error.param else error.param
        raise

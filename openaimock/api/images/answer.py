"""Answers of the image endpoints, whole and streamed (SDK types ImagesResponse, ImageGenStreamEvent, ImageEditStreamEvent)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import APIError
from ...http import payloads, sse
from ...http.catalog import api_error
from ...http.sse import Frame
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from . import hosted
from .pictures import Picture
from .usage import usage


def answer(
    ask: Ask, reply: Reply | None, context: Context, images: Sequence[Picture], event: str, inputs: int = 0
) -> payloads.JSON | payloads.Events:
    """The payload for the images of a request.

    ``event`` is the beginning of the types of its events, ``inputs`` the tokens of its input images.
    """
    facts = context.model(ask.model).pictures
    counts = usage(ask, reply, facts, len(images), inputs)
    if ask.stream:
        frames = list(_frames(ask, reply, context, images, event, counts))
        return payloads.Events(frames, _error)
    data = [_entry(ask, image, context) for image in images]
    created = _created(reply, context)
    whole: dict[str, Any] = {"created": created, "data": data}
    if facts.legacy:
        whole |= {"usage": dict(reply.usage)} if reply is not None and reply.usage else {}
    else:
        echoed = settings(ask, images)
        whole = {"created": created, "background": echoed.pop("background"), "data": data, **echoed, "usage": counts}
        whole |= {"safety_identifier": identifier} if (identifier := _identifier(ask)) else {}
    return payloads.JSON(whole, 0 if facts.legacy else counts.get("output_tokens") or 0)


def settings(ask: Ask, images: Sequence[Picture]) -> dict[str, str]:
    """The parameters that an answer names, with what the model makes of ``auto``."""
    body = ask.body

    def chosen(name: str, default: str) -> str:
        value = body.get(name)
        return default if value in (None, "auto") else str(value)

    format = next((image.format for image in images if image.data), body.get("output_format") or "png")
    return {
        "background": chosen("background", "opaque"),
        "output_format": format,
        "quality": chosen("quality", "medium"),
        "size": chosen("size", "1024x1024"),
    }


def _created(reply: Reply | None, context: Context) -> int:
    return context.created if reply is None or reply.created is None else reply.created


def _identifier(ask: Ask) -> str | None:
    return ask.body.get("safety_identifier") or ask.body.get("user") or None


def _entry(ask: Ask, image: Picture, context: Context) -> dict[str, str]:
    """One member of ``data``."""
    facts = context.model(ask.model).pictures
    revised = image.revised_prompt if image.revised_prompt is not None else ask.text if facts.revises else None
    entry = {} if revised is None else {"revised_prompt": revised}
    as_url = (ask.body.get("response_format") or ("url" if facts.legacy else "b64_json")) == "url"
    if image.url is not None:
        return {**entry, "url": image.url}
    if as_url:
        return {**entry, "url": hosted.publish(image, ask.base_url, context)}
    return {**entry, "b64_json": _base64(image.data)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _frames(
    ask: Ask, reply: Reply | None, context: Context, images: Sequence[Picture], event: str, counts: dict[str, Any]
) -> Iterator[Frame]:
    """The events of all images. Each one counts as its share of the output tokens."""
    share = (counts.get("output_tokens") or 0) / max(1, sum(len(image.partials) + 1 for image in images))
    shared = {"created_at": _created(reply, context), **settings(ask, images)}
    for image in images:
        if image.url is not None:
            raise APIError(
                400,
                "A stream of images has their bytes, and the rule gives only an address: write `image: {file: PATH}` or "
                "`image: {b64: ...}` in the rule.",
                param="stream",
                code="no_image_bytes",
            )
        for index, partial in enumerate(image.partials):
            body = {"type": f"{event}.partial_image", "b64_json": _base64(partial), "partial_image_index": index, **shared}
            yield sse.event(body, share)
        # The events have no details of the output tokens.
        usage_of_event = {name: value for name, value in counts.items() if name != "output_tokens_details"}
        whole = {"type": f"{event}.completed", "b64_json": _base64(image.data), **shared, "usage": usage_of_event}
        identifier = _identifier(ask)
        yield sse.event({**whole, "safety_identifier": identifier} if identifier else whole, share)


def _error(number: int) -> bytes:
    """The event of a stream that fails."""
    error = api_error(500)
    members = {"type": error.type, "code": error.code, "message": error.message, "param": error.param}
    return sse.event({"type": "error", "error": members})[0]

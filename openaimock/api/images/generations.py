"""Image generations (API reference: Create image; SDK types ImagesResponse and ImageGenStreamEvent)."""

from __future__ import annotations

from ...http import payloads
from ...http.request import Request
from ...params.image_rules import model_of
from ...params.images import GENERATE
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ..operation import Operation
from .answer import answer
from .pictures import pictures


def read(request: Request) -> Ask:
    """The Ask of POST /images/generations: its text is the prompt."""
    body = request.object()
    GENERATE.check(body)
    ask = Ask("images.generations", body, text=body["prompt"], model=model_of(body, "dall-e-2"), stream=bool(body.get("stream")))
    ask.base_url = request.base_url
    return ask


def write(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON | payloads.Events:
    """The answer: the rule's images, or drawn ones."""
    images = list(pictures(ask, reply, context, ask.text))
    return answer(ask, reply, context, images, "image_generation")


ENDPOINTS = (Operation("images.generate", "POST", "/images/generations", read, write, own=True, params=GENERATE, blocking=True),)

"""Moderations: results for texts and images, flagged only by rules (API reference: Moderations)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..http import payloads
from ..http.request import Request
from ..params.errors import path
from ..params.table import Also, Array, Either, Object, ParamError, String, Union, table
from ..state.namespace import Context
from ..text import moderation
from ..types.ask import Ask
from ..types.reply import Reply
from .operation import Operation

MODEL = "omni-moderation-latest"
#: Categories that the models for text only do not have.
_NEWER = frozenset(["illicit", "illicit/violent"])
_PART = Union(
    "type",
    {
        "text": Object({"text": String()}, required=["text"]),
        "image_url": Object({"image_url": Object({"url": String()}, required=["url"])}, required=["image_url"]),
    },
)


def _one_image(parts: list[dict[str, Any]]) -> None:
    images = sum(part["type"] == "image_url" for part in parts)
    if images > 1:
        raise ParamError(
            lambda _: f"Number of images ({images}) exceeds maximum of 1", "too_many_images", param=lambda names: path(names[:1])
        )


MODERATIONS = table(
    {
        "input": Either(String(), Array(String(), min=1), Also(Array(_PART, min=1), _one_image)),
        "model": String(),
    },
    required=["input"],
)


def read(request: Request) -> Ask:
    """The Ask of POST /moderations: its text is that of all inputs."""
    body = request.object()
    MODERATIONS.check(body)
    return Ask("moderations", body, text="\n".join(map(_text, _inputs(body))), model=body.get("model") or MODEL)


def _inputs(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The parts of each input: each text of a list is one input, all objects of a list together are one input."""
    inputs = body["input"]
    if isinstance(inputs, str):
        inputs = [inputs]
    return [[{"type": "text", "text": text}] for text in inputs] if isinstance(inputs[0], str) else [inputs]


def _text(parts: list[dict[str, Any]]) -> str:
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def split(ask: Ask) -> Sequence[Ask]:
    """An Ask for each of several inputs."""
    inputs = _inputs(ask.body)
    return [replace(ask, text=_text(parts)) for parts in inputs] if len(inputs) > 1 else ()


def write(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """The answer: a result for each input."""
    inputs = _inputs(ask.body)
    text_only = context.model(ask.model).text_only
    settings = reply or Reply()
    results = [
        _result(parts, each, text_only, context)
        for parts, each in zip(inputs, settings.inputs or (reply,) * len(inputs), strict=True)
    ]
    model = settings.model or context.model(ask.model).snapshot
    return payloads.JSON({"id": settings.id or context.ids.hex("modr-"), "model": model, "results": results})


def _result(parts: list[dict[str, Any]], reply: Reply | None, text_only: bool, context: Context) -> dict[str, Any]:
    types = {part["type"] for part in parts}
    kinds = [kind for kind, type in (("text", "text"), ("image", "image_url")) if type in types]
    key = "\n".join(part["text"] if part["type"] == "text" else part["image_url"]["url"] for part in parts)
    result = moderation.result(kinds, f"{context.seed}\x1f{key}", reply.moderation if reply else None)
    if text_only:
        del result["category_applied_input_types"]
        for member in ("categories", "category_scores"):
            result[member] = {name: value for name, value in result[member].items() if name not in _NEWER}
    return result


ENDPOINTS = (
    Operation("moderations.create", "POST", "/moderations", read, write, own=True, split=split, params=MODERATIONS, alone=True),
)

"""Pictures: the images of an answer, from the rule's file, base64 or address, or drawn from the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import APIError
from ...media import png
from ...media.images import image_info
from ...params.image_rules import sides
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ..payload import payload


class Picture(NamedTuple):
    """One image: its bytes with their format, or the address that a rule has for it. ``partials`` are coarser versions."""

    data: bytes = b""
    format: str = "png"
    url: str | None = None
    revised_prompt: str | None = None
    partials: tuple[bytes, ...] = ()


def pictures(ask: Ask, reply: Reply | None, context: Context, key: str) -> Iterator[Picture]:
    """Yield the images that a request asks for. ``key`` is what they depict: the same one always has the same pixels.

    APIError 400 for a format that is not drawn here, 500 for a file that cannot be read.
    """
    entries = (reply.image if reply else None) or ()
    for at in range(ask.body.get("n") or 1):
        if entries:
            yield _of_rule(entries[min(at, len(entries) - 1)], ask)
        else:
            yield _drawn(ask, f"{context.seed}\x1f{key}" + (f"\x1f{at}" if at else ""))


def _of_rule(entry: Mapping[str, Any], ask: Ask) -> Picture:
    revised = entry.get("revised_prompt")
    if "url" in entry:
        return Picture(url=entry["url"], revised_prompt=revised)
    data = payload(entry)
    info = image_info(data)
    format = info.format if info else ask.body.get("output_format") or "png"
    return Picture(data, format, revised_prompt=revised, partials=(data,) * _partial_count(ask))


def _drawn(ask: Ask, key: str) -> Picture:
    output = ask.body.get("output_format") or "png"
    if output != "png":
        raise APIError(
            400,
            f"This mock draws PNG pictures only, not {output}. Ask for `output_format: png`, or give the picture in the rule: "
            f"`image: {{file: PATH}}`.",
            param="output_format",
            code="unsupported_output_format",
        )
    width, height = sides(ask.body.get("size"))
    transparent = ask.body.get("background") == "transparent"
    *partials, data = png.progression(key, width, height, _partial_count(ask), transparent=transparent)
    return Picture(data, partials=tuple(partials))


def _partial_count(ask: Ask) -> int:
    return ask.body.get("partial_images") or 0 if ask.stream else 0

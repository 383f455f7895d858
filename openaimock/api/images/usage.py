"""Usage of image requests: tokens of the prompt, of the input images, and of the images that are made.

Output tokens are those of the API's table for ``gpt-image-1`` (272, 1,056 and 4,160 for a square of 1,024 pixels), which
this formula gives for every size. Recorded answers have the same counts for ``gpt-image-1.5``, 194 tokens for an input image
of 128 x 128 pixels, and 120 tokens for ``gpt-image-2`` at 1536x864 and low quality.
"""

from __future__ import annotations

import math
from typing import Any

from ...media.images import ImageInfo
from ...params.image_rules import sides
from ...params.model_facts import ImageOutput
from ...text import tokens
from ...types.ask import Ask
from ...types.reply import Reply

#: The vocabulary that counts prompts of images.
_TEXT_MODEL = "gpt-4o"
#: Tokens of a prompt beside its text.
_PROMPT = 7
#: The side in pixels of the square that one token stands for, and how many times finer the grid is than at low quality.
_SQUARES = {"low": 64, "medium": 32, "high": 16}
_FINER = {"low": 1, "medium": 2, "high": 4, "xhigh": 4, "max": 4}


def usage(ask: Ask, reply: Reply | None, facts: ImageOutput, count: int, inputs: int) -> dict[str, Any]:
    """The ``usage`` object of ``count`` images; members in the rule replace the counted ones."""
    override = dict(reply.usage) if reply is not None and reply.usage else {}
    text = (tokens.count(ask.text, _TEXT_MODEL) if ask.text else 0) + _PROMPT
    output = count * image_tokens(ask, facts)
    prompt = override.get("input_tokens", text + inputs)
    completion = override.get("output_tokens", output)
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"image_tokens": inputs, "text_tokens": prompt - inputs},
        "output_tokens": completion,
        "output_tokens_details": {"image_tokens": completion, "text_tokens": 0},
        "total_tokens": prompt + completion,
        **override,
    }


def image_tokens(ask: Ask, facts: ImageOutput) -> int:
    """Tokens of one image of the size and quality of the request."""
    width, height = sides(ask.body.get("size"))
    quality = ask.body.get("quality")
    quality = quality if quality in _FINER else "medium"
    if facts.grid is None:
        square: float = _SQUARES.get(quality, 16)
    else:
        square = max(width, height) / (facts.grid * _FINER[quality])
    return max(1, round(height / square)) * (round(width / square) + 1)


def input_tokens(images: list[ImageInfo], facts: ImageOutput) -> int:
    """Tokens of the input images: a base, and some for each square of 512 pixels within a square of 2,048."""
    return sum(facts.input_base + facts.input_tile * _tiles(image) for image in images)


def _tiles(image: ImageInfo) -> int:
    scale = min(1.0, 512 / min(image.width, image.height), 2048 / max(image.width, image.height))
    return math.ceil(image.width * scale / 512) * math.ceil(image.height * scale / 512)

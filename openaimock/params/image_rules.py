"""Rules for image requests: what each model refuses (API reference: Images; recorded errors)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import APIError
from ..http.catalog import printable
from .errors import ParamError, not_one_of, plain, wrong_length
from .model_facts import ImageOutput
from .models import family

#: The type of errors about a picture, as opposed to those about the form of the request.
USER_ERROR = "image_generation_user_error"
#: All sizes of the DALL-E models, in the order of the API's message.
_LEGACY_SIZES = ("256x256", "512x512", "1024x1024", "1024x1792", "1792x1024")
#: The longest side and the most pixels of a picture of any size, and the longest side as a multiple of the shorter one.
_LONGEST, _MOST_PIXELS, _WIDEST = 3840, 3840 * 2160, 3
_SIZE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})", re.ASCII)
#: A request with one of these and without a model is meant for a GPT image model.
_OF_GPT = ("background", "moderation", "output_compression", "output_format", "partial_images", "stream", "input_fidelity")


def model_of(body: Mapping[str, Any], default: str) -> str:
    """The model of a request; without one, a GPT model if a parameter of theirs is present, else ``default``."""
    model: str | None = body.get("model")
    if model is not None:
        return model
    return "gpt-image-1.5" if any(body.get(name) is not None for name in _OF_GPT) else default


def check_for_model(body: Mapping[str, Any], default: str) -> None:
    """Refuse values that the model does not have. APIError or ParamError."""
    model = model_of(body, default)
    facts = family(model).pictures
    prompt, count, quality, size = (body.get(name) for name in ("prompt", "n", "quality", "size"))
    if prompt is not None and len(prompt) > facts.max_prompt:
        raise _of("prompt", wrong_length("string", 1, facts.max_prompt, len(prompt)))
    if count is not None and count > facts.max_images:
        raise plain("You must provide n=1 for this model.", "n", code="invalid_n", param=lambda _: None)
    if quality is not None and quality not in facts.qualities and "quality" not in facts.unknown:
        raise _of("quality", not_one_of(facts.qualities, quality))
    if size is not None:
        _check_size(size, facts)
    _check_format(body)


def _of(name: str, error: ParamError) -> ParamError:
    error.names.append(name)
    return error


def _check_size(size: str, facts: ImageOutput) -> None:
    if facts.legacy:
        if size not in _LEGACY_SIZES:
            raise _of("size", not_one_of(_LEGACY_SIZES, size))
        if size not in facts.sizes:
            raise APIError(400, "The size is not supported by this model.", code="invalid_size")
        return
    if size == "auto" or size in facts.sizes:
        return
    if facts.sizes:
        raise _wrong_size(size, f"Supported sizes are {', '.join(facts.sizes)}, and auto.")
    match = _SIZE.fullmatch(size)
    if match is None:
        raise _wrong_size(size, "Expected WIDTHxHEIGHT, such as 1536x864, or auto.")
    sides = sorted(map(int, match.groups()))
    if sides[1] > _LONGEST or sides[0] * sides[1] > _MOST_PIXELS:
        raise _wrong_size(size, "The maximum supported resolution is 3840x2160.")
    if facts.any_size:
        return
    if any(side % 16 for side in sides):
        raise _wrong_size(size, "Width and height must both be divisible by 16.")
    if sides[1] > _WIDEST * sides[0]:
        raise _wrong_size(size, "The aspect ratio must be between 1:3 and 3:1.")


def _wrong_size(size: str, problem: str) -> APIError:
    message = f"Invalid size '{printable(size)}'. {problem}"
    return APIError(400, message, type=USER_ERROR, param="size", code="invalid_value")


def _check_format(body: Mapping[str, Any]) -> None:
    """Refuse what the file format of the picture cannot have."""
    output = body.get("output_format") or "png"
    if output == "png" and body.get("output_compression") not in (None, 100):
        message = "Compression less than 100 is not supported for PNG output format"
        raise APIError(400, message, type=USER_ERROR, param="output_compression", code="invalid_png_output_compression")
    if output == "jpeg" and body.get("background") == "transparent":
        message = "Transparent background is not supported for JPEG output format"
        raise APIError(400, message, type=USER_ERROR, param="background", code="invalid_value")


def sides(size: str | None) -> tuple[int, int]:
    """Width and height in pixels of a checked size; a square of 1,024 pixels for ``auto`` or none."""
    match = _SIZE.fullmatch(size or "")
    return (int(match[1]), int(match[2])) if match else (1024, 1024)

"""Input images: the pictures that a client uploads or refers to, and what the API refuses of them.

Only headers are read, so a picture that would unpack to gigabytes costs nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import APIError
from ...http.catalog import api_error
from ...http.forms import UploadedFile
from ...media.images import TAIL, ImageInfo, image_info, is_whole
from ...params.errors import wrong_length
from ...params.image_rules import USER_ERROR
from ...params.model_facts import ImageOutput
from ...seed import digest
from ...state.namespace import Context
from .. import stored_files

#: The most input images, and the bytes that one may have: of a GPT model, of DALL-E, and of a mask.
MOST, LARGEST, LARGEST_LEGACY, LARGEST_MASK = 16, 50 * 1024**2, 4 * 1024**2, 4 * 1024**2
#: The formats of the GPT models. DALL-E takes PNG only.
_FORMATS = ("png", "jpeg", "webp")
#: The header of a picture is looked for in so many of its first bytes.
_HEADER = 1024 * 1024
#: Decoders refuse pictures with more pixels, which unpack to hundreds of megabytes.
MOST_PIXELS = 178_956_970
#: An address is not fetched: the picture behind it counts as a square of this many pixels.
_UNKNOWN = ImageInfo("png", 1024, 1024, False)


class Input(NamedTuple):
    """One input image: what its header says, and a hash of what it shows."""

    info: ImageInfo
    hash: str


# Uploaded files


def uploads(files: Mapping[str, Any], name: str) -> list[UploadedFile]:
    """The files of a form under a name, which may be repeated or have brackets (``image[]``, ``image[0]``)."""
    value = files.get(name)
    if isinstance(value, Mapping):
        value = list(value.values())
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [file for file in values if isinstance(file, UploadedFile) and (file.filename or file.size)]


def check_uploads(images: Sequence[UploadedFile], mask: UploadedFile | None, facts: ImageOutput) -> list[ImageInfo]:
    """What the headers of uploaded images say. APIError 400 or 413 for what the API refuses of them and of the mask."""
    if len(images) > MOST:
        error = wrong_length("array", 1, MOST, len(images))
        error.names.append("image")
        raise error.error()
    infos = [_checked(file, number, facts) for number, file in enumerate(images)]
    if mask is not None:
        _check_mask(mask, infos[0])
    return infos


def of_uploads(images: Sequence[UploadedFile]) -> list[Input]:
    """The uploaded images of a request that was checked."""
    return [Input(_info(file) or _UNKNOWN, _hash(file)) for file in images]


def _hash(file: UploadedFile) -> str:
    total = hashlib.blake2b(digest_size=16)
    for piece in file.chunks():
        total.update(piece)
    return total.hexdigest()


def _checked(file: UploadedFile, number: int, facts: ImageOutput) -> ImageInfo:
    info = _info(file)
    if facts.legacy:
        if info is None or info.format != "png" or file.size >= LARGEST_LEGACY:
            raise APIError(400, "Uploaded image must be a PNG and less than 4 MB.")
    else:
        if file.size > LARGEST:
            raise api_error(413, limit=LARGEST, used=file.size)
        if info is None or info.format not in _FORMATS:
            message = f"Invalid image file or mode for image {number + 1}, please check your image file."
            raise APIError(400, message, type=USER_ERROR, param="image", code="invalid_image_file")
    return info


def _info(file: UploadedFile) -> ImageInfo | None:
    """What an uploaded image is; None when it is none, is cut off, or has too many pixels to be decoded."""
    stream = file.open()
    head = stream.read(_HEADER)
    info = image_info(head)
    if info is None or info.width * info.height > MOST_PIXELS:
        return None
    stream.seek(max(0, file.size - TAIL))
    return info if is_whole(info, head, stream.read(), file.size) else None


def _check_mask(file: UploadedFile, image: ImageInfo) -> None:
    """A mask is a PNG of the size of the first image, with an alpha channel."""
    mask = _info(file)
    if mask is None or mask.format != "png" or file.size >= LARGEST_MASK:
        raise _wrong_mask()
    _check_fit(mask, image)


def _wrong_mask() -> APIError:
    return APIError(400, "Uploaded mask must be a PNG and less than 4 MB.", param="mask")


def _check_fit(mask: ImageInfo, image: ImageInfo) -> None:
    problem = ""
    if (mask.width, mask.height) != (image.width, image.height):
        sizes = f"({mask.width}, {mask.height}) does not match image size ({image.width}, {image.height})"
        problem = f"mask size {sizes}"
    elif not mask.has_alpha:
        problem = "mask image missing alpha channel"
    if problem:
        message = f"Invalid mask image format - {problem}"
        raise APIError(400, message, type=USER_ERROR, param="mask", code="invalid_mask_image_format")


# References in a JSON body


def of_references(body: Mapping[str, Any], context: Context) -> list[Input]:
    """The images that a JSON body refers to by data URL, address or id of a file. APIError 400 or 404, also for its mask."""
    inputs = [_of_reference(reference, f"images[{number}]", context) for number, reference in enumerate(body["images"])]
    for name in ("mask", "markup"):
        if body.get(name):
            mask = _of_reference(body[name], name, context).info
            if mask.format != "png":
                raise _wrong_mask()
            if mask is not _UNKNOWN and inputs[0].info is not _UNKNOWN:
                _check_fit(mask, inputs[0].info)
    return inputs


def check_references(body: Mapping[str, Any]) -> None:
    """APIError 400 for a reference without a picture, or with data that is none."""
    named = [(f"images[{number}]", reference) for number, reference in enumerate(body["images"])]
    for path, reference in [*named, *((name, body[name]) for name in ("mask", "markup") if body.get(name))]:
        url = reference.get("image_url")
        if url is None and reference.get("file_id") is None:
            raise APIError(400, f"Missing required parameter: '{path}.image_url'.", param=f"{path}.image_url",
                           code="missing_required_parameter")  # fmt: skip
        if url is not None and not url.startswith(("http://", "https://")) and _data(url) is None:
            raise _not_an_image(f"{path}.image_url")


def _of_reference(reference: Mapping[str, Any], path: str, context: Context) -> Input:
    url = reference.get("image_url")
    if url is not None:
        data = _data(url)
        info = _UNKNOWN if data is None else image_info(data)
        return Input(info or _UNKNOWN, digest(url).hex())
    file = stored_files.lookup(context, reference["file_id"])
    content = stored_files.open_bytes(context.store, file["id"])
    if content is None:  # deleted in the meantime
        raise _not_an_image(f"{path}.file_id")
    with content:
        info = image_info(content.read(_HEADER))
    if info is None or info.format not in _FORMATS:
        raise _not_an_image(f"{path}.file_id")
    return Input(info, digest(file["id"]).hex())


def _data(url: str) -> bytes | None:
    """The first bytes of the picture in a data URL; None for another URL, or for one that is no picture."""
    head, comma, _ = url[:256].partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    letters = url[len(head) + 1 : len(head) + 1 + _HEADER // 3 * 4]
    try:
        data = base64.b64decode(letters[: len(letters) // 4 * 4])
    except ValueError:
        return None
    info = image_info(data)
    return data if info is not None and info.format in _FORMATS else None


def _not_an_image(param: str) -> APIError:
    return APIError(400, "Invalid image data.", type=USER_ERROR, param=param, code="invalid_image_file")

"""Media: images and files of types that the API does not read, and parameters that an image model does not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..http.catalog import api_error, printable
from ..params.models import Model
from ..types.ask import Ask
from ..types.content import parts_of
from .check import Check, Finding
from .usual import unusual_items

_IMAGE_TYPES = frozenset(["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"])
#: Files with these types and endings have no text that the API could read.
_NO_TEXT = ("audio/", "video/", "image/")
_NO_TEXT_ENDINGS = frozenset(
    [
        *("aac", "aiff", "flac", "m4a", "mp3", "ogg", "opus", "wav", "wma"),
        *("avi", "mkv", "mov", "mp4", "mpeg", "mpg", "webm", "wmv"),
        *("bmp", "gif", "heic", "jpeg", "jpg", "png", "tiff", "webp"),
    ]
)
_EXPECTED = (
    "Expected a base64-encoded data URL with a valid file MIME type (e.g. 'data:text/plain;base64,SGVsbG8sIFdvcmxkIQ=='), but "
    "got unsupported MIME type '{type}'. Please see "
    "https://platform.openai.com/docs/assistants/tools/file-search#supported-files for supported file types."
)
_UNSUPPORTED = "The file type you uploaded is not supported. Please try again with a pdf"
#: The longest media type that is compared.
_TYPE_LENGTH = 100


def _type(url: Any) -> str:
    """The media type of a data URL; "" for any other value."""
    if not isinstance(url, str) or not url.startswith("data:"):
        return ""
    return url[5 : 5 + _TYPE_LENGTH].partition(",")[0].partition(";")[0].lower()


def _chat_images(ask: Ask, model: Model) -> Iterator[Finding]:
    for message in ask.body["messages"]:
        content = message.get("content")
        if content.__class__ is not list:
            continue
        for part in content:
            image = part.get("image_url")
            kind = _type(image.get("url") if isinstance(image, dict) else image)
            if kind and kind not in _IMAGE_TYPES:
                yield Finding("image_type", api_error(None, "invalid_image_format").message, None, "invalid_image_format")


def _files(ask: Ask, model: Model) -> Iterator[Finding]:
    for path, part in parts_of(unusual_items(ask), "input"):
        if part.get("type") == "input_file":
            kind = _type(part.get("file_data"))
            if kind.startswith(_NO_TEXT):
                place = f"{path}.file_data"
                text = f"Invalid file data: '{place}'. {_EXPECTED.format(type=printable(kind))}"
                yield Finding("file_type", text, place, "invalid_value")
            elif _ending(part.get("file_url")) in _NO_TEXT_ENDINGS:
                yield Finding("file_type", _UNSUPPORTED, "input", "unsupported_file")


def _ending(url: Any) -> str:
    """The ending of the file name in a URL."""
    if not isinstance(url, str):
        return ""
    name = url.partition("?")[0].partition("#")[0].rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


#: The endpoints that make images, and the parameters that some of their models do not know.
_PICTURES = ("images.generations", "images.edits")
_PICTURE_KEYS = (
    "response_format", "style", "quality", "background", "moderation", "output_format", "output_compression", "stream",
    "partial_images", "input_fidelity",
)  # fmt: skip


def _pictures(ask: Ask, model: Model) -> Iterator[Finding]:
    for name in model.pictures.unknown:
        if ask.body.get(name) is not None:
            yield Finding("unknown_parameter", f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def _image(type: str) -> dict[str, Any]:
    part = {"type": "image_url", "image_url": {"url": f"data:{type};base64,AAAA"}}
    return {"messages": [{"role": "user", "content": [part]}]}


def _file(**members: str) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [{"type": "input_file", **members}]}]}


MEDIA = (
    Check("unknown_parameter", "A parameter that the image model does not know.", _PICTURES,
          {"response_format": "url"}, {"quality": "low"}, _pictures, _PICTURE_KEYS),
    Check("image_type", "An image that is not PNG, JPEG, GIF or WebP.", ("chat",),
          _image("image/bmp"), _image("image/png"), _chat_images, ("messages",)),
    Check("file_type", "A file without text.", ("responses",),
          _file(file_data="data:audio/mpeg;base64,AAAA", filename="a.mp3"),
          _file(file_data="data:text/plain;base64,AAAA", filename="a.txt"), _files, ("input",)),
    Check("file_type", "The same by its URL.", ("responses",),
          _file(file_url="https://example.com/a.mp3"), _file(file_url="https://example.com/a.pdf"), _files, ("input",)),
)  # fmt: skip

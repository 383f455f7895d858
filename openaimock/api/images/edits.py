"""Image edits and variations: pictures drawn from the prompt and the input images.

(API reference: Create image edit, Create image variation; SDK types ImagesResponse and ImageEditStreamEvent.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import APIError
from ...http import payloads
from ...http.forms import UploadedFile, is_form, several_files
from ...http.request import Request
from ...media.images import ImageInfo
from ...params.errors import wrong_type
from ...params.image_rules import model_of
from ...params.images import CREATE_VARIATION, EDIT, EDIT_JSON, EDITS
from ...params.models import family
from ...params.shapes import String
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ..operation import Operation
from .answer import answer
from .inputs import Input, check_references, check_uploads, of_references, of_uploads, uploads
from .pictures import pictures
from .usage import input_tokens

_EDIT_MODEL, _VARIATION_MODEL = "gpt-image-1.5", "dall-e-2"
#: The fields of a form that hold files. In the body of the Ask they are the names of the files.
_FILES = ("image", "mask", "markup")


def read_edit(request: Request) -> Ask:
    """The Ask of POST /images/edits, a form or JSON: its text is the prompt."""
    if not is_form(request.environ.get("CONTENT_TYPE") or ""):
        body = request.object()
        EDIT_JSON.check(body)
        check_references(body)
        files: dict[str, Any] = {}
    else:
        texts, files = _form(request, _FILES)
        body = EDIT.coerce(texts)
        EDIT.check({**body, **files})
        _check_files(body, files, _EDIT_MODEL)
        body |= _names(files)
    model = model_of(body, _EDIT_MODEL)
    ask = Ask("images.edits", body, text=body["prompt"], model=model, stream=bool(body.get("stream")), files=files)
    ask.base_url = request.base_url
    return ask


def read_variation(request: Request) -> Ask:
    """The Ask of POST /images/variations: its text is the name of the image."""
    texts, files = _form(request, ("image",))
    body = CREATE_VARIATION.coerce(texts)
    CREATE_VARIATION.check({**body, **files})
    (image,) = _check_files(body, files, _VARIATION_MODEL)
    if image.width != image.height:
        raise APIError(400, "Uploaded image must be square.", param="image")
    body |= _names(files)
    ask = Ask("images.variations", body, text=files["image"][0].filename, model=model_of(body, _VARIATION_MODEL), files=files)
    ask.base_url = request.base_url
    return ask


def _form(request: Request, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, list[UploadedFile]]]:
    """The texts of a form, and its files under each of these names that has any. APIError 400 for a text in place of a file."""
    texts, parts = request.form()
    for name in names:
        if name in texts:
            error = wrong_type(String(called="a file"), "")
            error.names += [name] if isinstance(texts[name], str) else [0, name]
            raise error.error()
    files = {name: uploads(parts, name) for name in names}
    return texts, {name: value for name, value in files.items() if value}


def _names(files: dict[str, Any]) -> dict[str, Any]:
    """The names of the files of a form, for rules on the body."""
    names = {name: [file.filename for file in value] for name, value in files.items()}
    return {name: value[0] if len(value) == 1 else value for name, value in names.items()}


def _check_files(body: dict[str, Any], files: dict[str, Any], default: str) -> list[ImageInfo]:
    """What the uploaded images are. APIError for what the API refuses of them."""
    images: Sequence[UploadedFile] = files["image"]
    for name in ("image",) if default == _VARIATION_MODEL else ("mask", "markup"):
        if len(files.get(name) or ()) > 1:
            raise several_files(name)
    masks: Sequence[UploadedFile] = files.get("mask") or files.get("markup") or ()
    return check_uploads(images, masks[0] if masks else None, family(model_of(body, default)).pictures)


def write_edit(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON | payloads.Events:
    """The answer: the rule's images, or ones drawn from the prompt and the input images."""
    inputs = of_uploads(ask.files["image"]) if ask.files else of_references(ask.body, context)
    return _answer(ask, reply, context, inputs, "image_edit")


def write_variation(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON | payloads.Events:
    """The answer: the rule's images, or ones drawn from the uploaded one."""
    return _answer(ask, reply, context, of_uploads(ask.files["image"]), "image_variation")


def _answer(
    ask: Ask, reply: Reply | None, context: Context, inputs: Sequence[Input], event: str
) -> payloads.JSON | payloads.Events:
    facts = context.model(ask.model).pictures
    key = "\x1f".join([ask.body.get("prompt") or "", event, *(image.hash for image in inputs)])
    images = list(pictures(ask, reply, context, key))
    return answer(ask, reply, context, images, event, input_tokens([image.info for image in inputs], facts))


ENDPOINTS = (
    Operation("images.edit", "POST", "/images/edits", read_edit, write_edit, own=True, params=EDITS, blocking=True),
    Operation(
        "images.create_variation",
        "POST",
        "/images/variations",
        read_variation,
        write_variation,
        own=True,
        params=CREATE_VARIATION,
        blocking=True,
    ),
)

"""Parameters of the images API: the generated tables, what the description lacks, and what each model refuses."""

from __future__ import annotations

from functools import partial

from .generated import images as generated
from .image_rules import check_for_model
from .shapes import Anything, Integer, Object, OneOf, String
from .table import adapted, table

_EFFORT = OneOf(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
_SVG = {"model": String(), "reasoning": Object({"effort": _EFFORT})}
#: What newer models take beside the parameters of the description (SDK types ImageGenerateParams and ImageEditParams), and what
#: ``check_for_model`` checks: prompt, quality and size depend on the model.
_NEW = {
    "prompt": String(min_length=1),
    "quality": String(),
    "size": String(),
    "background": OneOf(["transparent", "opaque", "auto"]),
    "output_format": OneOf(["png", "webp", "jpeg"], also=["gif", "svg"]),
    "output_compression": Integer(min=0, max=100),
    "complexity": OneOf(["low", "medium", "high"]),
    "frame_count": Integer(min=2, max=16),
    "frame_duration_ms": Integer(min=1),
    "safety_identifier": String(),
}
_OF_GENERATIONS = partial(check_for_model, default="dall-e-2")
_OF_EDITS = partial(check_for_model, default="gpt-image-1.5")
#: References to files of the Files API, or to addresses.
_REFERENCE = Object({"image_url": String(max_length=20_971_520), "file_id": String()})

GENERATE = adapted(generated.GENERATE, {**_NEW, "svg": Object(_SVG, required=["model"])}, rules=[_OF_GENERATIONS])
EDIT = adapted(
    generated.EDIT,
    {**_NEW, "svg": Object(_SVG), "markup": Anything(), "moderation": OneOf(["low", "auto"])},
    rules=[_OF_EDITS],
)
EDIT_JSON = adapted(generated.EDIT_JSON, {**_NEW, "svg": Object(_SVG), "markup": _REFERENCE}, rules=[_OF_EDITS])
#: The members of both forms of an edit, for lint.
EDITS = table({**EDIT.shape.keys, **EDIT_JSON.shape.keys}, EDIT_JSON.shape.required)
CREATE_VARIATION = adapted(generated.CREATE_VARIATION, {"size": String()}, rules=[_OF_GENERATIONS])

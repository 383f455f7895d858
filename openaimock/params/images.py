"""Parameters of the images API: the generated tables and what the description lacks."""

from __future__ import annotations

from .generated import images as generated
from .shapes import Anything, Integer, Object, OneOf, String
from .table import adapted

_EFFORT = OneOf(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
_SVG = {"model": String(), "reasoning": Object({"effort": _EFFORT})}
#: What newer models take beside the parameters of the description (SDK types ImageGenerateParams and ImageEditParams).
_NEW = {
    "output_format": OneOf(["png", "webp", "jpeg", "gif", "svg"]),
    "output_compression": Integer(min=0, max=100),
    "complexity": OneOf(["low", "medium", "high"]),
    "frame_count": Integer(),
    "frame_duration_ms": Integer(),
    "safety_identifier": String(),
}
GENERATE = adapted(
    generated.GENERATE,
    {
        **_NEW,
        "quality": OneOf(["standard", "hd", "low", "medium", "high", "xhigh", "max", "auto"]),
        "svg": Object(_SVG, required=["model"]),
    },
)
_EDIT_QUALITY = OneOf(["standard", "low", "medium", "high", "xhigh", "max", "auto"])
EDIT = adapted(generated.EDIT, {**_NEW, "quality": _EDIT_QUALITY, "svg": Object(_SVG), "markup": Anything()})
EDIT_JSON = adapted(generated.EDIT_JSON, {**_NEW, "quality": _EDIT_QUALITY, "svg": Object(_SVG)})
CREATE_VARIATION = adapted(generated.CREATE_VARIATION)

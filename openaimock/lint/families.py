"""Families: what the API takes from one model and not from another, as far as it is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple


class Family(NamedTuple):
    """What is known of a kind of models. Of a model that nobody knows, nothing is found.

    ``effort`` is how hard it thinks when the request does not say: "" never, None when it is not known whether it can.
    """

    pattern: str
    effort: str | None = None
    #: It names an unknown parameter in the newer way.
    modern: bool = False
    #: ``temperature`` is refused as a parameter, not for its value.
    no_temperature: bool = False
    #: ``stop``, ``logit_bias`` and ``prediction`` are refused.
    no_stop: bool = False
    #: ``parallel_tool_calls`` is refused.
    no_parallel: bool = False
    #: Functions cannot be called by chat while it thinks; what is said of that.
    no_tools: str = ""
    #: Structured outputs by ``json_schema``.
    schemas: bool = True


_RESPONSES = "Please use /v1/responses instead."
_OR_NONE = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
#: The first that fits counts.
FAMILIES = (
    Family(r"o1(-.*)?", "medium", no_parallel=True),
    Family(r"o3-mini(-.*)?", "medium", no_parallel=True, no_temperature=True),
    Family(r"o\d(-.*)?", "medium", no_stop=True),
    Family(r"gpt-5-chat(-.*)?", "", modern=True),
    Family(r"gpt-5(-.*)?", "medium", modern=True, no_stop=True),
    Family(r"gpt-5\.\d-chat(-.*)?", modern=True),
    # These think only when they are told to, and take a temperature as long as they do not.
    Family(r"gpt-5\.[12](-mini|-nano)?(-\d{4}-\d\d-\d\d)?", "none", modern=True),
    Family(r"gpt-5\.4(-mini|-nano)?(-\d{4}-\d\d-\d\d)?", "none", modern=True, no_tools=_RESPONSES),
    Family(r"gpt-5\.6(-.*)?|gpt-[6-9](\.\d+)?(-.*)?", "medium", modern=True, no_stop=True, no_tools=_OR_NONE),
    Family(r"gpt-5\.\d(-.*)?", "medium", modern=True, no_stop=True),
    Family(r"gpt-4o-2024-05-13|gpt-4|gpt-4-.*|gpt-3\.5-.*", "", schemas=False),
    Family(r"gpt-4.*|chatgpt-4o-latest", ""),
)
UNKNOWN = Family("")


@lru_cache(maxsize=256)
def family(model: str) -> Family:
    """The family of a model by its name; of a fine-tuned one, that of the model it was made from."""
    name = model.split(":")[1] if model.startswith("ft:") and model.count(":") >= 2 else model
    return next((each for each in FAMILIES if re.fullmatch(each.pattern, name)), UNKNOWN)


def effort(body: Mapping[str, Any], model: str) -> str:
    """How hard a model thinks about a request, "" when it does not or when nobody knows."""
    usual = family(model).effort
    if not usual:
        return ""
    asked = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort") or usual
    return "" if asked == "none" else str(asked)

"""Header values that HTTP can carry."""

from __future__ import annotations

import re
from urllib.parse import quote

_LINE_BREAKS = re.compile(r"[\r\n\x0b\x0c\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def header_value(text: str) -> str:
    """A text as a header value: line breaks become spaces, characters outside Latin-1 and controls are percent-encoded UTF-8."""
    value = _CONTROLS.sub(lambda match: quote(match[0]), _LINE_BREAKS.sub(" ", text))
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return "".join(
            character if ord(character) < 0x100 else quote(character.encode("utf-8", "replace")) for character in value
        )
    return value

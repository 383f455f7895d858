"""Payload: the bytes that a rule gives for a picture or for speech."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import APIError


def payload(entry: Mapping[str, Any]) -> bytes:
    """The bytes of a reply's ``{file}`` or ``{b64}``. APIError 500 for a file that cannot be read any more."""
    if "b64" in entry:
        return base64.b64decode(entry["b64"])
    try:
        return Path(entry["file"]).read_bytes()
    except OSError as error:
        raise APIError(500, f"The file of the rule cannot be read: {error}", type="server_error") from None

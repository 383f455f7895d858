"""Server-sent events: the frames of a stream, as the API writes them on the wire."""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable
from typing import Any

#: Compact, and raw UTF-8 as the API sends it; one encoder for every body and event.
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
#: A text as JSON, as ``dump`` writes it, without the way there.
quote: Callable[[str], str] = json.encoder.encode_basestring


#: One event as bytes, and how many tokens it says (0 for frames that only frame: pace does not wait for those).
#: A plain tuple: there is one for every chunk of every stream.
Frame = tuple[bytes, float]

#: The end of a chat or completions stream.
DONE: Frame = (b"data: [DONE]\n\n", 0.0)


def data(payload: Any, tokens: float = 0.0) -> Frame:
    """A frame of the older endpoints: only a ``data`` line."""
    return f"data: {dump(payload)}\n\n".encode(), tokens


def event(payload: dict[str, Any], tokens: float = 0.0) -> Frame:
    """A frame of the Responses API: an ``event`` line named by the payload's type, then ``data``."""
    return f"event: {payload['type']}\ndata: {dump(payload)}\n\n".encode(), tokens

"""Server-sent events: the frames of a stream in the API's format."""

from __future__ import annotations

from typing import Any

from .json import dump

#: One event as bytes, and its number of tokens (0 for frames without content, which pace does not delay).
#: A plain tuple, because there is one for every chunk of every stream.
Frame = tuple[bytes, float]

#: The end of a chat or completions stream.
DONE: Frame = (b"data: [DONE]\n\n", 0.0)


def data(payload: Any, tokens: float = 0.0) -> Frame:
    """A frame of the older endpoints: only a ``data`` line."""
    return f"data: {dump(payload)}\n\n".encode(), tokens


def event(payload: dict[str, Any], tokens: float = 0.0) -> Frame:
    """A frame of the Responses API: an ``event`` line named by the payload's type, then ``data``."""
    return f"event: {payload['type']}\ndata: {dump(payload)}\n\n".encode(), tokens

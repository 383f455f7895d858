"""Server-sent events: the frames of a stream in the API's format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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


#: Longer events are passed on in parts.
_MAX_EVENT = 16 * 1024 * 1024
#: What ends an event.
EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The events of a stream that arrives in pieces, each with the empty line that ends it."""
    rest = b""
    for piece in pieces:
        rest += piece
        begin = 0
        for end in EVENT_END.finditer(rest):
            yield rest[begin : end.end()]
            begin = end.end()
        rest = rest[begin:]
        if len(rest) > _MAX_EVENT:
            yield rest
            rest = b""
    if rest:
        yield rest


#: How the last event of a stream begins: of the older endpoints, of Responses, of images and of audio.
LAST_EVENTS = (
    b"data: [DONE]",
    *(b"event: response.completed", b"event: response.incomplete", b"event: response.failed", b"event: error"),
    *(b"event: image_generation.completed", b"event: image_edit.completed"),
    *(b'data: {"type":"speech.audio.done"', b'data: {"type":"transcript.text.done"'),
)
_LONGEST = max(map(len, LAST_EVENTS))


class LastEvent:
    """Recognizes the last event of a stream that arrives in pieces: clients may leave after it, before the end of the body."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        #: The begin and the last bytes of the event that is not complete.
        self._rest = b""

    def ends(self, piece: bytes) -> bool:
        """Whether the last event is complete with this piece, the next one of the stream."""
        text = self._rest + piece
        begin, event = 0, b""
        for end in EVENT_END.finditer(text):
            event, begin = text[begin : begin + _LONGEST], end.end()
        rest = text[begin:]
        self._rest = rest[:_LONGEST] + rest[_LONGEST:][-3:]
        return not rest and event.startswith(LAST_EVENTS)

"""Raw replies: a body that is sent exactly as it is written, as one piece or as the events of a recorded stream."""

from __future__ import annotations

import re
from functools import lru_cache

from ..http import payloads
from ..types.reply import Reply

#: The beginning of a body that is a stream of server-sent events, and the end of an event.
_EVENT = re.compile(r"(?:data|event|id|retry)?:[^\n]*\n")
_EVENT_END = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
#: Clients that read the same text of more characters slowly share its bytes.
_LARGE = 65536
_encode_large = lru_cache(maxsize=8)(str.encode)


def raw(reply: Reply) -> payloads.Raw:
    """The payload of a reply with a raw status, headers and body."""
    body, status = reply.body, reply.status or 200
    headers = tuple((name.lower(), value) for name, value in reply.headers.items())
    if isinstance(body, bytes):
        return payloads.Raw(body, "application/octet-stream", status, headers)
    if isinstance(body, str) or body is None:
        text = body or ""
        content_type = "text/event-stream" if _EVENT.match(text) else "text/plain; charset=utf-8"
        data = _encode_large(text) if len(text) > _LARGE else text.encode()
        return payloads.Raw(data, content_type, status, headers)
    return payloads.Raw(payloads.encode(body), "application/json", status, headers)


def is_stream(payload: payloads.Raw) -> bool:
    """Whether a raw body is a stream of server-sent events."""
    return {"content-type": payload.content_type, **dict(payload.headers)}["content-type"].startswith("text/event-stream")


def events(payload: payloads.Raw) -> payloads.Events:
    """A raw stream as events, so that latency, pace (one event a step) and faults work on it."""
    frames = [(event, 1.0) for event in _EVENT_END.split(payload.body) if event]
    headers = {"content-type": payload.content_type, **dict(payload.headers)}
    return payloads.Events(frames, status=payload.status, headers=tuple(headers.items()))

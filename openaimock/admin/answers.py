"""Answers as JSON: what the client of an exchange received, its usage, and the pictures and sounds in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..app import App
from ..app.rewrite import Answer, answer
from ..config.load import secrets
from ..http.json import dump
from ..recording.exchange import Skipped
from ..text import redaction
from ..types.ask import Message
from ..types.exchange import Exchange

#: Pictures and sounds that are sent to the inspector: so many, of so many bytes together.
MOST_MEDIA, MEDIA_BYTES = 8, 8 * 1024 * 1024
#: Characters of a text that may be base64, and of one that stays in the JSON.
_LONG, _BEGINNING = 1000, 40
#: Messages of a conversation, the last ones, and characters of each.
MOST_MESSAGES, MESSAGE_LENGTH = 200, 20_000
#: The beginnings of the formats that a browser shows or plays.
_FORMATS: Sequence[tuple[re.Pattern[bytes], str]] = [
    (re.compile(rb"\x89PNG\r\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"RIFF.{4}WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"ID3|\xff[\xf2\xf3\xfa\xfb]"), "audio/mpeg"),
    (re.compile(rb"OggS"), "audio/ogg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "audio/aac"),
]
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def render(app: App, exchange: Exchange) -> dict[str, Any]:
    """The answer of an exchange as JSON without secrets.

    ``{status, headers, size, body | text | events, usage, media, cut}``, or ``{missing: the reason}``. ``media`` lists
    ``{type, size, base64}``; ``base64`` is absent where it is too long.
    """
    try:
        received = answer(app, exchange)
    except Skipped as reason:
        return {"missing": str(reason)}
    hidden = tuple(secrets(app.config))
    headers, size = redaction.headers(received.headers, hidden), sum(map(len, received.pieces))
    common = {"status": received.status, "headers": headers, "size": size, "cut": received.cut}
    return common | (_stream(received, hidden) if received.is_stream else _whole(app, received, hidden))


def _stream(received: Answer, hidden: tuple[str, ...]) -> dict[str, Any]:
    collected = _Media()
    texts = [piece.decode("utf-8", "replace") for piece in received.pieces]
    events = [redaction.text(re.sub(r"[A-Za-z0-9+/]{1000,}={0,2}", collected.replace, text), hidden) for text in texts]
    counts: Any = None
    for text in reversed(texts):
        counts = _usage(_json_of(text.partition("data: ")[2].strip()))
        if counts is not None:
            break
    return {"events": events, "usage": counts, "media": collected.rows}


def _whole(app: App, received: Answer, hidden: tuple[str, ...]) -> dict[str, Any]:
    body = b"".join(received.pieces)
    collected = _Media()
    if "json" in received.content_type:
        content = _json_of(body)
        if content is not None:
            short = redaction.value(_walk(content, collected), hidden)
            text = dump(short)
            member = {"body": short} if len(text) <= app.config.body_limit else {"text": text[: app.config.body_limit]}
            return {**member, "usage": _usage(content), "media": collected.rows}
    if (kind := _kind(body[:16])) or not _is_text(body):
        collected.add(kind or received.content_type or "application/octet-stream", body)
        return {"media": collected.rows}
    text = body[: app.config.body_limit].decode("utf-8", "replace")
    return {"text": redaction.text(text, hidden), "media": []}


def _json_of(text: str | bytes) -> Any:
    """A value, None when the text is not JSON."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None


def _usage(content: Any) -> Any:
    """The usage in a body, an event or the response of an event."""
    if not isinstance(content, dict):
        return None
    response = content.get("response")
    counts = content.get("usage") or (response.get("usage") if isinstance(response, dict) else None)
    return counts if isinstance(counts, dict) else None


def _is_text(body: bytes) -> bool:
    try:
        return "\x00" not in body.decode()
    except UnicodeDecodeError:
        return False


def _kind(head: bytes) -> str | None:
    """The media type of a picture or a sound by its first bytes."""
    return next((kind for pattern, kind in _FORMATS if pattern.match(head)), None)


class _Media:
    """The pictures and sounds of one answer."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, kind: str, content: bytes) -> None:
        """Add one, with its bytes where they are not too many and a browser shows them."""
        if len(self.rows) >= MOST_MEDIA:
            return
        row: dict[str, Any] = {"type": kind, "size": len(content)}
        is_playable = kind.startswith("audio/") or kind in {name for _, name in _FORMATS}
        if is_playable and self._bytes + len(content) <= MEDIA_BYTES:
            self._bytes += len(content)
            row["base64"] = base64.b64encode(content).decode()
        self.rows.append(row)

    def shorten(self, text: str) -> str:
        """The beginning of a text that is base64, whose content is added; other texts unchanged."""
        if len(text) < _LONG or not _BASE64.fullmatch(text):
            return text
        with suppress(ValueError):
            content = base64.b64decode(text)
            if kind := _kind(content[:16]):
                self.add(kind, content)
        return f"{text[:_BEGINNING]}... ({len(text)} characters)"

    def replace(self, match: re.Match[str]) -> str:
        """``shorten`` for a match."""
        return self.shorten(match[0])


def _walk(content: Any, collected: _Media) -> Any:
    """A value whose long texts of base64 are shortened."""
    if isinstance(content, str):
        return collected.shorten(content)
    if isinstance(content, list):
        return content if content and isinstance(content[0], float) else [_walk(item, collected) for item in content]
    if isinstance(content, Mapping):
        return {name: _walk(item, collected) for name, item in content.items()}
    return content


def conversation(exchange: Exchange, hidden: Sequence[str]) -> list[dict[str, Any]]:
    """The last messages of the request, the same for every endpoint."""
    if exchange.ask is None:
        return []
    return [_message(message, tuple(hidden)) for message in exchange.ask.messages[-MOST_MESSAGES:]]


def _message(message: Message, hidden: tuple[str, ...]) -> dict[str, Any]:
    calls = [
        {
            "name": redaction.text(call.name, hidden),
            "id": redaction.text(call.id, hidden),
            "arguments": redaction.clip(call.arguments, MESSAGE_LENGTH, hidden),
        }
        for call in message.tool_calls
    ]
    row = {
        "role": message.role,
        "name": message.name,
        "text": redaction.clip(message.text or "", MESSAGE_LENGTH, hidden),
        "clipped": len(message.text or "") > MESSAGE_LENGTH or None,
        "parts": [part for part in message.parts if part != "text"],
        "tool_calls": calls,
        "tool_call_id": message.tool_call_id,
    }
    return {name: content for name, content in row.items() if content not in (None, [], ())}

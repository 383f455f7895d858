"""Payloads: large base64 in rules goes to files in a folder beside the configuration."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .exchange import from_base64

#: Shorter base64 stays where it is.
_LARGE = 2000
_SUFFIXES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "wav", b"ID3": "mp3", b"OggS": "opus", b"fLaC": "flac"}


def move_payloads(rules: list[dict[str, Any]], target: Path) -> int:
    """Write the large images and sounds of rules beside ``target`` and name the files in their place; how many there were.

    OSError when a file cannot be written.
    """
    folder = target.with_name(f"{target.stem}-files")
    count = 0
    for rule in rules:
        for reply in replies_of(rule):
            for name, entry in _entries(reply):
                data = _large(entry)
                if data is None:
                    continue
                count += 1
                folder.mkdir(exist_ok=True)
                kind = entry.get("format") or _suffix(data)
                file = _written(folder / f"{_safe(str(rule.get('id') or name))}-{count}.{kind}", data)
                others = {key: value for key, value in entry.items() if key != "b64"}
                entry.clear()
                entry.update({"file": f"{folder.name}/{file.name}", **others})
    return count


def base64_texts(reply: Mapping[str, Any]) -> list[Any]:
    """The images and sounds of a reply in base64."""
    return [entry["b64"] for _, entry in _entries(reply) if "b64" in entry]


def _entries(reply: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The images and sounds of a reply, each with the key that holds it."""
    for name in ("image", "speech"):
        payload = reply.get(name)
        for entry in payload if isinstance(payload, list) else [payload]:
            if isinstance(entry, dict):
                yield name, entry


def _written(file: Path, data: bytes) -> Path:
    """Write a new file; where one with other bytes has the name, perhaps of another process, under a name of its own."""
    try:
        with file.open("xb") as new:
            new.write(data)
    except FileExistsError:
        if file.read_bytes() != data:
            file = file.with_name(f"{file.stem}-{hashlib.sha256(data).hexdigest()[:12]}{file.suffix}")
            file.write_bytes(data)
    return file


def replies_of(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The replies of a rule that are mappings."""
    for reply in (rule.get("reply"), *(rule.get("replies") or ()), *(rule.get("messages") or ())):
        if isinstance(reply, dict):
            yield reply


def _large(payload: Mapping[str, Any]) -> bytes | None:
    text = payload.get("b64")
    return from_base64(text) if isinstance(text, str) and len(text) > _LARGE else None


def _suffix(data: bytes) -> str:
    if data[8:12] == b"WEBP":
        return "webp"
    return next((suffix for start, suffix in _SUFFIXES.items() if data.startswith(start)), "bin")


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:60].strip(".-") or "file"

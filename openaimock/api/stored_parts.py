"""Stored parts: tokens of the parts of a prompt whose content is a stored file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..state.namespace import Context
from ..text import files, images
from ..text.facts import Facts
from ..types.content import stored_file
from . import stored_files


def difference(parts: Iterable[Mapping[str, Any]], facts: Facts, endpoint: str, context: Context) -> int:
    """How many tokens more the files have than files of a usual size, which ``text.prompts`` takes them for."""
    return sum(_difference(part, facts, endpoint, context) for part in parts)


def _difference(part: Mapping[str, Any], facts: Facts, endpoint: str, context: Context) -> int:
    file = stored_files.get(context.store, stored_file(part), context.now)
    content = None if file is None else stored_files.open_bytes(context.store, file["id"])
    if file is None or content is None:
        return 0
    with content:
        data = content.read(files.LARGEST)
    if "file" in (part.get("type") or ""):
        page = images.page(facts.image) if endpoint == "chat" else 0
        usual = files.count_content("", "", facts.encoding, page)
        return files.count_content(data, file["filename"], facts.encoding, page) - usual
    size = images.size_of(data)
    if size is None:
        return 0
    detail, rule = str(part.get("detail") or ""), facts.image or images.USUAL
    return images.cost(size, detail, rule) - images.cost(images.UNKNOWN, detail, rule)

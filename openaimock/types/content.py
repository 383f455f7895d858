"""Content: the parts of messages and items, each with its path, and the ids of the stored files that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]


def parts_of(items: Iterable[tuple[int, Mapping[str, Any]]], name: str) -> Iterator[tuple[str, Part]]:
    """The parts of messages and of results of calls, with their paths (``input[0].content[1]``).

    ``items`` are the items that are looked at, each with its place in the member ``name`` of a request.
    """
    for at, item in items:
        for member in ("content", "output"):
            content = item.get(member)
            if isinstance(content, dict):
                yield f"{name}[{at}].{member}", content
            for place, part in enumerate(content if isinstance(content, list) else ()):
                if isinstance(part, dict):
                    yield f"{name}[{at}].{member}[{place}]", part


def file_of(part: Part) -> tuple[str, Part]:
    """What a part says about its file or image, and the name of the member that does: "" for the part itself."""
    inner = part.get("file")
    return ("file", inner) if isinstance(inner, dict) else ("", part)


def file_id(part: Part) -> str:
    """The id of the stored file that a part names; "" when it names none."""
    id = file_of(part)[1].get("file_id")
    return id if isinstance(id, str) else ""


def stored_file(part: Part) -> str:
    """The id of the stored file that is the content of a part; "" for a part with another content."""
    about = file_of(part)[1]
    is_inline = any(about.get(name) for name in ("file_data", "file_url", "image_url"))
    return "" if is_inline else file_id(part)

"""The API, one file per OpenAI resource; this list is all that makes a file an endpoint."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .operation import Operation as Operation

#: The files of a resource, by the first word of its paths. They are imported when such a path is first asked for, so that a
#: mock that answers chats starts without the rest of the API.
FILES: dict[str, tuple[str, ...]] = {
    "chat": ("chat.completions", "chat.stored"),
    "responses": ("responses.create", "responses.stored"),
    "conversations": ("conversations",),
    "completions": ("completions",),
    "embeddings": ("embeddings",),
    "moderations": ("moderations",),
    "models": ("models",),
}


@cache
def of(word: str) -> tuple[Operation, ...]:
    """The endpoints whose paths begin with a word; none for a word that begins no path."""
    return tuple(endpoint for file in FILES.get(word, ()) for endpoint in import_module(f".{file}", __name__).ENDPOINTS)

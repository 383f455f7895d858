"""The API: one file for each OpenAI resource, listed by the first segment of its paths."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .operation import Operation as Operation

#: The files of a resource, by the first segment of its paths. They are imported on the first request to such a path, so that a
#: mock that answers chats starts without the rest of the API.
FILES: dict[str, tuple[str, ...]] = {
    "chat": ("chat.completions", "chat.stored"),
    "responses": ("responses.create", "responses.stored"),
    "conversations": ("conversations",),
    "completions": ("completions",),
    "embeddings": ("embeddings",),
    "moderations": ("moderations",),
    "models": ("models",),
    "files": ("files",),
    "uploads": ("uploads",),
    "batches": ("batches.operations",),
    "webhook_endpoints": ("webhooks.operations",),
    "webhook_event_types": ("webhooks.event_types",),
    "images": ("images.generations", "images.edits"),
    "audio": ("audio.speech", "audio.transcriptions", "audio.voices"),
    "vector_stores": ("vector_stores.stores", "vector_stores.files"),
}


@cache
def operations_of(segment: str) -> tuple[Operation, ...]:
    """The operations whose paths start with a segment; empty for an unknown segment."""
    return tuple(operation for file in FILES.get(segment, ()) for operation in import_module(f".{file}", __name__).ENDPOINTS)

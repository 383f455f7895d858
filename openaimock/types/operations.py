"""Operations: the ids of the API's operations that the mock serves, by endpoint, and the names that select them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

#: The operation of an endpoint that answers a prompt. The endpoint's name means this operation alone.
ANSWERING: Mapping[str, str] = {
    "chat": "chat.completions.create",
    "responses": "responses.create",
    "completions": "completions.create",
    "embeddings": "embeddings.create",
    "moderations": "moderations.create",
    "images.generations": "images.generate",
    "images.edits": "images.edit",
    "images.variations": "images.create_variation",
    "audio.speech": "audio.speech.create",
    "audio.transcriptions": "audio.transcriptions.create",
    "audio.translations": "audio.translations.create",
}
#: The ids of these operations.
ANSWERING_IDS = frozenset(ANSWERING.values())
#: Every operation by its id, which is the SDK's name of its method, with its endpoint. A static copy of the tables in ``api``,
#: so that a configuration can be checked without importing the whole API; a test compares them.
OPERATIONS: Mapping[str, str] = {
    id: endpoint
    for endpoint, ids in {
        "chat": (
            "chat.completions.create", "chat.completions.list", "chat.completions.retrieve", "chat.completions.update",
            "chat.completions.delete", "chat.completions.messages.list",
        ),
        "responses": (
            "responses.create", "responses.connect", "responses.input_tokens.count", "responses.compact", "responses.retrieve",
            "responses.delete", "responses.cancel", "responses.input_items.list",
        ),
        "conversations": (
            "conversations.create", "conversations.retrieve", "conversations.update", "conversations.delete",
            "conversations.items.create", "conversations.items.list", "conversations.items.retrieve",
            "conversations.items.delete",
        ),
        "completions": ("completions.create",),
        "embeddings": ("embeddings.create",),
        "moderations": ("moderations.create",),
        "images.generations": ("images.generate",),
        "images.edits": ("images.edit",),
        "images.variations": ("images.create_variation",),
        "audio.speech": ("audio.speech.create",),
        "audio.transcriptions": ("audio.transcriptions.create",),
        "audio.translations": ("audio.translations.create",),
        "audio.voices": ("audio.voices.create", "audio.voices.delete"),
        "audio.voice_consents": (
            "audio.voice_consents.create", "audio.voice_consents.list", "audio.voice_consents.retrieve",
            "audio.voice_consents.update", "audio.voice_consents.delete",
        ),
        "models": ("models.list", "models.retrieve", "models.delete"),
        "files": ("files.create", "files.list", "files.retrieve", "files.delete", "files.content"),
        "batches": ("batches.create", "batches.list", "batches.retrieve", "batches.cancel"),
        "webhooks": (
            "webhooks.create", "webhooks.list", "webhooks.retrieve", "webhooks.update", "webhooks.delete",
            "webhooks.rotate_secret", "webhooks.test", "webhooks.event_types.list",
        ),
        "uploads": ("uploads.create", "uploads.parts.create", "uploads.complete", "uploads.cancel"),
        "vector_stores": (
            "vector_stores.create", "vector_stores.list", "vector_stores.retrieve", "vector_stores.update",
            "vector_stores.delete", "vector_stores.search", "vector_stores.files.create", "vector_stores.files.list",
            "vector_stores.files.retrieve", "vector_stores.files.update", "vector_stores.files.delete",
            "vector_stores.files.content", "vector_stores.file_batches.create", "vector_stores.file_batches.retrieve",
            "vector_stores.file_batches.cancel", "vector_stores.file_batches.list_files",
        ),
    }.items()
    for id in ids
}  # fmt: skip
#: The names of the endpoints.
ENDPOINTS = tuple(dict.fromkeys(OPERATIONS.values()))


def select(name: str) -> frozenset[str]:
    """The ids that a name selects: an endpoint's name, an id, or a pattern of ids such as ``files.*``. Empty: none is served."""
    if name in ANSWERING:
        return frozenset([ANSWERING[name]])
    if name in ENDPOINTS:
        return frozenset(id for id, endpoint in OPERATIONS.items() if endpoint == name)
    if "*" in name:
        return frozenset(id for id in OPERATIONS if fnmatchcase(id, name))
    return frozenset([name]) & OPERATIONS.keys()


def select_all(names: Iterable[str]) -> frozenset[str]:
    """The ids that any of the names selects."""
    return frozenset().union(*map(select, names))


def answers_prompt(id: str) -> bool:
    """Whether an operation answers a prompt, so that rules without ``endpoint`` apply to it."""
    return id in ANSWERING_IDS

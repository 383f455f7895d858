"""Names: what the API calls its endpoints and models."""

from __future__ import annotations

from ..types.operations import ENDPOINTS as SERVED

#: Names of endpoints that are not served yet.
LATER = (
    "fine_tuning", "containers", "evals", "videos", "skills",
)  # fmt: skip
#: The names of all endpoints.
ENDPOINTS = (*SERVED, *LATER)
_PATHS = {**{name.replace(".", "/"): name for name in SERVED}, "chat/completions": "chat", "chat.completions": "chat"}
#: Messages for paths in place of names.
ENDPOINT_HINTS = {f"{prefix}{path}": f"write '{name}'" for path, name in _PATHS.items() for prefix in ("", "/", "v1/", "/v1/")}

#: What GET /v1/models lists when the file names none.
MODELS = (
    "gpt-6.2-astra", "gpt-6.2-sol", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna",
    "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5", "gpt-5.5-pro", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano",
    "gpt-5.2", "gpt-5.2-pro", "gpt-5.1", "gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "gpt-5-codex",
    "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-4", "gpt-3.5-turbo",
    "o4-mini", "o3", "o3-pro", "o3-mini", "o1", "o1-pro",
    "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002",
    "omni-moderation-latest", "text-moderation-latest",
    "gpt-image-2.6-sunburst", "gpt-image-2.6-flare", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare", "gpt-image-2",
    "gpt-image-1.5", "gpt-image-1-mini", "dall-e-3",
    "gpt-4o-mini-tts", "tts-1", "tts-1-hd",
    "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1",
    "sora-2", "sora-2-pro",
)  # fmt: skip

"""The API, one file per OpenAI resource; this list is all that makes a file an endpoint."""

from __future__ import annotations

from . import chat, completions, conversations, embeddings, models, moderations, responses, stored
from ._reading import Endpoint as Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *chat.ENDPOINTS,
    *stored.ENDPOINTS,
    *responses.ENDPOINTS,
    *conversations.ENDPOINTS,
    *completions.ENDPOINTS,
    *embeddings.ENDPOINTS,
    *moderations.ENDPOINTS,
    *models.ENDPOINTS,
)

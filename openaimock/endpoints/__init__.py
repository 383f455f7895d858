"""The API, one file per OpenAI resource; this list is all that makes a file an endpoint."""

from __future__ import annotations

from . import chat, models
from ._reading import Endpoint as Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *chat.ENDPOINTS,
    *models.ENDPOINTS,
)

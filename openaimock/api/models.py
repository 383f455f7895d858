"""Models: list, retrieve, and delete of a fine-tuned one (API reference: Models; SDK type Model)."""

from __future__ import annotations

from typing import Any

from ..errors import APIError
from ..http import payloads
from ..http.request import Request
from ..state.namespace import Context
from ..types.ask import Ask
from ..types.reply import Reply
from . import lists
from .operation import Operation

#: When every configured model was "created": a fixed day, so that lists are the same every time.
_CREATED = 1715367049
#: The collection of fine-tuned models.
COLLECTION = "models"


def _read(request: Request) -> Ask:
    model = request.params.get("model", "")
    return Ask("models", text=model, model=model)


def _model(id: str, created: int = _CREATED, owner: str = "system") -> dict[str, Any]:
    return {"id": id, "object": "model", "created": created, "owned_by": owner}


def _not_found(model: str) -> APIError:
    return APIError(404, f"The model '{model}' does not exist", param="model", code="model_not_found")


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    page = context.store.page(COLLECTION, limit=10_000)
    return payloads.JSON({"object": "list", "data": [*map(_model, context.model_names), *(page.items if page else ())]})


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    tuned = context.store.get(COLLECTION, ask.model)
    if tuned is None and ask.model not in context.model_names:
        raise _not_found(ask.model)
    return payloads.JSON(tuned or _model(ask.model))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    if not context.store.delete(COLLECTION, ask.model):
        if ask.model in context.model_names:
            raise APIError(403, f"You are not allowed to delete the model '{ask.model}': only fine-tuned models can be deleted.")
        raise _not_found(ask.model)
    return payloads.JSON(lists.deleted(ask.model, "model"))


ENDPOINTS = (
    Operation("models", "GET", "/models", _read, _list, own=True),
    Operation("models", "GET", "/models/<path:model>", _read, _retrieve, own=True),
    Operation("models", "DELETE", "/models/<path:model>", _read, _delete, own=True),
)

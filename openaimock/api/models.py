"""Models: list, retrieve, and delete of a fine-tuned one (API reference: Models; SDK type Model)."""

from __future__ import annotations

from typing import Any

from ..errors import APIError
from ..http import payloads
from ..http.request import Request
from ..params.models import fine_tuned_from
from ..state.namespace import Context
from ..types.ask import Ask
from ..types.reply import Reply
from . import lists
from .operation import Operation

#: The collection of the store that has the fine-tuned models.
COLLECTION = "models"


def _read(request: Request) -> Ask:
    model = request.params.get("model", "")
    return Ask("models", text=model, model=model)


def _model(name: str, context: Context) -> dict[str, Any]:
    """A model as the list has it; further keys of a ``models:`` entry are sent unchanged."""
    from ..params.model_history import listing  # imported here because few requests need it

    model = context.model(name)
    facts = listing(model)
    return {"id": name, "object": "model", "created": facts.created, "owned_by": facts.owned_by, **model.extra}


def _not_found(model: str) -> APIError:
    return APIError(404, f"The model '{model}' does not exist", param="model", code="model_not_found")


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    models = [_model(name, context) for name in context.model_names]
    return payloads.JSON({"object": "list", "data": [*models, *lists.values(context.store, COLLECTION, 10_000)]})


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    tuned = context.store.get(COLLECTION, ask.model)
    if tuned is None and ask.model not in context.model_names:
        raise _not_found(ask.model)
    return payloads.JSON(tuned or _model(ask.model, context))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    if not context.store.delete(COLLECTION, ask.model):
        if ask.model not in context.model_names:
            raise _not_found(ask.model)
        if not fine_tuned_from(ask.model):
            raise APIError(403, f"You are not allowed to delete the model '{ask.model}': only fine-tuned models can be deleted.")
    return payloads.JSON(lists.deleted(ask.model, "model"))


ENDPOINTS = (
    Operation("models.list", "GET", "/models", _read, _list, own=True),
    Operation("models.retrieve", "GET", "/models/<path:model>", _read, _retrieve, own=True),
    Operation("models.delete", "DELETE", "/models/<path:model>", _read, _delete, own=True),
)

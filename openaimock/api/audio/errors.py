"""Errors that the audio endpoints share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import APIError


def check_model(body: Mapping[str, Any]) -> str:
    """The model of a request. APIError 400 without one."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise APIError(400, "you must provide a model parameter")
    return model

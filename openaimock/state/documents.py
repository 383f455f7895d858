"""Documents: JSON values that belong to a whole store, changed by one process at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .engine import SYSTEM, Engine

_COLLECTION = "documents"


def read(engine: Engine, name: str) -> Any:
    """A document, None when there is none."""
    text = engine.get(SYSTEM, _COLLECTION, name)
    return None if text is None else json.loads(text)


def change(engine: Engine, name: str, changed: Callable[[Any], Any]) -> Any:
    """Replace a document by what ``changed`` makes of it (of None when there is none), which may be called again; the new one.

    An exception of ``changed`` leaves the document as it was.
    """
    while True:
        old = engine.get(SYSTEM, _COLLECTION, name)
        new = changed(None if old is None else json.loads(old))
        text = json.dumps(new)
        if text == old or engine.swap(SYSTEM, _COLLECTION, name, old, text):
            return new

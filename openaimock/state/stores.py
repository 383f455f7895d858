"""Stores: the namespaces of a mock in the place that its setting ``store`` names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from .engine import Engine
from .namespace import Namespaces
from .shared_store import SharedStore


def _sqlite(address: str, base: Path) -> Engine:
    from .sqlite import SQLiteEngine
    from .sqlite_schema import path_of

    return SQLiteEngine(path_of(address, base))


#: The engine of an address (checked when the configuration was loaded), by its scheme. Imported on first use.
ENGINES: Mapping[str, Callable[[str, Path], Engine]] = {"sqlite": _sqlite}


def make_store(settings: Any, secrets: Collection[str] = ()) -> Namespaces | SharedStore:
    """The store of a mock. ``secrets`` are the configured keys; they are masked in what is written."""
    address: str = settings.store
    if address == "memory":
        return Namespaces(settings)
    return SharedStore(ENGINES[address.partition(":")[0]](address, settings.base), settings, secrets)

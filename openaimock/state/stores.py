"""Stores: the namespaces of a mock in the place that its setting ``store`` names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, Problem
from ..text.log import ROOT
from .metrics import Snapshot
from .namespace import Namespaces
from .store import StoreAway, StoreUnavailable

if TYPE_CHECKING:  # most mocks keep their state in memory, and the other stores take long to import
    from .engine import Engine
    from .shared_store import SharedStore


def _sqlite(address: str, base: Path) -> Engine:
    from ..config.stores import sqlite_path
    from .sqlite import SQLiteEngine

    return SQLiteEngine(sqlite_path(address, base))


def _redis(address: str, base: Path) -> Engine:
    from ..config.redis_address import parse
    from .redis import RedisEngine

    return RedisEngine(parse(address, base))


#: The engine of an address (checked when the configuration was loaded), by its scheme. Imported on first use.
ENGINES: Mapping[str, Callable[[str, Path], Engine]] = {"sqlite": _sqlite, "redis": _redis, "rediss": _redis}


def make_store(
    settings: Any,
    secrets: Collection[str] = (),
    measure: Callable[[], Snapshot] = Snapshot,
    log: logging.Logger = ROOT,
) -> Namespaces | SharedStore:
    """The store of a mock. ``secrets`` are the configured keys, masked in what is written; ``measure`` returns what this
    process has counted of its exchanges; ``log`` gets what is not about one request. ConfigError when the store cannot be used.
    A server that is away may come back: then requests are refused until it answers.
    """
    address: str = settings.store
    if address == "memory":
        return Namespaces(settings)
    from .shared_store import SharedStore

    engine = ENGINES[address.partition(":")[0]](address, settings.base)
    failure = None
    try:
        engine.check()
    except StoreAway as error:
        failure = str(error)
        log.warning("%s; requests get a 503 until it answers", error)
    except StoreUnavailable as error:
        raise ConfigError([Problem(settings.store_place, "store", str(error))]) from None
    finally:
        # The process may fork before it answers requests: SQLite in a child would count on locks that only its parent has.
        engine.close()
    store = SharedStore(engine, settings, secrets, measure, log)
    store.failure = failure
    return store

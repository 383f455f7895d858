"""Namespaces: everything a mock remembers between requests, apart for each, and what one exchange may draw on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from ..params.models import ModelTable
from ..rules.rule import Rule
from ..seed import Ids
from ..types.clock import Clock
from .journal import Journal
from .limits import RateLimits
from .memory import MemoryStore

#: How many namespaces are kept; past it the least recently used one is forgotten.
LIMIT = 1000


class Namespace:
    """One namespace: how often each rule answered, scenarios, stored objects, the journal, limits, the count of exchanges."""

    def __init__(self, name: str, settings: Any) -> None:
        self.name = name
        self.hits: dict[str, int] = {}
        #: Which messages of conversations have answered: a rule's id, and the place in its ``messages``.
        self.answered: set[tuple[str, int]] = set()
        self.state: dict[str, str] = dict(settings.scenarios)
        self.store = MemoryStore()
        self.journal = Journal(settings.journal_size)
        self.limits = RateLimits(settings.limits) if settings.limits else None
        self.numbers = count(1)
        self._failed: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def claim(self, rule: Rule) -> int | None:
        """Count a hit of a rule and give its number from 0; None when another thread took the last of its ``times``."""
        with self._lock:
            used = self.hits.get(rule.id, 0)
            if rule.times is not None and used >= rule.times:
                return None
            self.hits[rule.id] = used + 1
            return used

    def fails(self, rule_id: str, which: int, times: int) -> bool:
        """Whether this attempt is one of the first ``times`` at one reply of a rule. Such an attempt is not counted as a hit."""
        with self._lock:
            failed = self._failed.get((rule_id, which), 0)
            if failed >= times:
                return False
            self._failed[rule_id, which] = failed + 1
            if rule_id in self.hits:
                self.hits[rule_id] -= 1
            return True

    def begin_anew(self, rules: Collection[str]) -> None:
        """Forget how often these rules answered."""
        with self._lock:
            for id in rules:
                self.hits.pop(id, None)
            self.answered = {each for each in self.answered if each[0] not in rules}
            self._failed = {key: count for key, count in self._failed.items() if key[0] not in rules}


def name_of(environ: Mapping[str, Any], sources: Sequence[str]) -> str:
    """The namespace a request names: in its path (``/t/NAME``), a header, or behind a colon in its key; else ``default``."""
    for source in sources:
        if name := _SOURCES[source](environ):
            return name
    return "default"


def _from_path(environ: Mapping[str, Any]) -> str:
    path: str = environ.get("PATH_INFO") or ""
    return path.split("/", 3)[2] if path.startswith("/t/") else ""


def _from_header(environ: Mapping[str, Any]) -> str:
    return environ.get("HTTP_X_OPENAIMOCK_NAMESPACE") or ""


def _from_key(environ: Mapping[str, Any]) -> str:
    key: str = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_API_KEY") or ""
    return key.rpartition(":")[2].strip() if ":" in key else ""


_SOURCES: dict[str, Callable[[Mapping[str, Any]], str]] = {"path": _from_path, "header": _from_header, "key": _from_key}


class Namespaces:
    """The namespaces of one mock, by name."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self._spaces: OrderedDict[str, Namespace] = OrderedDict()
        #: The counts of those that were forgotten, for who wants to know of the whole run; None when nobody does.
        self.past: list[Namespace] | None = None
        self._lock = threading.Lock()
        self._latest: Namespace | None = None

    def __getitem__(self, name: str) -> Namespace:
        latest = self._latest
        if latest is not None and latest.name == name:
            return latest
        with self._lock:
            namespace = self._spaces.get(name)
            if namespace is None:
                namespace = self._spaces[name] = Namespace(name, self._settings)
                if len(self._spaces) > LIMIT:
                    self._forget(self._spaces.popitem(last=False)[1])
            else:
                self._spaces.move_to_end(name)
            self._latest = namespace
            return namespace

    def __iter__(self) -> Iterator[Namespace]:
        return iter(list(self._spaces.values()))

    def reset(self, name: str | None = None) -> None:
        """Forget one namespace, or all."""
        with self._lock:
            self._latest = None
            for each in list(self._spaces) if name is None else [name]:
                if each in self._spaces:
                    self._forget(self._spaces.pop(each))

    def _forget(self, namespace: Namespace) -> None:
        if self.past is not None and namespace.hits:
            counts = Namespace(namespace.name, self._settings)
            counts.hits, counts.answered = namespace.hits, namespace.answered
            self.past.append(counts)

    def follow(self, settings: Any, rules: Collection[str]) -> None:
        """Go on with other settings; what is counted of these rules begins anew."""
        self._settings = settings
        for namespace in self:
            namespace.begin_anew(rules)


class Context:
    """What one exchange may draw on: the time, ids and randomness, its namespace, and the mock's settings."""

    __slots__ = ("_settings", "ids", "namespace", "now", "number")

    def __init__(self, namespace: Namespace, clock: Clock, seed: object, settings: Any) -> None:
        self.namespace = namespace
        self.number = next(namespace.numbers)
        self.now = clock.now()
        self.ids = Ids(seed, namespace.name, self.number)
        self._settings = settings

    @property
    def created(self) -> int:
        """Seconds since the epoch, as the API's ``created`` has them."""
        return int(self.now)

    @property
    def seed(self) -> object:
        """What everything made up depends on."""
        seed: object = self._settings.seed
        return seed

    @property
    def store(self) -> MemoryStore:
        """The namespace's objects."""
        return self.namespace.store

    @property
    def base(self) -> Path:
        """The folder that relative paths of the configuration start from."""
        base: Path = self._settings.base
        return base

    @property
    def models(self) -> ModelTable:
        """What is known about each model, with the user's own entries."""
        table: ModelTable = self._settings.model_table
        return table

    @property
    def model_names(self) -> tuple[str, ...]:
        """The ids of the models that are offered."""
        return tuple(entry if isinstance(entry, str) else entry["id"] for entry in self._settings.models)

"""Namespaces: which one a request belongs to, the state of each, and what one exchange can draw on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

from ..params.models import Model, ModelTable
from ..seed import Ids
from ..types.clock import Clock
from .jobs import Jobs
from .journal import MEMORY, JournalMemory
from .memory import MemoryState
from .metrics import Snapshot
from .object_memory import ObjectMemory
from .store import State

#: How many namespaces are kept; past it the least recently used one is evicted.
LIMIT = 1000


class Counts(NamedTuple):
    """What is counted of the rules in one namespace, or in several that are gone, for the coverage of a whole run."""

    hits: Mapping[str, int] = {}
    answers: Collection[tuple[str, int]] = ()
    #: The most hits of each rule in one namespace; None when ``hits`` are of one.
    most: Mapping[str, int] | None = None

    def most_of(self, rule: str) -> int:
        """The most hits of a rule in one namespace."""
        return (self.hits if self.most is None else self.most).get(rule, 0)

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON can hold them."""
        return {
            "hits": dict(self.hits),
            "answers": sorted(self.answers),
            "most": dict(self.hits if self.most is None else self.most),
        }

    def merged(self, other: Counts) -> Counts:
        """The counts of both."""
        rules = {**self.hits, **other.hits}
        return Counts(
            {rule: self.hits.get(rule, 0) + other.hits.get(rule, 0) for rule in rules},
            {*self.answers, *other.answers},
            {rule: max(self.most_of(rule), other.most_of(rule)) for rule in rules},
        )


def name_of(environ: Mapping[str, Any], sources: Sequence[str]) -> str:
    """The namespace that a request names: in its path (``/t/NAME``), a header, or behind a colon in its key; else ``default``."""
    path, key = environ.get("PATH_INFO") or "", environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_API_KEY") or ""
    if not path.startswith("/t/") and "HTTP_X_OPENAIMOCK_NAMESPACE" not in environ and ":" not in key:
        # Nearly every request: no source has a name.
        return "default"
    for source in sources:
        if name := _SOURCES[source](path, environ.get("HTTP_X_OPENAIMOCK_NAMESPACE") or "", key):
            return name
    return "default"


#: The name in the path, the header and the key of a request, by its source.
_SOURCES: dict[str, Callable[[str, str, str], str]] = {
    "path": lambda path, header, key: path.split("/", 3)[2] if path.startswith("/t/") else "",
    "header": lambda path, header, key: header,
    "key": lambda path, header, key: key.rpartition(":")[2].strip() if ":" in key else "",
}


def counts_of(state: State) -> Counts:
    """What is counted of the rules in a namespace."""
    return Counts(state.hits(), state.answers())


class Namespaces:
    """The namespaces of one mock by name, in memory (``state.store.Store``)."""

    blocks = False
    failure: str | None = None

    def __init__(self, settings: Any) -> None:
        self._settings = settings
        self._memory = JournalMemory(getattr(settings, "journal_memory", MEMORY))
        self._objects = ObjectMemory()
        self._states: OrderedDict[str, MemoryState] = OrderedDict()
        #: What is counted in namespaces that are gone; None when the coverage of the whole run is not needed.
        self.past: Counts | None = None
        self._lock = threading.Lock()
        self._latest: MemoryState | None = None

    def __getitem__(self, name: str) -> MemoryState:
        latest = self._latest
        if latest is not None and latest.name == name:
            return latest
        with self._lock:
            state = self._states.get(name)
            if state is None:
                settings = self._settings
                state = self._states[name] = MemoryState(
                    name, settings.scenarios, settings.journal_size, self._memory, self._objects
                )
                if len(self._states) > LIMIT:
                    self._remember(self._states.popitem(last=False)[1])
            else:
                self._states.move_to_end(name)
            self._latest = state
            return state

    def __iter__(self) -> Iterator[MemoryState]:
        return iter(list(self._states.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._states

    def reset(self, name: str | None = None) -> None:
        """Forget one namespace, or all."""
        with self._lock:
            self._latest = None
            for key in list(self._states) if name is None else [name]:
                if key in self._states:
                    self._remember(self._states.pop(key))

    def _remember(self, state: MemoryState) -> None:
        """Keep the counts of a namespace that goes, and give back what else it holds."""
        if self.past is not None:
            self.past = self.past.merged(counts_of(state))
        state.reset()

    def follow(self, settings: Any, rules: Collection[str]) -> None:
        """Go on with other settings; what is counted of these rules is forgotten."""
        self._settings = settings
        for state in self:
            state.forget_rules(rules)

    def may_block(self, name: str) -> bool:
        """Never: everything is at hand."""
        return False

    def check(self) -> None:
        """Nothing can be away."""

    def look(self) -> None:
        """Nothing can be away."""

    def close(self) -> None:
        """Nothing is left to be written."""

    def snapshots(self) -> dict[str, Snapshot]:
        """None: what this process has counted is all there is."""
        return {}

    def due_jobs(self, now: float) -> list[tuple[MemoryState, str]]:
        """The jobs that are due in all namespaces."""
        return [(state, job) for state in self for job in state.due(now)]

    def remember(self) -> None:
        """From now on keep the counts of namespaces that go, for the coverage of the whole run."""
        self.past = Counts()

    def counts(self) -> list[Counts]:
        """What is counted of the rules in every namespace, those that are gone included."""
        counts = list(map(counts_of, self))
        return counts if self.past is None else [*counts, self.past]


def secret_of(settings: Any) -> str:
    """What signs the addresses of the content that a mock stores."""
    keys: Sequence[str] = settings.api_keys
    return keys[0] if keys else str(settings.seed)


class Context:
    """What one exchange can draw on: the time, ids and randomness, its namespace, and the settings of the mock."""

    __slots__ = ("_model", "_settings", "cached_tokens", "ids", "jobs", "memory", "namespace", "now", "number", "request_id")

    def __init__(self, namespace: State, clock: Clock, seed: object, settings: Any, jobs: Jobs) -> None:
        self.namespace = namespace
        self.number = namespace.next_number()
        self.now = clock.now()
        self.ids = Ids(seed, namespace.name, self.number)
        self._settings = settings
        #: The facts of the model that was last asked for, with its name.
        self._model: tuple[str, Model] | None = None
        #: The tokens that the prompt cache has of its prompt; None before they are counted.
        self.cached_tokens: int | None = None
        #: Bytes that the body of the request takes, roughly; 0 for a small one.
        self.memory = 0
        #: What runs work that goes on after the answer.
        self.jobs = jobs
        #: The ``x-request-id`` of the exchange.
        self.request_id = ""

    def apart(self) -> Context:
        """The same context, whose ids are drawn apart from those of the exchange."""
        twin = copy(self)
        twin.ids = Ids.resume(self.ids.place)
        return twin

    @property
    def created(self) -> int:
        """Seconds since the epoch, as the API's ``created`` has them."""
        return int(self.now)

    @property
    def seed(self) -> object:
        """The seed of everything that is made up."""
        seed: object = self._settings.seed
        return seed

    @property
    def secret(self) -> str:
        """What signs the addresses of stored content: the first API key, else the seed."""
        return secret_of(self._settings)

    @property
    def prompt_cache(self) -> bool:
        """Whether prompts are remembered for ``cached_tokens``."""
        on: bool = self._settings.prompt_cache
        return on

    @property
    def store(self) -> State:
        """The namespace, for its stored objects."""
        return self.namespace

    @property
    def base(self) -> Path:
        """The folder that relative paths of the configuration start from."""
        base: Path = self._settings.base
        return base

    @property
    def webhooks(self) -> Mapping[str, Any] | None:
        """The setting ``webhooks``."""
        webhooks: Mapping[str, Any] | None = self._settings.webhooks
        return webhooks

    def model(self, name: str) -> Model:
        """What is known about a model, with the user's own entries."""
        latest = self._model
        if latest is None or latest[0] != name:
            table: ModelTable = self._settings.model_table
            latest = self._model = name, table.family(name)
        return latest[1]

    @property
    def model_names(self) -> tuple[str, ...]:
        """The ids of the models that are offered."""
        return tuple(entry if isinstance(entry, str) else entry["id"] for entry in self._settings.models)

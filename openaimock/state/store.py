"""State: the one protocol through which the mock reaches what it remembers of a namespace between requests.

Every operation is atomic and takes plain data only, so that it can run inside a database. ``state.memory`` keeps everything in
the process; other implementations share it among processes and machines and pass the same tests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, BinaryIO, NamedTuple, Protocol

from ..types.exchange import Exchange

#: Everything JSON can hold. Stored values are not changed after they are put.
JSON = Any


class Page(NamedTuple):
    """A part of a collection: its values in order, and whether more follow."""

    items: list[JSON]
    more: bool


class Cost(NamedTuple):
    """What a request takes from one token bucket, which holds ``limit`` and refills evenly over ``seconds``."""

    bucket: str
    amount: float
    limit: float
    seconds: float


#: A level that is less than this below an amount counts as enough: refilling in steps must not lose a request to rounding.
TOLERANCE = 1e-6
#: Bytes that a stored object takes beside its texts, roughly.
ENTRY = 4096


class Levels(NamedTuple):
    """Whether all costs were taken, and what each bucket holds now, in the order of the costs."""

    is_enough: bool
    levels: tuple[float, ...]


class State(Protocol):
    """What a mock remembers of one namespace."""

    name: str

    # Rules

    def claim(self, rule: str, times: int | None = None, *, answer: int = -1, key: str | None = None) -> int | None:
        """Count a hit of a rule: the number of the hit from 0, or None when its ``times`` are used up.

        ``answer`` is the message of a conversation that answers, -1 for a rule with replies of its own. A claim with the ``key``
        of an earlier one is that claim: it gets the same number and counts nothing.
        """
        ...

    def count_hit(self, rule: str, answer: int = -1) -> None:
        """Count a hit of a rule whose answer does not depend on its number. A shared store may count it a moment later."""
        ...

    def fail(self, rule: str, reply: int, times: int) -> bool:
        """Whether this attempt is one of the first ``times`` at a reply of a rule. Such an attempt does not count as a hit."""
        ...

    def hits(self) -> Mapping[str, int]:
        """How often each rule answered, by the id of the rule."""
        ...

    def answers(self) -> Set[tuple[str, int]]:
        """The messages of conversations that answered: the id of the rule, and the place in its ``messages``."""
        ...

    def forget_rules(self, rules: Iterable[str]) -> None:
        """Forget hits, answers and failures of these rules."""
        ...

    # Scenarios

    def scenarios(self) -> Mapping[str, str]:
        """The state of every scenario."""
        ...

    def set_scenarios(self, changes: Mapping[str, str]) -> None:
        """Put scenarios into states; the others stay."""
        ...

    def compare_and_set(self, scenario: str, expected: str | None, new: str) -> bool:
        """Put a scenario into a state if it is in the expected one (None: in no state yet); whether it was."""
        ...

    # Numbers and limits

    def next_number(self) -> int:
        """1, 2, 3, ...: each number once."""
        ...

    def take(self, costs: Sequence[Cost], now: float) -> Levels:
        """Take all costs from their buckets, or none of them when one bucket holds too little."""
        ...

    # Journal

    def append(self, exchange: Exchange) -> None:
        """Add an exchange to the journal; the oldest ones make room for it."""
        ...

    def charge(self, exchange: Exchange, size: int) -> None:
        """Count ``size`` bytes of a request body for an exchange against the memory of the journal."""
        ...

    def exchanges(self) -> list[Exchange]:
        """The exchanges of the journal, oldest first."""
        ...

    def dropped(self) -> int:
        """How many exchanges the journal no longer has because newer ones needed the room."""
        ...

    def clear_exchanges(self) -> int:
        """Empty the journal; how many exchanges it had."""
        ...

    # Objects

    def put(self, collection: str, id: str, value: JSON, index: Mapping[str, str] | None = None, *, size: int = 0) -> None:
        """Store a value. One with the same id is replaced and keeps its place. ``index`` holds what ``page`` can select by.

        ``size`` is roughly its bytes, for values that may be large: past a limit the oldest of them go. Without a size the one
        that was counted before stays. A store that is not in memory may ignore it.
        """
        ...

    def get(self, collection: str, id: str) -> JSON:
        """A stored value, or None."""
        ...

    def delete(self, collection: str, id: str) -> bool:
        """Delete a value; whether there was one."""
        ...

    def update(self, collection: str, id: str, change: Mapping[str, JSON], expected: Mapping[str, JSON] | None = None) -> JSON:
        """Set members of a stored object if the ``expected`` members have these values.

        The object as it is after that; None when there is no such object or its members differ.
        """
        ...

    def count(self, collection: str) -> int:
        """How many values a collection has."""
        ...

    def page(
        self,
        collection: str,
        *,
        limit: int,
        after: str | None = None,
        before: str | None = None,
        newest_first: bool = False,
        index: Mapping[str, str] | None = None,
    ) -> Page | None:
        """Up to ``limit`` values past ``after`` or short of ``before`` (ids), with these index values.

        None when there is no value with the id ``after`` or ``before``.
        """
        ...

    # Blobs

    def put_blob(self, id: str, chunks: Iterable[bytes]) -> int:
        """Store bytes under an id, in place of what was there; their number. StateFull when they do not fit."""
        ...

    def append_blob(self, id: str, data: bytes) -> int:
        """Append to a blob, which may be new; its number of bytes now. StateFull when they do not fit."""
        ...

    def open_blob(self, id: str) -> BinaryIO | None:
        """A file object that reads a blob, for the caller to close; None when there is none."""
        ...

    def delete_blob(self, id: str) -> bool:
        """Delete a blob; whether there was one."""
        ...

    # Work in the background

    def lease(self, job: str, holder: str, seconds: float, now: float) -> bool:
        """Take or renew the right to run a job; False while another holder has it. A lease ends by itself after ``seconds``."""
        ...

    def release(self, job: str, holder: str) -> None:
        """Give a lease back before its end."""
        ...

    def schedule(self, job: str, at: float | None) -> None:
        """Make a job due at a time (seconds since the epoch); None: no longer."""
        ...

    def due(self, now: float, limit: int = 100) -> list[str]:
        """The jobs that are due, the longest waiting first."""
        ...

    def reset(self) -> None:
        """Forget everything."""
        ...


class StateFull(Exception):
    """The bounds of a namespace leave no room for a blob."""


class StoreUnavailable(Exception):
    """The database of a shared store does not answer. The message says which one and why, without a password."""


class StoreAway(StoreUnavailable):
    """The database cannot be reached now and may answer later, when nothing but time has passed."""


class Store(Protocol):
    """The namespaces of one mock, by name. A namespace begins to exist when it is first asked for."""

    #: Whether other processes share the state, so that operations may block and raise StoreUnavailable.
    blocks: bool
    #: Why the store did not answer when it was last needed; None when it did.
    failure: str | None

    def may_block(self, name: str) -> bool:
        """Whether a request of a namespace may block before it asks the state for anything: its number is not at hand."""
        ...

    def __getitem__(self, name: str) -> State: ...

    def __iter__(self) -> Iterator[State]:
        """All namespaces, with what has happened until now in all processes."""
        ...

    def __contains__(self, name: str) -> bool: ...

    def reset(self, name: str | None = None) -> None:
        """Forget one namespace, or all of them."""
        ...

    def follow(self, settings: Any, rules: Collection[str]) -> None:
        """Go on with other settings; what is counted of these rules is forgotten."""
        ...

    def check(self) -> None:
        """StoreUnavailable unless the store answers."""
        ...

    def look(self) -> None:
        """Find out in the background whether a store that did not answer when the mock started does now."""
        ...

    def close(self) -> None:
        """Write what is not written yet. The store can be used again."""
        ...

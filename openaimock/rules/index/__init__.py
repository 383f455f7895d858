"""The index of the rules: the few of ten thousand that may fit an Ask, found without looking at the others."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Protocol

from ...types.ask import Ask
from ..rule import Rule
from . import ngrams
from .cost import Cost
from .fuzzy import Fuzzy
from .ngrams import Grams
from .prefilters import Prefilter, Read, Term, clauses, telling

#: Where a rule stands among those that may answer: the smaller, the sooner it is asked.
Rank = tuple[float, float, int]
Ranked = tuple[Rank, Rule]
#: A key may be shared by so many rules before a less telling one of its own is better for a rule.
_SHARED = 8


class Index:
    """Which rules may fit an Ask: all that do, and few others.

    Rules may be added at any time, also while another thread looks, by one thread at a time.
    With ``first`` the rules rank in file order, else by what they can win over others.
    """

    def __init__(self, first: bool = False) -> None:
        self._first = first
        self._ranked: list[Ranked] = []
        self._size = 0
        exact, held, alike = _Round(_Texts, self._ranked), _Round(_Pieces, self._ranked), _Round(_Alike, self._ranked)
        self._by_table = {"exact": exact, "lower": exact, "equals": exact, "grams": held, "fuzzy": alike}
        self._always = _Always()
        #: The rounds in which rules are looked for, the quick ones first.
        self.rounds: tuple[_Round | _Always, ...] = (exact, held, self._always, alike)
        self._shared: Counter[tuple[str, str, Any]] = Counter()
        #: What the rules take that are candidates.
        self.cost = Cost()

    def __len__(self) -> int:
        return self._size

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules; each is entered under the one clause of its own that fewest others share."""
        found = [(rule, clauses(rule)) for rule in rules]
        for _, each in found:
            self._shared.update(_name(probe) for clause in each for probe in clause)
        chosen = [(rule, self._prepared(min(each, key=self._weight, default=()))) for rule, each in found]
        for rule, clause in chosen:
            self._enter(rule, clause)
        # Not before they are all in: another thread that finds rules missing waits until they are.
        self._size = len(self._ranked)

    def rank(self, rule: Rule, score: float) -> Rank:
        """Where a rule with this score stands."""
        return (rule.number, 0, 0) if self._first else (-rule.priority, -score, rule.number)

    def candidates(self, ask: Ask) -> Iterator[Rule]:
        """All rules that may fit, each once, in the order in which they win."""
        values: dict[str, Any] = {}
        return in_order([each.find(ask, values) for each in self.rounds])

    def _weight(self, clause: Prefilter) -> tuple[int, int, int]:
        sharing = sum(self._shared[_name(probe)] for probe in clause)
        return (sharing.bit_length() if sharing > _SHARED else 0, *telling(clause))

    def _prepared(self, clause: Prefilter) -> Prefilter:
        """A clause ready to be entered: its pieces are counted before any rule is entered, so that the rare ones are known."""
        return tuple(self._by_table[probe.how].slot(probe).prepared(probe) for probe in clause)

    def _enter(self, rule: Rule, clause: Prefilter) -> None:
        number = len(self._ranked)
        rank = self.rank(rule, rule.bound)
        self._ranked.append((rank, rule))
        self.cost.add(rule, always=not clause)
        if not clause:
            self._always.add(rank, rule)
        for probe in clause:
            self._by_table[probe.how].add(probe, number, rank)


class _Always:
    """The rules of which nothing can be looked up, in the order in which they win."""

    def __init__(self) -> None:
        self._ranked: list[Ranked] = []

    @property
    def best(self) -> Rank | None:
        return self._ranked[0][0] if self._ranked else None

    def add(self, rank: Rank, rule: Rule) -> None:
        insort(self._ranked, (rank, rule))

    def find(self, ask: Ask, values: dict[str, Any]) -> list[Ranked]:
        return self._ranked


class _Round:
    """The rules that are looked up in one kind of table, each value of an Ask in a table of its own.

    ``best`` is the best rank that any of them can have: where a better rule is found, nothing need be looked up.
    """

    def __init__(self, table: type[_Table], ranked: list[Ranked]) -> None:
        self.best: Rank | None = None
        self._table = table
        self._ranked = ranked
        self._slots: dict[str, _Slot] = {}

    def slot(self, probe: Term) -> _Slot:
        slot = self._slots.get(probe.slot)
        if slot is None:
            slot = self._slots[probe.slot] = _Slot(probe.read, self._table())
        return slot

    def add(self, probe: Term, number: int, rank: Rank) -> None:
        if self.best is None or rank < self.best:
            self.best = rank
        self.slot(probe).add(probe, number)

    def find(self, ask: Ask, values: dict[str, Any]) -> list[Ranked]:
        """The rules that may fit, best first. ``values`` keeps what was read of the Ask."""
        found: list[int] = []
        for name, slot in list(self._slots.items()):
            if name not in values:
                values[name] = slot.read(ask)
            slot.find(values[name], found)
        ranked = self._ranked
        if len(found) < 2:
            return [ranked[number] for number in found]
        return sorted([ranked[number] for number in set(found)])


class _Slot:
    """One value of an Ask, and the table of what rules expect of it."""

    def __init__(self, read: Read, table: _Table) -> None:
        self.read = read
        self._table = table
        #: The rules that ask nothing where there is no value.
        self._missing: list[int] = []

    def prepared(self, probe: Term) -> Term:
        return self._table.prepared(probe)

    def add(self, probe: Term, number: int) -> None:
        if probe.optional:
            self._missing.append(number)
        self._table.add(probe, number)

    def find(self, value: Any, found: list[int]) -> None:
        if value is None:
            found += self._missing
        else:
            self._table.find(value, found)


class _Table(Protocol):
    """What rules expect of one value; finds the numbers of those that may fit."""

    def prepared(self, probe: Term) -> Term: ...

    def add(self, probe: Term, number: int) -> None: ...

    def find(self, value: Any, found: list[int]) -> None: ...


class _Texts:
    """Values that must be the same."""

    def __init__(self) -> None:
        self._tables: defaultdict[str, defaultdict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))

    def prepared(self, probe: Term) -> Term:
        return probe

    def add(self, probe: Term, number: int) -> None:
        self._tables[probe.how][probe.key].append(number)

    def find(self, value: Any, found: list[int]) -> None:
        tables = self._tables
        if "equals" in tables:
            if isinstance(value, (str, int, float)):
                found += tables["equals"].get((isinstance(value, bool), value), ())
            return
        trimmed = value.strip()
        if "exact" in tables:
            found += tables["exact"].get(trimmed, ())
        if "lower" in tables:
            found += tables["lower"].get(trimmed.lower(), ())


class _Pieces:
    """Texts that must be in a value."""

    def __init__(self) -> None:
        self._grams = Grams()

    def prepared(self, probe: Term) -> Term:
        needs = ngrams.read(probe.key)
        self._grams.note(needs)
        return probe._replace(key=needs)

    def add(self, probe: Term, number: int) -> None:
        self._grams.add(probe.key, number)

    def find(self, value: str, found: list[int]) -> None:
        self._grams.find(ngrams.fold(value), found)


class _Alike:
    """Texts that a value must be like, those of which case counts apart from the others."""

    def __init__(self) -> None:
        self._tables: dict[bool, Fuzzy] = {}

    def prepared(self, probe: Term) -> Term:
        return probe

    def add(self, probe: Term, number: int) -> None:
        value, threshold, case_sensitive = probe.key
        self._tables.setdefault(case_sensitive, Fuzzy(case_sensitive)).add(value, threshold, number)

    def find(self, value: str, found: list[int]) -> None:
        for table in list(self._tables.values()):
            table.find(value, found)


def in_order(tried: Iterable[Iterable[Ranked]]) -> Iterator[Rule]:
    """What was found in the rounds, each rule once, in the order in which they win."""
    found = dict(chain.from_iterable(tried))
    return (found[rank] for rank in sorted(found))


def _name(probe: Term) -> tuple[str, str, Any]:
    return (probe.slot, probe.how, probe.key)

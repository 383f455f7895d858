"""The index of rules: finds the few candidates for an Ask without testing all rules."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

from ...types.ask import Ask
from ..rule import Rule
from . import ngrams
from .cost import Cost
from .fuzzy import Fuzzy
from .ngrams import Grams
from .prefilters import Prefilter, Read, Term, prefilters, selectivity

#: The sort key of a rule among candidates; the smallest is tested first.
Rank = tuple[float, float, int]
Ranked = tuple[Rank, Rule]
#: A key shared by more rules than this is less selective than a rarer key of a weaker kind.
_SHARED = 8


class Index:
    """Candidate rules for an Ask: all rules that match and few others.

    One thread at a time may add rules, also while other threads search.
    With ``first`` the rules rank in file order, else by priority and highest possible score.
    """

    def __init__(self, first: bool = False) -> None:
        self._first = first
        self._ranked: list[Ranked] = []
        self._size = 0
        exact, substrings, fuzzy = (
            _Round(_EqualTable, self._ranked),
            _Round(_SubstringTable, self._ranked),
            _Round(_FuzzyTable, self._ranked),
        )
        self._by_table = {"exact": exact, "lower": exact, "equals": exact, "grams": substrings, "fuzzy": fuzzy}
        self._always = _Always()
        #: The rounds of a search, the fast ones first.
        self.rounds: tuple[_Round | _Always, ...] = (exact, substrings, self._always, fuzzy)
        #: The number of rules for each hash of a term, because the terms themselves take much memory.
        self._shared: Counter[int] = Counter()
        #: The estimated time of testing candidates.
        self.cost = Cost()

    def __len__(self) -> int:
        return self._size

    def add(self, rules: Iterable[Rule]) -> None:
        """Append rules; each is indexed under its prefilter that the fewest other rules share."""
        # Each step frees what it takes from the one before: together they need more memory than the finished index.
        pairs = deque((rule, prefilters(rule)) for rule in rules)
        # One update for all: each takes as long as the terms of a rule.
        self._shared.update(_term_key(term) for _, candidates in pairs for prefilter in candidates for term in prefilter)
        selected: deque[tuple[Rule, Prefilter]] = deque()
        while pairs:
            rule, candidates = pairs.popleft()
            selected.append((rule, self._prepared(self._best(candidates))))
        while selected:
            self._enter(*selected.popleft())
        # Set last: a thread that sees fewer rules than expected waits until they are added.
        self._size = len(self._ranked)

    def rank(self, rule: Rule, score: float) -> Rank:
        """The sort key of a rule with this score."""
        return (rule.number, 0, 0) if self._first else (-rule.priority, -score, rule.number)

    def candidates(self, ask: Ask) -> Iterator[Rule]:
        """All candidates without duplicates, the highest rank first."""
        values: dict[str, Any] = {}
        return in_order([each.find(ask, values) for each in self.rounds])

    def _best(self, candidates: Sequence[Prefilter]) -> Prefilter:
        if len(candidates) == 1:
            return candidates[0]
        return min(candidates, key=self._weight, default=())

    def _weight(self, prefilter: Prefilter) -> tuple[int, int, int]:
        sharing = sum(self._shared[_term_key(term)] for term in prefilter)
        return (sharing.bit_length() if sharing > _SHARED else 0, *selectivity(prefilter))

    def _prepared(self, prefilter: Prefilter) -> Prefilter:
        """A prefilter with its substrings counted. All are counted before any rule is indexed, so that rare ones are known."""
        return tuple(self._by_table[term.table].slot(term).prepared(term) for term in prefilter)

    def _enter(self, rule: Rule, prefilter: Prefilter) -> None:
        number = len(self._ranked)
        rank = self.rank(rule, rule.bound)
        self._ranked.append((rank, rule))
        self.cost.add(rule, always=not prefilter)
        if not prefilter:
            self._always.add(rank, rule)
        for term in prefilter:
            self._by_table[term.table].add(term, number, rank)


class _Always:
    """The rules without a prefilter, the highest rank first."""

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
    """The rules that one kind of table indexes, with one table per value of an Ask.

    ``best`` is the best rank of these rules: a search that already has a better match skips the round.
    """

    def __init__(self, table: type[_Table], ranked: list[Ranked]) -> None:
        self.best: Rank | None = None
        self._table = table
        self._ranked = ranked
        self._slots: dict[str, _Slot] = {}

    def slot(self, term: Term) -> _Slot:
        slot = self._slots.get(term.slot)
        if slot is None:
            slot = self._slots[term.slot] = _Slot(term.read, self._table())
        return slot

    def add(self, term: Term, number: int, rank: Rank) -> None:
        if self.best is None or rank < self.best:
            self.best = rank
        self.slot(term).add(term, number)

    def find(self, ask: Ask, values: dict[str, Any]) -> list[Ranked]:
        """The candidates, best first. ``values`` caches the values read from the Ask."""
        numbers: list[int] = []
        for name, slot in list(self._slots.items()):
            if name not in values:
                values[name] = slot.read(ask)
            slot.find(values[name], numbers)
        ranked = self._ranked
        if len(numbers) < 2:
            return [ranked[number] for number in numbers]
        return sorted([ranked[number] for number in set(numbers)])


class _Slot:
    """One value of an Ask and the table of the values that rules expect."""

    def __init__(self, read: Read, table: _Table) -> None:
        self.read = read
        self._table = table
        #: The rules that do not require the value to be present.
        self._missing: list[int] = []

    def prepared(self, term: Term) -> Term:
        return self._table.prepared(term)

    def add(self, term: Term, number: int) -> None:
        if term.optional:
            self._missing.append(number)
        self._table.add(term, number)

    def find(self, value: Any, numbers: list[int]) -> None:
        if value is None:
            numbers += self._missing
        else:
            self._table.find(value, numbers)


class _Table(Protocol):
    """The expectations of rules about one value; ``find`` appends the numbers of candidates."""

    def prepared(self, term: Term) -> Term: ...

    def add(self, term: Term, number: int) -> None: ...

    def find(self, value: Any, numbers: list[int]) -> None: ...


class _EqualTable:
    """Values that must be equal."""

    def __init__(self) -> None:
        self._tables: defaultdict[str, defaultdict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))

    def prepared(self, term: Term) -> Term:
        return term

    def add(self, term: Term, number: int) -> None:
        self._tables[term.table][term.key].append(number)

    def find(self, value: Any, numbers: list[int]) -> None:
        tables = self._tables
        if "equals" in tables:
            if isinstance(value, (str, int, float)):
                numbers += tables["equals"].get((isinstance(value, bool), value), ())
            return
        trimmed = value.strip()
        if "exact" in tables:
            numbers += tables["exact"].get(trimmed, ())
        if "lower" in tables:
            numbers += tables["lower"].get(trimmed.lower(), ())


class _SubstringTable:
    """Texts that a value must contain."""

    def __init__(self) -> None:
        self._grams = Grams()

    def prepared(self, term: Term) -> Term:
        needs = ngrams.read(term.key)
        self._grams.note(needs)
        return Term(term.slot, term.read, term.table, needs, term.optional)

    def add(self, term: Term, number: int) -> None:
        self._grams.add(term.key, number)

    def find(self, value: str, numbers: list[int]) -> None:
        self._grams.find(ngrams.fold(value), numbers)


class _FuzzyTable:
    """Texts that a value must be similar to; case-sensitive ones have a table of their own."""

    def __init__(self) -> None:
        self._tables: dict[bool, Fuzzy] = {}

    def prepared(self, term: Term) -> Term:
        return term

    def add(self, term: Term, number: int) -> None:
        value, threshold, case_sensitive = term.key
        self._tables.setdefault(case_sensitive, Fuzzy(case_sensitive)).add(value, threshold, number)

    def find(self, value: str, numbers: list[int]) -> None:
        for table in list(self._tables.values()):
            table.find(value, numbers)


def in_order(tried: Iterable[Iterable[Ranked]]) -> Iterator[Rule]:
    """The candidates of all rounds without duplicates, the highest rank first."""
    by_rank = dict(chain.from_iterable(tried))
    return (by_rank[rank] for rank in sorted(by_rank))


def _term_key(term: Term) -> int:
    return hash((term.slot, term.table, term.key))

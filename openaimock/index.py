"""The index of the rules: the few of ten thousand that may fit an Ask, found without looking at the others."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from typing import Any, NamedTuple

from . import grams, literals
from .conditions import Condition
from .cost import Cost
from .fuzzy import Fuzzy
from .grams import Grams
from .matchers import Matcher
from .nouns import Ask
from .rules import SYSTEM, Rule

Read = Callable[[Ask], Any]
#: Where a rule stands among those that may answer: the smaller, the sooner it is asked.
Rank = tuple[float, float, int]


class Probe(NamedTuple):
    """Something that must hold of one value of an Ask for a rule to fit, and that can be looked up.

    ``slot`` names the value, ``read`` reads it. ``how`` is the table: ``exact`` (trimmed text), ``lower`` (the same without
    case), ``equals`` (JSON), ``grams`` (texts that must be in it) or ``fuzzy``. ``optional``: nothing must hold where there
    is no such value.
    """

    slot: str
    read: Read
    how: str
    key: Any
    optional: bool = False


#: One of these must hold.
Clause = tuple[Probe, ...]
#: The tables from the most telling to the least, where the number of rules with the same key does not decide.
_TELLING = ("exact", "lower", "equals", "grams", "fuzzy")
#: A key may be shared by so many rules before a less telling one of its own is better for a rule.
_SHARED = 8


class Index:
    """Which rules may fit an Ask: all that do, and few others.

    Rules may be added at any time, also while another thread looks, by one thread at a time.
    With ``first`` the rules come in file order, else those come first that win over others.
    """

    def __init__(self, first: bool = False) -> None:
        self._first = first
        self._rules: list[Rule] = []
        self._size = 0
        self._ranks: list[Rank] = []
        self._slots: dict[str, _Slot] = {}
        #: The rules of which nothing can be looked up.
        self._always: list[tuple[Rank, Rule]] = []
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
        for rule, entries in chosen:
            self._enter(rule, entries)
        # Not before they are all in: another thread that finds rules missing waits until they are.
        self._size = len(self._rules)

    def candidates(self, ask: Ask) -> Iterator[Rule]:
        """The rules that may fit, each once, in the order in which they win."""
        found: list[int] = []
        for slot in list(self._slots.values()):
            slot.find(ask, found)
        rules, ranks = self._rules, self._ranks
        if not self._always:
            if len(found) < 2:
                return iter([rules[number] for number in found])
            return iter([rules[number] for number in sorted(set(found), key=ranks.__getitem__)])
        if not found:
            return (rule for _, rule in self._always)
        ranked = sorted((ranks[number], rules[number]) for number in set(found))
        return (rule for _, rule in merge(ranked, self._always))

    def _weight(self, clause: Clause) -> tuple[int, int, int]:
        sharing = sum(self._shared[_name(probe)] for probe in clause)
        return (sharing.bit_length() if sharing > _SHARED else 0, *_telling(clause))

    def _prepared(self, clause: Clause) -> list[tuple[_Slot, Probe]]:
        """The probes of a clause, each with its slot; grams are read and counted, so that the rare ones are known."""
        entries = []
        for probe in clause:
            slot = self._slot(probe)
            if probe.how == "grams":
                probe = probe._replace(key=grams.read(probe.key))
                slot.grams.note(probe.key)
            entries.append((slot, probe))
        return entries

    def _enter(self, rule: Rule, entries: list[tuple[_Slot, Probe]]) -> None:
        number = len(self._rules)
        rank = (number, 0, 0) if self._first else (-rule.priority, -rule.bound, number)
        self._ranks.append(rank)
        self._rules.append(rule)
        self.cost.add(rule, always=not entries)
        if not entries:
            insort(self._always, (rank, rule))
        for slot, probe in entries:
            slot.add(probe, number)

    def _slot(self, probe: Probe) -> _Slot:
        slot = self._slots.get(probe.slot)
        if slot is None:
            slot = self._slots[probe.slot] = _Slot(probe.read)
        return slot


class _Slot:
    """One value of an Ask, read once, and the tables of what rules expect of it."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.exact: defaultdict[str, list[int]] = defaultdict(list)
        self.lower: defaultdict[str, list[int]] = defaultdict(list)
        self.equals: defaultdict[tuple[bool, Any], list[int]] = defaultdict(list)
        self.grams = Grams()
        self.fuzzy: dict[bool, Fuzzy] = {}
        #: The rules that ask nothing where there is no value.
        self.missing: list[int] = []

    def add(self, probe: Probe, number: int) -> None:
        if probe.optional:
            self.missing.append(number)
        if probe.how == "grams":
            self.grams.add(probe.key, number)
        elif probe.how == "fuzzy":
            value, threshold, case_sensitive = probe.key
            self.fuzzy.setdefault(case_sensitive, Fuzzy(case_sensitive)).add(value, threshold, number)
        else:
            getattr(self, probe.how)[probe.key].append(number)

    def find(self, ask: Ask, found: list[int]) -> None:
        value = self.read(ask)
        if value is None:
            found += self.missing
        elif self.equals:
            if isinstance(value, (str, int, float)):
                found += self.equals.get((isinstance(value, bool), value), ())
        elif isinstance(value, str):
            self._find_text(value, found)

    def _find_text(self, text: str, found: list[int]) -> None:
        if self.exact or self.lower:
            trimmed = text.strip()
            found += self.exact.get(trimmed, ())
            if self.lower:
                found += self.lower.get(trimmed.lower(), ())
        if self.grams:
            self.grams.find(grams.fold(text), found)
        for fuzzy in list(self.fuzzy.values()):
            fuzzy.find(text, found)


# What can be looked up


def clauses(rule: Rule) -> list[Clause]:
    """All that must hold for a rule to fit and can be looked up, each on its own."""
    if rule.flow:
        return _flow_clauses(rule)
    return [clause for condition in rule.conditions for clause in _condition_clauses(condition)]


def _flow_clauses(rule: Rule) -> list[Clause]:
    found = []
    optional = False
    for at, turn in enumerate(rule.flow):
        if turn.role == "assistant":
            continue
        if turn.matcher:
            slot = f"messages.{at}" if rule.opens_with_system else f"opening.{at}"
            read = _message_reader(at, rule.opens_with_system)
            clause = _clause(slot, read, turn.matcher)
            if clause:
                found.append(tuple(probe._replace(optional=optional) for probe in clause))
        # A conversation that has come less far fits too, but something must have come.
        optional = True
    return found


def _message_reader(at: int, whole: bool) -> Read:
    def read(ask: Ask) -> str | None:
        messages = ask.messages
        if not whole and messages and messages[0].role in SYSTEM:
            messages = ask.opening
        return messages[at].text if at < len(messages) else None

    return read


def _condition_clauses(condition: Condition) -> list[Clause]:
    if condition.branches:
        # Of each branch its best: that one of these holds is sure.
        each = [min(_condition_clauses(branch), key=_telling, default=()) for branch in condition.branches]
        return [tuple(probe for clause in each for probe in clause)] if all(each) else []
    if condition.parts:
        return [clause for part in condition.parts for clause in _condition_clauses(part)]
    if condition.within:
        clause = _within(condition.key, condition.within)
    elif condition.value and condition.matcher:
        clause = _clause(condition.key, condition.value, condition.matcher)
    else:
        clause = None
    return [clause] if clause else []


def _clause(slot: str, read: Read, matcher: Matcher) -> Clause | None:
    value = matcher.value
    if matcher.invert:
        return None
    if matcher.kind == "equals":
        sure = isinstance(value, (str, int, float))
        return (Probe(f"{slot}=", read, "equals", (isinstance(value, bool), value)),) if sure else None
    if matcher.kind == "fuzzy":
        if matcher.threshold <= 0:
            return None
        return (Probe(slot, read, "fuzzy", (value, matcher.threshold, matcher.case_sensitive)),)
    if matcher.kind == "exact" or (matcher.kind == "glob" and not set("*?[") & set(value)):
        if matcher.case_sensitive:
            return (Probe(slot, read, "exact", value.strip()),)
        return (Probe(slot, read, "lower", value.strip().lower()),)
    needs = _needs(matcher)
    return tuple(Probe(slot, read, "grams", texts) for texts in needs) if needs else None


def _within(slot: str, matcher: Matcher) -> Clause | None:
    """Of several texts one must fit: then what that one holds stands in all of them, joined."""
    needs = _needs(matcher)
    return tuple(Probe(slot, _joined, "grams", texts) for texts in needs) if needs else None


def _needs(matcher: Matcher) -> literals.Needs:
    """The folded texts that a value must hold for a matcher to fit."""
    if matcher.kind == "regex":
        return literals.of_regex(matcher.value)
    if matcher.kind == "glob":
        return literals.of_glob(matcher.value)
    if matcher.kind not in ("exact", "contains"):
        return None
    text = grams.fold(matcher.value.strip() if matcher.kind == "exact" else matcher.value)
    return ((text,),) if text else None


def _joined(ask: Ask) -> str:
    return "\n".join([message.text for message in ask.messages])


def _telling(clause: Clause) -> tuple[int, int]:
    """How much a clause tells, the most telling first."""
    length = min(max(map(len, probe.key)) if probe.how == "grams" else 0 for probe in clause)
    return (max(_TELLING.index(probe.how) for probe in clause), -length)


def _name(probe: Probe) -> tuple[str, str, Any]:
    return (probe.slot, probe.how, probe.key)

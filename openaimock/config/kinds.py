"""Kinds: the types of configuration values, declared as data for validation, the documentation and the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .tree import Node

# The classes below have only an __init__: generating comparison and repr takes longer than building the whole schema, and
# every start would pay for it.


def type_of(node: Node) -> str:
    """The type of a node's value in the user's terms: text, number, bool, list, mapping, nothing, function or bytes."""
    kind = type(node.value)
    type_name = _TYPES.get(kind)
    if type_name is None:
        type_name = next((word for base, word in _TYPES.items() if issubclass(kind, base)), "function")
    return type_name


_TYPES: dict[type, str] = {
    str: "text",
    bool: "bool",
    int: "number",
    float: "number",
    list: "list",
    dict: "mapping",
    type(None): "nothing",
    bytes: "bytes",
}


@dataclass(eq=False, repr=False)
class Text:
    """A text; ``numbers`` also accepts a number as it is written, ``secret`` keeps the value out of messages."""

    numbers: bool = False
    empty: bool = True
    secret: bool = False
    noun: str = "text"

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types of node that this kind accepts."""
        return frozenset({"text", "number"} if self.numbers else {"text"})


@dataclass(eq=False, repr=False)
class Numeric:
    """A number from ``low`` to ``high``; ``above`` excludes ``low`` itself."""

    low: float | None = None
    high: float = 1e12
    above: bool = False
    whole: bool = False
    unit: str = ""
    takes: frozenset[str] = frozenset({"number"})

    @cached_property
    def noun(self) -> str:
        """The kind's name in messages."""
        return "a whole number" if self.whole else "a number"

    @property
    def range(self) -> str:
        """The bounds in words, "" without bounds."""
        if self.low is None:
            return ""
        if self.high < 1e12:
            return f"from {self.low:g} to {self.high:g}"
        return f"above {self.low:g}" if self.above else f"{self.low:g} or more"


@dataclass(eq=False, repr=False)
class Flag:
    """True or false."""

    noun: str = "true or false"
    takes: frozenset[str] = frozenset({"bool"})


@dataclass(eq=False, repr=False)
class Choice:
    """One of a few words.

    ``ids`` are further words, too many to list. A pattern such as ``files.*`` that matches one of them is accepted too.
    ``hints`` are messages for words that are often written by mistake.
    """

    values: tuple[str, ...]
    label: str
    ids: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def noun(self) -> str:
        """The kind's name in messages."""
        return f"{self.label} ({', '.join(self.values)})"

    @cached_property
    def takes(self) -> frozenset[str]:
        """Text, and the false that YAML reads for an unquoted ``off``."""
        return frozenset({"text", "bool"} if "off" in self.values else {"text"})


@dataclass(eq=False, repr=False)
class ListOf:
    """A list of ``least`` to ``most`` items; ``single`` accepts one item as a list of one."""

    item: Kind
    least: int = 0
    most: int | None = None
    single: bool = False

    @cached_property
    def noun(self) -> str:
        """The kind's name in messages."""
        return f"{self.item.noun} or a list" if self.single else "a list"

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types of node that this kind accepts."""
        return frozenset({"list"}) | (self.item.takes if self.single else frozenset())


@dataclass(eq=False, repr=False)
class MapOf:
    """A mapping of any names to one kind of value; ``label`` says what the names are."""

    value: Kind
    label: str = "a name"
    noun: str = "a mapping"
    takes: frozenset[str] = frozenset({"mapping"})


@dataclass(eq=False, repr=False)
class AnyValue:
    """Any JSON value; ``bytes`` also accepts Python's bytes; ``unread`` values are ignored."""

    bytes: bool = False
    unread: bool = False
    noun: str = "any value"

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types of node that this kind accepts."""
        return frozenset({"text", "number", "bool", "list", "mapping", "nothing"} | ({"bytes"} if self.bytes else set()))


@dataclass(eq=False, repr=False)
class Function:
    """A Python function, possible only in a configuration from Python."""

    noun: str = "a function"
    takes: frozenset[str] = frozenset({"function"})


@dataclass(eq=False, repr=False)
class Field:
    """One key of a mapping: its kind, its default (for the docs) and one sentence about it.

    ``null`` treats an empty value as an absent one; ``later`` refuses the key until its feature is implemented.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    required: bool = False
    null: bool = False
    later: bool = False
    #: An explicit null is a value of its own.
    explicit_null: bool = False


@dataclass(eq=False, repr=False)
class Struct:
    """A mapping with known keys, one sentence about it for the docs.

    Exactly one of the keys ``one_of`` is required; ``without`` ends the message when none is present. ``hints`` are messages
    for keys that are often written here by mistake; ``not_text`` is advice for a text in place of the mapping.
    """

    label: str
    fields: tuple[Field, ...]
    doc: str = ""
    one_of: tuple[str, ...] = ()
    without: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    not_text: str = ""
    #: Other keys than the fields are accepted, with any JSON value.
    extensible: bool = False
    #: Keys that begin with this are not read.
    ignored: str = ""
    takes: frozenset[str] = frozenset({"mapping"})

    @cached_property
    def noun(self) -> str:
        """The kind's name in messages."""
        return "a mapping"

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def key_plans(self) -> dict[tuple[str, ...], Sequence[Field] | None]:
        """For lists of keys that were checked before: their fields, None if the keys are not right."""
        return {}

    def is_ignored(self, key: str) -> bool:
        """Whether a key is not read."""
        return bool(self.ignored) and key.startswith(self.ignored)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of the required fields."""
        return tuple(each.name for each in self.fields if each.required)


@dataclass(eq=False, repr=False)
class AnyOf:
    """The first of several kinds that accepts the value's type."""

    options: tuple[Kind, ...]

    def fitting(self, type_name: str) -> Sequence[Kind]:
        """The options that accept a type of node, in order."""
        options = self._fitting.get(type_name)
        if options is None:
            options = self._fitting[type_name] = [option for option in self.options if type_name in option.takes]
        return options

    @cached_property
    def _fitting(self) -> dict[str, Sequence[Kind]]:
        return {}

    @cached_property
    def noun(self) -> str:
        """The kind's name in messages."""
        nouns = list(dict.fromkeys(option.noun for option in self.options if not isinstance(option, Function)))
        return ", ".join(nouns[:-1]) + " or " + nouns[-1] if len(nouns) > 1 else nouns[0]

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types of node that this kind accepts."""
        return frozenset().union(*(option.takes for option in self.options))


@dataclass(eq=False, repr=False)
class Shape:
    """A kind with a name, which JSON Schema and docs refer to; ``validate`` converts its values to their normal form."""

    name: str
    kinds: Mapping[str, Kind]

    @property
    def kind(self) -> Kind:
        """The kind of this name."""
        return self.kinds[self.name]

    @cached_property
    def noun(self) -> str:
        """The kind's name in messages."""
        return self.kind.noun

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types of node that this kind accepts."""
        return self.kind.takes


Kind = Text | Numeric | Flag | Choice | ListOf | MapOf | AnyValue | Function | Struct | AnyOf | Shape

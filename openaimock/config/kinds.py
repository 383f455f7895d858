"""Kinds: what a value of the configuration may be, declared as data that is checked, documented and made a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .tree import Node

# The classes below have no more than their __init__: comparison and repr of dataclasses take longer to make than all of the
# schema, and every start would wait for them.


def type_of(node: Node) -> str:
    """What a node is, in the user's words: text, number, bool, list, mapping, nothing, function or bytes."""
    kind = type(node.value)
    known = _TYPES.get(kind)
    if known is None:
        known = next((word for base, word in _TYPES.items() if issubclass(kind, base)), "function")
    return known


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
    """A text; ``numbers`` takes a number as it is written, ``secret`` keeps the value out of messages."""

    numbers: bool = False
    empty: bool = True
    secret: bool = False
    noun: str = "text"

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types that can be this at all."""
        return frozenset({"text", "number"} if self.numbers else {"text"})


@dataclass(eq=False, repr=False)
class Numeric:
    """A number from ``low`` to ``high``; ``above`` leaves ``low`` itself out."""

    low: float | None = None
    high: float = 1e12
    above: bool = False
    whole: bool = False
    takes: frozenset[str] = frozenset({"number"})

    @cached_property
    def noun(self) -> str:
        """What to call it."""
        return "a whole number" if self.whole else "a number"

    @property
    def range(self) -> str:
        """Its bounds in words, "" without any."""
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
    """One of a few words; ``later`` are words that are not available yet."""

    values: tuple[str, ...]
    what: str
    later: tuple[str, ...] = ()

    @cached_property
    def noun(self) -> str:
        """What to call it."""
        return f"{self.what} ({', '.join(self.values)})"

    @cached_property
    def takes(self) -> frozenset[str]:
        """Text, and what YAML makes of an unquoted ``off``."""
        return frozenset({"text", "bool"} if "off" in self.values else {"text"})


@dataclass(eq=False, repr=False)
class ListOf:
    """A list of ``least`` to ``most`` items; ``single`` takes one item for a list of one."""

    item: Kind
    least: int = 0
    most: int | None = None
    single: bool = False

    @cached_property
    def noun(self) -> str:
        """What to call it."""
        return f"{self.item.noun} or a list" if self.single else "a list"

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types that can be this at all."""
        return frozenset({"list"}) | (self.item.takes if self.single else frozenset())


@dataclass(eq=False, repr=False)
class MapOf:
    """A mapping of any names to one kind of value; ``what`` is what a name names."""

    value: Kind
    what: str = "a name"
    noun: str = "a mapping"
    takes: frozenset[str] = frozenset({"mapping"})


@dataclass(eq=False, repr=False)
class AnyValue:
    """Any value that JSON can say; ``bytes`` also Python's bytes; ``unread`` is not even looked at."""

    bytes: bool = False
    unread: bool = False
    noun: str = "any value"

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types that can be this at all."""
        return frozenset({"text", "number", "bool", "list", "mapping", "nothing"} | ({"bytes"} if self.bytes else set()))


@dataclass(eq=False, repr=False)
class Function:
    """A Python function; only a configuration made in Python has it."""

    noun: str = "a function"
    takes: frozenset[str] = frozenset({"function"})


@dataclass(eq=False, repr=False)
class Field:
    """One key of a mapping: its kind, its default (for the docs) and one sentence about it.

    ``null`` lets an empty value stand for an absent one; ``later`` refuses the key until its feature is there.
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

    Exactly one of the keys ``one_of`` is there; ``without`` says more when none is. ``hints`` say where a key belongs that is
    often put here by mistake.
    """

    what: str
    fields: tuple[Field, ...]
    doc: str = ""
    one_of: tuple[str, ...] = ()
    without: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    #: Other keys than the fields are accepted, with any JSON value.
    extensible: bool = False
    takes: frozenset[str] = frozenset({"mapping"})

    @cached_property
    def noun(self) -> str:
        """What to call it."""
        return "a mapping"

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by name."""
        return {each.name: each for each in self.fields}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names that must be there."""
        return tuple(each.name for each in self.fields if each.required)


@dataclass(eq=False, repr=False)
class AnyOf:
    """The first of several kinds that takes the value's type."""

    options: tuple[Kind, ...]

    @cached_property
    def noun(self) -> str:
        """What to call it."""
        nouns = list(dict.fromkeys(option.noun for option in self.options if not isinstance(option, Function)))
        return ", ".join(nouns[:-1]) + " or " + nouns[-1] if len(nouns) > 1 else nouns[0]

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types that can be this at all."""
        return frozenset().union(*(option.takes for option in self.options))


@dataclass(eq=False, repr=False)
class Shape:
    """A kind with a name: JSON Schema and docs refer to it, and ``validate`` brings its values into their normal form."""

    name: str
    kinds: Mapping[str, Kind]

    @property
    def kind(self) -> Kind:
        """What the name stands for."""
        return self.kinds[self.name]

    @cached_property
    def noun(self) -> str:
        """What to call it."""
        return self.kind.noun

    @cached_property
    def takes(self) -> frozenset[str]:
        """The types that can be this at all."""
        return self.kind.takes


Kind = Text | Numeric | Flag | Choice | ListOf | MapOf | AnyValue | Function | Struct | AnyOf | Shape

"""Shapes: the words in which a parameter table says what the API takes, and in which the API says that it does not.

A shape is data: checks are made of it, unknown members found and forms read by it (``_checks``). ``called`` overrides what the
API calls a shape where it has a word of its own ("a metadata object").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Any of the classes below.
Shape = Any


@dataclass(frozen=True, slots=True, eq=False)
class Anything:
    """Any JSON value; nothing is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Boolean:
    """``true`` or ``false``."""

    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Integer:
    """A whole number written as one (``1.0`` is none), from ``min`` to ``max``."""

    min: int | None = None
    max: int | None = None
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """What the API calls a decimal, from ``min`` to ``max``."""

    min: float | None = None
    max: float | None = None
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class String:
    """A text of ``min_length`` to ``max_length`` characters that ``pattern``, if any, matches."""

    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class OneOf:
    """One of ``values``, in the order the API names them; ``also`` are taken and not named."""

    values: Sequence[Any]
    also: Sequence[Any] = ()
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """``min`` to ``max`` items of one shape."""

    of: Shape
    min: int = 0
    max: int | None = None
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """Named members. Those not in ``keys`` are passed over; when ``open``, they are not even unknown.

    A member that is null is absent, unless it is ``required``.
    """

    keys: Mapping[str, Shape]
    required: Sequence[str] = ()
    open: bool = False
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """An Object told from others by its member ``by`` (``type``, ``role``), which the variants need not list.

    ``default`` names the variant of a value without that member. A value with an unknown one is held against ``other`` first.
    """

    by: str
    variants: Mapping[str, Object]
    default: str | None = None
    other: Object | None = None
    called: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Up to ``max`` members of any name (of up to ``max_key`` characters), all of one shape."""

    of: Shape
    max: int | None = None
    max_key: int | None = None
    called: str = ""


class Either:
    """One of several shapes that differ in JSON type, or in the type of their items: ``Either(String(), Array(PART))``."""

    def __init__(self, *shapes: Shape, called: str = "") -> None:
        self.shapes = shapes
        self.called = called


@dataclass(frozen=True, slots=True, eq=False)
class Also:
    """A shape, and a rule for what the other shapes cannot say: it gets the value and raises a Flaw."""

    of: Shape
    rule: Callable[[Any], None]


def expected(shape: Shape) -> str:
    """What the API calls this shape: "an integer", "an array of objects", "one of 'a' or 'b'"."""
    if isinstance(shape, Also):
        return expected(shape.of)
    called: str = getattr(shape, "called", "")
    if called:
        return called
    match shape:
        case Boolean():
            return "a boolean"
        case Integer():
            return "an integer"
        case Number():
            return "a decimal"
        case String():
            return "a string"
        case OneOf():
            return "one of " + listed(map(_short, shape.values), "or")
        case Array():
            return "an array of " + _plural(expected(shape.of))
        case Either():
            first, *rest = map(expected, shape.shapes)
            return "one of " + _joined(
                [first, *(name.partition(" ")[2] if name[:2] in ("a ", "an") else name for name in rest)], "or"
            )
        case Anything():
            return "a value"
    return "an object"


def _plural(name: str) -> str:
    return name.partition(" ")[2] + "s" if name.startswith(("a ", "an ")) and " of " not in name else name


def _short(value: Any) -> Any:
    """Names of more than twelve letters: where it names types, the API cuts them to ``'pre...ion'``."""
    return f"{value[:3]}...{value[-3:]}" if isinstance(value, str) and len(value) > 12 else value


def listed(values: Iterable[Any], word: str) -> str:
    """``'a', 'b', and 'c'``, as the API writes lists."""
    return _joined([f"'{value}'" for value in values], word)


def _joined(names: Sequence[str], word: str) -> str:
    if len(names) < 3:
        return f" {word} ".join(names)
    return ", ".join(names[:-1]) + f", {word} {names[-1]}"


_GOT = {
    type(None): "null", bool: "a boolean", int: "an integer", float: "a decimal number", str: "a string", list: "an array",
    dict: "an object",
}  # fmt: skip


def got(value: Any) -> str:
    """What the API calls the type of a JSON value."""
    return _GOT.get(type(value), "a value")


def bare(shape: Shape) -> Shape:
    """The shape without the rules that ``Also`` adds."""
    while isinstance(shape, Also):
        shape = shape.of
    return shape


def classes(shape: Shape) -> frozenset[type]:
    """The Python types of the JSON values that can fit a shape; empty for Anything."""
    match bare(shape):
        case OneOf(values=values, also=more):
            return frozenset(map(type, [*values, *more]))
        case Either(shapes=shapes):
            return frozenset().union(*map(classes, shapes))
        case other:
            return _CLASSES[type(other)]


_CLASSES: dict[type, frozenset[type]] = {
    Anything: frozenset(),
    Boolean: frozenset([bool]),
    Integer: frozenset([int]),
    Number: frozenset([int, float]),
    String: frozenset([str]),
    Array: frozenset([list]),
    Object: frozenset([dict]),
    Union: frozenset([dict]),
    Map: frozenset([dict]),
}

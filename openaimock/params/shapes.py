"""Shapes: descriptions of the values that the API accepts, from which checks and error messages are made.

A shape is data: ``compile`` makes checks of it, ``walk`` finds unknown members and converts forms. ``called`` is the API's
name for a shape where it differs from the usual one ("a metadata object").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Any of the classes below.
Shape = Any


# Nothing changes a shape. The classes are neither frozen nor have slots or a repr, because each of these costs every start.


@dataclass(eq=False, repr=False)
class Anything:
    """Any JSON value, without a check."""


@dataclass(eq=False, repr=False)
class Boolean:
    """``true`` or ``false``."""

    called: str = ""


@dataclass(eq=False, repr=False)
class Integer:
    """A whole number from ``min`` to ``max``, written without a decimal point."""

    min: int | None = None
    max: int | None = None
    called: str = ""


@dataclass(eq=False, repr=False)
class Number:
    """What the API calls a decimal, from ``min`` to ``max``."""

    min: float | None = None
    max: float | None = None
    called: str = ""


@dataclass(eq=False, repr=False)
class String:
    """A text of ``min_length`` to ``max_length`` characters that ``pattern``, if any, matches."""

    min_length: int = 0
    max_length: int | None = None
    pattern: str = ""
    called: str = ""


@dataclass(eq=False, repr=False)
class OneOf:
    """One of ``values``, in the order of the API's messages, which do not list those of ``also``."""

    values: Sequence[Any]
    also: Sequence[Any] = ()
    called: str = ""


@dataclass(eq=False, repr=False)
class Array:
    """``min`` to ``max`` items of one shape.

    ``repeats`` says that clients send the same items again and again: those that passed the check once are not checked again.
    """

    of: Shape
    min: int = 0
    max: int | None = None
    called: str = ""
    repeats: bool = False


@dataclass(eq=False, repr=False)
class Object:
    """Named members. Others are accepted; unless the object is ``open``, they count as unknown.

    A member that is null is absent, unless it is ``required``.
    """

    keys: Mapping[str, Shape]
    required: Sequence[str] = ()
    open: bool = False
    called: str = ""


@dataclass(eq=False, repr=False)
class Union:
    """One of several Objects, selected by the member ``by`` (``type``, ``role``), which the variants need not list.

    ``default`` is the variant of a value without that member. A value with an unknown one is checked against ``other`` first.
    """

    by: str
    variants: Mapping[str, Object]
    default: str | None = None
    other: Object | None = None
    called: str = ""


@dataclass(eq=False, repr=False)
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


@dataclass(eq=False, repr=False)
class Also:
    """A shape with a further rule, which gets the value and raises a ParamError."""

    of: Shape
    rule: Callable[[Any], None]


def expected(shape: Shape) -> str:
    """The API's name for a shape: "an integer", "an array of objects", "one of 'a' or 'b'"."""
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
    """The API shortens names of more than twelve letters to ``'pre...ion'`` in lists of types."""
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
    """The API's name for the type of a JSON value."""
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

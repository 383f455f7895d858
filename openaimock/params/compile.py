"""Compile a shape to a function that checks one value and visits each part of it once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from ..types.parts import PARTS
from .errors import ParamError, invalid, long_name, missing, not_one_of, outside, wrong_length, wrong_type
from .shapes import (
    Also,
    Anything,
    Array,
    Boolean,
    Either,
    Integer,
    Map,
    Number,
    Object,
    OneOf,
    Shape,
    String,
    Union,
    bare,
    classes,
)

#: Checks a value that is present; raises a ParamError when the API would refuse it.
Check = Callable[[Any], None]


def compiled(shape: Shape) -> Check:
    """The check of a shape."""
    return _COMPILERS[type(shape)](shape)


def _anything(shape: Anything) -> Check:
    return lambda value: None


def _boolean(shape: Boolean) -> Check:
    def check(value: Any) -> None:
        if value.__class__ is not bool:
            raise wrong_type(shape, value)

    return check


def _integer(shape: Integer) -> Check:
    low, high = _bounds(shape)

    def check(value: Any) -> None:
        if value.__class__ is not int:
            raise wrong_type(shape, value)
        if not low <= value <= high:
            raise outside("integer", shape, value)

    return check


def _number(shape: Number) -> Check:
    low, high = _bounds(shape)

    def check(value: Any) -> None:
        if value.__class__ is not float and value.__class__ is not int:
            raise wrong_type(shape, value)
        if not low <= value <= high:
            raise outside("decimal", shape, value)

    return check


def _bounds(shape: Integer | Number) -> tuple[float, float]:
    return (-math.inf if shape.min is None else shape.min, math.inf if shape.max is None else shape.max)


def _string(shape: String) -> Check:
    least, most = shape.min_length, math.inf if shape.max_length is None else shape.max_length
    # A $ would let a last newline through.
    matches = re.compile(re.sub(r"\$$", r"\\Z", shape.pattern)).search if shape.pattern else None
    limited = bool(least or most < math.inf or matches)

    def check(value: Any) -> None:
        if value.__class__ is not str:
            raise wrong_type(shape, value)
        if limited:
            if not least <= len(value) <= most:
                raise wrong_length("string", shape.min_length, shape.max_length, len(value))
            if matches is not None and matches(value) is None:
                problem = f"string does not match pattern. Expected a string that matches the pattern '{shape.pattern}'."
                raise invalid(problem, "invalid_value")

    return check


def _one_of(shape: OneOf) -> Check:
    allowed = frozenset([*shape.values, *shape.also])
    classes = frozenset(map(type, allowed))

    def check(value: Any) -> None:
        if value.__class__ not in classes:
            raise wrong_type(shape, value)
        if value not in allowed:
            raise not_one_of(shape.values, value)

    return check


def _array(shape: Array) -> Check:
    inner = compiled(shape.of)
    if shape.repeats:
        inner = _part_check(inner)
    least, most = shape.min, math.inf if shape.max is None else shape.max
    # Vectors and token lists are long. For items without limits only the types matter, which a set in C finds quickly.
    simple = _simple(shape.of)

    def check(value: Any) -> None:
        if value.__class__ is not list:
            raise wrong_type(shape, value)
        if not least <= len(value) <= most:
            raise wrong_length("array", shape.min, shape.max, len(value))
        if simple and set(map(type, value)) <= simple:
            return
        at = -1
        try:
            for at, item in enumerate(value):  # noqa: B007
                inner(item)
        except ParamError as error:
            error.names.append(at)
            raise

    return _part_check(check) if shape.repeats else check


def _part_check(inner: Check) -> Check:
    """The check of an item that comes again: a part passes it once."""
    part_of = PARTS.of

    def check(item: Any) -> None:
        part = part_of(item)
        if part is None:
            inner(item)
        elif inner not in part.facts:
            part.fact(inner, inner)

    return check


def _simple(shape: Shape) -> frozenset[type]:
    """The types of which every value fits the shape; empty for most shapes."""
    match shape:
        case Either(shapes=shapes):
            return frozenset().union(*map(_simple, shapes))
        case (
            String(min_length=0, max_length=None, pattern="")
            | Integer(min=None, max=None)
            | Number(min=None, max=None)
            | Boolean()
        ):
            return classes(shape)
    return frozenset()


def _passing_types(shape: Shape) -> list[type]:
    """The types of which every value passes, text first; values of other types may pass, too."""
    if not isinstance(shape, Either):
        return list(_simple(shape))
    # The first shape that has a type checks its values.
    first = {kind: member for member in reversed(shape.shapes) for kind in classes(member)}
    return sorted((kind for kind, member in first.items() if kind in _simple(member)), key=lambda kind: kind is not str)


def _object(shape: Object, passing: str = "") -> Check:
    """The check of an object; the member ``passing`` is checked already."""
    checks = {name: compiled(member) for name, member in shape.keys.items() if name != passing}
    check_of = checks.get
    # Most members are text without limits: those need no call.
    simple_types = {name: types[0] for name, member in shape.keys.items() if (types := _passing_types(member))}
    if passing:
        simple_types[passing] = str
    simple_of = simple_types.get
    required = tuple(name for name in shape.required if name != passing)

    def check(value: Any) -> None:
        if value.__class__ is not dict:
            raise wrong_type(shape, value)
        for name in required:
            if name not in value:
                raise missing(name)
        key = ""
        try:
            for key, item in value.items():
                if item.__class__ is simple_of(key):
                    continue
                if item is not None or key in required:
                    inner = check_of(key)
                    if inner is not None:
                        inner(item)
        except ParamError as error:
            error.names.append(key)
            raise

    return check


def _union(shape: Union) -> Check:
    by = shape.by
    variants = {tag: _object(variant, by) for tag, variant in shape.variants.items()}
    default = variants[shape.default] if shape.default is not None else None
    other = _object(shape.other, by) if shape.other is not None else None
    tags = compiled(OneOf(tuple(variants)))

    def odd(value: Any) -> None:
        if value.__class__ is not dict:
            raise wrong_type(shape, value)
        if default is not None and value.get(by) is None:
            return default(value)
        if by not in value:
            raise missing(by)
        if other is not None:
            other(value)
        try:
            tags(value[by])
        except ParamError as error:
            error.names.append(by)
            raise

    def check(value: Any) -> None:
        try:
            variant = variants[value[by]]
        except (KeyError, TypeError, IndexError):
            variant = odd
        variant(value)

    return check


def _map(shape: Map) -> Check:
    inner = compiled(shape.of)
    most, longest = shape.max or math.inf, shape.max_key or math.inf

    def check(value: Any) -> None:
        if value.__class__ is not dict:
            raise wrong_type(shape, value)
        if len(value) > most:
            problem = f"with at most {shape.max} properties, but got an object with {len(value)} properties instead."
            raise invalid(f"too many properties. Expected an object {problem}", "object_above_max_properties")
        key = ""
        for key, item in value.items():
            if len(key) > longest:
                raise long_name(key, shape.max_key)
            try:
                inner(item)
            except ParamError as error:
                error.names.append(key)
                raise

    return check


def _either(shape: Either) -> Check:
    checks: dict[type, Check] = {}
    lists: list[tuple[frozenset[type], Check]] = []
    for member in shape.shapes:
        check = compiled(member)
        if isinstance(bare(member), Array):
            lists.append((classes(bare(member).of), check))
        for kind in classes(member):
            checks.setdefault(kind, check)

    def by_item(value: Any) -> None:
        first = value[0].__class__ if value else None
        next((check for kinds, check in lists if first in kinds), lists[0][1])(value)

    if len(lists) > 1:
        checks[list] = by_item
    check_of = checks.get

    def check_either(value: Any) -> None:
        inner = check_of(value.__class__)
        if inner is None:
            raise wrong_type(shape, value)
        inner(value)

    return check_either


def _also(shape: Also) -> Check:
    first, rule = compiled(shape.of), shape.rule

    def check(value: Any) -> None:
        first(value)
        rule(value)

    return check


_COMPILERS: dict[type, Callable[[Any], Check]] = {
    Also: _also, Anything: _anything, Array: _array, Boolean: _boolean, Either: _either, Integer: _integer, Map: _map,
    Number: _number, Object: _object, OneOf: _one_of, String: _string, Union: _union,
}  # fmt: skip

"""Walk through a value by its shape: find unknown members, and convert a form's texts to JSON values."""

from __future__ import annotations

import math
import re
from typing import Any

from ..errors import APIError
from ..http.json import parse
from .errors import Name, path
from .shapes import Also, Anything, Array, Boolean, Either, Integer, Map, Number, Object, Shape, Union, bare, classes


def unknown_names(shape: Shape, value: Any) -> list[str]:
    """The paths of the members that the shape does not list, in the value's order."""
    paths: list[str] = []
    _collect(shape, value, [], paths)
    return paths


def _collect(shape: Shape, value: Any, at: list[Name], paths: list[str]) -> None:
    match shape, value:
        case Also(of=of), _:
            _collect(of, value, at, paths)
        case Either(), _:
            _collect(chosen(shape, value), value, at, paths)
        case Array(of=of), list():
            for place, item in enumerate(value):
                _collect(of, item, [*at, place], paths)
        case Map(of=of), dict():
            for name, item in value.items():
                _collect(of, item, [*at, name], paths)
        case ((Object() | Union()), dict()):
            keys, open = members(shape, value)
            for name, item in value.items():
                if name in keys:
                    _collect(keys[name], item, [*at, name], paths)
                elif not open:
                    paths.append(path([*at, name]))


def members(shape: Object | Union, value: dict[str, Any]) -> tuple[dict[str, Shape], bool]:
    """The members that a value of this shape may have, and whether it may have others."""
    if isinstance(shape, Object):
        return dict(shape.keys), shape.open
    tag = value.get(shape.by, shape.default)
    variant = shape.variants.get(tag) if isinstance(tag, str) else None
    # Any member may be right in an object of an unknown kind.
    return ({shape.by: Anything(), **variant.keys}, variant.open) if variant else ({}, True)


def chosen(shape: Either, value: Any) -> Shape:
    """The one of several shapes that fits the value's type; Anything when none does."""
    fitting = [member for member in shape.shapes if type(value) in classes(member)]
    if len(fitting) > 1 and isinstance(value, list) and value:
        for member in fitting:
            if type(value[0]) in classes(bare(member).of):
                return member
    return fitting[0] if fitting else Anything()


_NUMBER = r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?"
_WORDS = {"true": True, "false": False, "True": True, "False": False}


def coerced(shape: Shape, value: Any) -> Any:
    """A form's value as the JSON value that it represents.

    A text becomes a number or a boolean where the shape is one, is parsed as JSON for an object, and becomes a list of one for
    a list.
    """
    match shape, value:
        case Also(of=of), _:
            return coerced(of, value)
        case Either(), str() if str not in classes(shape):
            tries = (coerced(member, value) for member in shape.shapes)
            return next((parsed for parsed in tries if parsed is not value), value)
        case Either(), _:
            return coerced(chosen(shape, value), value)
        case Boolean(), str():
            return _WORDS.get(value, value)
        case ((Integer() | Number()), str()) if re.fullmatch(_NUMBER, value, re.ASCII):
            return _number(shape, value)
        case Array(of=of), list():
            return [coerced(of, item) for item in value]
        case Array(of=of), str():
            return [coerced(of, value)]
        case ((Object() | Union() | Map()), str()):
            parsed = _json(value)
            return parsed if isinstance(parsed, dict) else value
        case Map(of=of), dict():
            return {name: coerced(of, item) for name, item in value.items()}
        case ((Object() | Union()), dict()):
            keys, _ = members(shape, value)
            return {name: coerced(keys.get(name, Anything()), item) for name, item in value.items()}
    return value


def _number(shape: Integer | Number, text: str) -> Any:
    if not {".", "e", "E"} & set(text):
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else text


def _json(text: str) -> Any:
    try:
        return parse(text.encode("utf-8", "surrogatepass"))
    except APIError:
        return None

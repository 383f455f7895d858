"""The audio endpoints' own words for wrong parameters: a list of all problems, in the form of the library that checks them.

``[{'type': 'enum', 'loc': ('body', 'response_format'), 'msg': "Input should be 'json' or 'text'", 'ctx': {...}}]``, as recorded.
Neither a param nor a code belongs to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import APIError
from ..http.catalog import printable
from .shapes import Array, Boolean, Either, Integer, Number, Object, OneOf, Shape, String, bare

Problem = dict[str, Any]
#: A path in the request.
Path = tuple[str | int, ...]


def check(shape: Object, body: Mapping[str, Any]) -> None:
    """APIError 400 with every problem of a body."""
    problems = list(_of_object(shape, body, ("body",)))
    if problems:
        raise refusal(problems)


def refusal(problems: Sequence[Problem]) -> APIError:
    """The API's error for these problems."""
    return APIError(400, printable(str(problems), 2000))


def not_one_of(values: Sequence[str], path: Path) -> Problem:
    """The problem of a value that is not among those allowed."""
    *first, last = [repr(value) for value in values]
    expected = f"{', '.join(first)} or {last}" if first else last
    return _problem("enum", path, f"Input should be {expected}", {"expected": expected})


def _problem(kind: str, path: Path, message: str, context: Mapping[str, Any] | None = None) -> Problem:
    return {"type": kind, "loc": path, "msg": message, **({"ctx": context} if context else {})}


def _of_object(shape: Object, value: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for name in shape.required:
        if value.get(name) is None:
            yield _problem("missing", (*path, name), "Field required")
    for name, member in shape.keys.items():
        if value.get(name) is not None:
            yield from _problems(bare(member), value[name], (*path, name))


def _problems(shape: Shape, value: Any, path: Path) -> Iterator[Problem]:
    match shape:
        case OneOf():
            if value not in (*shape.values, *shape.also):
                yield not_one_of(shape.values, path)
        case String():
            yield from _of_text(shape, value, path)
        case Integer() | Number():
            yield from _of_number(shape, value, path)
        case Boolean():
            if not isinstance(value, bool):
                yield _problem("bool_parsing", path, "Input should be a valid boolean, unable to interpret input")
        case Array():
            yield from _of_list(shape, value, path)
        case Object():
            if not isinstance(value, dict):
                yield _problem(
                    "model_attributes_type", path, "Input should be a valid dictionary or object to extract fields from"
                )
            else:
                yield from _of_object(shape, value, path)
        case Either():
            tries = [list(_problems(bare(member), value, path)) for member in shape.shapes]
            if all(tries):
                yield from tries[-1] if isinstance(value, dict) else tries[0]


def _of_text(shape: String, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _problem("string_type", path, "Input should be a valid string")
    elif shape.max_length is not None and len(value) > shape.max_length:
        message = f"String should have at most {shape.max_length} characters"
        yield _problem("string_too_long", path, message, {"max_length": shape.max_length})
    elif len(value) < shape.min_length:
        message = f"String should have at least {shape.min_length} character{'s' if shape.min_length > 1 else ''}"
        yield _problem("string_too_short", path, message, {"min_length": shape.min_length})


def _of_number(shape: Integer | Number, value: Any, path: Path) -> Iterator[Problem]:
    name, kinds = ("int", int) if isinstance(shape, Integer) else ("float", (int, float))
    if isinstance(value, bool) or not isinstance(value, kinds):
        noun = "integer" if name == "int" else "number"
        if isinstance(value, str):
            message = f"Input should be a valid {noun}, unable to parse string as {'an' if name == 'int' else 'a'} {noun}"
            yield _problem(f"{name}_parsing", path, message)
        else:
            yield _problem(f"{name}_type", path, f"Input should be a valid {noun}")
    elif shape.min is not None and value < shape.min:
        message = f"Input should be greater than or equal to {shape.min:g}"
        yield _problem("greater_than_equal", path, message, {"ge": float(shape.min)})
    elif shape.max is not None and value > shape.max:
        yield _problem("less_than_equal", path, f"Input should be less than or equal to {shape.max:g}", {"le": float(shape.max)})


def _of_list(shape: Array, value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _problem("list_type", path, "Input should be a valid list")
        return
    if shape.max is not None and len(value) > shape.max:
        message = f"List should have at most {shape.max} items after validation, not {len(value)}"
        context = {"field_type": "List", "max_length": shape.max, "actual_length": len(value)}
        yield _problem("too_long", path, message, context)
        return
    for at, item in enumerate(value):
        yield from _problems(bare(shape.of), item, (*path, at))

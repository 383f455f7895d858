"""Parameter tables: what the API accepts in a request, and the API's error for what it refuses.

A table is data, made of shapes, in the order in which the API reports problems::

    MODERATIONS = table(
        {
            "input": Either(String(), Array(String()), Array(Union("type", {"text": TEXT, "image_url": IMAGE}))),
            "model": String(),
        },
        required=["input"],
    )

    MODERATIONS.check(body)           # None, or APIError 400 with the API's message, param and code
    unknown(body, MODERATIONS)        # ["inputt"]: what the table does not list
    MODERATIONS.coerce(fields)        # a form's texts as JSON values: {"n": "2"} -> {"n": 2}

Null is absent unless the member is required. Unknown members pass; lint reports them. What only some models refuse is not part
of a table. A check costs a call for each listed member that the body has. ``Also(shape, rule)`` and the table's ``rules`` check
what shapes cannot express; they raise a ParamError (``plain`` makes one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..errors import APIError
from .compile import Check, compiled
from .errors import ParamError, missing, plain
from .shapes import Also, Anything, Array, Boolean, Either, Integer, Map, Number, Object, OneOf, Shape, String, Union, got
from .walk import coerced, unknown_names

__all__ = [
    "Also",
    "Anything",
    "Array",
    "Boolean",
    "Either",
    "Integer",
    "Map",
    "Number",
    "Object",
    "OneOf",
    "ParamError",
    "String",
    "Table",
    "Union",
    "adapted",
    "compiled",
    "plain",
    "table",
    "unknown",
]  # fmt: skip


class Table:
    """The parameters of one operation. Make one with ``table``."""

    def __init__(self, shape: Object, absent: Mapping[str, Callable[[], ParamError]], rules: Sequence[Check]) -> None:
        self.shape = shape
        self._absent = absent
        self._rules = tuple(rules)
        self._absent_names = tuple(absent)

    # Compiled on first use: most mocks serve only a few operations, and so start faster.

    @cached_property
    def _quick(self) -> Check:
        return compiled(self.shape)

    @cached_property
    def _checks(self) -> dict[str, Check]:
        return {name: compiled(member) for name, member in self.shape.keys.items()}

    def check(self, body: Any) -> None:
        """Raise the APIError 400 that the API would send for this body, if any."""
        if body.__class__ is not dict:
            raise APIError(
                400, f"Invalid type for request body: expected an object, but got {got(body)} instead.", code="invalid_type"
            )
        try:
            for name in self._absent_names:
                if body.get(name) is None:
                    raise self._absent[name]()
            self._quick(body)
            for rule in self._rules:
                rule(body)
        except ParamError as error:
            raise self._first(body, error).error() from None

    def _first(self, body: Mapping[str, Any], error: ParamError) -> ParamError:
        """The problem that the API reports first: a missing member, then the first in the table's order."""
        for name in self.shape.required:
            if name in self._absent and body.get(name) is None:
                return self._absent[name]()
            if name not in body:
                return missing(name)
        for name, check in self._checks.items():
            value = body.get(name)
            if value is not None or (name in body and name in self.shape.required):
                try:
                    check(value)
                except ParamError as problem:
                    problem.names.append(name)
                    return problem
        return error

    def coerce(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A form's fields with each text converted to the JSON value it represents; others stay as they are, for ``check``."""
        value: dict[str, Any] = coerced(self.shape, dict(fields))
        return value


def table(
    keys: Mapping[str, Shape],
    required: Sequence[str] = (),
    *,
    absent: Mapping[str, Callable[[], ParamError]] | None = None,
    rules: Sequence[Check] = (),
) -> Table:
    """A table of parameters.

    ``absent`` has the errors of required parameters with a message of their own, also for null;
    ``rules`` check the whole body last.
    """
    return Table(Object(keys, required), absent or {}, rules)


def adapted(
    shape: Object,
    changes: Mapping[str, Shape] | None = None,
    *,
    required: Sequence[str] | None = None,
    absent: Mapping[str, Callable[[], ParamError]] | None = None,
    rules: Sequence[Check] = (),
) -> Table:
    """The table of a generated shape; ``changes`` replaces and adds members, by their paths (``svg.model``)."""
    for path, member in (changes or {}).items():
        shape = _with_member(shape, path.split("."), member)
    return table(shape.keys, shape.required if required is None else required, absent=absent, rules=rules)


def _with_member(shape: Object, names: Sequence[str], member: Shape) -> Object:
    first, *rest = names
    inner = _with_member(shape.keys[first], rest, member) if rest else member
    return replace(shape, keys={**shape.keys, first: inner})


def unknown(body: Mapping[str, Any], table: Table) -> list[str]:
    """The paths of all members that the table does not list, top level and below, in the order of the body."""
    return unknown_names(table.shape, body)

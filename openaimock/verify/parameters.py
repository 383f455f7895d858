"""Parameters: conditions on what a request to the endpoint cannot have, by the tables of the API's parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from ..api import FILES, Operation, operations_of
from ..config.entries import Entries, flow_keys
from ..http.json import dump
from ..params.compile import compiled
from ..params.errors import ParamError
from ..params.shapes import Also, Anything, Array, Either, Map, Object, OneOf, Shape, Union
from .conditions import Condition, conditions
from .finding import Finding, at, similar

#: What is written elsewhere in the API, or was written once: the newer forms, of which the endpoint has one.
NEWER: Mapping[str, Sequence[str]] = {
    "functions": ("tools",),
    "function_call": ("tool_choice",),
    "messages": ("input",),
    "input": ("messages",),
    "prompt": ("input", "messages"),
    "engine": ("model",),
    "max_tokens": ("max_completion_tokens", "max_output_tokens"),
    "max_completion_tokens": ("max_output_tokens",),
    "max_output_tokens": ("max_completion_tokens",),
    "response_format": ("text.format",),
    "text": ("response_format",),
    "reasoning": ("reasoning_effort",),
    "reasoning_effort": ("reasoning.effort",),
    "verbosity": ("text.verbosity",),
    "instructions": ("messages",),
    "user": ("safety_identifier",),
}
#: The parameters that the API still accepts, but calls deprecated.
DEPRECATED = frozenset(["functions", "function_call", "max_tokens", "user"])
#: The conditions that only endpoints with a conversation can fulfil.
_CONVERSATION = frozenset([
    "system", "assistant", "tool", "tools", "tool_choice", "response_format", "turn", "step", "has_tool_result", "tool_call_id",
])  # fmt: skip
_WITH_CONVERSATION = frozenset(
    ["chat.completions.create", "responses.create", "responses.compact", "responses.input_tokens.count"]
)


class Miss(NamedTuple):
    """A path that a shape does not have: the name that is missing, what it is in, and the names that are there."""

    name: str
    within: str
    names: tuple[str, ...]

    @property
    def depth(self) -> int:
        """How many keys of the path are there."""
        return self.within.count(".") + 1 if self.within else 0


def findings(entries: Entries, now: float) -> Iterator[Finding]:
    """The conditions on parameters and fields that the endpoints of the rule do not have."""
    for entry in entries.rules:
        for condition in conditions(entry):
            if condition.key == "body":
                for path, matcher in condition.value.items():
                    message, works = _of_path(path, matcher, condition)
                    if message:
                        yield at(entry, message, *condition.keys, path, works=works)
            elif message := _of_key(condition):
                yield at(entry, message, *condition.keys)
        for place, message in enumerate(entry.rule["messages"] or ()):
            if message["role"] == "function":
                text = "the role 'function' is the API's old form; write 'tool'"
                yield at(entry, text, *flow_keys(entry), place, "role", works=True)


def _of_key(condition: Condition) -> str:
    """What is wrong with a condition other than ``body``: its endpoints have nothing that it could test."""
    if not condition.is_named:
        return ""
    names = " and ".join(sorted(condition.operations))
    if condition.key in _CONVERSATION and not condition.operations & _WITH_CONVERSATION:
        return f"a request to {names} has no '{condition.key}'"
    tables = _tables(condition.operations)
    if condition.key == "stream" and condition.value and not any("stream" in table.keys for table in tables.values()):
        return f"{names} has no parameter 'stream'"
    return ""


@cache
def _operations() -> Mapping[str, Operation]:
    return {operation.id: operation for segment in FILES for operation in operations_of(segment)}


def _tables(ids: frozenset[str]) -> dict[str, Object]:
    """The parameters of operations, by the operation; without those that have none."""
    tables = {id: _operations()[id].params for id in sorted(ids) if id in _operations()}
    return {id: table.shape for id, table in tables.items() if table is not None}


def _of_path(path: str, matcher: Mapping[str, Any], condition: Condition) -> tuple[str, bool]:
    """What is wrong with a path into the body, and whether the API still accepts it."""
    tables = _tables(condition.operations)
    if not tables:
        return "", True
    keys = path.split(".")
    ends = {id: _end(shape, keys) for id, shape in tables.items()}
    fitting = {id: end for id, end in ends.items() if not isinstance(end, Miss)}
    names = " and ".join(tables) if condition.is_named else "no endpoint"
    if not fitting:
        misses = [end for end in ends.values() if isinstance(end, Miss)]
        # The endpoints that have the most of the path are those that the rule is about.
        miss = max(misses, key=lambda miss: miss.depth)
        siblings = tuple(dict.fromkeys(name for other in misses if other.depth == miss.depth for name in other.names))
        noun = f"field '{miss.name}' in '{miss.within}'" if miss.within else f"parameter '{miss.name}'"
        verb = "has no" if condition.is_named else "has a"
        return f"{names} {verb} {noun}{_newer(miss.name, siblings) or similar(miss.name, siblings)}", False
    if keys[0] in DEPRECATED and (newer := _newer(keys[0], tuple(name for id in fitting for name in tables[id].keys))):
        return f"the parameter '{keys[0]}' is deprecated{newer}", True
    return _of_value(path, matcher, fitting), False


def _newer(name: str, names: Sequence[str]) -> str:
    """The newer form of a name, of which the first part is among the names."""
    newer = next((form for form in NEWER.get(name, ()) if form.partition(".")[0] in names), "")
    return f"; write '{newer}'" if newer else ""


def _of_value(path: str, matcher: Mapping[str, Any], ends: Mapping[str, tuple[Shape, ...] | Miss]) -> str:
    """What is wrong with a value that must be equal: no endpoint accepts it there."""
    if matcher.get("invert") or matcher["kind"] not in ("equals", "exact"):
        return ""
    value = matcher["value"]
    problem = ""
    for shapes in ends.values():
        for shape in shapes:
            problem = _problem(shape, value, is_text=matcher["kind"] == "exact")
            if not problem:
                return ""
    return f"'{path}' cannot be {dump(value)}: {problem}" if problem else ""


def _problem(shape: Shape, value: Any, is_text: bool) -> str:
    """Why the API refuses a value; "" when it does not. A text also stands for the value that has it as its JSON."""
    problem = ""
    for candidate in (value, *_as_json(value)) if is_text else (value,):
        try:
            compiled(shape)(candidate)
            return ""
        except ParamError as error:
            reason, _, values = error.message("the value").partition("Supported values are: ")
            problem = problem or (f"expected one of {values}" if values else reason.split(": ")[-1])
    return problem


def _as_json(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        return []


# The way through a shape


def _end(shape: Shape, keys: Sequence[str]) -> tuple[Shape, ...] | Miss:
    """The shapes at the end of a path, () when anything may be there."""
    shapes: tuple[Shape, ...] = (shape,)
    for depth, key in enumerate(keys):
        steps = [_step(each, key) for shape in shapes for each in _bare(shape)]
        if not steps or None in steps:
            return ()
        following = tuple(each for step in steps if step for each in step)
        if not following:
            names = {name for shape in shapes for each in _bare(shape) for name in _names(each)}
            return Miss(key, ".".join(keys[:depth]), tuple(sorted(names)))
        shapes = following
    return shapes


def _bare(shape: Shape) -> list[Shape]:
    """The shapes that a shape consists of, without further rules."""
    if isinstance(shape, Also):
        return _bare(shape.of)
    if isinstance(shape, Either):
        return [each for inner in shape.shapes for each in _bare(inner)]
    return [shape]


def _step(shape: Shape, key: str) -> list[Shape] | None:
    """The shapes of a member, [] when there is none, None when anything may be there."""
    if isinstance(shape, Array):
        return [shape.of] if key.lstrip("-").isdigit() else []
    if isinstance(shape, Map):
        return [shape.of]
    if isinstance(shape, Object):
        return [shape.keys[key]] if key in shape.keys else None if shape.open else []
    if isinstance(shape, Union):
        if key == shape.by:
            return [OneOf(tuple(shape.variants))]
        variants = [*shape.variants.values(), *([shape.other] if shape.other else [])]
        steps = [variant.keys[key] for variant in variants if key in variant.keys]
        return steps or (None if any(variant.open for variant in variants) else [])
    return None if isinstance(shape, Anything) else []


def _names(shape: Shape) -> list[str]:
    if isinstance(shape, Object):
        return list(shape.keys)
    if isinstance(shape, Union):
        return [shape.by, *(name for variant in shape.variants.values() for name in variant.keys)]
    return []

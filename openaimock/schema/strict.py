"""Find what the API refuses in the schema of a structured output or of a function, with the API's messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .validate import resolve
from .values import FORMATS, NOUNS, is_regex

#: Limits of a strict schema, from the guide to structured outputs ("Supported schemas").
LEVELS = 10
PROPERTIES = 5000
ENUM_VALUES = 1000
#: An enum of texts with more values than this also has a limit of characters.
LONG_ENUM = 250
LONG_ENUM_CHARACTERS = 15_000

#: Keywords that strict mode refuses. ``default``, ``minLength`` and other keywords without effect are accepted.
REFUSED = {
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"),
    *("patternProperties", "propertyNames", "unevaluatedProperties", "minProperties", "maxProperties"),
    *("additionalItems", "unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems"),
}
#: The formats that strict mode accepts.
KEPT_FORMATS = FORMATS.keys() - {"uri"}

_REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."
_FEWER = "Consider reducing the number of enums, or opt out of structured outputs by setting 'strict: false'."
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_ONES = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
#: Keywords whose values are checked.
_CHECKED = frozenset(["type", "enum", "required", "pattern", "format", "$ref", *_MAPS, *_LISTS, *_ONES])

Context = tuple[str, ...]


class Refusal(NamedTuple):
    """The reason why the API refuses a schema. ``context`` is the place, None for a refusal without one.

    ``str()`` is the API's message: with the name ``function 'get_weather'`` it begins with ``Invalid schema for function
    'get_weather': ``, without a name that prefix is absent.
    """

    context: Context | None
    reason: str
    name: str = ""

    def __str__(self) -> str:
        where = "" if self.context is None else f"In context={self.context}, "
        return (f"Invalid schema for {self.name}: " if self.name else "") + where + self.reason


def strict_problem(schema: Any, *, name: str = "") -> Refusal | None:
    """The first refusal by strict mode of a schema (of a response format or of a strict function), None when it is accepted.

    ``name`` is the schema's owner in the API's words: ``response_format 'person'``, ``function 'get_weather'``.
    """
    try:
        refusal = next(_strict_refusals(schema), None)
    except RecursionError:
        refusal = Refusal(None, f"{_levels(schema)} levels of nesting exceeds limit of {LEVELS}.")
    return refusal and refusal._replace(name=name)


def loose_problem(schema: Any, *, name: str = "") -> Refusal | None:
    """The first refusal by the API of a function's parameters, for strict and other functions."""
    try:
        if _is_simple_object(schema):
            return None
        refusal = next(_loose_refusals(schema), None)
    except RecursionError:
        return None
    return refusal and refusal._replace(name=name)


def _strict_refusals(schema: Any) -> Iterator[Refusal]:
    yield from _malformed(schema)
    yield from _root(schema)
    yield from _node(schema, (), schema)
    for bag in ("$defs", "definitions"):
        for key, inner in schema.get(bag, {}).items():
            yield from _node(inner, (bag, key), schema)
    yield from _sizes(schema)


def _is_simple_object(schema: Any) -> bool:
    """Whether a schema is an object with properties of frequent keywords only, as most are: no function is refused for it."""
    if schema.__class__ is not dict or schema.get("type") != "object" or "properties" not in schema or "enum" in schema:
        return False
    return _is_simple(schema)


def _is_simple(schema: dict[str, Any]) -> bool:
    for keyword, want in schema.items():
        if keyword == "type":
            if want.__class__ is not str or want not in NOUNS or (want == "array" and "items" not in schema):
                return False
        elif keyword == "properties":
            if want.__class__ is not dict:
                return False
            for inner in want.values():
                if inner.__class__ is not dict or not _is_simple(inner):
                    return False
        elif keyword == "items":
            if want.__class__ is not dict or not _is_simple(want):
                return False
        elif keyword == "enum" or keyword == "required":
            if want.__class__ is not list:
                return False
        elif keyword == "additionalProperties":
            if want.__class__ is not bool:
                return False
        elif keyword in _CHECKED:
            return False
    return True


def _loose_refusals(schema: Any) -> Iterator[Refusal]:
    yield from _malformed(schema)
    yield from _root(schema)
    for keyword in ("oneOf", "allOf"):
        if keyword in schema:
            yield from _combined_root()
    if "properties" not in schema:
        yield Refusal((), "object schema missing properties.")
    for context, node in _nodes(schema, ()):
        names = node.get("type")
        for at, name in enumerate(names if isinstance(names, list) else [names]):
            if name == "array" and "items" not in node:
                yield Refusal((*context, "type", str(at)) if isinstance(names, list) else context, "array schema missing items.")


def _malformed(schema: Any) -> Iterator[Refusal]:
    """Refusals of values that are not JSON Schemas: the API first runs a schema validator and sends its messages."""
    if not isinstance(schema, dict):
        yield Refusal(None, f"{schema!r} is not of type 'object', 'boolean'.")
        return
    for keyword, want in schema.items():
        if keyword == "type":
            names = want if isinstance(want, list) and want else [want]
            if not all(isinstance(one, str) and one in NOUNS for one in names):
                yield Refusal(None, f"{want!r} is not valid under any of the given schemas.")
        elif keyword == "pattern" and isinstance(want, str) and not is_regex(want):
            yield Refusal(None, f"{want!r} is not a 'regex'.")
        elif keyword in ("pattern", "format", "$ref") and not isinstance(want, str):
            yield Refusal(None, f"{want!r} is not of type 'string'.")
        elif keyword in ("enum", "required", *_LISTS) and not isinstance(want, list):
            yield Refusal(None, f"{want!r} is not of type 'array'.")
        elif keyword in _MAPS and not isinstance(want, dict):
            yield Refusal(None, f"{want!r} is not of type 'object'.")
        elif keyword in (*_MAPS, *_LISTS, *_ONES):
            inner = want.values() if keyword in _MAPS else want if keyword in _LISTS else [want]
            for one in inner:
                if not isinstance(one, bool):
                    yield from _malformed(one)


def _root(schema: dict[str, Any]) -> Iterator[Refusal]:
    if schema.get("type") != "object":
        # The API prints Python's None for a missing type.
        yield Refusal(None, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'.")
    if any(keyword in schema for keyword in ("anyOf", "enum", "not")):
        yield from _combined_root()


def _combined_root() -> Iterator[Refusal]:
    yield Refusal(None, "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.")


def _node(schema: Any, context: Context, root: dict[str, Any]) -> Iterator[Refusal]:
    """Refusals by strict mode of one schema and of the schemas inside it."""
    if not isinstance(schema, dict):
        yield Refusal(context, "schema must have a 'type' key.")
        return
    for keyword in schema:
        if keyword == "not":
            yield Refusal(context, "Unsupported keywords ('not',).")
        elif keyword in REFUSED:
            yield Refusal(context, f"'{keyword}' is not permitted.")
    if "$ref" in schema:
        yield from _reference(schema, context, root)
    elif "anyOf" in schema:
        for at, branch in enumerate(schema["anyOf"]):
            yield from _node(branch, (*context, "anyOf", str(at)), root)
    elif "type" not in schema:
        yield Refusal(context, "schema must have a 'type' key.")
    elif isinstance(schema["type"], list):
        for at, name in enumerate(schema["type"]):
            yield from _typed(name, schema, (*context, "type", str(at)), root)
    else:
        yield from _typed(schema["type"], schema, context, root)


def _typed(name: str, schema: dict[str, Any], context: Context, root: dict[str, Any]) -> Iterator[Refusal]:
    if name == "object":
        yield from _object(schema, context, root)
    elif name == "array" and "items" not in schema:
        yield Refusal(context, "array schema missing items.")
    elif name == "array" and "prefixItems" in schema:
        yield Refusal(context, "'prefixItems' is not permitted.")
    elif name == "array":
        yield from _node(schema["items"], (*context, "items"), root)
    elif name == "string" and schema.get("format", "date") not in KEPT_FORMATS:
        yield Refusal(context, f"'{schema['format']}' is not a valid format.")


def _object(schema: dict[str, Any], context: Context, root: dict[str, Any]) -> Iterator[Refusal]:
    additional, properties = schema.get("additionalProperties"), schema.get("properties")
    if additional is not False and not (isinstance(additional, dict) and properties is None):
        yield Refusal(context, "'additionalProperties' is required to be supplied and to be false.")
    if isinstance(additional, dict):
        yield from _node(additional, (*context, "additionalProperties"), root)
    if properties is None:
        if not context:
            yield Refusal((), "object schema missing properties.")
        return
    for key, inner in properties.items():
        yield from _node(inner, (*context, "properties", key), root)
    required = [key for key in schema.get("required", ()) if isinstance(key, str)]
    listed = set(required)
    for key in properties:
        if key not in listed:
            yield Refusal(context, f"{_REQUIRED} Missing '{key}'.")
    # The API ignores a property that is an object without properties; it then refuses the name in "required".
    counted = {key for key, inner in properties.items() if inner.get("type") != "object" or "properties" in inner}
    for key in required:
        if key not in counted:
            yield Refusal(context, f"{_REQUIRED} Extra required key '{key}' supplied.")


def _reference(schema: dict[str, Any], context: Context, root: dict[str, Any]) -> Iterator[Refusal]:
    ref = schema["$ref"]
    if siblings := ", ".join(repr(keyword) for keyword in schema if keyword != "$ref"):
        yield Refusal(context, f"$ref cannot have keywords {{{siblings}}}.")
    try:
        resolve(root, ref)
    except LookupError:
        yield Refusal(context, f"reference to component '{ref}' which was not found in the schema.")
    if ref != "#" and not (ref.startswith(("#/$defs/", "#/definitions/")) and ref.count("/") == 2):
        yield Refusal(context, "reference can only point to definitions defined at the top level of the schema.")


def _sizes(schema: dict[str, Any]) -> Iterator[Refusal]:
    if (levels := _levels(schema)) > LEVELS:
        yield Refusal(None, f"{levels} levels of nesting exceeds limit of {LEVELS}.")
    nodes = [node for _, node in _nodes(schema, ())]
    if (count := sum(len(node.get("properties", ())) for node in nodes)) > PROPERTIES:
        yield Refusal(None, f"{count} parameters exceeds limit of {PROPERTIES}.")
    enums = [node["enum"] for node in nodes if "enum" in node]
    if (count := sum(map(len, enums))) > ENUM_VALUES:
        yield Refusal(
            None,
            f"Expected at most {ENUM_VALUES} enum values in total within a single schema when using structured outputs, "
            f"but received {count}. {_FEWER}",
        )
    sizes = (sum(len(item) for item in enum if isinstance(item, str)) for enum in enums if len(enum) > LONG_ENUM)
    if (count := max(sizes, default=0)) > LONG_ENUM_CHARACTERS:
        yield Refusal(
            None,
            f"Expected at most {LONG_ENUM_CHARACTERS} total characters across enum values when there are more than {LONG_ENUM} "
            f"enum values, but received {count}. {_FEWER}",
        )


def _levels(schema: Any) -> int:
    """The nesting depth of objects and arrays; references are not followed, and a definition starts at level 1."""
    deepest, todo = 0, [(schema, 1)]
    while todo:
        node, level = todo.pop()
        if not isinstance(node, dict):
            continue
        if node.get("type") in ("object", "array") or "properties" in node or "items" in node:
            deepest = max(deepest, level)
        todo += [(inner, level + 1) for inner in node.get("properties", {}).values()]
        todo += [(node[key], level + 1) for key in ("items", "additionalProperties") if key in node]
        todo += [(inner, level) for inner in node.get("anyOf", ())]
        todo += [(inner, 1) for bag in ("$defs", "definitions") for inner in node.get(bag, {}).values()]
    return deepest


def _nodes(schema: Any, context: Context) -> Iterator[tuple[Context, dict[str, Any]]]:
    """Every schema inside a schema, itself first, with its context."""
    if not isinstance(schema, dict):
        return
    yield context, schema
    for keyword, want in schema.items():
        if keyword in _MAPS:
            for key, inner in want.items():
                yield from _nodes(inner, (*context, keyword, key))
        elif keyword in _LISTS:
            for at, inner in enumerate(want):
                yield from _nodes(inner, (*context, keyword, str(at)))
        elif keyword in _ONES:
            yield from _nodes(want, (*context, keyword))

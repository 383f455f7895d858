"""The schema: the declared keys as a JSON Schema for editors, and as tables for the docs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from .keys import ANSWER, SHAPES
from .kinds import (
    AnyOf,
    AnyValue,
    Choice,
    Field,
    Flag,
    Function,
    Kind,
    ListOf,
    MapOf,
    Numeric,
    Shape,
    Struct,
    Text,
)
from .settings import SETTINGS

BEGIN = ".. The tables below are written by scripts/keys.\n"
_VARIABLE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a configuration file. Loading also finds what it cannot express, such as a bad regex."""
    definitions = {name: _schema(kind) for name, kind in sorted(SHAPES.items()) if kind is not SETTINGS}
    variable = {"type": "string", "pattern": _VARIABLE, "description": "Filled from the environment."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "openaimock configuration",
        **_schema(SETTINGS),
        "$defs": {**definitions, "variable": variable},
    }


def _schema(kind: Kind) -> dict[str, Any]:
    return _SCHEMAS[type(kind)](kind)


def _text(kind: Text) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "number"] if kind.numbers else "string"}
    return schema if kind.empty else {**schema, "pattern": r"\S"}


def _or_variable(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that also accepts a variable."""
    return {"anyOf": [schema, {"$ref": "#/$defs/variable"}]}


def _number(kind: Numeric) -> dict[str, Any]:
    low = -kind.high if kind.low is None else kind.low
    bounds = {"exclusiveMinimum" if kind.above else "minimum": low, "maximum": kind.high}
    return _or_variable({"type": "integer" if kind.whole else "number", **bounds})


def _flag(kind: Flag) -> dict[str, Any]:
    return _or_variable({"type": "boolean"})


def _one_of(kind: Choice) -> dict[str, Any]:
    # To YAML 1.1 an unquoted off is false.
    words = {"enum": [*kind.values, *kind.ids, *([False] if "off" in kind.values else [])]}
    return _or_variable({"anyOf": [words, {"type": "string", "pattern": r"\*"}]} if kind.ids else words)


def _list_of(kind: ListOf) -> dict[str, Any]:
    item = _schema(kind.item)
    array: dict[str, Any] = {"type": "array", "items": item}
    if kind.least:
        array["minItems"] = kind.least
    if kind.most:
        array["maxItems"] = kind.most
    return {"anyOf": [item, array]} if kind.single else array


def _map_of(kind: MapOf) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": _schema(kind.value)}


def _anything(kind: AnyValue) -> dict[str, Any]:
    return {}


def _object(kind: Struct) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "additionalProperties": kind.extensible, "properties": {}}
    patterns: dict[str, Any] = {}
    if kind.doc:
        schema["description"] = _plain(kind.doc)
    for field in kind.fields:
        if field.later:
            continue
        value = _schema(field.kind)
        if field.null or field.explicit_null:
            value = {"anyOf": [value, {"type": "null"}]}
        schema["properties"][field.name] = {**value, "description": _description(field)}
        if "_" in field.name:
            # Among the patterns, because editors offer every name under "properties" as a completion.
            patterns[f"^{camel(field.name)}$"] = {**value, "description": f"Another spelling of {field.name}."}
    if kind.ignored:
        patterns[f"^{kind.ignored}"] = {}
    if patterns:
        schema["patternProperties"] = patterns
    if kind.required:
        schema["required"] = list(kind.required)
    if kind.one_of:
        schema["oneOf"] = [{"required": [name]} for name in kind.one_of]
    return schema


def _description(field: Field) -> str:
    return _plain(field.doc) + ("" if field.default is None else f" Default: {_default(field)}.")


def _union(kind: AnyOf) -> dict[str, Any]:
    return {"anyOf": [_schema(option) for option in kind.options if not isinstance(option, Function)]}


def _reference(kind: Shape) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{kind.name}"}


def _function(kind: Function) -> dict[str, Any]:
    return {"not": {}}


_SCHEMAS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Text: _text,
    Numeric: _number,
    Flag: _flag,
    Choice: _one_of,
    ListOf: _list_of,
    MapOf: _map_of,
    AnyValue: _anything,
    Function: _function,
    Struct: _object,
    AnyOf: _union,
    Shape: _reference,
}


def camel(name: str) -> str:
    """A key in camelCase: ``api_key`` is ``apiKey``."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def _plain(doc: str) -> str:
    return doc.replace("``", "`")


def _default(field: Field) -> str:
    """A default as it is written in YAML."""
    if isinstance(field.default, bool):
        return "true" if field.default else "false"
    return "" if field.default is None else str(field.default)


# Tables for the docs


def document() -> str:
    """Every key that can be used, in reStructuredText: a table for each mapping."""
    return "\n".join(_section(title, found) for title, found in _objects())


def refresh(page: str) -> str:
    """A page of the docs with the tables after its marker replaced."""
    return page[: page.index(BEGIN) + len(BEGIN)] + "\n" + document()


def _objects() -> Iterator[tuple[str, Struct]]:
    """The mappings with their titles, from the outermost inwards."""
    yield "Settings", SETTINGS
    for field in SETTINGS.fields:
        if isinstance(field.kind, Struct) and not field.later:
            yield f"Settings: {field.name}", field.kind
    for name in _ORDER:
        kind = SHAPES[name]
        options = kind.options if isinstance(kind, AnyOf) else (kind,)
        for option in options:
            if isinstance(option, Struct) and any(not field.later for field in option.fields):
                yield _TITLES.get(name, option.label.capitalize()), option


_ORDER = (
    "rule", "message", "when", "matcher", "reply", "tool_call", "block", "error", "latency", "pace", "rate", "old_matcher",
    "response", "model_entry",
)  # fmt: skip
_TITLES = {"old_matcher": "The older matcher"}


def _section(title: str, kind: Struct) -> str:
    rows = [
        f"   * - ``{field.name}``\n     - {_kind_text(field.kind)}\n     - {_default_cell(field)}".rstrip()
        + f"\n     - {field.doc}"
        for field in kind.fields
        if not field.later and (kind is not SHAPES["message"] or field not in ANSWER)
    ]
    one = f" Exactly one of {_words(kind.one_of)} is given." if kind.one_of else ""
    head = "   * - Key\n     - Value\n     - Default\n     - Meaning"
    table = f".. list-table::\n   :header-rows: 1\n   :widths: 16 26 16 42\n\n{head}\n" + "\n".join(rows)
    return f"{title}\n{'-' * len(title)}\n\n{kind.doc}{one}\n\n{table}\n"


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(f"``{name}``" for name in names[:-1]) + f" and ``{names[-1]}``"


def _default_cell(field: Field) -> str:
    if field.required:
        return "required"
    written = _default(field)
    return f"``{written}``" if written and " " not in written.strip("[]") else written


def _kind_text(kind: Kind) -> str:
    """A kind as the text of a table cell."""
    if isinstance(kind, Choice):
        return ", ".join(f"``{word}``" for word in kind.values)
    if isinstance(kind, Numeric):
        return f"{kind.noun} {kind.range}".strip()
    if isinstance(kind, ListOf) and not isinstance(kind.item, AnyValue):
        count = f"{kind.most} " if kind.most else ""
        return f"{_kind_text(kind.item)}, or a list" if kind.single else f"a list of {count}{_several(kind.item)}"
    if isinstance(kind, MapOf) and not isinstance(kind.value, AnyValue):
        return f"a mapping of names to {_several(kind.value)}"
    if isinstance(kind, AnyOf):
        return " or ".join(dict.fromkeys(_kind_text(option) for option in kind.options))
    return _NOUNS.get(kind.name, kind.name) if isinstance(kind, Shape) else kind.noun


def _several(kind: Kind) -> str:
    """The plural of a kind, for a table cell."""
    if isinstance(kind, AnyOf):
        return " or ".join(dict.fromkeys(_several(option) for option in kind.options))
    return " or ".join(re.sub(r"^an? (.*?)(?=$| \d| from)", r"\1s", said) for said in _kind_text(kind).split(" or "))


#: The names of named kinds in tables.
_NOUNS = {
    "matcher": "a matcher",
    "model": "a pattern or a matcher",
    "body_value": "a matcher or a value",
    "when": "a condition",
    "latency": "a latency",
    "ttft": "a number of milliseconds or a distribution, as a latency",
    "rate": "a rate",
    "pace": "a pace",
    "error": "an error",
    "tool_call": "a tool call",
    "block": "a block",
    "reply": "a reply",
    "message": "a message",
    "old_matcher": "a matcher of messages",
    "response": "a recorded answer",
    "rule": "a rule",
    "unmatched": "``error``, ``echo``, ``auto``, ``proxy`` or a reply",
    "fault": "a fault",
    "model_entry": "a model",
    "size": "a number of bytes or a size",
    "fail": "a failure",
    "image": "an image",
    "speech": "speech",
}

"""The strict form of a function's schema, into which the API brings it when a Responses request leaves ``strict`` out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_ONES = ("items", "not")
#: Deeper schemas stay as they are below this level.
_MAX_DEPTH = 64


def to_strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with ``additionalProperties: false`` and all properties ``required`` in every object, without ``$schema``."""
    return {name: value for name, value in _strict(schema, 0).items() if name != "$schema"}


def _strict(schema: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return schema
    strict = {name: _keyword(name, value, depth + 1) for name, value in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        strict["required"] = list(properties)
    if isinstance(properties, dict) or "object" in _types(schema):
        strict["additionalProperties"] = False
    return strict


def _types(schema: Mapping[str, Any]) -> list[Any]:
    types = schema.get("type")
    return types if isinstance(types, list) else [types]


def _keyword(name: str, value: Any, depth: int) -> Any:
    if name in _MAPS and isinstance(value, dict):
        return {key: _strict(inner, depth) for key, inner in value.items()}
    if name in _LISTS and isinstance(value, list):
        return [_strict(inner, depth) for inner in value]
    return _strict(value, depth) if name in _ONES else value

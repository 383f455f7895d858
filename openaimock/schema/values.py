"""JSON values in JSON Schema: kinds, equality, patterns, formats, and the values that keywords accept."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..text.regex import ERRORS as REGEX_ERRORS
from ..text.regex import compile as compile_regex
from ..text.regex import slow_part

#: The types of JSON Schema, and their names in messages.
NOUNS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "an array",
    "object": "an object",
}
_SCHEMA = ("object", "boolean")
#: keyword -> the kinds that its own value may have; a keyword with a value of another kind is ignored.
TAKES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), ("number",)),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), ("number",)),
    **dict.fromkeys(("minContains", "maxContains"), ("number",)),
    **dict.fromkeys(("pattern", "format", "$ref"), ("string",)),
    **dict.fromkeys(("enum", "required", "prefixItems", "allOf", "anyOf", "oneOf"), ("array",)),
    **dict.fromkeys(("properties", "patternProperties", "dependentRequired", "dependentSchemas"), ("object",)),
    **dict.fromkeys(("not", "if", "then", "else", "additionalProperties", "propertyNames", "contains"), _SCHEMA),
    "items": ("array", *_SCHEMA),  # before 2020-12 an array of schemas was how tuples were written
    "uniqueItems": ("boolean",),
    "type": ("string", "array"),
    "const": tuple(NOUNS),
}

_KINDS: dict[type, str] = {type(None): "null", bool: "boolean", str: "string", int: "number", float: "number"}
_KINDS |= {dict: "object", list: "array", tuple: "array"}


def kind(value: Any) -> str:
    """The JSON kind of a value, "" for other values: a boolean is not a number, and an integer is a number."""
    result = _KINDS.get(type(value))
    if result is None:  # a subclass, such as an enum of strings
        result = next((name for of, name in _KINDS.items() if isinstance(value, of)), "")
    return result


def is_type(value: Any, name: Any) -> bool:
    """Whether a value is of the schema type ``name``: 1.0 is an integer. An unknown type accepts every value."""
    if name == "integer":
        return kind(value) == "number" and (isinstance(value, int) or value.is_integer())
    return not isinstance(name, str) or name not in NOUNS or kind(value) == name


def frozen(value: Any) -> Any:
    """A hashable form that is equal for equal JSON values: 1 equals 1.0, true is not 1, the order of keys is ignored."""
    value_kind = kind(value)
    if value_kind == "object":
        return frozenset((key, frozen(item)) for key, item in value.items())
    if value_kind == "array":
        return ("array", *map(frozen, value))
    return (value_kind, value)


def is_multiple(value: float, of: float) -> bool:
    """Whether a number is a multiple of another in decimal notation: 0.3 is a multiple of 0.1."""
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    from fractions import Fraction  # imported here because it is rarely needed and imports decimal

    try:
        return (Fraction(repr(value)) / Fraction(repr(of))).denominator == 1
    except ValueError:  # infinity
        return False


def regex(pattern: str) -> re.Pattern[str] | None:
    """A schema's pattern, compiled; None when Python cannot compile it, or when a search may take exponential time."""
    try:
        return None if slow_part(pattern) else compile_regex(pattern)
    except REGEX_ERRORS:
        return None


def is_regex(pattern: str) -> bool:
    """Whether Python can compile a schema's pattern."""
    try:
        compile_regex(pattern)
    except REGEX_ERRORS:
        return False
    return True


def slow_patterns(schema: Any, limit: int = 10_000) -> list[tuple[str, str]]:
    """The patterns of a schema that are not checked because a search may take exponential time, with their slow parts."""
    slow: dict[str, str] = {}
    pending = [schema]
    while pending and limit:
        value, limit = pending.pop(), limit - 1
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            pending += value.values()
            named = value.get("patternProperties")
            for pattern in [value.get("pattern"), *(named if isinstance(named, dict) else ())]:
                if isinstance(pattern, str) and (part := slow_part(pattern)):
                    slow[pattern] = part
    return list(slow.items())


def fits_format(name: str, text: str) -> bool:
    """Whether a text is of a format; a format that is not in ``FORMATS`` accepts every text."""
    _, test = FORMATS.get(name, ("", None))
    if isinstance(test, str):
        return re.fullmatch(test, text) is not None
    return test is None or test(text)


def _is_date(text: str) -> bool:
    from datetime import date

    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        return bool(date(int(text[:4]), int(text[5:7]), int(text[8:])))
    except ValueError:
        return False


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        return bool(IPv6Address(text)) and "%" not in text
    except AddressValueError:
        return False


_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_CLOCK = r"T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: format -> its name in messages, and a pattern or function that tests it (RFC 3339, ISO 8601, RFC 1123, RFC 3986).
FORMATS: dict[str, tuple[str, str | Callable[[str], bool]]] = {
    "date-time": (
        "a date and time with its zone",
        lambda text: _is_date(text[:10]) and re.fullmatch("[Tt]" + _TIME, text[10:]) is not None,
    ),
    "date": ("a date", _is_date),
    "time": ("a time with its zone", _TIME),
    "duration": ("a duration", rf"P([0-9]+W|(?=[0-9T])([0-9]+Y)?([0-9]+M)?([0-9]+D)?({_CLOCK})?)"),
    "email": ("an email address", r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)*"),
    "hostname": ("a host name", rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*"),
    "ipv4": ("an IPv4 address", rf"{_OCTET}(\.{_OCTET}){{3}}"),
    "ipv6": ("an IPv6 address", _is_ipv6),
    "uuid": ("a UUID", "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "uri": ("a URI", r"[A-Za-z][A-Za-z0-9+.-]*:([^\s%<>\"{}|\\^`]|%[0-9A-Fa-f]{2})*"),
}

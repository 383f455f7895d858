"""Parse JSON bodies part by part: a part that came before is found by its text instead of being parsed again.

Whatever is unusual (an error, a repeated key, deep nesting) is left to ``json.parse``, so that both give the same values and the
same errors.
"""

from __future__ import annotations

from json.decoder import scanstring
from typing import Any

from ..types.parts import PARTS
from .json import DECODER, MAX_VALUES, SURROGATE, RepeatedKey, depth, dump, parse

#: Bodies of fewer bytes are parsed as a whole: that is as fast. So are bodies that may have too many values.
SHORT, LONG = 2048, MAX_VALUES
#: Members whose items are parts; other lists, objects and texts are parts as a whole.
_LISTS = frozenset(["messages", "input"])
#: Shorter texts are no parts.
_LEAST = 256
#: A part with more brackets may nest too deeply for a whole body. Its depth is not computed; it is left to ``parse``.
_MAX_DEPTH = 150

_scan = DECODER.scan_once  # type: ignore[attr-defined]


class _Unusual(Exception):
    """The body is left to ``parse``."""


def parse_body(raw: bytes, repeated: list[str] | None = None) -> Any:
    """Parse the body of a request; the same as ``json.parse``, but faster for a body whose parts came before."""
    if SHORT <= len(raw) <= LONG:
        try:
            return _object(raw.decode())
        except (_Unusual, RepeatedKey, StopIteration, ValueError, IndexError, RecursionError):
            pass
    return parse(raw, repeated)


def _object(text: str) -> dict[str, Any]:
    """The object that is the whole text. Any exception leaves it to ``parse``."""
    body: dict[str, Any] = {}
    at = _after_space(text, 0)
    if text[at] != "{":
        raise _Unusual
    mark = ","
    while mark == ",":
        at = _after_space(text, at + 1)
        if text[at] != '"':
            raise _Unusual
        name, at = scanstring(text, at + 1, True)
        at = _after_space(text, at)
        if text[at] != ":" or name in body:
            raise _Unusual
        at = _after_space(text, at + 1)
        if name in _LISTS and text[at] == "[":
            body[name], at = _list(text, at)
        else:
            body[name], at = _part(text, at)
        at = _after_space(text, at)
        mark = text[at]
    if mark != "}" or _after_space(text, at + 1) != len(text):
        raise _Unusual
    return body


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] in _SPACES:
        at += 1
    return at


_SPACES = frozenset(" \t\n\r")


def _list(text: str, at: int) -> tuple[list[Any], int]:
    """A list of which each object is a part; one that does not begin with an object is parsed as a whole."""
    first = _after_space(text, at + 1)
    if text[first] != "{":
        return _parsed(text, at)
    values: list[Any] = []
    find, mark = PARTS.find, ","
    while mark == ",":
        at += 1
        if text[at] != "{":
            at = _after_space(text, at)
        part = find(text, at)
        if part is not None:
            values.append(part.value)
            at += len(part.text)
        else:
            value, at = _new(text, at)
            values.append(value)
        mark = text[at]
        if mark in _SPACES:
            at = _after_space(text, at)
            mark = text[at]
    if mark != "]":
        raise _Unusual
    return values, at + 1


def _part(text: str, at: int) -> tuple[Any, int]:
    """A value that is a part as a whole if it is long."""
    if text[at] not in '{["':
        value, end = _scan(text, at)
        return value, end
    part = PARTS.find(text, at)
    if part is not None:
        return part.value, at + len(part.text)
    return _new(text, at, _LEAST)


def _new(text: str, at: int, least: int = 0) -> tuple[Any, int]:
    """A value that did not come before."""
    value, end = _parsed(text, at)
    if end - at >= least:
        PARTS.add(text, at, end, value)
    return value, end


def _parsed(text: str, at: int) -> tuple[Any, int]:
    value, end = _scan(text, at)
    if SURROGATE.search(text, at, end):
        # Half of a surrogate pair is not a character.
        dump(value).encode()
    if end - at > _MAX_DEPTH and text.count("{", at, end) + text.count("[", at, end) > _MAX_DEPTH and depth(value) > _MAX_DEPTH:
        raise _Unusual
    return value, end

"""Parse JSON bodies part by part: a part that came before is found by its text instead of being parsed again.

Whatever is unusual (an error, a repeated key, deep nesting) is left to ``json.parse``, so that both give the same values and the
same errors.
"""

from __future__ import annotations

from json import decoder
from typing import Any, NamedTuple

from ..types.parts import PARTS
from .fast_json import parse_exact
from .json import DECODER, MAX_VALUES, SURROGATE, RepeatedKey, depth, dump, parse

#: Bodies of fewer bytes are parsed as a whole: that is as fast. So are bodies that may have too many values.
SHORT, LONG = 2048, MAX_VALUES
#: Members whose items are parts; other lists, objects and texts are parts as a whole.
_LISTS = frozenset(["messages", "input"])
#: Shorter texts are no parts.
_LEAST = 256
#: A part with more brackets may nest too deeply for a whole body. Its depth is not computed; it is left to ``parse``.
_MAX_DEPTH = 150

_scan_name = decoder.scanstring  # type: ignore[attr-defined]
_scan = DECODER.scan_once  # type: ignore[attr-defined]


class _Unusual(Exception):
    """The body is left to ``parse``."""


class Parsed(NamedTuple):
    """The value of a body and the number of commas of its parts."""

    value: Any
    commas: int


def parse_body(raw: bytes, repeated: list[str] | None = None) -> Parsed:
    """Parse the body of a request: the same value and errors as ``json.parse``, but faster when its parts came before."""
    if SHORT <= len(raw) <= LONG:
        # Texts, tokens and numbers without a list of objects are what orjson parses faster than parts are found.
        if b"[{" not in raw and (exact := parse_exact(raw)) is not None and raw.count(b"[") + raw.count(b"{") <= _MAX_DEPTH:
            return Parsed(exact.value, raw.count(b","))
        try:
            return _object(raw.decode())
        except (_Unusual, RepeatedKey, StopIteration, ValueError, IndexError, RecursionError):
            pass
    return Parsed(parse(raw, repeated), raw.count(b","))


def _object(text: str) -> Parsed:
    """The object that is the whole text. Any exception leaves it to ``parse``."""
    body: dict[str, Any] = {}
    at = _after_space(text, 0)
    if text[at] != "{":
        raise _Unusual
    mark, commas = ",", 0
    while mark == ",":
        at = _after_space(text, at + 1)
        if text[at] != '"':
            raise _Unusual
        name, at = _scan_name(text, at + 1, True)
        at = _after_space(text, at)
        if text[at] != ":" or name in body or not name.isascii():
            raise _Unusual
        at = _after_space(text, at + 1)
        body[name], at, more = (_list if name in _LISTS and text[at] == "[" else _part)(text, at)
        commas += more
        at = _after_space(text, at)
        mark = text[at]
    if mark != "}" or _after_space(text, at + 1) != len(text):
        raise _Unusual
    return Parsed(body, commas)


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] in _SPACES:
        at += 1
    return at


_SPACES = frozenset(" \t\n\r")
#: A value, the place after it, and the number of its commas.
_Scanned = tuple[Any, int, int]


def _list(text: str, at: int) -> _Scanned:
    """A list of which each object is a part; one that does not begin with an object is parsed as a whole."""
    if text[_after_space(text, at + 1)] != "{":
        return _part(text, at)
    values: list[Any] = []
    find, mark, commas = PARTS.find, ",", 0
    while mark == ",":
        at += 1
        if text[at] != "{":
            at = _after_space(text, at)
        part = find(text, at)
        if part is not None:
            values.append(part.value)
            at += len(part.text)
            commas += part.commas
        else:
            # Only an object ends where its text ends: a longer number may begin with the text of another.
            value, at, more = _new(text, at, 0 if text[at] == "{" else len(text))
            values.append(value)
            commas += more
        mark = text[at]
        if mark in _SPACES:
            at = _after_space(text, at)
            mark = text[at]
    if mark != "]":
        raise _Unusual
    return values, at + 1, commas


def _part(text: str, at: int) -> _Scanned:
    """A value that is a part as a whole if it is long."""
    if text[at] not in '{["':
        return (*_scan(text, at), 1)
    part = PARTS.find(text, at)
    if part is not None:
        return part.value, at + len(part.text), part.commas
    return _new(text, at, _LEAST)


def _new(text: str, at: int, least: int) -> _Scanned:
    """A value that did not come before; from a length on it is kept."""
    value, end = _scan(text, at)
    if text.find("\\u", at, end) >= 0 and SURROGATE.search(text, at, end):
        # Half of a surrogate pair is not a character.
        dump(value).encode()
    if end - at > _MAX_DEPTH and text.count("{", at, end) + text.count("[", at, end) > _MAX_DEPTH and depth(value) > _MAX_DEPTH:
        raise _Unusual
    return value, end, PARTS.add(text, at, end, value) if end - at >= least else text.count(",", at, end)

"""The source text of a part of a parsed regular expression, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

_CATEGORIES = {"DIGIT": r"\d", "NOT_DIGIT": r"\D", "SPACE": r"\s", "NOT_SPACE": r"\S", "WORD": r"\w", "NOT_WORD": r"\W"}
_ANCHORS = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": r"\A",
    "AT_BOUNDARY": r"\b",
    "AT_NON_BOUNDARY": r"\B",
    "AT_END": "$",
    "AT_END_STRING": r"\Z",
}
_COUNTS = {(0, 1): "?", (0, None): "*", (1, None): "+"}
_SUFFIXES = {"MAX_REPEAT": "", "MIN_REPEAT": "?", "POSSESSIVE_REPEAT": "+"}
_SINGLE = frozenset(["LITERAL", "NOT_LITERAL", "ANY", "IN", "SUBPATTERN", "ATOMIC_GROUP"])
_CONTROLS = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f", "\v": r"\v"}
_IN_SET = "\\]^-["
#: The smallest parts of a pattern's text: one character, a set, or the beginning or end of a group; and a repeat behind one.
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\\\]])*\]|\((?:\?[^:=!>)]*[:=!>])?|.", re.DOTALL)
_COUNT = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
#: From this count on, the parser means "without a limit".
_UNLIMITED = 0xFFFFFFFF


def source(node: tuple[Any, Any]) -> str:
    """The text of one (operation, argument) pair of the parse tree; spelled as usual, not always as the user spelled it."""
    operation, argument = node[0].name, node[1]
    if operation == "LITERAL":
        return _character(argument, r".^$*+?{}[]\|()")
    if operation == "NOT_LITERAL":
        return f"[^{_character(argument, _IN_SET)}]"
    if operation == "ANY":
        return "."
    if operation == "IN":
        return _set(argument)
    if operation == "AT":
        return _ANCHORS.get(argument.name, "")
    if operation == "BRANCH":
        return f"(?:{'|'.join(map(_sequence, argument[1]))})"
    if operation in _SUFFIXES:
        return _repeat(operation, *argument)
    if operation == "SUBPATTERN":
        return f"{_opening(*argument[:3])}{_sequence(argument[3])})"
    return _group(operation, argument)


def _group(operation: str, argument: Any) -> str:
    if operation == "ATOMIC_GROUP":
        return f"(?>{_sequence(argument)})"
    if operation in ("ASSERT", "ASSERT_NOT"):
        direction = "<" if argument[0] < 0 else ""
        return f"(?{direction}{'=' if operation == 'ASSERT' else '!'}{_sequence(argument[1])})"
    if operation == "GROUPREF":
        return f"\\{argument}"
    if operation == "GROUPREF_EXISTS":
        number, yes, no = argument
        return f"(?({number}){_sequence(yes)}{'|' + _sequence(no) if no else ''})"
    return ""


def _opening(number: int | None, added: int, removed: int) -> str:
    if number is not None:
        return "("
    letters = [(flag, letter) for letter, flag in zip("aimsx", (re.A, re.I, re.M, re.S, re.X), strict=True)]
    on = "".join(letter for flag, letter in letters if added & flag)
    off = "".join(letter for flag, letter in letters if removed & flag)
    return f"(?{on}{'-' + off if off else ''}:"


def _sequence(items: Iterable[tuple[Any, Any]]) -> str:
    return "".join(map(source, items))


def _repeat(operation: str, least: int, most: Any, items: Any) -> str:
    limit = None if int(most) >= _UNLIMITED else int(most)
    count = _COUNTS.get((least, limit)) or f"{{{least}{'' if limit == least else ',' + str('' if limit is None else limit)}}}"
    body = _sequence(items)
    single = len(items) == 1 and items[0][0].name in _SINGLE
    alternatives = len(items) == 1 and items[0][0].name == "BRANCH"
    return f"{body if single or alternatives else f'(?:{body})'}{count}{_SUFFIXES[operation]}"


def _set(members: Any) -> str:
    names = [name.name for name, _ in members]
    if names == ["CATEGORY"]:
        return _category(members[0][1])
    return f"[{''.join(_member(name, argument) for name, (_, argument) in zip(names, members, strict=True))}]"


def _member(name: str, argument: Any) -> str:
    if name == "NEGATE":
        return "^"
    if name == "RANGE":
        return f"{_character(argument[0], _IN_SET)}-{_character(argument[1], _IN_SET)}"
    return _category(argument) if name == "CATEGORY" else _character(argument, _IN_SET)


def _category(category: Any) -> str:
    return _CATEGORIES.get(category.name.removeprefix("CATEGORY_").removeprefix("UNI_"), ".")


def _character(code: int, special: str) -> str:
    character = chr(code)
    if character in special:
        return "\\" + character
    if character.isprintable():
        return character
    return _CONTROLS.get(character) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def repeats(pattern: str) -> Iterator[str]:
    """The text of each repeat that a pattern holds, inner ones first."""
    groups: list[int] = []
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            return
        start, position = token.span()
        if token[0][0] == "(":
            groups.append(start)
            continue
        if token[0] == ")" and groups:
            start = groups.pop()
        count = _COUNT.match(pattern, position)
        if count is not None and count.end() > position:
            position = count.end()
            yield pattern[start:position]

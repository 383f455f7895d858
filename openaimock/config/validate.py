"""Validate a tree against the declared keys: return plain data, and record every problem with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from ..errors import Problem
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
    type_of,
)
from .tree import BAD, Node, step

#: A path as a linked list: the outer path, and the key or position there. It is rendered as text only for a problem.
Path = tuple[Any, "str | int"] | None
#: Converts a checked value of a named kind to its normal form.
Normalizer = Callable[["Checker", Any, Node, Path], Any]
#: Longer lists of words are left out of a message that has a suggestion.
MAX_LISTED = 12
#: The least similarity of a suggestion: 'worst' is not a misspelling of 'first'.
SUGGESTION_CUTOFF = 0.65


class Checker:
    """The state of one validation: the problems, and the regex groups and templates of the current rule."""

    def __init__(self, normalizers: Mapping[str, Normalizer], problems: list[Problem]) -> None:
        self.normalizers = normalizers
        self.problems = problems
        self.groups: set[str] = set()
        self.templates: list[tuple[Node, Path]] = []

    def problem(self, node: Node, path: Path, message: str, *, key: str | None = None) -> Any:
        """Add a problem at a node, or at one of its keys; return BAD."""
        self.problems.append(Problem(node.place if key is None else node.place_of(key), render(path), message))
        return BAD

    def check(self, kind: Kind, node: Node, path: Path) -> Any:
        """The node's value as plain data in its normal form, or BAD."""
        return BAD if node.value is BAD else _CHECKS[type(kind)](self, kind, node, path)

    def wrong(self, kind: Kind, node: Node, path: Path) -> Any:
        """Add the problem that a value has the wrong type."""
        if isinstance(kind, Text) and kind.secret:
            return self.problem(node, path, f"expected {kind.noun}")
        return self.problem(node, path, f"expected {kind.noun}, got {describe(node)}{_quote_hint(kind, node)}")

    def unknown(self, kind: Struct, node: Node, path: Path, key: str) -> str:
        """Add the problem of an unknown key; return the probable correct name, so that it is not also reported as missing."""
        hint = kind.hints.get(key) or kind.hints.get(snake(key))
        names = [field.name for field in kind.fields if not field.later]
        advice = f"; {hint}" if hint else suggest(snake(key), names)
        label = kind.label if kind.label == "a setting" else f"a key of {kind.label}"
        self.problem(node, path, f"{show(key)} is not {label}{advice}", key=key)
        return next(iter(get_close_matches(snake(key), names, 1, SUGGESTION_CUTOFF)), key)


# One function for each kind


def _text(check: Checker, kind: Text, node: Node, path: Path) -> Any:
    value = node.value
    if type(value) is not str:
        if not (kind.numbers and isinstance(value, (int, float)) and not isinstance(value, bool)):
            return check.wrong(kind, node, path)
        value = node.raw
    if not kind.empty and not value.strip():
        return check.problem(node, path, f"expected {kind.noun}, got an empty one")
    return value


def _number(check: Checker, kind: Numeric, node: Node, path: Path) -> Any:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return check.wrong(kind, node, path)
    if kind.whole and isinstance(value, float):
        if not value.is_integer():
            return check.problem(node, path, f"expected a whole number, got {node.raw}")
        value = int(value)
    if (kind.low is not None and not value >= kind.low) or not value <= kind.high or (kind.above and value == kind.low):
        within = f" {kind.range}" if kind.range else f" between -{kind.high:g} and {kind.high:g}"
        return check.problem(node, path, f"expected {kind.noun}{within}, got {node.raw}")
    if kind.low is None and value < -kind.high:
        return check.problem(node, path, f"expected {kind.noun}, got {node.raw}")
    return value


def _flag(check: Checker, kind: Flag, node: Node, path: Path) -> Any:
    return node.value if isinstance(node.value, bool) else check.wrong(kind, node, path)


def _one_of(check: Checker, kind: Choice, node: Node, path: Path) -> Any:
    value = node.value
    if value is False and "off" in kind.values:
        return "off"
    if not isinstance(value, str):
        return check.wrong(kind, node, path)
    if value in kind.values or value in kind.ids or ("*" in value and any(fnmatchcase(id, value) for id in kind.ids)):
        return value
    if value in kind.later:
        return check.problem(node, path, f"'{value}' is not available yet")
    return check.problem(node, path, f"{show(value)} is not {kind.label}{suggest(value, kind.values, kind.ids)}")


def _list_of(check: Checker, kind: ListOf, node: Node, path: Path) -> Any:
    if not isinstance(node.value, list):
        if kind.single and type_of(node) in kind.item.takes:
            return [check.check(kind.item, node, path)]
        return check.wrong(kind, node, path)
    count = len(node.value)
    if count < kind.least and count == 0:
        return check.problem(node, path, "this list is empty")
    if count < kind.least or (kind.most is not None and count > kind.most):
        return check.problem(node, path, f"expected {kind.most or kind.least} items, got {count}")
    return [check.check(kind.item, item, (path, at)) for at, item in enumerate(node.value)]


def _map_of(check: Checker, kind: MapOf, node: Node, path: Path) -> Any:
    if not isinstance(node.value, dict):
        return check.wrong(kind, node, path)
    return {key: check.check(kind.value, item, (path, key)) for key, item in node.value.items()}


def _anything(check: Checker, kind: AnyValue, node: Node, path: Path) -> Any:
    value = node.value
    if kind.unread:
        return None
    if value is BAD:
        return BAD
    if isinstance(value, list):
        return [_anything(check, kind, item, (path, at)) for at, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _anything(check, kind, item, (path, key)) for key, item in value.items()}
    if isinstance(value, float) and not -1e308 <= value <= 1e308:
        return check.problem(node, path, f"JSON cannot represent {node.raw}")
    if isinstance(value, int) and value.bit_length() > 1000:
        return check.problem(node, path, "this number is too large")
    if type_of(node) not in kind.takes:
        return check.problem(node, path, f"expected a JSON value, got {describe(node)}")
    return value


def _function(check: Checker, kind: Function, node: Node, path: Path) -> Any:
    if type_of(node) != "function":
        return check.wrong(kind, node, path)
    from inspect import isasyncgenfunction, iscoroutinefunction  # only a configuration from Python has functions

    function = node.value
    called = getattr(function, "__call__", None)  # noqa: B004 - an object may have an async __call__
    if any(test(item) for test in (iscoroutinefunction, isasyncgenfunction) for item in (function, called)):
        return check.problem(node, path, "a reply function cannot be async; write a plain function, which runs in a thread")
    return {"function": function}


#: The kind of the keys of an extensible mapping.
ANYTHING = AnyValue()


def _object(check: Checker, kind: Struct, node: Node, path: Path) -> Any:
    if not isinstance(node.value, dict):
        return check.wrong(kind, node, path)
    fields = kind.by_name
    out: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, item in node.value.items():
        field = fields.get(key) or fields.get(snake(key))
        if field is None and kind.extensible and key not in kind.hints:
            out[key] = check.check(ANYTHING, item, (path, key))
        elif field is None:
            # The probable correct key is not also reported as missing.
            out.setdefault(check.unknown(kind, node, path, key), BAD)
        elif field.name in spelled:
            check.problem(
                node, path, f"'{spelled[field.name]}' and '{key}' are two spellings of one key; write one of them", key=key
            )
        else:
            spelled[field.name] = key
            if field.later:
                out[field.name] = check.problem(node, path, f"'{key}' is not available yet", key=key)
            elif item.value is None and field.explicit_null:
                out[field.name] = None
            elif item.value is not None or not field.null:
                out[field.name] = check.check(field.kind, item, (path, key))
    for name in kind.required:
        if name not in out:
            out[name] = check.problem(node, path, f"'{name}' is missing")
    chosen = [name for name in out if name in kind.one_of]
    if kind.one_of and not chosen:
        check.problem(node, path, f"{kind.label} needs one of {', '.join(kind.one_of)}{kind.without}")
    if len(chosen) > 1:
        message = f"'{chosen[0]}' and '{chosen[1]}' exclude each other; {kind.label} has one of {', '.join(kind.one_of)}"
        check.problem(node, path, message, key=spelled.get(chosen[1]))
    return out


def _union(check: Checker, kind: AnyOf, node: Node, path: Path) -> Any:
    type_name = type_of(node)
    fitting = [option for option in kind.options if type_name in option.takes]
    if not fitting:
        return check.wrong(kind, node, path)
    if len(fitting) > 1 and isinstance(fitting[0], Choice) and not _is_word(fitting[0], node.value):
        fitting.pop(0)
    return check.check(fitting[0], node, path)


def _shape(check: Checker, kind: Shape, node: Node, path: Path) -> Any:
    value = check.check(kind.kind, node, path)
    normalizer = check.normalizers.get(kind.name)
    return value if normalizer is None or value is BAD else normalizer(check, value, node, path)


_CHECKS: dict[type, Callable[[Checker, Any, Node, Path], Any]] = {
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
    Shape: _shape,
}


def _is_word(kind: Choice, value: str) -> bool:
    """Whether a text that may also be free text is one of the words, or similar to one."""
    words = (*kind.values, *kind.later)
    return value in words or bool(get_close_matches(value, words, 1, 0.75))


def render(path: Path) -> str:
    """A path as text, like ``responses[3].messages[0].matcher``."""
    keys: list[str | int] = []
    while path is not None:
        path, key = path
        keys.append(key)
    text = ""
    for key in reversed(keys):
        text = f"{text}[{key}]" if isinstance(key, int) else step(text, key)
    return text


@lru_cache(maxsize=1024)
def snake(key: str) -> str:
    """A key in snake_case: ``apiKey`` is ``api_key``."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda match: "_" + match[0], key).lower()


def suggest(word: str, words: Iterable[str], unlisted: Iterable[str] = ()) -> str:
    """``; did you mean 'fuzzy'? (exact, fuzzy, ...)`` for a word that is close to a known one; the list when it is short."""
    candidates = list(words)
    known_words = [*candidates, *unlisted]
    close = get_close_matches(word, known_words, 1, SUGGESTION_CUTOFF)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return hint if close and len(known_words) > MAX_LISTED else f"{hint} ({', '.join(candidates)})"


def show(text: str) -> str:
    """A text in quotes, clipped."""
    clipped = text if len(text) <= 60 else text[:57] + "..."
    return f"'{clipped}'" if clipped.isprintable() and "'" not in clipped else repr(clipped)


def describe(node: Node) -> str:
    """A value in a message: ``the text 'abc'``, ``the number 12``, ``a list``."""
    kind = type_of(node)
    if kind == "text":
        return f"the text {show(node.value)}" if node.value else "an empty text"
    if kind == "number":
        return f"the number {node.raw}"
    if kind == "bool":
        word = "true" if node.value else "false"
        return word if node.raw.lower() == word else f"{word} (YAML's meaning of {node.raw})"
    return {"nothing": "nothing", "bytes": "bytes", "function": "a function"}.get(kind, f"a {kind}")


def _quote_hint(kind: Kind, node: Node) -> str:
    type_name = type_of(node)
    if type_name in ("number", "bool") and "text" in kind.takes and not isinstance(kind, Choice):
        return "; put it in quotes" if node.plain else ""
    if type_name == "text" and "number" in kind.takes and not node.plain and re.fullmatch(r"-?\d+(\.\d+)?", node.value):
        return "; leave out the quotes" if node.line else ""
    return ""


def of_field(fields: Iterable[Field], name: str) -> Field:
    """The field of this name."""
    return next(field for field in fields if field.name == name)

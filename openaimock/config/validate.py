"""Validate a tree against the declared keys: return plain data, and record every problem with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import Problem
from . import later
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
from .messages import SUGGESTION_CUTOFF, Path, describe, describe_value, quote_hint, render, show, snake, suggest
from .tree import BAD, Node, resolve

#: Converts a checked value of a named kind to its normal form.
Normalizer = Callable[["Checker", Any, Node, Path], Any]


class Checked(NamedTuple):
    """The value of a node that was checked while its file was read: the normal form, and what the check reported."""

    value: Any
    problems: Sequence[Problem]
    warnings: Sequence[Problem]


class Checker:
    """The state of one validation: the problems, and the regex groups and templates of the current rule."""

    def __init__(self, normalizers: Mapping[str, Normalizer], problems: list[Problem]) -> None:
        self.normalizers = normalizers
        self.problems = problems
        self.groups: set[str] = set()
        self.templates: list[tuple[Node, Path]] = []
        #: Whether the node of a rule is emptied once the rule is in its normal form. The nodes of
        #: many rules take three times the memory of the rules.
        self.empties_rules = False
        #: Problems that do not prevent loading.
        self.warnings: list[Problem] = []

    def problem(self, node: Node, path: Path, message: str, *, key: str | None = None) -> Any:
        """Add a problem at a node, or at one of its keys; return BAD."""
        self.problems.append(Problem(node.place if key is None else node.place_of(key), render(path), message))
        return BAD

    def warn(self, node: Node, path: Path, message: str, *, key: str | None = None) -> None:
        """Add a warning at a node, or at one of its keys."""
        self.warnings.append(Problem(node.place if key is None else node.place_of(key), render(path), message))

    def check(self, kind: Kind, node: Node, path: Path) -> Any:
        """The node's value as plain data in its normal form, or BAD."""
        if node.filled:
            node = _typed(kind, node)
        return BAD if node.value is BAD else _CHECKS[type(kind)](self, kind, node, path)

    def wrong(self, kind: Kind, node: Node, path: Path) -> Any:
        """Add the problem that a value has the wrong type."""
        if isinstance(kind, Text) and kind.secret:
            return self.problem(node, path, f"expected {kind.noun}")
        return self.problem(node, path, f"expected {kind.noun}, got {describe(node)}{quote_hint(kind, node)}")

    def unknown(self, kind: Struct, node: Node, path: Path, key: str) -> str:
        """Add the problem of an unknown key; return the probable correct name, so that it is not also reported as missing."""
        if snake(key) in later.KEYS.get(kind.label, ()):
            self.problem(node, path, f"'{key}' is not available yet", key=key)
            return snake(key)
        hint = kind.hints.get(key) or kind.hints.get(snake(key))
        if kind.ignored and has_anchor(node.value[key]):
            hint = f"a mapping with anchors belongs under 'templates' or under a key that begins with '{kind.ignored}'"
        names = [field.name for field in kind.fields if not field.later]
        advice = f"; {hint}" if hint else suggest(snake(key), names)
        label = kind.label if kind.label == "a setting" else f"a key of {kind.label}"
        self.problem(node, path, f"{show(key)} is not {label}{advice}", key=key)
        advised = re.fullmatch(r"write '(\w+)'.*", hint or "")
        from difflib import get_close_matches  # only a mistake needs it

        return advised[1] if advised else next(iter(get_close_matches(snake(key), names, 1, SUGGESTION_CUTOFF)), key)


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
    if value in kind.values:
        # The one text for the many nodes that say it.
        return kind.values[kind.values.index(value)]
    if value in kind.ids or ("*" in value and any(fnmatchcase(id, value) for id in kind.ids)):
        return value
    if value in later.WORDS.get(kind.label, ()):
        return check.problem(node, path, f"'{value}' is not available yet")
    hint = kind.hints.get(value.lower())
    advice = f"; {hint}" if hint else suggest(value, kind.values, kind.ids)
    return check.problem(node, path, f"{show(value)} is not {kind.label}{advice}")


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
    if node.plain and not is_json_scalar(node):
        return check.problem(node, path, f"YAML reads {node.raw} as {describe_value(value)}; for the text put it in quotes")
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


#: For this many different lists of keys each Struct remembers the fields.
_KEY_PLANS = 256
#: The kind of the keys of an extensible mapping.
ANYTHING = AnyValue()


def _object(check: Checker, kind: Struct, node: Node, path: Path) -> Any:
    if not isinstance(node.value, dict):
        return check.wrong(kind, node, path)
    fields = kind.by_name
    usual = _usual_fields(kind, node.value)
    if usual is not None:
        return {
            field.name: check.check(field.kind, item, (path, key))
            for field, (key, item) in zip(usual, node.value.items(), strict=True)
        }
    out: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, item in node.value.items():
        field = fields.get(key) or fields.get(snake(key))
        if kind.is_ignored(key):
            continue
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
    # An unknown key with advice is probably the one that is missing; it is a problem already.
    advised = any(key in kind.hints or snake(key) in kind.hints for key in node.value if snake(key) not in fields)
    if kind.one_of and not chosen and not advised:
        check.problem(node, path, f"{kind.label} needs one of {', '.join(kind.one_of)}{kind.without}")
    if len(chosen) > 1:
        message = f"'{chosen[0]}' and '{chosen[1]}' exclude each other; {kind.label} has one of {', '.join(kind.one_of)}"
        check.problem(node, path, message, key=spelled.get(chosen[1]))
    return out


def _usual_fields(kind: Struct, entries: Mapping[str, Node]) -> Sequence[Field] | None:
    """The fields of a mapping's keys if the keys themselves are right and no value is null; None if that is not certain."""
    keys = tuple(entries)
    plans = kind.key_plans
    usual = plans.get(keys)
    if usual is None and keys not in plans:
        usual = _planned(kind, keys)
        if len(plans) < _KEY_PLANS:
            plans[keys] = usual
    if usual is None or None in [item.value for item in entries.values()]:
        return None
    return usual


def _planned(kind: Struct, keys: Sequence[str]) -> Sequence[Field] | None:
    found_fields = [kind.by_name.get(key) or kind.by_name.get(snake(key)) for key in keys]
    fields = [field for field in found_fields if field is not None and not field.later]
    names = {field.name for field in fields}
    if len(names) < len(keys) or not names.issuperset(kind.required) or any(map(kind.is_ignored, keys)):
        return None
    return tuple(fields) if not kind.one_of or len(names.intersection(kind.one_of)) == 1 else None


def _union(check: Checker, kind: AnyOf, node: Node, path: Path) -> Any:
    fitting = kind.fitting(type_of(node))
    if not fitting:
        return check.wrong(kind, node, path)
    if len(fitting) > 1 and isinstance(fitting[0], Choice) and not _is_word(fitting[0], node.value):
        return check.check(fitting[1], node, path)
    return check.check(fitting[0], node, path)


def _typed(kind: Kind, node: Node) -> Node:
    """A node with filled variables: a number or a flag where the kind expects one and the text is one, else a text."""
    text = node.value
    if not isinstance(text, str):
        return node
    value: Any = text
    if _expects(kind, Numeric) and re.fullmatch(r"\s*[-+]?\d{1,30}(\.\d*)?([eE][-+]?\d{1,3})?\s*", text):
        value = int(text) if re.fullmatch(r"\s*[-+]?\d+\s*", text) else float(text)
    elif _expects(kind, Flag) and isinstance(resolve(text.strip()), bool):
        value = resolve(text.strip())
    typed = Node(value, node.source, node.line, node.column, text)
    typed.anchored = node.anchored
    return typed


def _expects(kind: Kind, of: type) -> bool:
    """Whether a kind is, or has among its options, a kind of this class."""
    if isinstance(kind, AnyOf):
        return any(_expects(option, of) for option in kind.options)
    if isinstance(kind, Shape):
        return _expects(kind.kind, of)
    return _expects(kind.item, of) if isinstance(kind, ListOf) and kind.single else isinstance(kind, of)


def has_anchor(node: Node) -> bool:
    """Whether a value or some value inside it has a YAML anchor."""
    if node.anchored:
        return True
    inner = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    return any(has_anchor(item) for item in inner)


def is_json_scalar(node: Node) -> bool:
    """Whether an unquoted scalar has the same value in JSON and YAML 1.1: not ``NO``, ``12:30``, ``1_000`` or ``0x1F``."""
    if isinstance(node.value, bool):
        return node.raw.lower() in ("true", "false")
    if isinstance(node.value, (int, float)):
        return re.fullmatch(r"[-+]?(0|[1-9]\d*|(0|[1-9]\d*)?\.\d*)([eE][-+]?\d+)?", node.raw) is not None
    return True


def _shape(check: Checker, kind: Shape, node: Node, path: Path) -> Any:
    if type(node.value) is Checked:
        check.problems += node.value.problems
        check.warnings += node.value.warnings
        return node.value.value
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
    words = (*kind.values, *later.WORDS.get(kind.label, ()))
    if value in words:
        return True
    from difflib import get_close_matches  # rarely needed

    return bool(get_close_matches(value, words, 1, 0.75))


def of_field(fields: Iterable[Field], name: str) -> Field:
    """The field of this name."""
    return next(field for field in fields if field.name == name)


def child(node: Node, name: str) -> Node:
    """The node of an entry, with its key in snake_case or camelCase; the mapping itself when there is no such entry."""
    entries = node.value
    if not isinstance(entries, dict):
        return node
    key = _spellings(tuple(entries)).get(name)
    return node if key is None else entries[key]


@lru_cache(maxsize=512)
def _spellings(keys: tuple[str, ...]) -> dict[str, str]:
    """The key of each name: the first that is the name, or that is the name in snake_case."""
    names: dict[str, str] = {}
    for key in keys:
        names.setdefault(key, key)
        names.setdefault(snake(key), key)
    return names


def is_bad(*values: Any) -> bool:
    """Whether any of the values is already known to be wrong."""
    for value in values:  # several times as fast as any() with a generator  # noqa: SIM110
        if value is BAD:
            return True
    return False

"""Trees: YAML, JSON and Python data as nodes that have their own place and the places of their keys."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.scanner import NUMBER_RE
from typing import Any

from ..errors import Problem

#: The deepest nesting that is accepted, so that recursive walks stay within Python's limit.
DEPTH = 64
#: The most nodes that aliases may add to a document: some kilobytes of nested aliases can stand for gigabytes of nodes.
MAX_ALIASED = 1_000_000
# Compiled by ``re`` where they are used: few starts need these patterns, and each takes a quarter of a millisecond.
_VARIABLE = r"\$(?:\$\{|\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\})"
#: A variable without its closing brace, up to the end of the text.
_UNCLOSED = r"(?<!\$)\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*|[^\w}:][^}]*)?\Z"
_UNSET = "the environment variable {name} is not set (with a default: ${{{name}:-default}}; for the text itself: $${{{name}}})"
_SURROGATE = "[\ud800-\udfff]"
_JSON_SPACE = re.compile(r"[ \t\n\r]*")


#: A path as a linked list: the outer path, and the key or position there. It is rendered as text only for a problem.
Path = tuple[Any, "str | int"] | None


class _Bad:
    """The value of a node that is wrong. Its problem is already recorded, so no other is reported for it."""

    def __repr__(self) -> str:
        return "BAD"


BAD: Any = _Bad()


class Node:
    """One value: a scalar, a list of Nodes, a dict of Nodes by key, or a Python function.

    ``raw`` is a scalar's text as written, ``plain`` is true when it has no quotes, ``filled`` when variables were filled in it,
    ``anchored`` when the value has a YAML anchor (for a file: when any value in it has one). Lines and columns count from 1;
    line 0 means that there is no text (a Python mapping). ``keys`` has the places of a mapping's keys.
    """

    __slots__ = ("anchored", "column", "filled", "keys", "line", "plain", "raw", "source", "value")

    def __init__(
        self,
        value: Any,
        source: str = "",
        line: int = 0,
        column: int = 0,
        raw: str = "",
        plain: bool = False,
        keys: dict[str, tuple[int, int]] | None = None,
    ) -> None:
        self.value = value
        self.source = source
        self.line = line
        self.column = column
        self.raw = raw
        self.plain = plain
        self.keys = keys
        self.filled = False
        self.anchored = False

    @property
    def place(self) -> str:
        """``file:line:column``, "" without a text."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else ""

    def place_of(self, key: str) -> str:
        """The place of a key of this mapping."""
        at = (self.keys or {}).get(key)
        return f"{self.source}:{at[0]}:{at[1]}" if at else self.place


#: The path of every rule begins with this.
RULES_PATH: Path = (None, "responses")
RuleReader = Callable[[Node, Path], Node]


class Reading:
    """The state of reading one source: its name, the variables (None: none are filled), its problems so far.

    ``rule`` is called with each finished mapping of ``responses`` and its path, and returns the node that takes its place: the
    nodes of very many rules, all of them in memory at once, would take several times the memory of the rules.
    """

    def __init__(
        self,
        name: str,
        problems: list[Problem],
        environ: Mapping[str, str] | None,
        warnings: list[Problem] | None = None,
        rule: RuleReader | None = None,
    ) -> None:
        self.rule = rule
        self.warnings = [] if warnings is None else warnings
        self.name = name
        self.problems = problems
        self.environ = environ

    def problem(self, line: int, column: int, message: str, path: str = "") -> None:
        """Add a problem at a place."""
        self.problems.append(Problem(f"{self.name}:{line}:{column}" if line else "", path, message))

    def bad(self, node: Node, message: str, path: str = "") -> Node:
        """Add a problem for a node and mark the node as bad."""
        self.problem(node.line, node.column, message, path)
        node.value = BAD
        return node

    def fill(self, text: str, line: int, column: int, path: str = "") -> str:
        """The text with ``${NAME}`` and ``${NAME:-default}`` filled from the environment, ``$${`` as ``${``."""
        environ = self.environ
        if environ is None:
            return text

        def value(match: re.Match[str]) -> str:
            name, _, default = match.groups()
            if name is None:
                return "${"
            if default is not None:
                return environ.get(name) or default
            if name not in environ:
                self.problem(line, column, _UNSET.format(name=name), path)
            return environ.get(name, "")

        if re.search(_UNCLOSED, text):
            place = f"{self.name}:{line}:{column}" if line else ""
            self.warnings.append(
                Problem(place, path, "a '${' is not closed by '}', so no variable is filled; for the text write '$${'")
            )
        return re.sub(_VARIABLE, value, text)

    def text(self, text: str, line: int, column: int, path: str = "") -> Any:
        """A value's text with its variables filled and valid as UTF-8; BAD when that is impossible."""
        before = len(self.problems)
        text = self.clean(self.fill(text, line, column, path) if "${" in text else text, line, column, path)
        return text if len(self.problems) == before else BAD

    def clean(self, text: str, line: int, column: int, path: str = "") -> str:
        """The text without characters that UTF-8 cannot encode; such a character is a problem."""
        if not text.isascii() and re.search(_SURROGATE, text):
            self.problem(line, column, "half of a surrogate pair (\\ud800 to \\udfff) is not a character", path)
            return re.sub(_SURROGATE, "\ufffd", text)
        return text


@lru_cache(maxsize=4096)
def resolve(raw: str) -> Any:
    """The value of an unquoted YAML scalar: a number, true or false, null, or its text (dates stay text)."""
    import yaml

    # The resolvers of the base class: an application may have added its own to SafeLoader.
    for tag, pattern in yaml.resolver.Resolver.yaml_implicit_resolvers.get(raw[:1], ()):
        if pattern.match(raw):
            make = _MAKERS.get(tag.removeprefix(TAG))
            return make(raw) if make else raw
    return raw


TAG = "tag:yaml.org,2002:"


def _number(name: str) -> Callable[[str], Any]:
    def make(raw: str) -> Any:
        import yaml

        try:
            return getattr(yaml.constructor.SafeConstructor(), name)(yaml.ScalarNode(TAG, raw))
        except ValueError:
            # Such as 0b_, or more digits than Python reads: a text.
            return raw

    return make


_MAKERS: dict[str, Callable[[str], Any]] = {
    "int": _number("construct_yaml_int"),
    "float": _number("construct_yaml_float"),
    "bool": lambda raw: raw.lower() in ("yes", "true", "on"),
    "null": lambda raw: None,
}


# JSON


def from_json(text: str, reading: Reading) -> Node | None:
    """The tree of a JSON text; None when the text is not JSON (it may still be YAML)."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return _JSONText(text, reading).value(_skip(text, 0), 0)[0]


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _skip(text: str, at: int) -> int:
    space = _JSON_SPACE.match(text, at)
    return space.end() if space else at


class _JSONText:
    """A valid JSON text, read a second time to record the places."""

    def __init__(self, text: str, reading: Reading) -> None:
        self.text = text
        self.reading = reading
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.starts, at)
        return line, at - self.starts[line - 1] + 1

    def value(self, at: int, depth: int, path: Path = None) -> tuple[Node, int]:
        """The node that begins at an index, and the index of its end. ``path`` is known for the rules and what they are in."""
        line, column = self.place(at)
        sign = self.text[at]
        if sign in "{[":
            if depth >= DEPTH:
                node = self.reading.bad(Node(None, self.reading.name, line, column), f"nested more than {DEPTH} levels deep")
                return node, json.JSONDecoder().raw_decode(self.text, at)[1]
            return self.mapping(at, depth, path) if sign == "{" else self.items(at, depth, path)
        if sign == '"':
            raw, end = scanstring(self.text, at + 1)
            text = self.reading.text(raw, line, column)
            node = Node(text, self.reading.name, line, column, text)
            node.filled = text is not BAD and text != raw
            return node, end
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, at):
                return Node(value, self.reading.name, line, column, word, True), at + len(word)
        number = NUMBER_RE.match(self.text, at)
        assert number is not None
        raw = number[0]
        return Node(json.loads(raw), self.reading.name, line, column, raw, True), number.end()

    def items(self, at: int, depth: int, path: Path) -> tuple[Node, int]:
        node = Node([], self.reading.name, *self.place(at))
        at = _skip(self.text, at + 1)
        while self.text[at] != "]":
            item, at = self.value(at, depth + 1)
            if path is RULES_PATH:
                item = self.rule(item, (path, len(node.value)))
            node.value.append(item)
            at = self.after(at)
        return node, at + 1

    def mapping(self, at: int, depth: int, path: Path) -> tuple[Node, int]:
        node = Node({}, self.reading.name, *self.place(at), keys={})
        at = _skip(self.text, at + 1)
        while self.text[at] != "}":
            place = self.place(at)
            key, end = scanstring(self.text, at + 1)
            inner = RULES_PATH if depth == 0 and key == "responses" else None
            item, at = self.value(_skip(self.text, _skip(self.text, end) + 1), depth + 1, inner)
            key = self.reading.clean(key, *place)
            if path is RULES_PATH:
                item = self.rule(item, (path, key))
            put(node, key, place, item, self.reading)
            at = self.after(at)
        return node, at + 1

    def rule(self, node: Node, path: Path) -> Node:
        """The node of a rule, or the one that takes its place."""
        is_read = self.reading.rule is not None and isinstance(node.value, dict)
        return self.reading.rule(node, path) if is_read else node  # type: ignore[misc]

    def after(self, at: int) -> int:
        """The index after a value: of the next item, or of the closing bracket."""
        at = _skip(self.text, at)
        return _skip(self.text, at + 1) if self.text[at] == "," else at


def put(node: Node, key: str, place: tuple[int, int], item: Node, reading: Reading) -> None:
    """Add an entry to a mapping; a repeated key is a problem that names both places."""
    assert node.keys is not None
    if key in node.value:
        first = node.keys[key]
        reading.problem(*place, f"'{key}' is written twice; the first is at {reading.name}:{first[0]}:{first[1]}")
        return
    node.value[key] = item
    node.keys[key] = place


# Python


def from_python(value: Any, reading: Reading, path: str = "", within: tuple[int, ...] = ()) -> Node:
    """The tree of Python data: mappings, lists, tuples, scalars, dates (as their ISO text) and functions."""
    if isinstance(value, str):
        text = reading.text(value, 0, 0, path)
        node = Node(text, raw=text)
        node.filled = text is not BAD and text != value
        return node
    if value is None or isinstance(value, (bool, int, float, bytes)):
        return Node(value, raw=_written(value))
    if isinstance(value, date):
        return Node(value.isoformat(), raw=value.isoformat())
    if isinstance(value, (Mapping, list, tuple)):
        if id(value) in within or len(within) >= DEPTH:
            message = "contains itself" if id(value) in within else f"is nested more than {DEPTH} levels deep"
            return reading.bad(Node(None), message, path)
        within = (*within, id(value))
        if not isinstance(value, Mapping):
            return Node([from_python(item, reading, f"{path}[{at}]", within) for at, item in enumerate(value)])
        return _python_mapping(value, reading, path, within)
    if callable(value):
        return Node(value)
    return reading.bad(Node(None), f"a Python {type(value).__name__} is not allowed in a configuration", path)


def _written(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return "" if isinstance(value, bytes) else "a number of very many digits"


def _python_mapping(value: Mapping[Any, Any], reading: Reading, path: str, within: tuple[int, ...]) -> Node:
    node = Node({})
    for key, item in value.items():
        if not isinstance(key, (str, int, float)) and key is not None:
            reading.problem(0, 0, f"expected keys that are text, got a Python {type(key).__name__}", path)
            continue
        name = key if isinstance(key, str) else json.dumps(key)
        name = re.sub(_SURROGATE, "\ufffd", name)
        if name in node.value:
            reading.problem(0, 0, f"'{name}' is written twice", path)
        node.value[name] = from_python(item, reading, step(path, name), within)
    return node


def step(path: str, key: str) -> str:
    """The path of a mapping's entry: ``a.b``, or ``a["b c"]`` for a key that is not a plain word."""
    if re.fullmatch(r"[\w-]+", key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"

"""JSON lines: rules that stand in a YAML file as JSON, each on a line of its own, are read by the JSON parser.

Files of very many rules are written by programs, which write each rule so. YAML's parser needs several times as long for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .tree import DEPTH, Node, Path, Reading, resolve

#: What stands in the place of a rule while YAML's parser reads the rest of the file.
PLACEHOLDER = "0"
_FIRST = re.compile(r"^responses: *\n( *)- \{ *\"", re.MULTILINE)
_NEXT_SETTING = r"^[^ \-#\n]"
#: YAML also ends a line at these.
_LINE_BREAKS = ("\r", "\x85", "\u2028", "\u2029")
_ID = r"\{ *\"id\" *: *"
#: YAML needs a longer key to be marked as one.
_LONG_KEY = 128
#: A rule is in a list in a mapping.
OUTER = 2
_WORDS = {True: "true", False: "false", None: "null"}
_NO_KEYS: dict[str, tuple[int, int]] = {}

#: Reads the text of a rule with the places of all its nodes, from the line and the column of its beginning (from 1).
Placed = Callable[[str, int, int], Node]


class Unusable(Exception):
    """The file has to be read as it is written."""


class JSONLines:
    """The rules of one file that stand in lines of JSON; ``text`` is the file with a placeholder for each of them.

    The nodes of a rule are made without columns. When the check of such a rule reports something, its text is read again by
    ``placed``.
    """

    def __init__(self, whole: str, items: re.Pattern[str], start: int, end: int, reading: Reading, placed: Placed) -> None:
        head, body, tail = whole[:start], whole[start:end], whole[end:]
        self.text = head + items.sub(rf"\g<1>{PLACEHOLDER}", body) + tail
        self._whole = whole
        self._items = items.finditer(whole, start, end)
        self._reading = reading
        self._placed = placed
        #: The place up to which lines are counted, and the line there, from 0.
        self._at = self._line = 0
        hooks: dict[str, Any] = {"parse_int": self._number, "parse_float": self._number, "parse_constant": self._number}
        self._decode = json.JSONDecoder(object_pairs_hook=self._mapping, **hooks).decode

    def rule(self, line: int, column: int, path: Path) -> Node:
        """The node for the next rule, whose placeholder is at a line and column, from 0."""
        item = next(self._items, None)
        if item is None:
            raise Unusable
        self._line += self._whole.count("\n", self._at, item.start())
        self._at = item.start()
        read = self._reading.rule
        if read is None or line != self._line:
            raise Unusable
        text = item[2]
        node = self._node(text, line + 1, column + 1)
        if node is not None:
            checked = read(node, path)
            if not (checked.value.problems or checked.value.warnings):
                return checked
        return read(self._placed(text, line + 1, column + 1), path)

    def finish(self) -> None:
        """Unusable when the parser did not come across each placeholder."""
        if next(self._items, None) is not None:
            raise Unusable

    def _node(self, text: str, line: int, column: int) -> Node | None:
        """The node of a rule; None when YAML may read it differently, or when it has variables."""
        try:
            node: Node = self._decode(text)
        except (ValueError, RecursionError):
            raise Unusable from None
        if "${" in text or "\\ud" in text or "\\uD" in text or text.count("{") + text.count("[") > DEPTH - OUTER:
            return None
        node.line, node.column = line, column
        own_id = node.value.get("id")
        if own_id is not None:
            # Ids that are used twice are reported when all rules are known.
            before = re.match(_ID, text)
            if before is None:
                return None
            own_id.line, own_id.column = line, column + before.end()
        return node

    def _mapping(self, pairs: list[tuple[str, Any]]) -> Node:
        name = self._reading.name
        entries = {
            key: item if type(item) is Node else Node(item, name, 1, 0, item) if type(item) is str else self._other(item)
            for key, item in pairs
        }
        if len(entries) < len(pairs) or any(len(key) > _LONG_KEY for key in entries):
            raise ValueError
        return Node(entries, name, 1, 0, "", False, _NO_KEYS)

    def _other(self, value: Any) -> Node:
        """The node of an item."""
        name = self._reading.name
        if type(value) is Node:
            return value
        if isinstance(value, str):
            return Node(value, name, 1, 0, value)
        if isinstance(value, list):
            return Node([self._other(item) for item in value], name, 1)
        return Node(value, name, 1, 0, _WORDS[value], True)

    def _number(self, written: str) -> Node:
        return Node(resolve(written), self._reading.name, 1, 0, written, True)


def find(text: str, reading: Reading, placed: Placed) -> JSONLines | None:
    """The rules of a text that stand in lines of JSON; None when there are none, or when they are not read one by one."""
    first = None if reading.rule is None else _FIRST.search(text)
    if first is None or any(sign in text for sign in _LINE_BREAKS):
        return None
    begin = first.end(1)
    following = re.compile(_NEXT_SETTING, re.MULTILINE).search(text, begin)
    items = re.compile(rf"^({first[1]}- )(\{{ *\"[^\n]*\}}) *$", re.MULTILINE)
    return JSONLines(text, items, first.start(1), following.start() if following else len(text), reading, placed)

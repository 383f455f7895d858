"""Builder: makes a tree from the events of a YAML parser, and checks depth and aliases before memory is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import json_lines
from .json_lines import JSONLines
from .tree import BAD, DEPTH, MAX_ALIASED, RULES_PATH, TAG, Node, Reading, RuleReader, put, resolve

TOO_DEEP = f"nested more than {DEPTH} levels deep"


#: A key's text (None: the key is not a text), line, column, and whether it has no quotes.
Key = tuple["str | None", int, int, bool]


class _Frame:
    """An open list or mapping. ``size`` and ``height`` count its nodes and levels with all aliases expanded."""

    __slots__ = ("anchor", "height", "invalid", "key", "merges", "node", "size")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Key | None = None
        self.merges: list[Node] = []
        self.size = 1
        self.height = 1
        self.invalid = False


class Builder:
    """Builds the tree from YAML's events, so that depth and aliases are checked before memory is used."""

    def __init__(self, reading: Reading, lines: JSONLines | None = None, *, line: int = 1, depth: int = DEPTH) -> None:
        self.reading = reading
        self.lines = lines
        self.first_line = line
        self.depth = depth
        self.name = reading.name
        self.root: Node | None = None
        self.stack: list[_Frame] = []
        #: Finished nodes by anchor, each with its size and height.
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.aliased = 0
        self.documents = 0
        self.last_line = 0

    def build(self, next_event: Callable[[], Any]) -> None:
        """Process all events, or stop when the rest cannot be used."""
        import yaml

        # An attribute with methods of its own object would keep the object, and every node, until a garbage collection.
        handlers: dict[type, Callable[[Any], bool | None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.open_mapping,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceStartEvent: self.open_list,
            yaml.SequenceEndEvent: self.close,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }
        stack, scalar = self.stack, yaml.ScalarEvent
        for event in iter(next_event, None):
            kind = type(event)
            if kind is scalar and event.tag is None and event.anchor is None and stack and self.plain_scalar(event, stack[-1]):
                continue
            handler = handlers.get(kind)
            if handler is not None and handler(event) is False:
                return

    def problem(self, event: Any, message: str) -> None:
        """Add a problem at an event."""
        self.reading.problem(self.line(event.start_mark), event.start_mark.column + 1, message)

    def node(self, event: Any, value: Any, raw: str = "", plain: bool = False) -> Node:
        """A node at the place of an event."""
        mark = event.start_mark
        return Node(value, self.name, self.line(mark), mark.column + 1, raw, plain)

    def line(self, mark: Any) -> int:
        """The line of a mark, the same object for all nodes of a line: half a kilobyte for a rule on one line."""
        line: int = mark.line + self.first_line
        if line != self.last_line:
            self.last_line = line
        return self.last_line

    def document(self, event: Any) -> bool:
        """Begin a document; whether it is the first."""
        self.documents += 1
        if self.documents > 1:
            self.problem(event, "a second document begins here ('---'); a configuration is one document")
        return self.documents == 1

    # Scalars

    def plain_scalar(self, event: Any, frame: _Frame) -> bool:
        """Add a scalar without tag, anchor and variables to an open list or mapping; whether it was possible.

        Nearly all scalars are such. For them it does the same as ``scalar``, in one function because calls take half the time.
        """
        raw, plain, mark, owner = event.value, event.implicit[0], event.start_mark, frame.node
        line = mark.line + self.first_line
        if line != self.last_line:
            self.last_line = line
        key, keys = frame.key, owner.keys
        if key is None and keys is not None:
            frame.key = (raw, self.last_line, mark.column + 1, plain)
            return True
        if "${" in raw or not (plain or raw.isascii()):
            return False
        if keys is None:
            if self.lines is not None and len(self.stack) == json_lines.OUTER:
                return self.json_rule(mark, raw, self.lines)
            owner.value.append(Node(resolve(raw) if plain else raw, self.name, self.last_line, mark.column + 1, raw, plain))
        else:
            text = key[0]  # type: ignore[index]
            if text is None or text == "<<" or text in owner.value or not text.isascii():
                return False
            owner.value[text] = Node(resolve(raw) if plain else raw, self.name, self.last_line, mark.column + 1, raw, plain)
            keys[text] = key[1:3]  # type: ignore[index]
            frame.key = None
        frame.size += 1
        return True

    def json_rule(self, mark: Any, raw: str, lines: JSONLines) -> bool:
        """Add the rule in whose place a scalar stands in the list of rules; whether it is such a place."""
        root, rules = self.stack
        if raw != json_lines.PLACEHOLDER or not self.has_rules(root, rules):
            return False
        rules.node.value.append(lines.rule(mark.line, mark.column, (RULES_PATH, len(rules.node.value))))
        return True

    def scalar(self, event: Any) -> None:
        """Add a scalar of any kind."""
        raw, plain = event.value, event.implicit[0]
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and frame.node.keys is not None:
            if event.anchor:
                self.anchors[event.anchor] = (self.node(event, raw, raw, plain), 1, 0)
            mark = event.start_mark
            frame.key = (raw, self.line(mark), mark.column + 1, plain)
            return
        if "${" not in raw and (plain or (event.tag is None and raw.isascii())):
            node = self.node(event, resolve(raw) if plain else raw, raw, plain)
        else:
            node = self.written(event, raw, plain)
        if event.anchor:
            node.anchored = True
            self.anchors[event.anchor] = (node, 1 + len(node.raw) // 64, 0)
        self.attach(node, 1, 0)

    def written(self, event: Any, raw: str, plain: bool) -> Node:
        """A scalar with quotes, a tag or variables."""
        mark = event.start_mark
        text = self.reading.text(raw, self.line(mark), mark.column + 1)
        if text is BAD:
            return self.node(event, BAD)
        node = self.node(event, text, text)
        node.filled = text != raw
        if plain:
            return node
        if event.tag in (None, "!", TAG + "str", TAG + "timestamp"):
            return node
        return self.tagged(event, text)

    def tagged(self, event: Any, text: str) -> Node:
        """A scalar with a tag that names its type."""
        kinds = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
        expected = kinds.get(event.tag.removeprefix(TAG))
        if expected is None:
            self.tag_problem(event)
            return self.node(event, BAD)
        value = resolve(text)
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):  # type: ignore[arg-type]
            self.problem(event, f"the tag {tag_text(event.tag)} does not fit this value")
            return self.node(event, BAD)
        return self.node(event, value, text)

    def tag_problem(self, event: Any) -> None:
        """Add the problem of a tag that is not allowed."""
        reason = "only plain data is read (text that begins with '!' needs quotes)"
        self.problem(event, f"the tag {tag_text(event.tag)} is not allowed; {reason}")

    # Lists and mappings

    def open_mapping(self, event: Any) -> bool:
        """Begin a mapping; whether it is not nested too deep."""
        node = self.node(event, {})
        node.keys = {}
        return self.open(event, node, "map")

    def open_list(self, event: Any) -> bool:
        """Begin a list; whether it is not nested too deep."""
        return self.open(event, self.node(event, []), "seq")

    def open(self, event: Any, node: Node, kind: str) -> bool:
        """Put a list or mapping on the stack; whether it is not nested too deep."""
        if len(self.stack) >= self.depth:
            self.problem(event, TOO_DEEP)
            return False
        frame = _Frame(node, event.anchor)
        if event.tag is not None and event.tag not in ("!", TAG + kind):
            self.tag_problem(event)
            frame.invalid = True
        self.stack.append(frame)
        return True

    def close(self, event: Any) -> None:
        """End the innermost list or mapping."""
        frame = self.stack.pop()
        node = frame.node
        if frame.merges:
            merge(node, frame.merges)
        if frame.invalid:
            node.value = BAD
        if frame.anchor:
            node.anchored = True
            self.anchors[frame.anchor] = (node, frame.size, frame.height)
        elif self.reading.rule is not None and len(self.stack) == 2 and isinstance(node.value, dict):
            node = self.rule(node, self.reading.rule)
        self.attach(node, frame.size, frame.height)

    def rule(self, node: Node, read: RuleReader) -> Node:
        """A finished mapping at the depth of rules, or the node that takes its place."""
        root, rules = self.stack
        if not self.has_rules(root, rules):
            return node
        if rules.node.keys is None:
            return read(node, (RULES_PATH, len(rules.node.value)))
        key = None if rules.key is None else rules.key[0]
        # Other keys are not the names of rules, or are not certain to stay as they are written.
        return read(node, (RULES_PATH, key)) if key is not None and key != "<<" and key.isascii() else node

    def has_rules(self, root: _Frame, inner: _Frame) -> bool:
        """Whether the two open nodes are a file and its ``responses``.

        A file with anchors keeps its nodes, because one of them may stand in several places.
        """
        if root.anchor or inner.anchor or self.anchors:
            return False
        return root.key is not None and root.key[0] == "responses"

    def attach(self, node: Node, size: int, height: int, place: Node | None = None) -> None:
        """Add a finished node to its list or mapping; ``place`` is the place of its alias."""
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        frame.size += size
        if height >= frame.height:
            frame.height = height + 1
        if frame.node.keys is None:
            frame.node.value.append(node)
        elif frame.key is None:
            self.key(frame, node, place or node)
        else:
            self.entry(frame, frame.key, node)
            frame.key = None

    def key(self, frame: _Frame, node: Node, place: Node) -> None:
        """Process a key that is not a plain scalar: an alias, or a node that cannot be a key."""
        text: str | None = node.raw
        if isinstance(node.value, (dict, list)) or node.value is BAD:
            message = "a key must be a text, not a mapping or list (text that begins with '{{' needs quotes)"
            self.reading.problem(place.line, place.column, message)
            text = None
            frame.invalid = True
        frame.key = (text, place.line, place.column, False)

    def entry(self, frame: _Frame, key: Key, node: Node) -> None:
        """Add an entry to a mapping."""
        text, line, column, plain = key
        if text is None:
            return
        entries = frame.node.value
        if text == "<<" and plain:
            merged = node.value if isinstance(node.value, list) else [node]
            if all(isinstance(each.value, dict) for each in merged):
                frame.merges += merged
            elif node.value is not BAD and all(each.value is not BAD for each in merged):
                self.reading.problem(line, column, "'<<' takes a mapping, or a list of mappings, such as *name")
        elif text in entries or not text.isascii():
            put(frame.node, self.reading.clean(text, line, column), (line, column), node, self.reading)
        else:
            entries[text] = node
            frame.node.keys[text] = (line, column)  # type: ignore[index]

    # Aliases

    def alias(self, event: Any) -> bool | None:
        """Add the value that an alias names; False when the rest of the file cannot be read."""
        name = event.anchor
        if any(frame.anchor == name for frame in self.stack):
            self.problem(event, f"*{name} is inside the value that it names, which would never end")
            target = None
        else:
            target = self.anchors.get(name)
            if target is None:
                self.problem(event, f"*{name} is not defined above{self.nearest(name)}")
        place = self.node(event, BAD)
        node, size, height = target or (place, 1, 0)
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            self.problem(event, f"with its aliases expanded, this file has more than {MAX_ALIASED:,} values")
            return False
        if len(self.stack) + height > self.depth:
            self.problem(event, f"with its aliases expanded, this is nested more than {DEPTH} levels deep")
            return False
        self.attach(node, size, height, place)
        return None

    def nearest(self, name: str) -> str:
        """A hint for an alias that is not defined."""
        from difflib import get_close_matches  # only a mistake needs it

        close = get_close_matches(name, self.anchors, 1)
        return f"; did you mean *{close[0]}?" if close else f" (with &{name}); text that begins with '*' needs quotes"


def merge(node: Node, merges: list[Node]) -> None:
    """Merge mappings into a mapping: its own entries win, then those of the earlier merged mapping."""
    value: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    for other in (*reversed(merges), node):
        value.update(other.value)
        keys.update(other.keys or {})
    node.value, node.keys = value, keys


def tag_text(tag: str) -> str:
    """A tag as it is written in YAML."""
    return "!!" + tag.removeprefix(TAG) if tag.startswith(TAG) else tag

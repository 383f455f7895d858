"""YAML: parse a text into a tree, safely and without recursion, with syntax errors in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from .tree import BAD, DEPTH, MAX_ALIASED, RULES_PATH, TAG, Node, Reading, RuleReader, from_json, put, resolve
from .yaml_errors import explain

#: Two patterns, because one range from control characters to surrogates takes 5 ms to compile.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")

TOO_DEEP = f"nested more than {DEPTH} levels deep"
#: The most characters that a parser reads ahead: a list or mapping may be a key, and YAML allows keys of this length.
LOOKAHEAD = 1100


def parse(text: str, reading: Reading) -> Node | None:
    """The tree of a YAML (or JSON) text; None when it is invalid, with the reasons in ``reading.problems``."""
    text = text.removeprefix("\ufeff")
    control = _CONTROL.search(text) or (None if text.isascii() else _NO_CHARACTER.search(text))
    if control:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        reading.problem(line, column, f"the character U+{ord(control[0]):04X} cannot stand in a YAML file; is this a text file?")
        return None
    if text.lstrip()[:1] in ("{", "["):
        tree = from_json(text, reading)
        if tree is not None:
            return tree
    return _parse_yaml(text, reading)


def _parse_yaml(text: str, reading: Reading) -> Node | None:
    import yaml

    builder = _Builder(reading)
    try:
        # libyaml's parser if PyYAML was built with it: the same results in a tenth of the time.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            builder.build(loader.get_event)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        before = text[max(0, mark.index - LOOKAHEAD) : mark.index] if mark else ""
        if len(builder.stack) + before.count("[") + before.count("{") > DEPTH:
            mark = _too_deep(text)
            if mark:
                reading.problem(mark.line + 1, mark.column + 1, TOO_DEEP)
                return None
        line, column, message = explain(error, text)
        reading.problem(line, column, f"not valid YAML: {message}")
        return None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        reading.problem(1, 1, f"not valid YAML: {error}")
        return None
    if builder.root is None or not builder.documents:
        return builder.root if builder.documents else Node(None, reading.name, 1, 1)
    builder.root.anchored = bool(builder.anchors)
    return builder.root


def _too_deep(text: str) -> Any:
    """The mark where a text is nested deeper than DEPTH; None when it is not.

    libyaml has its own nesting limit (since 0.2.6), and it reads ahead: on one line it reports its limit before the events
    that reach ours. PyYAML's own parser has no limit, so it finds our place. Only texts that may be too deep are parsed twice.
    """
    import yaml

    depth = 0
    loader = yaml.SafeLoader(text)
    try:
        for event in iter(loader.get_event, None):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEPTH:
                    return event.start_mark
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        pass
    finally:
        loader.dispose()
    return None


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


class _Builder:
    """Builds the tree from YAML's events, so that depth and aliases are checked before memory is used."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
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
        self.reading.problem(event.start_mark.line + 1, event.start_mark.column + 1, message)

    def node(self, event: Any, value: Any, raw: str = "", plain: bool = False) -> Node:
        mark = event.start_mark
        return Node(value, self.name, self.line(mark), mark.column + 1, raw, plain)

    def line(self, mark: Any) -> int:
        """The line of a mark from 1, the same object for all nodes of a line: half a kilobyte for a rule on one line."""
        line: int = mark.line + 1
        if line != self.last_line:
            self.last_line = line
        return self.last_line

    def document(self, event: Any) -> bool:
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
        line = mark.line + 1
        if line != self.last_line:
            self.last_line = line
        key, keys = frame.key, owner.keys
        if key is None and keys is not None:
            frame.key = (raw, self.last_line, mark.column + 1, plain)
            return True
        if "${" in raw or not (plain or raw.isascii()):
            return False
        if keys is None:
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

    def scalar(self, event: Any) -> None:
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
        text = self.reading.text(raw, mark.line + 1, mark.column + 1)
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
        reason = "only plain data is read (text that begins with '!' needs quotes)"
        self.problem(event, f"the tag {tag_text(event.tag)} is not allowed; {reason}")

    # Lists and mappings

    def open_mapping(self, event: Any) -> bool:
        node = self.node(event, {})
        node.keys = {}
        return self.open(event, node, "map")

    def open_list(self, event: Any) -> bool:
        return self.open(event, self.node(event, []), "seq")

    def open(self, event: Any, node: Node, kind: str) -> bool:
        if len(self.stack) >= DEPTH:
            self.problem(event, TOO_DEEP)
            return False
        frame = _Frame(node, event.anchor)
        if event.tag is not None and event.tag not in ("!", TAG + kind):
            self.tag_problem(event)
            frame.invalid = True
        self.stack.append(frame)
        return True

    def close(self, event: Any) -> None:
        frame = self.stack.pop()
        node = frame.node
        if frame.merges:
            merge(node, frame.merges)
        if frame.invalid:
            node.value = BAD
        if frame.anchor:
            node.anchored = True
            self.anchors[frame.anchor] = (node, frame.size, frame.height)
        elif self.reading.rule is not None and len(self.stack) == 2 and isinstance(node.value, dict) and not self.anchors:
            node = self.rule(node, self.reading.rule)
        self.attach(node, frame.size, frame.height)

    def rule(self, node: Node, read: RuleReader) -> Node:
        """A finished mapping at the depth of rules, or the node that takes its place.

        A file with anchors keeps its nodes, because one of them may stand in several places.
        """
        root, rules = self.stack
        if root.key is None or root.key[0] != "responses" or root.anchor or rules.anchor:
            return node
        if rules.node.keys is None:
            return read(node, (RULES_PATH, len(rules.node.value)))
        key = None if rules.key is None else rules.key[0]
        # Other keys are not the names of rules, or are not certain to stay as they are written.
        return read(node, (RULES_PATH, key)) if key is not None and key != "<<" and key.isascii() else node

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
        if len(self.stack) + height > DEPTH:
            self.problem(event, f"with its aliases expanded, this is nested more than {DEPTH} levels deep")
            return False
        self.attach(node, size, height, place)
        return None

    def nearest(self, name: str) -> str:
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

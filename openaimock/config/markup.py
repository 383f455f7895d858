"""YAML: a text becomes a tree, safely and without recursion, and what is wrong with it is said in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from .syntax import explain
from .tree import ALIASED, DEPTH, TAG, Node, Reading, from_json, is_wholly_variable, put, resolve

#: Two patterns, as one that reaches from control characters to surrogates takes 5 ms to compile.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "value")


def parse(text: str, reading: Reading) -> Node | None:
    """The tree of a YAML (or JSON) text; None when it cannot be read, with the reasons among the reading's problems."""
    text = text.removeprefix("\ufeff")
    found = _CONTROL.search(text) or (None if text.isascii() else _NO_CHARACTER.search(text))
    if found:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        reading.problem(line, column, f"the character U+{ord(found[0]):04X} cannot stand in a YAML file; is this a text file?")
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
        # libyaml's parser where PyYAML was built with it: the same results, in a tenth of the time.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        try:
            builder.build(loader.get_event)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line, column, message = explain(error, text)
        reading.problem(line, column, f"not valid YAML: {message}")
        return None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        reading.problem(1, 1, f"not valid YAML: {error}")
        return None
    return builder.root


#: A key's text (None: it is no text), line, column, and whether it stands without quotes.
Key = tuple["str | None", int, int, bool]


class _Frame:
    """A list or mapping that is still open. ``size`` and ``height`` count its nodes and levels with all aliases written out."""

    __slots__ = ("anchor", "height", "key", "merges", "node", "size")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Key | None = None
        self.merges: list[Node] | None = None
        self.size = 1
        self.height = 1


class _Builder:
    """Builds the tree from YAML's events, so that depth and aliases are bounded before they cost anything."""

    def __init__(self, reading: Reading) -> None:
        import yaml

        self.reading = reading
        self.name = reading.name
        self.root: Node | None = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.aliased = 0
        self.documents = 0
        self.handlers: dict[type, Any] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.open_mapping,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceStartEvent: self.open_list,
            yaml.SequenceEndEvent: self.close,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }

    def build(self, next_event: Callable[[], Any]) -> None:
        """Take all events, or as many as there is use in taking."""
        handlers = self.handlers
        for event in iter(next_event, None):
            handler = handlers.get(type(event))
            if handler is not None and handler(event) is False:
                return

    def problem(self, event: Any, message: str) -> None:
        self.reading.problem(event.start_mark.line + 1, event.start_mark.column + 1, message)

    def document(self, event: Any) -> bool:
        self.documents += 1
        if self.documents > 1:
            self.problem(event, "a second document begins here ('---'); a configuration is one document")
        return self.documents == 1

    def scalar(self, event: Any) -> None:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        raw, plain, tag = event.value, event.implicit[0], event.tag
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.key is None and frame.node.keys is not None:
            if event.anchor:
                self.anchors[event.anchor] = (Node(raw, self.name, line, column, raw, plain), 1, 0)
            frame.key = (raw, line, column, plain)
            return
        if plain:
            if "${" in raw:
                whole = is_wholly_variable(raw)
                raw = self.reading.text(raw, line, column)
                node = Node(resolve(raw) if whole else raw, self.name, line, column, raw, whole)
            else:
                node = Node(resolve(raw), self.name, line, column, raw, True)
        else:
            raw = self.reading.text(raw, line, column)
            value = raw if tag is None or tag in ("!", TAG + "str") else self.tagged(event, tag, raw)
            node = Node(value, self.name, line, column, raw)
        if event.anchor:
            self.anchors[event.anchor] = (node, 1 + len(raw) // 64, 0)
        self.attach(node, 1, 0)

    def tagged(self, event: Any, tag: str, raw: str) -> Any:
        kind = tag.removeprefix(TAG)
        if kind not in _SCALARS or not tag.startswith(TAG):
            self.problem(
                event, f"the tag {shown(tag)} is not allowed; only plain data is read (text that begins with '!' needs quotes)"
            )
            return None
        if kind in ("timestamp", "value"):
            return raw
        value = resolve(raw)
        wanted = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}[kind]
        if not isinstance(value, wanted):  # type: ignore[arg-type]
            self.problem(event, f"the tag {shown(tag)} does not fit this value")
        return value

    def open_mapping(self, event: Any) -> bool:
        return self.open(event, {}, {}, "map")

    def open_list(self, event: Any) -> bool:
        return self.open(event, [], None, "seq")

    def open(self, event: Any, value: Any, keys: dict[str, tuple[int, int]] | None, kind: str) -> bool:
        if event.tag is not None and event.tag not in ("!", TAG + kind):
            self.problem(event, f"the tag {shown(event.tag)} is not allowed; only plain data is read")
        if len(self.stack) >= DEPTH:
            self.problem(event, f"nested more than {DEPTH} levels deep")
            return False
        mark = event.start_mark
        self.stack.append(_Frame(Node(value, self.name, mark.line + 1, mark.column + 1, keys=keys), event.anchor))
        return True

    def close(self, event: Any) -> None:
        frame = self.stack.pop()
        node = frame.node
        if frame.merges:
            merge(node, frame.merges)
        if frame.anchor:
            self.anchors[frame.anchor] = (node, frame.size, frame.height)
        self.attach(node, frame.size, frame.height)

    def alias(self, event: Any) -> bool | None:
        name = event.anchor
        known = self.anchors.get(name)
        if any(frame.anchor == name for frame in self.stack):
            self.problem(event, f"*{name} stands inside the very value it names; it would never end")
            known = None
        elif known is None:
            close = get_close_matches(name, self.anchors, 1)
            hint = (
                f"; did you mean *{close[0]}?"
                if close
                else f" (an anchor is set by &{name}; text that begins with '*' needs quotes)"
            )
            self.problem(event, f"*{name} is not defined above{hint}")
        node, size, height = known or (Node(None, self.name, event.start_mark.line + 1, event.start_mark.column + 1), 1, 0)
        self.aliased += size
        if self.aliased > ALIASED:
            self.problem(event, f"with its aliases written out, this file has more than {ALIASED:,} values")
            return False
        if len(self.stack) + height > DEPTH:
            self.problem(event, f"with its aliases written out, this is nested more than {DEPTH} levels deep")
            return False
        self.attach(node, size, height, event.start_mark)
        return None

    def attach(self, node: Node, size: int, height: int, mark: Any = None) -> None:
        """Give a finished node to the list or mapping it stands in; ``mark`` is where an alias stands."""
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
            line, column = (mark.line + 1, mark.column + 1) if mark else (node.line, node.column)
            whole = isinstance(node.value, (dict, list))
            if whole:
                self.reading.problem(
                    line, column, "a key must be a text, not a mapping or list (text that begins with '{{' needs quotes)"
                )
            frame.key = (None if whole else node.raw, line, column, False)
        else:
            self.entry(frame, frame.key, node)
            frame.key = None

    def entry(self, frame: _Frame, key: Key, node: Node) -> None:
        text, line, column, plain = key
        if text is None:
            return
        if text == "<<" and plain:
            merged = node.value if isinstance(node.value, list) else [node]
            if not all(isinstance(each.value, dict) for each in merged):
                self.reading.problem(line, column, "'<<' takes a mapping, or a list of mappings, such as *name")
                return
            # Of several, the first to have a key gives it.
            frame.merges = [*(frame.merges or ()), *merged]
        elif text in frame.node.value or not text.isascii():
            put(frame.node, self.reading.clean(text, line, column), (line, column), node, self.reading)
        else:
            frame.node.value[text] = node
            frame.node.keys[text] = (line, column)  # type: ignore[index]


def merge(node: Node, merges: list[Node]) -> None:
    """Put the entries of merged mappings before a mapping's own, which win; of several merged, the earlier one wins."""
    value: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    for other in (*reversed(merges), node):
        value.update(other.value)
        keys.update(other.keys or {})
    node.value, node.keys = value, keys


def shown(tag: str) -> str:
    """A tag as it is written in a file."""
    return "!!" + tag.removeprefix(TAG) if tag.startswith(TAG) else tag

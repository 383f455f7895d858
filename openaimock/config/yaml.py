"""YAML: parse a text into a tree, safely and without recursion, with syntax errors in plain words."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from . import json_lines
from .builder import TOO_DEEP, Builder
from .tree import DEPTH, Node, Reading, from_json
from .yaml_errors import explain

#: Two patterns, because one range from control characters to surrogates takes 5 ms to compile; few texts need the second.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_NO_CHARACTER = "[\ud800-\udfff\ufffe\uffff]"

#: The most characters that a parser reads ahead: a list or mapping may be a key, and YAML allows keys of this length.
LOOKAHEAD = 1100


def parse(text: str, reading: Reading) -> Node | None:
    """The tree of a YAML (or JSON) text; None when it is invalid, with the reasons in ``reading.problems``."""
    text = text.removeprefix("\ufeff")
    control = _CONTROL.search(text) or (None if text.isascii() else re.search(_NO_CHARACTER, text))
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

    lines = json_lines.find(text, reading, partial(_placed, reading))
    if lines is not None:
        problems, warnings = len(reading.problems), len(reading.warnings)
        try:
            builder = Builder(reading, lines)
            _build(builder, lines.text)
            lines.finish()
        except (json_lines.Unusable, yaml.YAMLError, ValueError, OverflowError, RecursionError):
            del reading.problems[problems:], reading.warnings[warnings:]
        else:
            return _finished(builder)
    builder = Builder(reading)
    try:
        _build(builder, text)
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
    return _finished(builder)


def _build(builder: Builder, text: str) -> None:
    """Let a builder process the events of a text."""
    import yaml

    # libyaml's parser if PyYAML was built with it: the same results in a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        builder.build(loader.get_event)
    finally:
        loader.dispose()


def _finished(builder: Builder) -> Node | None:
    """The tree of a builder that processed all events."""
    if builder.root is None or not builder.documents:
        return builder.root if builder.documents else Node(None, builder.name, 1, 1)
    builder.root.anchored = bool(builder.anchors)
    return builder.root


def _placed(reading: Reading, text: str, line: int, column: int) -> Node:
    """The tree of a rule in JSON that begins at a line and a column, with the places of all its nodes."""
    alone = Reading(reading.name, reading.problems, reading.environ, reading.warnings)
    builder = Builder(alone, line=line, depth=DEPTH - json_lines.OUTER)
    _build(builder, " " * (column - 1) + text)
    if builder.root is None:
        raise json_lines.Unusable
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

"""Entries: the rules of a configuration with the nodes that they were read from, for tools that show places inside rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, NamedTuple

from ..errors import ConfigError, Problem
from ..params.models import ModelTable, overlay
from .load import _settings
from .messages import Path, render
from .names import MODELS
from .problems import in_order
from .rules import RULE_NORMALIZERS, Entry, number
from .source import Reader, Source
from .tree import Node
from .validate import Checker, child


class Entries(NamedTuple):
    """The rules of a configuration in file order, and the models that it declares."""

    rules: list[Entry]
    #: The ids of ``models:``, or of the default list.
    models: tuple[str, ...]
    table: ModelTable


def read_entries(source: Source, environ: Mapping[str, str], stdin: IO[Any] | None = None) -> Entries:
    """The Entries of a source as ``load`` takes it. ConfigError with all problems."""
    problems: list[Problem] = []
    reader = Reader(environ, stdin, problems)
    trees = list(reader.read(source))
    check = Checker(RULE_NORMALIZERS, problems)
    settings, rules = _settings(check, trees)
    number(check, rules, settings)
    if problems:
        raise ConfigError(in_order(problems))
    models: Iterable[Any] = settings.get("models", MODELS)
    return Entries(rules, tuple(entry if isinstance(entry, str) else entry["id"] for entry in models), overlay(models))


def locate(node: Node, path: Path, *keys: str | int) -> tuple[str, str]:
    """The place and the path of something inside a rule. Where a key is not written, those of what it would be in."""
    place = node.place
    for key in keys:
        inner = _inner(node, key)
        if inner is None:
            break
        place = node.place_of(str(key)) if isinstance(node.value, dict) else inner.place
        node, path = inner, (path, key)
    return place, render(path)


def _inner(node: Node, key: str | int) -> Node | None:
    if isinstance(node.value, list) and isinstance(key, int):
        return node.value[key] if key < len(node.value) else None
    inner = child(node, str(key))
    return None if inner is node else inner


def replies_of(entry: Entry) -> Iterator[tuple[Mapping[str, Any], tuple[str | int, ...]]]:
    """The replies of a rule in their normal form, each with the keys that lead to it."""
    written = entry.node.value
    for at, reply in enumerate(entry.rule["replies"]):
        name = next((name for name in ("reply", "response") if name in written), "replies")
        yield reply, ((name,) if name != "replies" else ("replies", at))
    for at, message in enumerate(entry.rule["messages"] or ()):
        if message["reply"] is not None:
            yield message["reply"], (*flow_keys(entry), at)


def flow_keys(entry: Entry) -> tuple[str, ...]:
    """The keys that lead to the messages of a rule."""
    return ("messages",) if "messages" in entry.node.value else ("matcher", "messages")

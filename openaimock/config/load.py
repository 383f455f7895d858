"""Load: from whatever the user gives to a checked Config, or one ConfigError with every problem in it."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ..errors import ConfigError, Problem
from ..params.models import ModelTable, overlay
from ..types.clock import Clock
from . import keys
from .names import MODELS
from .normalize import child, drain
from .rules import ALL, Entry, number
from .source import Reader, Source
from .tree import BAD, Node, Reading, from_python
from .validate import Checker, of_field, said
from .yaml import parse

_UNITS = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


@dataclass(frozen=True, eq=False)
class Config:
    """A checked configuration. ``rules`` are in their normal form; the keys are never shown."""

    rules: tuple[dict[str, Any], ...] = ()
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 3000
    models: tuple[str, ...] = MODELS
    #: ``error``, ``echo``, ``auto``, or ``{"reply": normal form}``.
    unmatched: str | dict[str, Any] = "error"
    turns: str = "next"
    match: str = "best"
    lint: str = "warn"
    seed: int | str = 0
    clock: str = "real"
    pace: dict[str, Any] | None = None
    latency: dict[str, Any] | None = None
    scenarios: dict[str, str] = field(default_factory=dict)
    overrides: bool = True
    chaos: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None
    journal_size: int = 1000
    body_limit: int = 65536
    #: None (no browser may call), ``*``, or the allowed origins.
    cors: str | tuple[str, ...] | None = "*"
    #: In bytes.
    max_body: int = 64 * 1024**2
    isolate: tuple[str, ...] = ("path", "header", "key")
    store: str = "memory"
    upstream: dict[str, Any] | None = None
    admin: bool = True
    admin_key: str | None = field(default=None, repr=False)
    #: What relative paths in replies start from.
    base: Path = field(default_factory=Path)
    files: tuple[Path, ...] = ()

    @cached_property
    def model_table(self) -> ModelTable:
        """The facts of all models, with those of ``models:`` laid over them."""
        return overlay(self.models)


def load(source: Source, *, environ: Mapping[str, str] | None = None, stdin: IO[Any] | None = None) -> Config:
    """The Config of a path, YAML text, a mapping, or a list of these.

    ``environ`` fills ``${NAME}``; it is ``os.environ`` when not given. ``stdin`` is read for the source ``-``; without it
    ``-`` is a problem, so that only a caller who means it, such as the command line, reads standard input.
    ConfigError has every problem of every file.
    """
    problems: list[Problem] = []
    with _unhurried():
        reader = Reader(os.environ if environ is None else environ, stdin, problems)
        trees = list(reader.read(source))
        check = Checker(ALL, problems)
        settings, entries = _settings(check, trees)
        numbered = number(check, entries, settings)
        if trees and not problems and not numbered and settings.get("unmatched", "error") == "error":
            _no_rules(check, trees)
    if problems:
        raise ConfigError(_in_order(problems))
    return _config(settings, numbered, reader.files)


def load_rules(
    source: Source, *, config: Config | None = None, taken: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Rules for a running mock in their normal form: YAML or JSON text, a mapping (one rule, or ``responses``), or a list.

    ``taken`` are the ids that are there already; ``config`` gives the defaults. Nothing is filled from the environment unless
    ``environ`` is given: who may add a rule need not see the variables.
    """
    problems: list[Problem] = []
    check = Checker(ALL, problems)
    with _unhurried():
        tree = _tree(source, Reading("<rules>" if isinstance(source, (str, bytes)) else "", problems, environ))
        entries: list[Entry] = []
        if tree is not None:
            entries = _rules_in(check, tree)
        defaults = {} if config is None else {"turns": config.turns, "pace": config.pace, "latency": config.latency}
        numbered = number(check, entries, defaults, taken=taken, first=len(taken) + 1)
    if problems:
        raise ConfigError(_in_order(problems))
    return numbered


def load_reply(value: Any) -> dict[str, Any]:
    """The normal form of one reply given in Python: text, a mapping, or a function of the Ask."""
    problems: list[Problem] = []
    check = Checker(ALL, problems)
    made = check.check(keys.shape("reply"), from_python(value, Reading("", problems, None), "reply"), (None, "reply"))
    drain(check)
    if problems:
        raise ConfigError(problems)
    return made  # type: ignore[no-any-return]


def load_setting(name: str, source: Source) -> Any:
    """The normal form of one setting for a running mock, from YAML or JSON text or from Python."""
    problems: list[Problem] = []
    check = Checker(ALL, problems)
    tree = _tree(source, Reading(f"<{name}>" if isinstance(source, (str, bytes)) else "", problems, None))
    made = None
    if tree is not None:
        made = check.check(of_field(keys.SETTINGS.fields, name).kind, tree, (None, name))
        drain(check)
    if problems:
        raise ConfigError(_in_order(problems))
    return made


@contextmanager
def _unhurried() -> Iterator[None]:
    """Without the garbage collector: walking a growing tree again and again costs more than building it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Problems by file, line and column; one place says the same thing once, however many aliases lead there."""
    files = list(dict.fromkeys(_file(problem) for problem in problems))
    unique: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        unique.setdefault((problem.place or problem.path, problem.message), problem)

    def order(problem: Problem) -> tuple[int, int, int]:
        found = re.search(r":(\d+):(\d+)$", problem.place)
        line, column = (int(found[1]), int(found[2])) if found else (0, 0)
        return files.index(_file(problem)), line, column

    return sorted(unique.values(), key=order)


def _file(problem: Problem) -> str:
    return re.sub(r":\d+:\d+$", "", problem.place)


# Settings


def _settings(check: Checker, trees: list[Node]) -> tuple[dict[str, Any], list[Entry]]:
    """The settings and rules of all trees; a setting that two files give must be the same in both."""
    settings: dict[str, Any] = {}
    places: dict[str, str] = {}
    entries: list[Entry] = []
    for tree in trees:
        if not isinstance(tree.value, dict):
            _not_settings(check, tree)
            continue
        given = check.check(keys.shape("settings"), tree, None)
        entries += _entries(given.pop("responses", None))
        for key, value in given.items():
            if key in ("include", "templates"):
                continue
            node = child(tree, key)
            if key in settings and settings[key] != value:
                where = places[key] or "another source"
                check.problem(node, (None, key), f"{where} has another value for '{key}'; give it once")
            settings[key] = _SETTINGS.get(key, _as_is)(check, value, node, (None, key))
            places[key] = node.place
    return settings, entries


def _entries(found: Any) -> list[Entry]:
    listed = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
    return [entry for entry in listed if entry is not BAD]


def _not_settings(check: Checker, tree: Node) -> None:
    hint = "; write the rules under 'responses:'" if isinstance(tree.value, list) else ""
    if tree.value is None:
        check.problem(tree, None, "there is nothing in it; a configuration has at least 'responses'")
    else:
        check.problem(tree, None, f"expected settings such as 'responses:', got {said(tree)}{hint}")


def _no_rules(check: Checker, trees: list[Node]) -> None:
    found = next((tree for tree in trees if "responses" in tree.value), None)
    if found is None:
        check.problem(
            trees[0], None, "'responses' is missing; without rules 'unmatched' must say what to answer, such as 'unmatched: echo'"
        )
    else:
        told = "there are no rules; without rules 'unmatched' must say what to answer, such as 'unmatched: echo'"
        check.problem(found, (None, "responses"), told, key="responses")


def _as_is(check: Checker, value: Any, node: Node, path: Any) -> Any:
    return value


def _clock(check: Checker, value: Any, node: Node, path: Any) -> Any:
    try:
        if value is not BAD:
            Clock.parse(value)
    except (ValueError, OverflowError):
        return check.problem(node, path, f"expected 'real' or an ISO time such as 2026-01-31T12:00:00Z, got {said(node)}")
    return value


def _cors(check: Checker, value: Any, node: Node, path: Any) -> Any:
    if value is True:
        return check.problem(node, path, 'expected an origin, "*" for all of them, or false')
    if value is False or value is BAD:
        return None
    return "*" if "*" in value else tuple(value)


def _max_body(check: Checker, value: Any, node: Node, path: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"\s*(\d{1,9})\s*([KMG]?)(i?B)?\s*", value, re.IGNORECASE)
    if found is None or not int(found[1]):
        return check.problem(node, path, f"expected a number of bytes, or a size such as 64MB, got {said(node)}")
    return int(found[1]) * _UNITS[found[2].upper()]


def _store(check: Checker, value: Any, node: Node, path: Any) -> Any:
    if value in ("memory", BAD):
        return value
    if isinstance(value, str) and value.startswith(("sqlite:", "redis:", "rediss:")):
        return check.problem(node, path, f"a store of {value.partition(':')[0]} is not available yet")
    return check.problem(node, path, f"expected 'memory', got {said(node)}")


#: What a setting needs beyond its kind.
_SETTINGS = {"clock": _clock, "cors": _cors, "max_body": _max_body, "store": _store}


def _config(settings: dict[str, Any], numbered: list[dict[str, Any]], files: list[Path]) -> Config:
    journal = settings.pop("journal", {})
    found: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    keys = {"journal_size": journal.get("size"), "body_limit": journal.get("body_limit"), "api_keys": found.pop("api_key", None)}
    return Config(
        rules=tuple(numbered),
        base=files[0].parent if files else Path(),
        files=tuple(files),
        **found,
        **{key: value for key, value in keys.items() if value is not None},
    )


# Rules alone


def _tree(source: Source, reading: Reading) -> Node | None:
    if isinstance(source, (str, bytes)):
        text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
        return parse(text, reading)
    return from_python(source, reading)


def _rules_in(check: Checker, tree: Node) -> list[Entry]:
    """The rules of a list, of a mapping with ``responses``, or of a mapping that is itself one rule."""
    if isinstance(tree.value, dict) and "responses" in tree.value:
        outer = keys.RULES
        given = check.check(outer, tree, None)
        return _entries(given.get("responses"))
    if isinstance(tree.value, list):
        return _entries(check.check(of_field(keys.RULES.fields, "responses").kind, tree, None))
    if isinstance(tree.value, dict):
        return _entries([check.check(keys.shape("rule"), tree, None)])
    check.problem(tree, None, f"expected a rule or a list of rules, got {said(tree)}")
    return []


def secrets(config: Config) -> tuple[str, ...]:
    """Every key of a configuration. None of them may be shown."""
    return (*config.api_keys, config.admin_key) if config.admin_key else config.api_keys

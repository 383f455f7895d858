"""Load: convert any source to a checked Config, or raise one ConfigError with every problem."""

from __future__ import annotations

import gc
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ..errors import ConfigError, Problem
from ..params.models import ModelTable, overlay
from ..text.secret_names import HEADERS, is_secret
from ..types.clock import Clock
from . import keys, recording, timing, warnings
from .kinds import Kind
from .media import RULES_TEXT
from .messages import describe
from .names import MODELS
from .normalize import check_templates
from .problems import in_order
from .recording import RecordSetting
from .rules import RULE_NORMALIZERS, Entry, number, rule_reader
from .settings import RULES, SETTINGS
from .source import Reader, Source
from .tree import BAD, Node, Reading, from_python
from .validate import Checker, child, of_field
from .webhooks import check_webhooks
from .yaml import parse


@dataclass(frozen=True, eq=False)
class Config:
    """A checked configuration. ``rules`` are in their normal form; ``repr`` hides the keys."""

    rules: tuple[dict[str, Any], ...] = ()
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 3000
    #: Ids, or mappings with an ``id``.
    models: tuple[str | dict[str, Any], ...] = MODELS
    #: ``error``, ``echo``, ``auto``, ``proxy``, or ``{"reply": normal form}``.
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
    load: dict[str, Any] | None = None
    journal_size: int = 1000
    body_limit: int = 65536
    journal_memory: int = 64 * 1024**2
    #: None (no browser may call), ``*``, or the allowed origins.
    cors: str | tuple[str, ...] | None = "*"
    #: In bytes.
    max_body: int = 64 * 1024**2
    isolate: tuple[str, ...] = ("path", "header", "key")
    store: str = field(default="memory", repr=False)
    #: Where the setting ``store`` is, for errors that show when the store is opened.
    store_place: str = ""
    retries: str = "next"
    prompt_cache: bool = False
    #: ``url``, ``key``, ``headers`` and ``timeout`` (seconds).
    upstream: dict[str, Any] | None = field(default=None, repr=False)
    record: RecordSetting | None = None
    #: ``allow`` and ``endpoints``, each with ``url``, ``secret`` and ``events``.
    webhooks: dict[str, Any] | None = field(default=None, repr=False)
    admin: bool = True
    admin_key: str | None = field(default=None, repr=False)
    #: The folder that relative paths in replies start from.
    base: Path = field(default_factory=Path)
    files: tuple[Path, ...] = ()
    #: Problems that do not prevent loading, such as rules that can never answer.
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def model_table(self) -> ModelTable:
        """The facts of all models, with those of ``models:`` laid over them."""
        return overlay(self.models)


def load(source: Source, *, environ: Mapping[str, str] | None = None, stdin: IO[Any] | None = None) -> Config:
    """The Config of a path, YAML text, a mapping, or a list of these.

    ``environ`` fills ``${NAME}``; the default is ``os.environ``. ``stdin`` is read for the source ``-``; without ``stdin``
    that source is a problem, so that only a caller that passes it, such as the command line, reads standard input.
    ConfigError has every problem of every file.
    """
    problems: list[Problem] = []
    with _without_gc():
        reader = Reader(os.environ if environ is None else environ, stdin, problems, rule_reader())
        trees = list(reader.read(source))
        check = Checker(RULE_NORMALIZERS, problems)
        settings, entries = _settings(check, trees, empties_rules=True)
        files = list(reader.files)
        record = _record(check, settings, reader, entries)
        _check_store(check, settings, _base(files))
        numbered = number(check, entries, settings)
        if record is not None and record.active:
            # The file of recordings changes as it grows, and is not to be watched.
            settings["record"], numbered = _old_rules(record, numbered)
        if "upstream" not in settings and not problems:
            _no_upstream(check, settings, numbered)
    if problems:
        raise ConfigError(in_order(problems))
    answer = "proxy" if record is not None else settings.get("unmatched", "error")
    notes = warnings.of_rules(numbered, settings.get("scenarios", {}), settings.get("match", "best"), answer)
    watched = files if record is None or record.active else reader.files
    return _config(settings, numbered, watched, _base(files), in_order([*reader.warnings, *check.warnings, *notes]))


def load_rules(
    source: Source, *, config: Config | None = None, taken_ids: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Rules for a running mock in their normal form: YAML or JSON text, a mapping (one rule, or ``responses``), or a list.

    ``taken_ids`` are the ids of the existing rules; ``config`` gives the defaults. Variables are filled only from ``environ``
    (default: none), because a client that may add a rule must not read the environment.
    """
    problems: list[Problem] = []
    check = Checker(RULE_NORMALIZERS, problems)
    with _without_gc():
        tree = _tree(source, Reading(RULES_TEXT if isinstance(source, (str, bytes)) else "", problems, environ))
        entries: list[Entry] = []
        if tree is not None:
            entries = _rules_in(check, tree)
        defaults = {} if config is None else {"turns": config.turns, "pace": config.pace, "latency": config.latency}
        numbered = number(check, entries, defaults, taken_ids=taken_ids, first=len(taken_ids) + 1)
    if problems:
        raise ConfigError(in_order(problems))
    return numbered


def load_reply(value: Any) -> dict[str, Any]:
    """The normal form of a reply that a user's function returns: text or a mapping. It is never a template."""
    problems: list[Problem] = []
    check = Checker(RULE_NORMALIZERS, problems)
    reply = check.check(keys.shape("reply"), from_python(value, Reading("", problems, None), "reply"), (None, "reply"))
    if problems:
        raise ConfigError(problems)
    return reply  # type: ignore[no-any-return]


def load_json_reply(text: str, name: str) -> dict[str, Any]:
    """The normal form of a reply in JSON text; ``name`` is that of the text in places. ConfigError with all problems."""
    return _loaded(keys.shape("reply"), text, name, "reply")  # type: ignore[no-any-return]


def load_setting(name: str, source: Source) -> Any:
    """The normal form of one setting for a running mock, from YAML or JSON text or from Python."""
    return _loaded(of_field(SETTINGS.fields, name).kind, source, name, name)


def _loaded(kind: Kind, source: Source, name: str, key: str) -> Any:
    """The normal form of a value alone; no variables are filled."""
    problems: list[Problem] = []
    check = Checker(RULE_NORMALIZERS, problems)
    tree = _tree(source, Reading(f"<{name}>" if isinstance(source, (str, bytes)) else "", problems, None))
    value = None
    if tree is not None:
        value = check.check(kind, tree, (None, key))
        check_templates(check)
    if problems:
        raise ConfigError(in_order(problems))
    return value


@contextmanager
def _without_gc() -> Iterator[None]:
    """Disable the garbage collector: its repeated passes over a growing tree cost more than building the tree."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# Recordings


def _record(check: Checker, settings: dict[str, Any], reader: Reader, entries: list[Entry]) -> RecordSetting | None:
    """The RecordSetting of the settings; adds the rules of its file to ``entries``."""
    value = settings.pop("record", None)
    if not isinstance(value, Mapping) or not isinstance(value.get("file"), str):
        return None
    try:
        record = recording.resolve(value, _base(reader.files), reader.environ or {})
    except ValueError as error:
        reader.problem("", str(error))
        return None
    conflict = recording.conflict(settings.get("unmatched"), record)
    if conflict is not None:
        reader.problem("", conflict, "unmatched")
    unmatched = recording.unmatched_of(settings.pop("unmatched", None), record)
    settings |= {"record": record} if unmatched is None else {"record": record, "unmatched": unmatched}
    problem = recording.unwritable(record)
    if problem:
        reader.problem("", problem, "record.file")
    elif not record.path.exists() and not record.active:
        reader.problem(str(record.path), "there is no such file to replay; record it with 'record.mode: once'", "record.file")
    elif record.path.exists():
        for tree in reader.file(str(record.path), ""):
            if tree.value is not None:
                entries += _rules_in(check, tree)
        if record.active and not reader.problems:
            from .append import refusal  # takes time to import, and is needed for recordings only

            if reason := refusal(record.path):
                reader.problem(str(record.path), reason, "record.file")
    return record


def _old_rules(record: RecordSetting, numbered: list[dict[str, Any]]) -> tuple[RecordSetting, list[dict[str, Any]]]:
    """The setting with the rules that are recorded again, and the other rules."""
    if record.mode != "all":
        return record, numbered
    own = f"{record.path}:"
    old = tuple(rule for rule in numbered if rule["place"].startswith(own))
    return replace(record, old=old), [rule for rule in numbered if not rule["place"].startswith(own)]


def _no_upstream(check: Checker, settings: Mapping[str, Any], numbered: list[dict[str, Any]]) -> None:
    """A problem when something needs ``upstream``, which is missing."""
    rule = recording.proxies(numbered)
    record = settings.get("record")
    if record is not None and record.active:
        message = "'record' needs 'upstream', such as 'upstream: {url: https://api.openai.com/v1}'"
    elif settings.get("unmatched") == "proxy":
        message = "'unmatched: proxy' needs 'upstream', such as 'upstream: {url: https://api.openai.com/v1}'"
    elif rule is not None:
        message = f"'proxy: true' in rule '{rule}' needs 'upstream', such as 'upstream: {{url: https://api.openai.com/v1}}'"
    else:
        return
    check.problems.append(Problem("", "upstream", message))


def _check_store(check: Checker, settings: Mapping[str, Any], base: Path) -> None:
    """A problem when the store cannot be used."""
    address = settings.get("store")
    if not isinstance(address, str) or address == "memory":
        return
    from .stores import store_problem  # most mocks keep their state in memory

    if reason := store_problem(address, base):
        check.problems.append(Problem(settings["store_place"], "store", reason))


def _base(files: list[Path]) -> Path:
    return files[0].parent if files else Path()


# Settings


def _settings(check: Checker, trees: list[Node], *, empties_rules: bool = False) -> tuple[dict[str, Any], list[Entry]]:
    """The settings and rules of all trees; a setting in two files must have the same value in both.

    With ``empties_rules`` the nodes inside rules are dropped as soon as they are not needed.
    """
    settings: dict[str, Any] = {}
    places: dict[str, str] = {}
    entries: list[Entry] = []
    for tree in trees:
        if not isinstance(tree.value, dict):
            _not_settings(check, tree)
            continue
        # A value with an anchor may stand in several places.
        check.empties_rules = empties_rules and not tree.anchored
        checked = check.check(keys.shape("settings"), tree, None)
        check.empties_rules = False
        entries += _entries(checked.pop("responses", None))
        for key, value in checked.items():
            if key in ("include", "templates"):
                continue
            node = child(tree, key)
            if key in settings and settings[key] != value:
                where = places[key] or "another source"
                check.problem(node, (None, key), f"{where} has another value for '{key}'; set it once")
            settings[key] = _SETTINGS.get(key, _unchanged)(check, value, node, (None, key))
            places[key] = node.place
    if "store" in settings:
        settings["store_place"] = places["store"]
    return settings, entries


def _entries(rules: Any) -> list[Entry]:
    listed = list(rules.values()) if isinstance(rules, dict) else rules if isinstance(rules, list) else []
    return [entry for entry in listed if entry is not BAD]


def _not_settings(check: Checker, tree: Node) -> None:
    hint = "; write the rules under 'responses:'" if isinstance(tree.value, list) else ""
    if tree.value is None:
        check.problem(tree, None, "the file is empty; a configuration has at least 'responses'")
    else:
        check.problem(tree, None, f"expected settings such as 'responses:', got {describe(tree)}{hint}")


def _unchanged(check: Checker, value: Any, node: Node, path: Any) -> Any:
    return value


def _clock(check: Checker, value: Any, node: Node, path: Any) -> Any:
    try:
        if value is not BAD:
            Clock.parse(value)
    except (ValueError, OverflowError):
        return check.problem(node, path, f"expected 'real' or an ISO time such as 2026-01-31T12:00:00Z, got {describe(node)}")
    return value


def _cors(check: Checker, value: Any, node: Node, path: Any) -> Any:
    if value is True:
        return check.problem(node, path, 'expected an origin, "*" for all of them, or false')
    if value is False or value is BAD:
        return None
    return "*" if "*" in value else tuple(value)


def _max_body(check: Checker, value: Any, node: Node, path: Any) -> Any:
    return check.problem(node, path, "expected at least 1 byte") if value == 0 else value


#: Checks and conversions of settings beyond their kind.
_SETTINGS = {
    "clock": _clock,
    "cors": _cors,
    "load": timing.load,
    "max_body": _max_body,
    "upstream": recording.check_upstream,
    "record": recording.check_record,
    "webhooks": check_webhooks,
}


def _config(
    settings: dict[str, Any], numbered: list[dict[str, Any]], files: list[Path], base: Path, notes: list[Problem]
) -> Config:
    journal = settings.pop("journal", {})
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    names = {"size": "journal_size", "body_limit": "body_limit", "memory": "journal_memory"}
    renamed = {names[key]: value for key, value in journal.items()} | {"api_keys": values.pop("api_key", None)}
    return Config(
        rules=tuple(numbered),
        base=base,
        files=tuple(files),
        warnings=tuple(notes),
        **values,
        **{key: value for key, value in renamed.items() if value is not None},
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
        outer = RULES
        checked = check.check(outer, tree, None)
        return _entries(checked.get("responses"))
    if isinstance(tree.value, list):
        return _entries(check.check(of_field(RULES.fields, "responses").kind, tree, None))
    if isinstance(tree.value, dict):
        return _entries([check.check(keys.shape("rule"), tree, None)])
    check.problem(tree, None, f"expected a rule or a list of rules, got {describe(tree)}")
    return []


def secrets(config: Config) -> tuple[str, ...]:
    """Every key of a configuration. None of them may appear in output."""
    upstream = config.upstream or {}
    headers = [value for name, value in (upstream.get("headers") or {}).items() if name.lower() in HEADERS or is_secret(name)]
    signing = [endpoint["secret"] for endpoint in (config.webhooks or {}).get("endpoints") or ()]
    keys = [*config.api_keys, config.admin_key, upstream.get("key"), *headers, *signing]
    if config.store != "memory":
        from .stores import passwords

        keys += passwords(config.store)
    return tuple(filter(None, keys))

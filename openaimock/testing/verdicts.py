"""Shared by the pytest plugin and the unittest mixin: a test's configuration, its environment and its verdict."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..config.load import Config, load, secrets
from ..text import redaction
from . import assertions, coverage_report
from .mock import MockServer

#: The client's key when the configuration has none.
KEY = "test-key"
#: How the error of a miss begins.
MISS = "No matching response found"
#: Settings that a Config has under other names.
_NAMES = {"api_key": ("api_keys",), "journal": ("journal_size", "body_limit")}


def configure(
    sources: Sequence[Any], settings: Mapping[str, Any], folder: Path, environ: Mapping[str, str] | None = None
) -> Config:
    """The Config of paths (relative to a folder), mappings or YAML texts, some settings replaced; it may have no rules.

    ``environ`` is ``os.environ`` by default. ConfigError with all problems.
    """
    record = settings.get("record")
    if isinstance(record, Mapping) and isinstance(record.get("file"), str):
        # What is recorded says what an unmatched request gets.
        settings = {**settings, "record": {**record, "file": str(folder / record["file"])}}
        base = load(settings, environ=environ)
        settings["unmatched"] = base.unmatched
    else:
        # The test itself may add the rules, so that their absence is no problem here.
        base = load({"unmatched": "echo", **settings}, environ=environ)
    if not sources:
        return replace(base, base=folder, unmatched=base.unmatched if "unmatched" in settings else "error")
    config = load([_resolve(source, folder) for source in sources], environ=environ)
    rules = (*config.rules, *base.rules)
    names = [name for key in settings if key != "responses" for name in _NAMES.get(key, (key,))]
    return replace(config, rules=rules, base=config.base if config.files else folder, **{n: getattr(base, n) for n in names})


def _resolve(source: Any, folder: Path) -> Any:
    """A source with a relative path resolved against the folder."""
    if isinstance(source, os.PathLike):
        return folder / source
    if isinstance(source, str) and "\n" not in source and (folder / source).exists():
        return folder / source
    return source


def environment(mock: MockServer, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that point the official clients at a mock, and past a proxy."""
    keys = mock.app.api.config.api_keys
    # LangChain and LlamaIndex read OPENAI_API_BASE first.
    variables = {"OPENAI_BASE_URL": mock.url, "OPENAI_API_BASE": mock.url, "OPENAI_API_KEY": keys[0] if keys else KEY}
    # Both spellings, with the hosts of both: clients differ in which one they read.
    hosts = ",".join(filter(None, (environ.get("NO_PROXY"), environ.get("no_proxy")))).split(",")
    hosts = list(dict.fromkeys(host.strip() for host in (*hosts, mock.host, "localhost") if host.strip()))
    variables["NO_PROXY"] = variables["no_proxy"] = "*" if "*" in hosts else ",".join(hosts)
    return variables


def verdict(
    mock: MockServer,
    allow_unmatched: bool = False,
    strict: bool = False,
    verdict: bool | Sequence[str] | None = None,
    completed: bool = True,
) -> str:
    """Why the exchanges of a test make it fail; "" when they do not.

    It fails for every ``when`` without a reply, and for every request that no rule matched, unless these are allowed. A test
    that is ``completed`` also fails for rules that did not answer as often as they expect; when it is ``strict``, for rules and
    replies that were never used; with ``verdict``, for findings about the client, except for those whose codes it lists.
    ValueError for a code that does not exist.
    """
    lines = [f"when() at {place} has no reply: add .reply(...), .replies(...) or .error(...)" for place in mock.unfinished]
    lines += [] if allow_unmatched else _unmatched(mock)
    if completed:
        lines += [f"unexpected: {line}" for line in assertions.unexpected(mock.coverage())]
        lines += _leftovers(mock) if strict else []
        if verdict is not None and verdict is not False:
            lines += _findings(mock, () if verdict is True else verdict)
    return redaction.text("\n".join(lines), secrets(mock.app.api.config))


def is_not_miss(record: logging.LogRecord) -> bool:
    """Whether a log record is no miss. The report of the test shows misses."""
    return not getattr(record, "is_miss", False)


def summary(mock: MockServer) -> str:
    """The exchanges of a test, a line each, or that there were none; without secrets."""
    exchanges = mock.exchanges
    if not exchanges:
        return (
            f"No request reached the mock at {mock.url}. The client may have been made with another base_url, or before "
            "OPENAI_BASE_URL was set (with pytest, see the ini option openai_mock_env)."
        )
    text = "\n".join(["requests of the test:", *assertions.lines(exchanges, places=True)])
    return redaction.text(text, secrets(mock.app.api.config))


def _unmatched(mock: MockServer) -> list[str]:
    pairs = [(exchange, exchange.error) for exchange in mock.exchanges if exchange.error is not None]
    return [f"unmatched request: {e.method} {e.path}: {error.message}" for e, error in pairs if error.code == "no_match"]


def _findings(mock: MockServer, allow: Sequence[str]) -> list[str]:
    from .. import verdict

    return verdict.lines(verdict.findings(mock.exchanges, allow))


def _leftovers(mock: MockServer) -> list[str]:
    report = mock.coverage()
    names = {rule["id"]: coverage_report.name(rule) for rule in report["rules"]}
    lines = [f"leftover rule: {names[id]} never answered" for id in report["never"]]
    for id, positions in report["unreached"].items():
        numbers = ", ".join(str(position + 1) for position in positions)
        lines.append(f"leftover reply: {names[id]}: {_noun(mock, id)} {numbers} was never sent")
    return lines


def _noun(mock: MockServer, id: str) -> str:
    return "reply" if any(rule.id == id and rule.plans for rule in mock.app.api.ruleset.rules) else "message"

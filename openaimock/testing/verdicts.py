"""Testing: what the pytest plugin and the unittest mixin share: a mock for one test, its environment, and the test's verdict."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..config.load import Config, load, secrets
from ..text import redaction
from .mock import MockServer

#: What a client is given as its key when the configuration asks for none.
KEY = "test-key"
#: Settings that a Config has under other names.
_NAMES = {"api_key": ("api_keys",), "journal": ("journal_size", "body_limit")}
#: How long a test waits for responses that are still running, in seconds: a stalled one would never end.
GRACE = 0.2


def configure(sources: Sequence[Any], settings: Mapping[str, Any], folder: Path) -> Config:
    """The Config of paths (relative to a folder), mappings or YAML texts, with some settings given anew; it may have no rules.

    ConfigError with all that is wrong.
    """
    # Rules may still come from the test itself, so that none is missing here.
    told = load({"unmatched": "echo", **settings})
    if not sources:
        return replace(told, base=folder, unmatched=told.unmatched if "unmatched" in settings else "error")
    config = load([_source(each, folder) for each in sources])
    rules = (*config.rules, *told.rules)
    names = [name for key in settings if key != "responses" for name in _NAMES.get(key, (key,))]
    return replace(config, rules=rules, base=config.base if config.files else folder, **{n: getattr(told, n) for n in names})


def _source(given: Any, folder: Path) -> Any:
    """A path from the folder that it is relative to."""
    if isinstance(given, os.PathLike):
        return folder / given
    if isinstance(given, str) and "\n" not in given and (folder / given).exists():
        return folder / given
    return given


def environment(mock: MockServer, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that point the official clients at a mock, and past a proxy."""
    keys = mock.app.api.config.api_keys
    found = {"OPENAI_BASE_URL": mock.url, "OPENAI_API_KEY": keys[0] if keys else KEY}
    if any(name.lower() in ("http_proxy", "all_proxy") and value for name, value in environ.items()):
        for name in ("NO_PROXY", "no_proxy"):
            found[name] = ",".join(filter(None, (environ.get(name), mock.host)))
    return found


def verdict(mock: MockServer, allow_unmatched: bool = False, strict: bool = False) -> str:
    """Why a test fails for what it asked of its mock; "" when it does not.

    It fails for every request that was told that no rule matches, unless these are allowed; when it is ``strict``, also for
    rules that never answered and replies that nobody has seen.
    """
    said = [] if allow_unmatched else _refused(mock)
    if strict:
        said += _leftovers(mock)
    return redaction.text("\n".join(said), secrets(mock.app.api.config))


def _refused(mock: MockServer) -> list[str]:
    found = [(each, each.error) for each in mock.exchanges if each.error is not None and each.error.code == "no_match"]
    return [f"unmatched request: {each.method} {each.path}: {error.message}" for each, error in found]


def _leftovers(mock: MockServer) -> list[str]:
    covered = mock.coverage()
    places = {rule["id"]: f" ({rule['place']})" if rule["place"] else "" for rule in covered["rules"]}
    said = [f"leftover rule: {id}{places[id]} never answered" for id in covered["never"]]
    for id, left in covered["unreached"].items():
        numbers = ", ".join(str(at + 1) for at in left)
        said.append(f"leftover reply: {id}{places[id]}: nobody has seen {_noun(mock, id)} {numbers}")
    return said


def _noun(mock: MockServer, id: str) -> str:
    return "reply" if any(rule.id == id and rule.plans for rule in mock.app.api.ruleset.rules) else "message"

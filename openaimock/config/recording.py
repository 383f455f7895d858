"""Recording settings: ``upstream`` and ``record``, checked together with what needs them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..text import regex
from .recording_keys import MODES
from .tree import BAD, Node
from .validate import Checker, child

#: The environment variable that overrides ``record.mode``.
MODE_VARIABLE = "OPENAIMOCK_RECORD"


@dataclass(frozen=True)
class RecordSetting:
    """Where and how exchanges are recorded. ``active`` is false when the file is only replayed.

    ``old`` are the rules of an earlier run, in their normal form, that new ones take the place of (mode ``all``);
    ``names`` and ``regexes`` are those of ``redact``.
    """

    path: Path
    mode: str = "once"
    active: bool = True
    timing: bool = False
    keep_ids: bool = False
    names: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    old: tuple[dict[str, Any], ...] = ()


def check_upstream(check: Checker, value: Any, node: Node, path: Any) -> Any:
    """The setting ``upstream``, whose URL must be one of HTTP."""
    if not isinstance(value, Mapping) or not isinstance(value.get("url"), str):
        return value
    try:
        parts = urlsplit(value["url"])
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        message = "expected a base URL such as https://api.openai.com/v1"
        return check.problem(child(node, "url"), (path, "url"), message)
    return value


def check_record(check: Checker, value: Any, node: Node, path: Any) -> Any:
    """The setting ``record``, whose patterns must be regular expressions that are fast."""
    listed = child(node, "redact") if isinstance(value, Mapping) and value.get("redact") else None
    for at, item in enumerate(value["redact"] if listed is not None else ()):
        pattern = item.get("regex") if isinstance(item, Mapping) else None
        if not isinstance(pattern, str) or listed is None:
            continue
        place = listed.value[at] if isinstance(listed.value, list) else listed
        try:
            regex.compile(pattern)
        except regex.ERRORS as error:
            return check.problem(place, (path, "redact"), f"'{pattern}' is not a regular expression: {error}")
        slow = regex.slow_part(pattern)
        if slow is not None:
            return check.problem(place, (path, "redact"), f"the part '{slow}' of this regular expression can take very long")
    return value


def resolve(value: Mapping[str, Any], base: Path, environ: Mapping[str, str]) -> RecordSetting:
    """A checked ``record`` as a RecordSetting. ValueError for a mode of the environment that does not exist."""
    mode = environ.get(MODE_VARIABLE) or value.get("mode") or "once"
    if mode not in MODES:
        raise ValueError(f"{MODE_VARIABLE} must be one of {', '.join(MODES)}, not '{mode}'")
    path = base / os.path.expanduser(value["file"])
    listed: Sequence[Any] = value.get("redact") or ()
    return RecordSetting(
        path=path,
        mode=mode,
        active=mode in ("new", "all") or (mode == "once" and not path.exists()),
        timing=bool(value.get("timing")),
        keep_ids=value.get("ids") == "keep",
        names=tuple(item for item in listed if isinstance(item, str)),
        regexes=tuple(item["regex"] for item in listed if isinstance(item, Mapping)),
    )


def unwritable(record: RecordSetting) -> str:
    """Why the file of an active recording cannot be written, "" when it can: a run must not lose what it pays for."""
    path = record.path
    if not record.active:
        return ""
    if path.is_dir():
        return f"{path} is a folder; name a file"
    if not path.parent.is_dir():
        return f"cannot write {path}: there is no folder {path.parent}"
    return (
        "" if os.access(path if path.exists() else path.parent, os.W_OK) else f"cannot write {path}: {os.strerror(errno.EACCES)}"
    )


def unmatched_of(value: Any, record: RecordSetting | None) -> Any:
    """The setting ``unmatched`` as ``record`` changes it: only recording sends what no rule answers to the upstream."""
    if record is None:
        return value
    if record.active:
        return "proxy"
    return None if value == "proxy" else value


def conflict(value: Any, record: RecordSetting | None) -> str | None:
    """Why ``unmatched`` and ``record`` exclude each other, None when they do not."""
    if record is None or not record.active or value in (None, "error", "proxy", BAD):
        return None
    advice = "leave out 'unmatched', or set 'record.mode: none'"
    return f"while exchanges are recorded, what no rule answers goes to the upstream; {advice}"


def proxies(rules: Iterable[Mapping[str, Any]]) -> str | None:
    """The id of a rule that sends requests to the upstream, if any."""
    for rule in rules:
        for reply in [*rule["replies"], *[message["reply"] for message in rule["messages"] or ()]]:
            if isinstance(reply, Mapping) and reply.get("proxy"):
                return str(rule["id"])
    return None

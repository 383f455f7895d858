"""Recordings: which files the tests of a run record or replay, and how many exchanges that were."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config.load import Config
from ..config.recording import MODE_VARIABLE
from .mock import MockServer
from .verdicts import configure

#: Settings of a test that say themselves what happens to its requests.
_DECIDING = ("record", "unmatched")


class Recordings:
    """The recordings of one run of tests, which began at ``started`` (seconds since 1970).

    A file that this run began goes on to grow in the mode ``once``, also when another process of the run began it.
    """

    def __init__(self, started: float | None = None) -> None:
        self.started = time.time() if started is None else started
        #: How many exchanges were recorded and replayed.
        self.recorded = self.replayed = 0
        self._files: set[Path] = set()

    def configure(self, defaults: Sequence[Any], sources: Sequence[Any], settings: Mapping[str, Any], folder: Path) -> Config:
        """The Config of a test from the ``defaults`` of all tests and its own ``sources`` and settings; ConfigError.

        Files are replayed unless the environment variable OPENAIMOCK_RECORD says otherwise.
        """
        sources, settings = with_record_file(sources, settings)
        environ = {MODE_VARIABLE: "none", **os.environ}
        listed, settings, config = _with_file_of_all([*defaults, *sources], settings, folder, environ)
        record = config.record
        if record is not None and record.active:
            self._files.add(record.path.absolute())
        elif record is not None and record.mode == "once" and (self._began(record.path.absolute()) or _has_no_rules(config)):
            config = configure(listed, settings, folder, {**environ, MODE_VARIABLE: "new"})
        return config

    def _began(self, path: Path) -> bool:
        """Whether this run began a file. In the mode ``once`` an older file is never written."""
        if path not in self._files and path.stat().st_mtime >= self.started:
            self._files.add(path)
        return path in self._files

    def count(self, mock: MockServer) -> None:
        """Add the recorded and replayed exchanges of a test, which is over."""
        api = mock.app.api
        path = _recording_file(api.config)
        if path is None:
            return
        place = f"{path}:"
        matches = [exchange.match for exchange in mock.exchanges]
        self.replayed += sum(match is not None and match.rule.place.startswith(place) for match in matches)
        self.recorded += api.upstream.recorder.recorded if api.upstream.recorder is not None else 0

    def report(self) -> str:
        """How many exchanges were recorded and replayed; "" when there were none."""
        if not self.recorded and not self.replayed:
            return ""
        return f"openai_mock: {self.recorded} exchanges recorded, {self.replayed} replayed"


def with_record_file(sources: Sequence[Any], settings: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Sources and settings in which the last file of a test with ``upstream`` is its file of recordings, if it names no other."""
    files = [at for at, source in enumerate(sources) if _is_file(source)]
    if not files or not settings.get("upstream") or any(name in settings for name in _DECIDING):
        return list(sources), dict(settings)
    file = os.fspath(sources[files[-1]])
    others = [source for at, source in enumerate(sources) if at != files[-1]]
    return others, {**settings, "record": {"file": file}}


def _with_file_of_all(
    sources: Sequence[Any], settings: Mapping[str, Any], folder: Path, environ: Mapping[str, str]
) -> tuple[Sequence[Any], Mapping[str, Any], Config]:
    """Sources and settings with the setting ``record``, and their Config.

    While exchanges are recorded, the last file is the file of recordings where ``upstream`` stands in any file and nothing names
    another one. It may be missing then. In a replay it is a file of rules like others.
    """
    at = max((at for at, source in enumerate(sources) if _is_file(source)), default=None)
    if at is None or environ[MODE_VARIABLE] == "none" or any(name in settings for name in _DECIDING):
        return sources, settings, configure(sources, settings, folder, environ)
    file = folder / sources[at]
    if not file.exists():
        sources = [source for position, source in enumerate(sources) if position != at]
    else:
        config = configure(sources, settings, folder, environ)
        if config.record is not None or config.upstream is None or config.unmatched not in ("error", "proxy"):
            return sources, settings, config
    added: dict[str, Any] = {"record": {"file": str(file)}}
    if settings.get("upstream"):
        added["upstream"] = settings["upstream"]
        settings = {name: value for name, value in settings.items() if name != "upstream"}
    sources = [*sources, added]
    return sources, settings, configure(sources, settings, folder, environ)


def _recording_file(config: Config) -> Path | None:
    """The file whose rules are recordings, if any: that of ``record``, or the last one beside an ``upstream``."""
    if config.record is not None:
        return config.record.path
    return config.files[-1] if config.upstream is not None and config.files and config.unmatched == "error" else None


def _has_no_rules(config: Config) -> bool:
    """Whether the file of recordings has settings only. In the mode ``once`` it counts as a new file."""
    path = config.record.path if config.record is not None else None
    return path in config.files and not any(rule["place"].startswith(f"{path}:") for rule in config.rules)


def _is_file(source: Any) -> bool:
    """Whether a source is a path, which need not exist yet, and no YAML text."""
    if isinstance(source, os.PathLike):
        return True
    return isinstance(source, str) and "\n" not in source and source.lower().endswith((".yaml", ".yml"))

"""Reload the configuration when one of its files changes (``--watch``)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..app import App
from ..config.load import Config
from ..errors import ConfigError
from ..errors import lines as problem_lines
from ..wsgi import Application

#: Seconds between two checks of the files.
INTERVAL = 0.5


class ReloadingApp:
    """A WSGI application that replaces its mock when the mock's files change.

    ``reload`` loads the files again. ``report`` is called with a message for the user.
    """

    def __init__(self, app: Application, reload: Callable[[], Config], report: Callable[[str], None]) -> None:
        #: The current mock. A request that has started is answered to its last byte by the mock that started it.
        self.app = app
        self._reload = reload
        self._report = report
        self._seen = _file_states(app.api.config.files)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self.app(environ, start_response)

    def close(self) -> None:
        """Close the current mock."""
        self.app.close()

    def start(self) -> None:
        """Check the files every half second, in a thread that ends with the process."""
        threading.Thread(target=self._watch, name="openaimock watch", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(INTERVAL):
            self.poll()

    def poll(self) -> bool:
        """Check the files once; return whether the mock was replaced. A file with problems is reported and changes nothing."""
        states = _file_states(self.app.api.config.files)
        if states == self._seen:
            return False
        # If a file changes between the check and the reading, the next check loads it again.
        self._seen = states
        try:
            config = self._reload()
            self.app = Application(replace_config(self.app.api, config))
        except ConfigError as error:
            self._report(f"{error}\nopenaimock: the files have problems; the previous rules stay active")
            return False
        except OSError as error:
            self._report(f"openaimock: cannot read the files: {error.strerror or error}; the previous rules stay active")
            return False
        if config.files != tuple(path for path, _ in states):
            self._seen = _file_states(config.files)
        count = len(self.app.api.ruleset.rules)
        self._report(f"openaimock: the files have changed; {count} rule{'' if count == 1 else 's'} loaded")
        for line in problem_lines(config.warnings):
            self._report(f"warning: {line}")
        return True


def replace_config(app: App, config: Config) -> App:
    """A mock of a new configuration with the state of an old mock: its journal, objects, scenarios and counts.

    The counts of changed rules are reset. Rules that were added at run time stay.
    """
    new = App(config, app.log)
    before = {rule["id"]: _plain(rule) for rule in app.config.rules}
    after = {rule["id"]: _plain(rule) for rule in config.rules}
    new.ruleset.add(rule for rule in app.ruleset.rules if rule.id not in before and rule.id not in after)
    app.namespaces.follow(config, {id for id in before.keys() | after.keys() if before.get(id) != after.get(id)})
    new.load.active = app.load.active
    new.namespaces, new.order, new.sender.metrics = app.namespaces, app.order, app.sender.metrics
    if config.clock == app.config.clock:
        new.sender.clock = app.sender.clock
    if config.chaos == app.config.chaos:
        new.sender.chaos = app.sender.chaos
    new.changes.take_over(app.changes)
    new.jobs.take_over(app.jobs)
    return new


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without its place, which changes when lines above it change."""
    return {key: value for key, value in rule.items() if key != "place"}


def _file_states(files: Sequence[Path]) -> list[tuple[Path, Any]]:
    return [(path, _state(path)) for path in files]


def _state(path: Path) -> tuple[int, int, int] | None:
    """Values that change with a file; None while the file does not exist, such as when an editor replaces it."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino

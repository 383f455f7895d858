"""Watching: a mock that follows its files, so that an edit counts from the next request on (``--watch``)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..app import App
from ..config.load import Config
from ..errors import ConfigError
from ..wsgi import Application

#: Seconds between two looks at the files.
EVERY = 0.5


class ReloadingApp:
    """A WSGI application that takes the place of a mock, and looks at the mock's files now and then.

    ``reload`` gives the Config as the files are now. ``tell`` is told what has happened, for the user to read.
    """

    def __init__(self, app: Application, reload: Callable[[], Config], tell: Callable[[str], None]) -> None:
        #: The mock of this moment. A request is answered, to the last byte of its stream, by the one that took it.
        self.app = app
        self._reload = reload
        self._tell = tell
        self._seen = _look(app.api.config.files)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self.app(environ, start_response)

    def start(self) -> None:
        """Look every half second, in a thread that ends with the process."""
        threading.Thread(target=self._watch, name="openaimock watch", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(EVERY):
            self.look()

    def look(self) -> bool:
        """Look once, and whether the files changed for the better. A broken edit changes nothing, and is told."""
        seen = _look(self.app.api.config.files)
        if seen == self._seen:
            return False
        # What is read now may be newer than what was seen; then the next look sees it, and reads it again.
        self._seen = seen
        try:
            config = self._reload()
        except ConfigError as error:
            self._tell(f"{error}\nopenaimock: the files have problems; the rules are still those from before the change")
            return False
        except OSError as error:
            self._tell(f"openaimock: cannot read the files: {error.strerror or error}; the rules are still those from before")
            return False
        self.app = Application(replace_config(self.app.api, config))
        if config.files != tuple(path for path, _ in seen):
            self._seen = _look(config.files)
        count = len(self.app.api.ruleset.rules)
        self._tell(f"openaimock: the files have changed; {count} rule{'' if count == 1 else 's'} from now on")
        return True


def replace_config(app: App, config: Config) -> App:
    """A mock of another configuration that goes on where one stands: its journal, objects, scenarios and counts.

    Only what is counted of rules that are no longer the same begins anew. Rules that were added while it ran stay.
    """
    new = App(config, app.log)
    before = {rule["id"]: _plain(rule) for rule in app.config.rules}
    after = {rule["id"]: _plain(rule) for rule in config.rules}
    new.ruleset.add(rule for rule in app.ruleset.rules if rule.id not in before and rule.id not in after)
    app.namespaces.follow(config, {id for id in before.keys() | after.keys() if before.get(id) != after.get(id)})
    new.namespaces, new.order, new.sender.metrics = app.namespaces, app.order, app.sender.metrics
    if config.clock == app.config.clock:
        new.sender.clock = app.sender.clock
    if config.chaos == app.config.chaos:
        new.sender.chaos = app.sender.chaos
    return new


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule without its place, which moves when something is written above it."""
    return {key: value for key, value in rule.items() if key != "place"}


def _look(files: Sequence[Path]) -> list[tuple[Path, Any]]:
    return [(path, _state(path)) for path in files]


def _state(path: Path) -> tuple[int, int, int] | None:
    """What tells that a file has changed; None while there is none, as in the moment in which an editor replaces it."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

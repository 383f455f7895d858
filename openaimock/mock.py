"""The mock as a Python object: a server that a test starts, asks about, and stops."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from . import assertions, coverage, redaction
from .admin.mock import secrets
from .app import App, create_app
from .assertions import When
from .chance import Clock
from .config.load import Config, load
from .errors import ConfigError, Problem
from .nouns import Exchange
from .rulebook import RuleBook
from .rules import Rule
from .server import Server
from .sse import dump

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


class MockServer:
    """A mock served on a socket of its own. Nothing listens before ``start``; a stopped one may be started again.

    ``config`` is a path, a dict, YAML text, a list of these, or a loaded Config (ConfigError with all that is wrong).
    ``host`` and ``port`` override the file's and the environment's; port 0 takes a free one. ``verbose`` logs each
    exchange to standard error, ``log_file`` keeps the same lines.
    """

    def __init__(
        self,
        config: Any,
        port: int | None = None,
        host: str | None = None,
        verbose: bool = False,
        log_file: str | os.PathLike[str] | None = None,
    ) -> None:
        loaded = config if isinstance(config, Config) else load(config)
        self._host, self._port = address(loaded, host, port, os.environ)
        self.log = logger(verbose, log_file)
        self.app: App = create_app(loaded, self.log)
        self._first = (list(self.app.book.rules), self.app.chaos)
        #: The HTTP server while the mock runs.
        self.server: Server | None = None

    def start(self) -> MockServer:
        """Listen and serve in a thread of its own. PortInUseError (an OSError) when the address is taken. May be called twice."""
        if self.server is None:
            server = Server(self.app, host=self._host, port=self._port, max_body=self.app.config.max_body)
            server.start()
            self.server = server
        return self

    def stop(self, grace: float = 10.0) -> None:
        """Finish the running responses (within ``grace`` seconds) and close. May be called twice, and from any thread."""
        server, self.server = self.server, None
        if server is not None:
            # The port of a mock that took a free one is kept: started again it is found where it was.
            self._port = server.port
            server.stop(grace)
            if self.log is not logging.getLogger("openaimock"):
                for handler in self.log.handlers:
                    handler.close()

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The port it listens on; before ``start`` the one that was asked for (0: a free one)."""
        return self._port if self.server is None else self.server.port

    @property
    def url(self) -> str:
        """What a client takes as ``base_url``; ends in ``/v1``."""
        return url(self.host, self.port)

    # Rules and what is remembered

    def when(self, when: Mapping[str, Any] | None = None, /, **conditions: Any) -> When:
        """Begin a rule that is added behind those that are there: ``mock.when(user={"contains": "hi"}).reply("hello")``.

        The words are those of ``when:`` in a file, by name or in a mapping.
        """
        frame = sys._getframe(1)
        place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"

        def add(rule: dict[str, Any]) -> Rule:
            from .admin.views import add

            return add(self.app, rule, place)[0]

        return When(assertions.together(when, conditions), add)

    def reset(self) -> None:
        """Begin anew: what all namespaces remember is forgotten, rules added since the start are gone, the clock is set back."""
        app = self.app
        rules, app.chaos = self._first
        # Removed and put in order again, perhaps: numbers are places in the book.
        app.book = RuleBook(rules, first=app.config.match == "first")
        app.clock = Clock.parse(app.config.clock)
        app.spaces.reset()

    def advance(self, seconds: float) -> None:
        """Move the mock's clock on."""
        self.app.clock.advance(seconds)

    # What has happened

    @property
    def exchanges(self) -> list[Exchange]:
        """The journals of all namespaces, in the order in which the requests came."""
        return sorted((each for space in self.app.spaces for each in space.journal), key=lambda exchange: exchange.order)

    @property
    def unmatched(self) -> list[Exchange]:
        """The exchanges that a rule should have answered and none did."""
        return coverage.unmatched(self.app.spaces)

    def coverage(self) -> dict[str, Any]:
        """Hits of every rule, the rules ``never`` hit, the replies ``unreached``: as ``GET /__openaimock/coverage`` has them."""
        return coverage.report(list(self.app.book.rules), self.app.spaces)

    def assert_called(
        self,
        when: Mapping[str, Any] | None = None,
        /,
        *,
        times: int | None = None,
        rule: Rule | str | None = None,
        **conditions: Any,
    ) -> None:
        """AssertionError unless ``times`` requests (None: at least one) met the conditions, which are those of ``when:``.

        ``rule`` (one, or its id) must have answered them, when it is given.
        """
        __tracebackhide__ = True
        named = rule.id if isinstance(rule, Rule) else rule
        self._insist(assertions.called(self.exchanges, assertions.together(when, conditions), named, times))

    def assert_not_called(
        self, when: Mapping[str, Any] | None = None, /, *, rule: Rule | str | None = None, **conditions: Any
    ) -> None:
        """AssertionError when a request met the conditions."""
        __tracebackhide__ = True
        self.assert_called(when, times=0, rule=rule, **conditions)

    def assert_tool_called(self, name: str, arguments: Any = None, *, times: int | None = None) -> None:
        """AssertionError unless replies sent ``times`` calls (None: at least one) of a tool to the client.

        ``arguments`` names those that matter: a value or a matcher for each, under its name or its path (``a.b.0``). ``{}``
        means none at all; a text is compared with the arguments (or a custom tool's input) as they were sent.
        """
        __tracebackhide__ = True
        self._insist(assertions.tool_called(self.exchanges, name, arguments, times))

    def assert_order(self, steps: Sequence[Mapping[str, Any] | Rule | str]) -> None:
        """AssertionError unless requests met the steps in this order, with others between them perhaps.

        A step is a mapping of conditions, or a rule (or its id) that answered.
        """
        __tracebackhide__ = True
        self._insist(assertions.in_order(self.exchanges, steps))

    def _insist(self, wrong: str) -> None:
        __tracebackhide__ = True
        if wrong:
            raise AssertionError(redaction.text(wrong, secrets(self.app)))

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()


def create_mock_server(
    config: Any,
    port: int | None = None,
    host: str | None = None,
    verbose: bool = False,
    log_file: str | os.PathLike[str] | None = None,
) -> MockServer:
    """Make a MockServer without starting it."""
    return MockServer(config, port, host, verbose, log_file)


def start_mock_server(
    config: Any,
    port: int | None = 0,
    host: str | None = None,
    verbose: bool = False,
    log_file: str | os.PathLike[str] | None = None,
) -> MockServer:
    """Make a MockServer and start it, on a free port unless one is given."""
    return MockServer(config, port, host, verbose, log_file).start()


def address(config: Config, host: str | None, port: int | None, environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen: what was given, else OPENAIMOCK_HOST and OPENAIMOCK_PORT, else the configuration."""
    if port is None:
        given = environ.get("OPENAIMOCK_PORT")
        if given is not None and not (given.isascii() and given.isdigit() and int(given) < 65536):
            raise ConfigError([Problem("", "OPENAIMOCK_PORT", f"expected a port from 0 to 65535, got {given!r}")])
        port = config.port if given is None else int(given)
    return host or environ.get("OPENAIMOCK_HOST") or config.host, port


def url(host: str, port: int) -> str:
    """The base URL of a server."""
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def logger(verbose: bool, log_file: str | os.PathLike[str] | None, format: str = "text", always: bool = False) -> logging.Logger:
    """A logger of one server's own, whose lines also reach whoever listens to ``openaimock``.

    ``verbose`` writes every exchange to standard error, ``always`` at least what went wrong; ``format`` is ``text`` or ``json``.
    """
    parent = logging.getLogger("openaimock")
    if not verbose and not always and log_file is None:
        return parent
    # The lowest level that anyone reads: a record nobody wants costs a tenth of a request.
    own = logging.Logger("openaimock", logging.INFO if verbose or log_file is not None else logging.WARNING)
    own.parent = parent
    handlers: list[logging.Handler] = []
    if verbose or always:
        handlers.append(logging.StreamHandler())
        handlers[0].setLevel(logging.INFO if verbose else logging.WARNING)
    if log_file is not None:
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
            # It could be opened; it opens again with its first line, so that a mock that is never started leaves nothing open.
            handlers[-1].close()
        except OSError as error:
            raise ConfigError([Problem("", "log_file", f"cannot write {str(log_file)!r}: {error.strerror}")]) from None
    for handler in handlers:
        handler.setFormatter(_JSONLines() if format == "json" else logging.Formatter(_FORMAT))
        own.addHandler(handler)
    return own


class _JSONLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return dump(line)

"""The mock as a Python object: a server that a test starts, inspects and stops."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..config.load import Config, load, secrets
from ..rules.rule import Rule
from ..rules.ruleset import RuleSet
from ..server import Server
from ..server.address import address, url
from ..server.logs import logger
from ..server.pool import threads
from ..state import coverage
from ..state.journal import arrival
from ..text import redaction
from ..types.clock import Clock
from ..types.exchange import Exchange
from ..wsgi import Application, create_app
from . import assertions, holding
from .assertions import When

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..config.types import Source
    from ..config.types import When as Conditions
    from ..verdict import Finding


class MockServer:
    """A mock with a server of its own. Nothing listens before ``start``; a stopped mock can be started again.

    ``config`` is a path, a dict, YAML text, a list of these, or None for no rules. Raises ConfigError with all problems.
    ``host`` and ``port`` override the configuration and the environment; port 0 takes a free one. ``verbose`` logs each
    exchange to standard error, ``log_file`` writes the same lines to a file. As a context manager it starts and stops itself.
    """

    def __init__(
        self,
        config: Source = None,
        port: int | None = None,
        host: str | None = None,
        verbose: bool = False,
        log_file: str | os.PathLike[str] | None = None,
    ) -> None:
        loaded = _loaded(config)
        self._host, self._port = address(loaded, host, port, os.environ)
        self.log = logger(verbose, log_file)
        self.app: Application = create_app(loaded, self.log)
        self._initial = (list(self.app.api.ruleset.rules), self.app.api.sender.chaos)
        #: The rules that ``when`` has begun since the start or the last reset.
        self._begun: list[When] = []
        #: The HTTP server while the mock runs.
        self.server: Server | None = None

    def start(self) -> MockServer:
        """Listen, and serve in a thread. Raises PortInUseError (an OSError) when the port is in use. May be called twice."""
        if self.server is None:
            config = self.app.api.config
            server = Server(
                self.app, host=self._host, port=self._port, threads=threads(config), max_body=config.max_body, log=self.log
            )
            server.start()
            self.server = server
        return self

    def restart(self, config: Source) -> None:
        """Replace the configuration of a running mock, or start it with this one. The port stays the same.

        Rules, journal and state are new. Open streams are cut, idle connections stay. Raises ConfigError with all problems.
        """
        loaded = _loaded(config)
        app = create_app(loaded, self.log)
        if self.server is not None and not self.server.running:  # stopped, or this process is a fork
            self.server, self._port = None, 0
        if self.server is not None:
            self.server.replace(app, loaded.max_body)
        self.app.api.searcher.close()
        self.app.api.jobs.close()
        self.app.api.namespaces.close()
        self.app = app
        self._begun = []
        self._initial = (list(app.api.ruleset.rules), app.api.sender.chaos)
        self.start()

    def stop(self, grace: float = 10.0) -> None:
        """Finish the running responses within ``grace`` seconds and close. Any thread may call it. A second call does nothing."""
        server, self.server = self.server, None
        if server is not None:
            for place in self.unfinished:
                self.log.warning("when() at %s has no reply, so it made no rule", place)
            # The port of a mock that took a free one is kept: started again it is found where it was.
            self._port = server.port
            server.stop(grace)
            self.app.close()
            for handler in self.log.handlers:
                handler.close()

    def __repr__(self) -> str:
        place = self.url if self.server is not None else "not started"
        rules = len(self.app.api.ruleset.rules)
        return f"<MockServer {place}, {rules} rule{'' if rules == 1 else 's'}>"

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The port it listens on; before ``start`` the configured one (0: a free one)."""
        return self._port if self.server is None else self.server.port

    @property
    def url(self) -> str:
        """The ``base_url`` for clients; it ends in ``/v1``."""
        return url(self.host, self.port)

    # Rules and state

    def when(self, when: Conditions | None = None, /, **conditions: Unpack[Conditions]) -> When:
        """Begin a rule that is appended to the others: ``mock.when(user={"contains": "hi"}).reply("hello")``.

        The conditions are those of ``when:`` in a file, by name or in a mapping.
        """
        frame = sys._getframe(1)
        place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"

        def add(rule: dict[str, Any]) -> Rule:
            return self.app.api.add_rules(rule, place)[0]

        rule = When(assertions.combine(when, conditions), place, add)
        self._begun.append(rule)
        return rule

    @property
    def unfinished(self) -> list[str]:
        """The places of calls of ``when`` that no ``reply``, ``replies`` or ``error`` has followed, so that there is no rule."""
        return [rule.place for rule in self._begun if not rule.completed]

    def reset(self) -> None:
        """Restore the state at the start: delete the state of all namespaces, the rules added since, and reset the clock."""
        app = self.app.api
        self._begun = []
        rules, app.sender.chaos = self._initial
        # Built again: a rule's number is its place in the set.
        app.changes.reset()
        app.ruleset = RuleSet(rules, first=app.config.match == "first")
        app.sender.clock = Clock.parse(app.config.clock)
        app.namespaces.reset()
        app.sender.holds.reset()

    def advance(self, seconds: float) -> None:
        """Advance the clock of the mock."""
        self.app.api.advance(seconds)

    # Holds

    def release(self, name: str, *, namespace: str | None = None) -> int:
        """Release the requests that wait at the hold ``name``, in one namespace or in all, and return their number.

        When there is none, the next request that arrives there does not wait.
        """
        return self.app.api.sender.holds.release(holding.checked(name), namespace)

    def wait_held(self, name: str, timeout: float = 5.0, *, count: int = 1, namespace: str | None = None) -> list[Exchange]:
        """Wait until ``count`` requests wait at the hold ``name``, and return their exchanges. With 0, until none waits.

        Raises TimeoutError after ``timeout`` seconds.
        """
        held = self.app.api.sender.holds.wait(holding.checked(name), timeout, count, namespace)
        if held is None:
            raise TimeoutError(holding.overdue(self.app.api, name, timeout, count))
        return [request.exchange for request in held]

    # Exchanges

    @property
    def exchanges(self) -> list[Exchange]:
        """The journals of all namespaces, in the order of arrival."""
        return sorted((each for state in self.app.api.namespaces for each in state.exchanges()), key=arrival)

    @property
    def unmatched(self) -> list[Exchange]:
        """The exchanges that no rule matched."""
        return coverage.unmatched(self.app.api.namespaces)

    def coverage(self) -> dict[str, Any]:
        """The hits of every rule, the rules ``never`` hit and the replies ``unreached``, as in ``GET /__openaimock/coverage``."""
        return coverage.report(list(self.app.api.ruleset.rules), self.app.api.namespaces.counts())

    def verify(self) -> None:
        """Raise AssertionError, with all such rules, when a rule did not answer as often as its ``expect`` says."""
        __tracebackhide__ = True
        self._require("\n".join(assertions.unexpected(self.coverage())))

    def assert_called(
        self,
        when: Conditions | None = None,
        /,
        *,
        times: int | None = None,
        rule: Rule | str | None = None,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Raise AssertionError unless ``times`` requests (None: at least one) met the conditions, which are those of ``when:``.

        With ``rule`` (a rule or its id) only requests count that this rule answered.
        """
        __tracebackhide__ = True
        named = rule.id if isinstance(rule, Rule) else rule
        self._require(assertions.called(self.exchanges, assertions.combine(when, conditions), named, times))

    def assert_not_called(
        self, when: Conditions | None = None, /, *, rule: Rule | str | None = None, **conditions: Unpack[Conditions]
    ) -> None:
        """Raise AssertionError when a request met the conditions."""
        __tracebackhide__ = True
        self.assert_called(when, times=0, rule=rule, **conditions)

    def assert_tool_called(
        self, name: str, arguments: str | Mapping[str, Any] | None = None, *, times: int | None = None
    ) -> None:
        """Raise AssertionError unless replies sent ``times`` calls (None: at least one) of a tool to the client.

        ``arguments`` has the arguments to compare: a value or a matcher by the name of the argument or its path (``a.b.0``).
        ``{}`` means that the call has no arguments. A text is compared with the arguments (or the input of a custom tool) as
        they were sent.
        """
        __tracebackhide__ = True
        self._require(assertions.tool_called(self.exchanges, name, arguments, times))

    def assert_order(self, steps: Sequence[Conditions | Rule | str]) -> None:
        """Raise AssertionError unless requests met the steps in this order; other requests may come between them.

        A step is a mapping of conditions, or a rule (or its id) that answered.
        """
        __tracebackhide__ = True
        self._require(assertions.in_order(self.exchanges, steps))

    def verdict(self) -> list[Finding]:
        """What the exchanges show about the client: findings with a ``code``, their proof and a remedy (``docs/verdict.rst``)."""
        from .. import verdict

        return verdict.findings(self.exchanges)

    def assert_resilient(self, *, allow: Sequence[str] = ()) -> None:
        """Raise AssertionError for findings about the client, except for those with the codes in ``allow``.

        Raises ValueError for an unknown code.
        """
        __tracebackhide__ = True
        from .. import verdict

        findings = verdict.findings(self.exchanges, allow)
        if findings:
            report = [
                "the client is not resilient:",
                *verdict.lines(findings),
                "All requests:",
                *assertions.lines(self.exchanges),
            ]
            self._require("\n".join(report))

    def _require(self, failure: str) -> None:
        __tracebackhide__ = True
        if failure:
            raise AssertionError(redaction.text(failure, secrets(self.app.api.config)))

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()


def _loaded(config: Source) -> Config:
    return config if isinstance(config, Config) else load({} if config is None else config)


def create_mock_server(
    config: Source = None,
    port: int | None = None,
    host: str | None = None,
    verbose: bool = False,
    log_file: str | os.PathLike[str] | None = None,
) -> MockServer:
    """Make a MockServer without starting it. The arguments are those of MockServer."""
    return MockServer(config, port, host, verbose, log_file)


def start_mock_server(
    config: Source = None,
    port: int | None = 0,
    host: str | None = None,
    verbose: bool = False,
    log_file: str | os.PathLike[str] | None = None,
) -> MockServer:
    """Make a MockServer and start it, by default on a free port. The arguments are those of MockServer.

    Raises ConfigError with all problems of the configuration, and PortInUseError (an OSError) when the port is in use.
    """
    return MockServer(config, port, host, verbose, log_file).start()

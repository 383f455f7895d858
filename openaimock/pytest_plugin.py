"""The pytest plugin: one mock for the session, reset for each test, its marker, and the verdict on a test's requests."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# This module is imported in every run of pytest; the mock itself is imported by the first test that uses it.
if TYPE_CHECKING:
    from .testing.mock import MockServer
    from .testing.recordings import Recordings
    from .testing.session_coverage import SessionCoverage

_MARKER = """\
openai_mock(*configs, config=None, strict=False, allow_unmatched=False, verdict=None, **settings): \
run the test with a mock of the OpenAI API. \
configs: YAML files (relative to the test's), dicts or YAML text; settings: any setting of a file, such as lint="error"; \
an unmatched request fails the test unless allow_unmatched; strict: so does a rule or a reply that was never used; \
verdict: so does a finding about the client (a list: except these codes)."""


_TEST: pytest.StashKey[tuple[MockServer, dict[str, Any]]] = pytest.StashKey()
_SESSION: pytest.StashKey[MockServer] = pytest.StashKey()
_RECORDING: pytest.StashKey[pytest.MonkeyPatch] = pytest.StashKey()
_RECORDINGS: pytest.StashKey[Recordings] = pytest.StashKey()
#: The time of the start of the session (seconds since 1970), and its name in what workers get from pytest-xdist.
_STARTED: pytest.StashKey[float] = pytest.StashKey()
_STARTED_NAME, _COUNTS_NAME, _COVERAGE_NAME = "openai_mock_started", "openai_mock_recordings", "openai_mock_coverage"
_COVERAGE: pytest.StashKey[SessionCoverage] = pytest.StashKey()
_ENVIRONMENT: pytest.StashKey[pytest.MonkeyPatch] = pytest.StashKey()
#: Arguments of the marker that are no settings, with their defaults.
_OPTIONS = {"strict": False, "allow_unmatched": False, "verdict": None}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings of the ini file, and the option."""
    group = parser.getgroup("openai_mock")
    group.addoption(
        "--openai-record",
        choices=("once", "new", "all", "none"),
        help="record exchanges of mocks with the setting 'upstream': once, new, all, or none (the default)",
    )
    group.addoption(
        "--openai-verdict", action="store_true", help="fail tests with a mock for findings about the client (docs/verdict.rst)"
    )
    group.addoption(
        "--openai-mock-coverage", action="store_true", help="print which rules of files the tests used, and which they did not"
    )
    parser.addini("openai_mock", "configuration files whose rules every test with the fixture openai_mock has", type="paths")
    parser.addini(
        "openai_mock_env", "start the mock and set its environment before the tests are imported", type="bool", default=False
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment before the first conftest.py is imported, if the ini file says so."""
    _set_mode(early_config, early_config.known_args_namespace.openai_record)
    _set_environment(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker. Set the environment if this plugin was loaded too late to do so before."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_STARTED] = getattr(config, "workerinput", {}).get(_STARTED_NAME) or time.time()
    _set_mode(config, config.getoption("--openai-record"))
    _set_environment(config)


def _set_mode(config: pytest.Config, mode: str | None) -> None:
    if mode and _RECORDING not in config.stash:
        from .config.recording import MODE_VARIABLE

        patch = config.stash[_RECORDING] = pytest.MonkeyPatch()
        patch.setenv(MODE_VARIABLE, mode)


def _set_environment(config: pytest.Config) -> None:
    if _ENVIRONMENT in config.stash or not config.getini("openai_mock_env"):
        return
    from .testing import verdicts

    patch = config.stash[_ENVIRONMENT] = pytest.MonkeyPatch()
    for name, value in verdicts.environment(_session_mock(config), os.environ).items():
        patch.setenv(name, value)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the mock of the session, and restore the environment."""
    recording = config.stash.get(_RECORDING, None)
    if recording is not None:
        recording.undo()
    patch = config.stash.get(_ENVIRONMENT, None)
    if patch is not None:
        patch.undo()
    mock = config.stash.get(_SESSION, None)
    if mock is not None:
        mock.stop(0)


def _session_mock(config: pytest.Config) -> MockServer:
    """The mock of the session, started when it is first used. UsageError when the files of the ini file have problems."""
    mock = config.stash.get(_SESSION, None)
    if mock is None:
        from .errors import ConfigError
        from .testing.mock import MockServer
        from .testing.recordings import Recordings

        try:
            # Each test configures the mock again. A file that the tests are to record may be missing yet.
            files = [file for file in config.getini("openai_mock") if _RECORDING not in config.stash or file.exists()]
            settings = Recordings().configure(files, (), {}, config.rootpath)
            mock = config.stash[_SESSION] = MockServer(settings, host="127.0.0.1", port=0).start()
        except ConfigError as error:
            raise pytest.UsageError(f"openai_mock: {error}") from None
    return mock


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a marked test the fixture, before its other fixtures, so that the environment is set for them."""
    names = getattr(item, "fixturenames", None)
    if names is not None and "openai_mock" not in names and item.get_closest_marker("openai_mock"):
        names.insert(0, "openai_mock")


@pytest.fixture(scope="session")
def openai_mock_session(request: pytest.FixtureRequest) -> MockServer:
    """The mock of the OpenAI API that serves the whole session; each test with the fixture ``openai_mock`` resets it."""
    return _session_mock(request.config)


@pytest.fixture
def openai_mock(request: pytest.FixtureRequest, openai_mock_session: MockServer, monkeypatch: pytest.MonkeyPatch) -> MockServer:
    """A mock of the OpenAI API, reset for this test; OPENAI_BASE_URL, OPENAI_API_BASE and OPENAI_API_KEY point at it."""
    from .errors import ConfigError
    from .testing import verdicts

    mock = openai_mock_session
    sources, settings, options = _arguments(request)
    files: list[Path] = request.config.getini("openai_mock")
    problem = _misspelt_option(settings)
    try:
        if not problem:
            mock.restart(_recordings(request.config).configure(files, sources, settings, request.path.parent))
    except ConfigError as error:
        problem = str(error)
    if problem:
        # Outside the handler: pytest would show both errors.
        pytest.fail(f"openai_mock: {problem}", pytrace=False)
    mock.log.addFilter(verdicts.is_not_miss)
    for name, value in verdicts.environment(mock, os.environ).items():
        monkeypatch.setenv(name, value)
    request.node.stash[_TEST] = (mock, options)
    return mock


def _recordings(config: pytest.Config) -> Recordings:
    """The recordings of the session."""
    from .testing.recordings import Recordings

    if _RECORDINGS not in config.stash:
        config.stash[_RECORDINGS] = Recordings(config.stash[_STARTED])
    return config.stash[_RECORDINGS]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist when the session began."""
    node.workerinput[_STARTED_NAME] = node.config.stash[_STARTED]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell pytest-xdist what this worker recorded and replayed."""
    recordings, output = session.config.stash.get(_RECORDINGS, None), getattr(session.config, "workeroutput", None)
    if recordings is not None and output is not None:
        output[_COUNTS_NAME] = [recordings.recorded, recordings.replayed]
    coverage = session.config.stash.get(_COVERAGE, None)
    if coverage is not None and output is not None:
        output[_COVERAGE_NAME] = [coverage.rows, coverage.unmatched]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist recorded and replayed."""
    # A worker that crashed has no output.
    recorded, replayed = getattr(node, "workeroutput", {}).get(_COUNTS_NAME, (0, 0))
    if recorded or replayed:
        recordings = _recordings(node.config)
        recordings.recorded += recorded
        recordings.replayed += replayed
    rows, unmatched = getattr(node, "workeroutput", {}).get(_COVERAGE_NAME, ([], 0))
    if rows:
        _coverage(node.config).add(rows, unmatched)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report how many exchanges were recorded and replayed."""
    recordings = config.stash.get(_RECORDINGS, None)
    report = recordings.report() if recordings is not None else ""
    if report:
        terminalreporter.write_line(report)
    coverage = config.stash.get(_COVERAGE, None)
    table = coverage.table() if coverage is not None else ""
    if table:
        terminalreporter.section("openai_mock coverage")
        terminalreporter.write_line(table)


def _coverage(config: pytest.Config) -> SessionCoverage:
    """The coverage of this session, begun when it is first used."""
    from .testing.session_coverage import SessionCoverage

    return config.stash.setdefault(_COVERAGE, SessionCoverage())


def _arguments(request: pytest.FixtureRequest) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """The configurations, settings and options of the test's marker."""
    marker = request.node.get_closest_marker("openai_mock")
    settings: dict[str, Any] = dict(marker.kwargs) if marker else {}
    sources = list(marker.args) if marker else []
    config = settings.pop("config", None)
    if config is not None:
        sources.append(config)
    options = {name: settings.pop(name, default) for name, default in _OPTIONS.items()}
    if options["verdict"] is None:
        options["verdict"] = request.config.getoption("--openai-verdict")
    return sources, settings, options


def _misspelt_option(settings: dict[str, Any]) -> str:
    """The message about an argument of the marker that is probably a misspelt option; settings have messages of their own."""
    from difflib import get_close_matches

    from .config.settings import SETTINGS

    names = {field.name for field in SETTINGS.fields}
    for name in settings.keys() - names:
        for option in get_close_matches(name, _OPTIONS, 1, 0.7):
            return f"'{name}' is not an option of the marker; did you mean '{option}'?"
    return ""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Fail a passed test for its exchanges; add them to the report of a failed one."""
    outcome = yield
    mock, options = item.stash.get(_TEST, (None, {}))
    if mock is None:
        return
    from .testing import verdicts

    _recordings(item.config).count(mock)
    if item.config.getoption("--openai-mock-coverage"):
        _coverage(item.config).add_test(mock)
    if outcome.excinfo is None:
        try:
            message = verdicts.verdict(mock, **options)
        except ValueError as error:
            message = f"openai_mock: verdict: {error}"
        if message:
            outcome.force_exception(pytest.fail.Exception(message, pytrace=False))
            item.add_report_section("call", "openai_mock", verdicts.summary(mock))
    elif not issubclass(outcome.excinfo[0], pytest.skip.Exception):
        # The client's error has the message of the API, and often explains the miss already.
        failure = str(outcome.excinfo[1])
        allowed = options["allow_unmatched"] or verdicts.MISS in failure
        message = verdicts.verdict(mock, allowed, completed=False)
        item.add_report_section("call", "openai_mock", "\n".join(filter(None, [message, verdicts.summary(mock)])))

"""The pytest plugin: one mock for the session, reset for each test, its marker, and the verdict on a test's requests."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# This module is imported in every run of pytest; the mock itself is imported by the first test that uses it.
if TYPE_CHECKING:
    from .config.load import Config
    from .testing.mock import MockServer

_MARKER = """\
openai_mock(*configs, config=None, strict=False, allow_unmatched=False, verdict=None, **settings): \
run the test with a mock of the OpenAI API. \
configs: YAML files (relative to the test's), dicts or YAML text; settings: any setting of a file, such as lint="error"; \
an unmatched request fails the test unless allow_unmatched; strict: so does a rule or a reply that was never used; \
verdict: so does a finding about the client (a list: except these codes)."""


@dataclass
class Records:
    """The files that this session records, and the exchanges that were recorded and replayed."""

    files: set[Path] = field(default_factory=set)
    recorded: int = 0
    replayed: int = 0


_TEST: pytest.StashKey[tuple[MockServer, dict[str, Any]]] = pytest.StashKey()
_SESSION: pytest.StashKey[MockServer] = pytest.StashKey()
_RECORDING: pytest.StashKey[pytest.MonkeyPatch] = pytest.StashKey()
_RECORDS: pytest.StashKey[Records] = pytest.StashKey()
#: Overrides the setting ``record.mode``.
_MODE = "OPENAIMOCK_RECORD"
_ENVIRONMENT: pytest.StashKey[pytest.MonkeyPatch] = pytest.StashKey()
#: Arguments of the marker that are no settings, with their defaults.
_OPTIONS = {"strict": False, "allow_unmatched": False, "verdict": None}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings of the ini file, and the option."""
    parser.getgroup("openai_mock").addoption(
        "--openai-record",
        choices=("once", "new", "all", "none"),
        help="record exchanges with 'upstream' for mocks with the setting 'record': once, new, all, or none (the default)",
    )
    parser.getgroup("openai_mock").addoption(
        "--openai-verdict", action="store_true", help="fail tests with a mock for findings about the client (docs/verdict.rst)"
    )
    parser.addini("openai_mock", "configuration files whose rules every test with the fixture openai_mock has", type="paths")
    parser.addini(
        "openai_mock_env", "start the mock and set its environment before the tests are imported", type="bool", default=False
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment before the first conftest.py is imported, if the ini file says so."""
    _set_environment(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker. Set the environment if this plugin was loaded too late to do so before."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_RECORDS] = Records()
    mode = config.getoption("--openai-record")
    if mode:
        patch = config.stash[_RECORDING] = pytest.MonkeyPatch()
        patch.setenv(_MODE, mode)
    _set_environment(config)


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
        from .testing import verdicts
        from .testing.mock import MockServer

        try:
            settings = verdicts.configure(config.getini("openai_mock"), {}, config.rootpath)
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
            mock.restart(_configure(request, [*files, *sources], settings))
    except ConfigError as error:
        problem = str(error)
    if problem:
        # Outside the handler: pytest would show both errors.
        pytest.fail(f"openai_mock: {problem}", pytrace=False)
    mock.log.addFilter(_is_not_miss)
    for name, value in verdicts.environment(mock, os.environ).items():
        monkeypatch.setenv(name, value)
    request.node.stash[_TEST] = (mock, options)
    return mock


def _configure(request: pytest.FixtureRequest, sources: list[Any], settings: dict[str, Any]) -> Config:
    """The configuration of a test. Recordings are replayed unless the option or the environment says otherwise."""
    from .testing import verdicts

    folder, files = request.path.parent, request.config.stash[_RECORDS].files
    with pytest.MonkeyPatch.context() as patch:
        if _MODE not in os.environ:
            patch.setenv(_MODE, "none")
        config = verdicts.configure(sources, settings, folder)
        record = config.record
        if record is not None and record.active:
            files.add(record.path.absolute())
        elif record is not None and record.mode == "once" and record.path.absolute() in files:
            # An earlier test of this session began the file.
            patch.setenv(_MODE, "new")
            config = verdicts.configure(sources, settings, folder)
    return config


def _count_recordings(config: pytest.Config, mock: MockServer) -> None:
    """Add the recorded and replayed exchanges of a test to those of the session."""
    api, records = mock.app.api, config.stash[_RECORDS]
    if api.config.record is None:
        return
    place = f"{api.config.record.path}:"
    records.replayed += sum(
        exchange.match is not None and exchange.match.rule.place.startswith(place) for exchange in mock.exchanges
    )
    records.recorded += api.upstream.recorder.recorded if api.upstream.recorder is not None else 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report how many exchanges were recorded and replayed."""
    records = config.stash[_RECORDS]
    if records.recorded or records.replayed:
        terminalreporter.write_line(f"openai_mock: {records.recorded} exchanges recorded, {records.replayed} replayed")


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


def _is_not_miss(record: logging.LogRecord) -> bool:
    """Whether a log record is no miss. The report of the test shows misses."""
    return not getattr(record, "is_miss", False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Fail a passed test for its exchanges; add them to the report of a failed one."""
    outcome = yield
    mock, options = item.stash.get(_TEST, (None, {}))
    if mock is None:
        return
    from .testing import verdicts

    _count_recordings(item.config, mock)
    if outcome.excinfo is None:
        try:
            message = verdicts.verdict(mock, **options)
        except ValueError as error:
            message = f"openai_mock: verdict: {error}"
        if message:
            outcome.force_exception(pytest.fail.Exception(message, pytrace=False))
    elif not issubclass(outcome.excinfo[0], pytest.skip.Exception):
        # The client's error has the message of the API, and often explains the miss already.
        failure = str(outcome.excinfo[1])
        allowed = options["allow_unmatched"] or "No matching response found" in failure
        message = verdicts.verdict(mock, allowed, completed=False)
        item.add_report_section("call", "openai_mock", "\n".join(filter(None, [message, verdicts.summary(mock)])))

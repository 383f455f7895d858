"""The pytest plugin: the fixture ``openai_mock``, the marker of the same name, and the verdict on unmatched requests."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

# This module is imported in every run of pytest; the mock itself is imported by the first test that uses it.
if TYPE_CHECKING:
    from .testing.mock import MockServer

_MARKER = """\
openai_mock(*configs, config=None, strict=False, allow_unmatched=False, **settings): run the test with a mock of the OpenAI API. \
configs: YAML files (relative to the test's), dicts or YAML text; settings: any setting of a file, such as lint="error"; \
an unmatched request fails the test unless allow_unmatched; strict: so does a rule or a reply that was never used."""
_KEY: pytest.StashKey[tuple[Any, dict[str, Any]]] = pytest.StashKey()
#: Arguments of the marker that are no settings, with their defaults.
_OPTIONS = {"strict": False, "allow_unmatched": False}


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a marked test the fixture, before its other fixtures, so that the environment is set for them."""
    names = getattr(item, "fixturenames", None)
    if names is not None and "openai_mock" not in names and item.get_closest_marker("openai_mock"):
        names.insert(0, "openai_mock")


@pytest.fixture
def openai_mock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[MockServer, None, None]:
    """A mock of the OpenAI API that runs on a free port, new for each test; OPENAI_BASE_URL and OPENAI_API_KEY point at it."""
    from .errors import ConfigError
    from .testing import verdicts
    from .testing.mock import MockServer

    marker = request.node.get_closest_marker("openai_mock")
    settings: dict[str, Any] = dict(marker.kwargs) if marker else {}
    sources = [*(marker.args if marker else ()), *([settings.pop("config")] if settings.get("config") is not None else ())]
    settings.pop("config", None)
    options = {name: settings.pop(name, default) for name, default in _OPTIONS.items()}
    try:
        config = verdicts.configure(sources, settings, request.path.parent)
        mock = MockServer(config, host="127.0.0.1", port=0).start()
    except ConfigError as error:
        pytest.fail(f"openai_mock: {error}", pytrace=False)
    try:
        for name, value in verdicts.environment(mock, os.environ).items():
            monkeypatch.setenv(name, value)
        request.node.stash[_KEY] = (mock, options)
        yield mock
    finally:
        mock.stop(verdicts.GRACE)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Fail a passed test for its exchanges; add the same text to the report of a failed one."""
    outcome = yield
    mock, options = item.stash.get(_KEY, (None, {}))
    if mock is None:
        return
    from .testing import verdicts

    if outcome.excinfo is None:
        message = verdicts.verdict(mock, **options)
        if message:
            outcome.force_exception(pytest.fail.Exception(message, pytrace=False))
    elif not issubclass(outcome.excinfo[0], pytest.skip.Exception):
        message = verdicts.verdict(mock, options["allow_unmatched"])
        if message:
            item.add_report_section("call", "openai_mock", message)

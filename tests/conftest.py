"""What all tests share: mocks that run, the official clients pointed at them, and strict eyes."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import settings
from openai import AsyncOpenAI, OpenAI

import openaimock
from openaimock.testing.mock import MockServer

from .support.commands import good, start  # noqa: F401

# A noisy machine must not fail a property for being slow.
settings.register_profile("openaimock", deadline=None)
settings.load_profile("openaimock")

# A test run inside a test (pytester) forgets the modules that it imports first. The client loads these late, and a second copy of
# them would have exceptions of its own.
for module in ("httpcore", "httpcore2"):
    with suppress(ImportError):
        importlib.import_module(module)

Serve = Callable[..., MockServer]


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until something holds."""

    def wait(holds: Callable[[], object], message: str = "it never came about") -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, message
            time.sleep(0.002)

    return wait


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a mock from a configuration: YAML text, a dict, or a list of rules. Stopped when the test ends."""
    running: list[MockServer] = []

    def run_mock(config: Any, **options: Any) -> MockServer:
        if isinstance(config, list):
            config = {"responses": config}
        running.append(openaimock.start_mock_server(config, **options))
        return running[-1]

    yield run_mock
    for mock in running:
        mock.stop()


@pytest.fixture
def client() -> Iterator[Callable[..., OpenAI]]:
    """The official client for a mock; it does not retry unless told to."""
    made: list[OpenAI] = []

    def make(mock: MockServer, **options: Any) -> OpenAI:
        made.append(OpenAI(**{"base_url": mock.url, "api_key": "test-key", "max_retries": 0, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def sdk(mock: MockServer, client: Callable[..., OpenAI]) -> OpenAI:
    """The official client for the fixture ``mock`` of a module."""
    return client(mock)


@pytest.fixture
def async_client() -> Callable[..., AsyncOpenAI]:
    """The official asynchronous client for a mock; use it with ``async with``."""

    def make(mock: MockServer, **options: Any) -> AsyncOpenAI:
        return AsyncOpenAI(**{"base_url": mock.url, "api_key": "test-key", "max_retries": 0, **options})

    return make

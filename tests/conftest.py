"""What all tests share: mocks that run, the official clients pointed at them, and strict eyes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from hypothesis import settings
from openai import AsyncOpenAI, OpenAI
from pydantic import TypeAdapter

import openaimock
from openaimock.mock import MockServer

# A noisy machine must not fail a property for being slow.
settings.register_profile("openaimock", deadline=None)
settings.load_profile("openaimock")

Serve = Callable[..., MockServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a mock from a configuration: YAML text, a dict, or a list of rules. Stopped when the test ends."""
    running: list[MockServer] = []

    def start(config: Any, **options: Any) -> MockServer:
        if isinstance(config, list):
            config = {"responses": config}
        running.append(openaimock.start_mock_server(config, **options))
        return running[-1]

    yield start
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
def async_client() -> Callable[..., AsyncOpenAI]:
    """The official asynchronous client for a mock; use it with ``async with``."""

    def make(mock: MockServer, **options: Any) -> AsyncOpenAI:
        return AsyncOpenAI(**{"base_url": mock.url, "api_key": "test-key", "max_retries": 0, **options})

    return make


def user(text: str, **more: Any) -> dict[str, Any]:
    """A chat request of one user message."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def post(mock: MockServer, body: Any, path: str = "/chat/completions", **options: Any) -> httpx.Response:
    """A plain POST, without a client's help."""
    # Reading the system's certificates would take longer than the request.
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.post(mock.url + path, json=body, **options)


_adapter = cache(TypeAdapter)


def strictly(kind: Any, value: Any) -> Any:
    """The value as the SDK's type, by pydantic itself and without any coercion; unknown fields are an error."""
    parsed = _adapter(kind).validate_json(json.dumps(value), strict=True)
    extra = list(_extras(parsed))
    assert not extra, f"fields that the SDK's type does not have: {extra}"
    return parsed


def _extras(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _extras(item, f"{path}[{at}]")
    elif hasattr(value, "model_fields_set"):
        for name in value.model_extra or {}:
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}.{name}")


def events(text: str) -> list[Any]:
    """The events of a stream as the wire has them: JSON, and ``[DONE]`` at the end."""
    found = []
    for block in text.split("\n\n"):
        for line in block.splitlines():
            if line.startswith("data: "):
                found.append(line[6:] if line == "data: [DONE]" else json.loads(line[6:]))
    return found

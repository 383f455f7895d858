"""What the tests of vector stores share: a mock, the official client, and uploads."""

from __future__ import annotations

import pytest

import openaimock

PARIS = b"Paris is the capital of France. It is known for the Eiffel Tower."
BANANA = b"A banana is a yellow fruit that grows in warm countries."


@pytest.fixture(scope="module")
def server():
    with openaimock.start_mock_server({"responses": []}) as running:
        yield running


@pytest.fixture
def mock(server):
    """The server of the module, without what earlier tests stored."""
    server.reset()
    return server


@pytest.fixture
def sdk(mock, client):
    return client(mock)


@pytest.fixture
def upload(sdk):
    """Upload a file; its id."""

    def create(name="paris.txt", data=PARIS):
        return sdk.files.create(file=(name, data), purpose="assistants").id

    return create


@pytest.fixture
def store(sdk, upload):
    """A vector store with two processed files."""
    files = [upload(), upload("banana.md", BANANA)]
    return sdk.vector_stores.create(name="facts", file_ids=files)

"""What the tests of vector stores share: uploads and a store."""

from __future__ import annotations

import pytest

PARIS = b"Paris is the capital of France. It is known for the Eiffel Tower."
BANANA = b"A banana is a yellow fruit that grows in warm countries."


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

"""What the tests of endpoints share: one mock without rules for all tests of a module."""

from __future__ import annotations

import pytest

import openaimock


@pytest.fixture(scope="module")
def server():
    with openaimock.start_mock_server({"responses": []}) as running:
        yield running


@pytest.fixture
def mock(server):
    """The server of the module, without what earlier tests stored."""
    server.reset()
    return server

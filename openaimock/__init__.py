"""openaimock: a mock of the OpenAI API that answers from a YAML file, the same every time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from .config.types import MockConfig as MockConfig
    from .config.types import MockResponse as MockResponse
    from .testing.mock import MockServer as MockServer
    from .testing.mock import create_mock_server as create_mock_server
    from .testing.mock import start_mock_server as start_mock_server
    from .wsgi import create_app as create_app

#: Where each public name lives. Imported when first asked for, so that a program pays for what it uses.
_HOMES = {
    "create_app": "wsgi",
    "create_mock_server": "testing.mock",
    "start_mock_server": "testing.mock",
    "MockServer": "testing.mock",
    "MockConfig": "config.types",
    "MockResponse": "config.types",
}

__all__ = ["MockConfig", "MockResponse", "MockServer", "create_app", "create_mock_server", "start_mock_server"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

"""What the admin asks of a mock: the application hands itself in, and this is all that is used of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..chance import Clock
from ..config.load import Config
from ..endpoints import Endpoint
from ..lint import Linter
from ..nouns import Fault
from ..rulebook import RuleBook
from ..rules import Rule
from ..spaces import Spaces


class Mock(Protocol):
    """A mock that runs."""

    config: Config
    book: RuleBook
    spaces: Spaces
    clock: Clock
    chaos: tuple[float, tuple[Fault, ...]] | None

    def linter(self, endpoint: Endpoint) -> Linter | None:
        """What is looked for in an endpoint's requests."""
        ...

    def build(self, given: Iterable[Mapping[str, Any]]) -> list[Rule]:
        """Rules from their normal form."""
        ...


def secrets(mock: Mock) -> tuple[str, ...]:
    """Every key that was configured: none of them is ever shown."""
    key = mock.config.admin_key
    return (*mock.config.api_keys, key) if key else mock.config.api_keys

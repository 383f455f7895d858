"""Jobs: work that the mock does by itself when it is due, and what an operation or a job can ask of the mock that runs it."""

from __future__ import annotations

from typing import Protocol

from ..types.exchange import Exchange
from .store import State


class Jobs(Protocol):
    """Runs the jobs of a mock. A job is named ``kind/id``; ``api.jobs`` lists the kinds."""

    def schedule(self, store: State, job: str, at: float | None) -> None:
        """Run a job of a namespace at a time of the mock's clock (seconds since the epoch); None: no longer."""
        ...

    def run(self, store: State, job: str) -> bool:
        """Run a job now, in this thread; False when it runs elsewhere."""
        ...

    def journal(self, store: State, exchange: Exchange) -> None:
        """Add an exchange of the mock's own to the journal of a namespace."""
        ...

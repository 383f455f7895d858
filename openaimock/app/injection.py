"""Injection: what decides about the exchanges of an App in place of their normal course, in a storm."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from ..storm import VARIABLE
from ..types.exchange import Exchange

if TYPE_CHECKING:
    from ..storm.kinds import Injection


class Injector(Protocol):
    """Decides what happens to each exchange of an App, and sees how it ends."""

    def begin(self, exchange: Exchange) -> Injection | None:
        """What happens to an exchange whose request has been read; None: its normal course."""
        ...

    def end(self, exchange: Exchange, events: int) -> None:
        """An exchange has ended, after this number of events. Also called for exchanges that were refused unread."""
        ...


def from_environment() -> Injector | None:
    """The part of this process in a storm, None without one. ConfigError when the environment variable is wrong."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    # Imported on use: few mocks take part in a storm.
    from .participant import join

    return join(text)

"""Exchange: one entry of the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .ask import Ask, Match
from .reply import Fault, Reply

if TYPE_CHECKING:
    from ..errors import APIError


@dataclass(slots=True, eq=False)
class Exchange:
    """One line of the journal: who asked what, which rule answered, what was sent, and how it ended. Filled along the way.

    ``at`` is seconds since the epoch, ``duration`` seconds until the last byte was handed over; ``chunks`` has the seconds after
    ``at`` at which each event of a timed reply was due. ``ended`` is ``complete``, ``client_disconnected`` or ``fault``.
    """

    number: int
    at: float
    namespace: str
    method: str
    path: str
    endpoint: str = ""
    id: str = ""
    ask: Ask | None = None
    match: Match | None = None
    reply: Reply | None = None
    status: int = 0
    error: APIError | None = None
    fault: Fault | None = None
    lint: list[Any] = field(default_factory=list)
    chunks: list[float] = field(default_factory=list)
    duration: float = 0.0
    ended: str = "running"
    #: Its place among all exchanges of the mock, whatever their namespaces.
    order: int = 0
    #: Bytes that it takes in the journal; 0 while it is in none.
    size: int = 0

    @property
    def rule(self) -> str | None:
        """The id of the rule that answered."""
        return None if self.match is None else self.match.rule.id

    @property
    def matched(self) -> bool:
        """Whether a rule answered."""
        return self.match is not None

    @property
    def unmatched(self) -> bool:
        """Whether a rule should have answered and none did; what ``unmatched:`` sent instead may be an answer all the same."""
        if self.match is not None:
            return False
        return self.reply is not None or (self.error is not None and self.error.code == "no_match")

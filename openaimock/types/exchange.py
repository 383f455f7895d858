"""Exchange: one entry of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .ask import Ask, Match
from .reply import Fault, Reply

if TYPE_CHECKING:
    from ..errors import APIError


class Received(NamedTuple):
    """What the upstream answered. ``body`` is None when it is longer than the journal keeps, or broke off."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


@dataclass(init=False, eq=False, repr=False)
class Exchange:
    """One entry of the journal: the request, the rule that answered, the response and how it ended.

    ``at`` is in seconds since the epoch, ``duration`` in seconds until the last byte was sent; ``chunks`` has the seconds after
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
    lint: Sequence[Any] = ()
    chunks: Sequence[float] = ()
    duration: float = 0.0
    ended: str = "running"
    #: Its position among all exchanges of the mock, over all namespaces.
    order: int = 0
    #: The id of the operation, such as ``chat.completions.create``; ``endpoint`` is its short name.
    operation: str = ""
    #: Bytes that it takes in the journal; 0 while it is in none.
    size: int = 0
    #: Its arrival in seconds by the machine's clock that only moves forward, whatever the clock of the mock says.
    arrived: float = 0.0
    #: Whether a stream with a fault had sent its answer before, up to the finish reason: only usage or the end marker is missing.
    answered: bool = False
    #: The answer of the upstream, where it answered.
    received: Received | None = None

    def __init__(
        self, number: int, at: float, namespace: str, method: str, path: str, order: int = 0, arrived: float = 0.0, **others: Any
    ) -> None:
        # Every request makes one. A member that is not passed is that of the class, which costs nothing.
        self.number, self.at, self.namespace, self.method, self.path = number, at, namespace, method, path
        self.order, self.arrived = order, arrived
        if others:
            if not others.keys() <= self.__dataclass_fields__.keys():
                raise TypeError(f"an Exchange has no {', '.join(sorted(others.keys() - self.__dataclass_fields__.keys()))}")
            self.__dict__.update(others)

    def __repr__(self) -> str:
        ended = "" if self.ended == "complete" else f" ({self.ended})"
        return f"<Exchange #{self.order} {self.method} {self.path} -> {self.status}, {self.outcome}{ended}>"

    def begin_chunks(self) -> list[float]:
        """The list that gets the times of the events, from now on ``chunks``."""
        chunks: list[float] = []
        self.chunks = chunks
        return chunks

    @property
    def rule(self) -> str | None:
        """The id of the rule that answered."""
        return None if self.match is None else self.match.rule.id

    @property
    def outcome(self) -> str:
        """In a few words: the rule that answered, or the code of the error."""
        if self.match is not None:
            return f"rule {self.rule}"
        return "no rule" if self.error is None else self.error.code or "error"

    @property
    def stream(self) -> bool:
        """Whether the request asks for a stream; False when it was not read."""
        return self.ask is not None and self.ask.stream

    @property
    def matched(self) -> bool:
        """Whether a rule answered."""
        return self.match is not None

    @property
    def unmatched(self) -> bool:
        """Whether a rule should have answered and none did; ``unmatched:`` may have sent an answer instead."""
        if self.match is not None:
            return False
        if self.reply is not None and self.reply.proxy:
            return False
        return self.reply is not None or (self.error is not None and self.error.code == "no_match")

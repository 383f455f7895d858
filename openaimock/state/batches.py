"""Batches: what one process has collected of a namespace since its last write, and how it goes back when a write fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..text.log import ROOT
from ..types.exchange import Exchange
from . import records
from .engine import Batch, Entry
from .shared import SharedState


@dataclass(frozen=True, slots=True)
class Collected:
    """What a batch holds, and the state that it was taken from."""

    state: SharedState
    batch: Batch
    #: The exchanges that are written for the first time, and all that were running before.
    exchanges: Sequence[Exchange]
    running: dict[Exchange, str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.batch.hits or self.batch.entries or self.batch.dropped)

    def put_back(self) -> None:
        """Give everything back to the state, which writes it the next time."""
        for pair, count in self.batch.hits.items():
            self.state.new_hits.extend([pair] * count)
        self.state.running = self.running
        self.state.journal.dropped += self.batch.dropped
        self.state.journal.put_back(self.exchanges)


def collect(
    state: SharedState, new_key: Callable[[], str], secrets: Sequence[str], deadline: float, rewrite: bool, size: int
) -> Collected:
    """Take what a namespace has collected: all hits, and exchanges until the deadline, by the clock of this thread.

    An exchange that was written while it was running is written again when it has ended, with ``rewrite`` at once.
    ``size`` is the number of exchanges that a journal keeps.
    """
    hits: Counter[tuple[str, int]] = Counter()
    for _ in range(len(state.new_hits)):
        hits[state.new_hits.popleft()] += 1
    journal, running = state.journal, dict(state.running)
    dropped, journal.dropped = journal.dropped, 0
    entries: list[Entry] = []
    for exchange, key in running.items():
        has_ended = exchange.ended != "running"
        if has_ended or rewrite:
            entries += _entry(exchange, key, secrets, again=True)
        if has_ended:
            del state.running[exchange]
    exchanges: list[Exchange] = []
    while time.thread_time() < deadline and (oldest := journal.pop()) is not None:
        key = new_key()
        if oldest.ended == "running":
            state.running[oldest] = key
        entry = _entry(oldest, key, secrets)
        if entry:
            entries += entry
            exchanges.append(oldest)
        else:
            dropped += 1
    while len(state.running) > size:
        del state.running[next(iter(state.running))]
    return Collected(state, Batch(state.name, state.epoch, hits, entries, dropped), exchanges, running)


def _entry(exchange: Exchange, key: str, secrets: Sequence[str], *, again: bool = False) -> list[Entry]:
    """The entry of an exchange; none when it has a value of the user's that fails: the others must not wait for it forever."""
    try:
        record = records.encode(exchange, secrets)
    except Exception:
        ROOT.exception("An exchange cannot be written to the store")
        return []
    return [Entry(key, record, len(record), again)]

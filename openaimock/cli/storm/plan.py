"""Plan: from the exchanges of the clean run to the cells of a storm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...storm.cells import Cell
from ...storm.kinds import Kind, Target
from .mock import Sight

#: The most cells of one storm.
MAX_CELLS = 10_000


def target(sight: Sight) -> Target:
    """What decides which faults make sense for an exchange."""
    exchange, ask = sight.exchange, sight.exchange.ask
    calls = bool(exchange.reply is not None and exchange.reply.calls)
    return Target(exchange.endpoint, exchange.stream, sight.events, calls, bool(ask is not None and ask.tools))


def events(count: int, points: str) -> Sequence[int]:
    """The numbers of events of a stream after which faults come.

    ``first``: 0; ``each``: every one; a number: every so many events; ``""``: at the start, in the middle and before the end.
    """
    if points == "first" or count < 1:
        return [0]
    if points == "":
        return sorted({0, count // 2, count - 1})
    return range(0, count, 1 if points == "each" else int(points))


def cells(sights: Iterable[Sight], kinds: Sequence[Kind], points: str) -> list[Cell]:
    """All cells: for each exchange the faults that make sense for it, at their points. ValueError for too many."""
    planned: list[Cell] = []
    for number, sight in enumerate(sights, 1):
        facts = target(sight)
        for kind in kinds:
            if kind.suits(facts):
                places = events(facts.events, points) if kind.at_events and facts.stream else [0]
                planned += [Cell(sight.in_test or number, event, kind.name, sight.test, number) for event in places]
        if len(planned) > MAX_CELLS:
            raise ValueError(f"more than {MAX_CELLS} cells; choose fewer with --points or --faults")
    return planned

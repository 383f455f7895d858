"""Two processes instead of one: how much more they answer, although the load's own sender needs a processor too."""

from __future__ import annotations

import os

from . import servers, texts
from .load import Load, check, load, verify
from .nouns import Bench, Outcome, ratios, spread
from .processes import free_port, serve

CONNECTIONS = 64


def _busiest(counted: Load) -> float:
    """Requests a second if the busiest process had a processor of its own all the time."""
    return counted.requests / max(counted.cpu.values())


def run(bench: Bench) -> Outcome:
    """One and two workers in turn, by the clock and by processor time."""
    work = texts.one_rule()
    config = bench.write("one.yaml", texts.shared_yaml(work.rules))
    ports = [free_port(), free_port()]
    wall: dict[str, list[float]] = {"one": [], "two": []}
    own: dict[str, list[float]] = {"one": [], "two": []}
    shares = []
    with (
        serve(bench, "one", servers.ours(bench, config, ports[0]), ports[0]) as one,
        serve(bench, "two", servers.ours(bench, config, ports[1], "--workers", "2"), ports[1]) as two,
    ):
        for server in (one, two):
            verify(server, work.hits)
            check(bench, server, work.hits, CONNECTIONS)
        for _ in range(int(bench.take(5, 2))):
            for server in (one, two):
                counted = load(bench, server, work.hits, bench.take(4, 1), connections=CONNECTIONS)
                wall[server.name].append(counted.rate)
                own[server.name].append(_busiest(counted))
                if server is two:
                    shares.append(max(counted.cpu.values()) / sum(counted.cpu.values()))
                bench.say(f"{server.name}: {counted.rate:,.0f} a second, processor seconds {sorted(counted.cpu.values())}")
    outcome = Outcome()
    clock, clock_words = ratios(wall["two"], wall["one"])
    fair, fair_words = ratios(own["two"], own["one"])
    # Three processors are the least on which two workers and the sender each have one.
    crowded = len(os.sched_getaffinity(0)) < 3
    asked = fair if crowded else clock
    outcome.judge("two workers: rate to one's", fair_words if crowded else clock_words, "at least 1.6", asked >= 1.6)
    outcome.tell("two workers: by the clock, to one's", clock_words)
    outcome.tell("two workers: by processor time, to one's", fair_words)
    outcome.tell("two workers: the busier one's share of the work", spread(shares, "{:.2f}"))
    for name in wall:
        outcome.tell(f"{name} worker{'s' if name == 'two' else ''}", f"{spread(wall[name])} a second")
    outcome.notes.append(
        f"Workers: {CONNECTIONS} connections. By processor time means requests for each second that the busiest process was "
        "running, the rate it would have with a processor to itself. With two cores wrk takes from two workers what it leaves to "
        "one, so that ratio counts there; with three cores or more the clock's does."
    )
    return outcome

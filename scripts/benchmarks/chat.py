"""One rule, 16 connections, one process: how many answers a second."""

from __future__ import annotations

from . import servers, texts
from .load import check, load, verify, warm
from .nouns import Bench, Outcome, ratios, spread
from .processes import free_port, serve


def run(bench: Bench) -> Outcome:
    """Ours, aimock and openai-mock-api, run by run in turn."""
    work = texts.one_rule()
    config = bench.write("one.yaml", texts.shared_yaml(work.rules))
    fixtures = bench.write("one.json", texts.fixtures_json(work.rules))
    ports = [free_port() for _ in range(3)]
    rates: dict[str, list[float]] = {"openaimock": [], "aimock": [], "openai-mock-api": []}
    costs: dict[str, list[float]] = {name: [] for name in rates}
    with (
        serve(bench, "openaimock", servers.ours(bench, config, ports[0]), ports[0]) as ours,
        serve(bench, "aimock", servers.aimock(bench, fixtures, ports[1]), ports[1]) as aimock,
        serve(bench, "openai-mock-api", servers.openai_mock_api(bench, config, ports[2]), ports[2]) as other,
    ):
        sizes = {}
        for server in (ours, aimock, other):
            verify(server, work.hits)
            sizes[server.name] = check(bench, server, work.hits)
        warm(bench, (ours, aimock, other), work.hits)
        for turn in range(int(bench.take(5, 2))):
            for server in (ours, aimock, other):
                counted = load(bench, server, work.hits, bench.take(5, 1), size=sizes[server.name])
                rates[server.name].append(counted.rate)
                costs[server.name].append(counted.cost)
                bench.say(f"{turn + 1}: {server.name}: {counted.rate:,.0f} a second, {counted.cost:.0f} µs of processor each")
        for server in (ours, aimock, other):
            verify(server, work.hits)
    outcome = Outcome()
    to_aimock, words = ratios(rates["openaimock"], rates["aimock"])
    outcome.judge("chat, one rule: rate to aimock's", words, "at least 1", to_aimock >= 1)
    to_other, words = ratios(rates["openaimock"], rates["openai-mock-api"])
    outcome.judge("chat, one rule: rate to openai-mock-api's", words, "at least 5", to_other >= 5)
    for name in rates:
        outcome.tell(
            f"chat, one rule: {name}", f"{spread(rates[name])} a second, {spread(costs[name])} µs of processor time each"
        )
    return outcome

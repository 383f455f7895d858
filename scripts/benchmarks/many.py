"""Ten thousand rules: what a hit and a miss cost among them."""

from __future__ import annotations

import time
from pathlib import Path

from . import servers, texts
from .load import check, load, verify, waits, warm
from .nouns import Bench, Outcome, Wrong, median, ratios, spread
from .processes import Server, free_port, serve

COUNT = 10_000
SETS = {kind: (kind,) for kind in texts.KINDS} | {"mixed": texts.KINDS}


def _ours(bench: Bench, outcome: Outcome, name: str, work: texts.Workload, config: Path, one: Server) -> None:
    """One set of rules against the one-rule server, in turn: bodies that come again, and bodies that do not."""
    port = free_port()
    single = texts.one_rule().hits
    begun = time.perf_counter()
    with serve(bench, "openaimock", servers.ours(bench, config, port), port, patience=120) as server:
        ready = time.perf_counter() - begun
        verify(server, work.hits)
        size = check(bench, server, work.hits)
        rates: list[float] = []
        base: list[float] = []
        for _ in range(int(bench.take(3, 1))):
            base.append(load(bench, one, single, bench.take(3, 1)).rate)
            rates.append(load(bench, server, work.hits, bench.take(3, 1), size=size).rate)
        new = [
            load(bench, *pair, bench.take(3, 1)).rate for pair in ((server, texts.unlike(work.hits)), (one, texts.unlike(single)))
        ]
        rounds = range(int(bench.take(3, 1)))
        pairs = [[median(waits(server, cases, 1)) for cases in (work.hits, work.misses)] for _ in rounds]
        hit, miss = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        memory = server.memory()
    ratio, words = ratios(rates, base)
    more = median(miss) - median(hit)
    outcome.judge(f"{COUNT:,} rules, {name}: a hit's rate to one rule's", words, "at least 0.8", ratio >= 0.8)
    outcome.judge(f"{COUNT:,} rules, {name}: a miss takes longer than a hit by", f"{more:.2f} ms", "at most 2 ms", more <= 2)
    figures = f"{spread(rates)} hits a second; a hit {spread(hit, '{:.2f}')} ms, a miss {spread(miss, '{:.2f}')} ms"
    figures += f"; bodies that never came before {new[0]:,.0f} a second, {new[0] / new[1]:.2f} of one rule's with such bodies"
    figures += f"; ready in {ready:.1f} s, {memory:.0f} MB"
    outcome.tell(f"{COUNT:,} rules, {name}: openaimock", figures)
    bench.say(f"{name}: {words} of the one-rule rate, a miss {more:+.2f} ms; {figures}")


def _peer(bench: Bench, outcome: Outcome, name: str, work: texts.Workload, peer: str, config: Path) -> None:
    """The same hits at a peer that can have them, once."""
    port = free_port()
    command = servers.aimock if peer == "aimock" else servers.openai_mock_api
    with serve(bench, peer, command(bench, config, port), port, patience=120) as server:
        try:
            verify(server, work.hits[:5])
            warm(bench, [server], work.hits[:100])
            rate = f"{load(bench, server, work.hits[:100], bench.take(2, 1)).rate:,.0f} hits a second"
        except Wrong as error:
            rate = str(error)
    outcome.tell(f"{COUNT:,} rules, {name}: {peer}", rate)
    bench.say(f"{name}: {peer}: {rate}")


def run(bench: Bench) -> Outcome:
    """Each set of rules at ours beside one rule; then at the peers, to compare."""
    outcome = Outcome()
    port = free_port()
    one = bench.write("one.yaml", texts.shared_yaml(texts.one_rule().rules))
    with serve(bench, "one rule", servers.ours(bench, one, port), port) as single:
        warm(bench, [single], texts.one_rule().hits)
        for name, kinds in SETS.items():
            work = texts.many(kinds, COUNT)
            config = bench.write(f"many-{name}.yaml", texts.shared_yaml(work.rules))
            _ours(bench, outcome, name, work, config, single)
    for name in ("exact", "contains", "regex"):
        work = texts.many(SETS[name], COUNT)
        _peer(bench, outcome, name, work, "openai-mock-api", bench.work / f"many-{name}.yaml")
        if name != "regex":
            fixtures = bench.write(f"many-{name}.json", texts.fixtures_json(work.rules))
            _peer(bench, outcome, name, work, "aimock", fixtures)
    outcome.notes.append(
        f"{COUNT:,} rules: requests are spread over 500 of them, and misses are made to look like hits. A body that came before "
        "is cached with its rule; the cost without repeated bodies is stated beside it. aimock's files know only "
        "``contains``, which also serves its exact row; openai-mock-api's fuzzy search does not find these sentences with one "
        "letter wrong, so it has no fuzzy and no mixed row."
    )
    return outcome

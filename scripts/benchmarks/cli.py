"""The command: which works to run, how long, and where the results go."""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path

from . import agents, chat, connections, growth, hosts, lengths, many, report, servers, soak, start, stores, streams, workers
from .nouns import Bench, Outcome, Work, Wrong
from .processes import raise_limits

WORKS = [
    Work("chat", "one rule, 16 connections, beside both peers", chat.run),
    Work("agents", "requests as agents send them, beside aimock", agents.run),
    Work("rules", "10,000 rules of each kind: hits and misses", many.run),
    Work("growth", "100,000 rules, the check command, conversations of 1,000 messages", growth.run),
    Work("lengths", "messages of 20, 2,000 and 100,000 characters", lengths.run),
    Work("streams", "chunks a second without pace, beside aimock", streams.unpaced),
    Work("paced", "2,000 streams at once, a chunk every 50 ms, beside both peers", streams.paced),
    Work("connections", "5,000 open connections, 500 of them streaming", connections.run),
    Work("start", "start to first answer, memory at rest, beside both peers", start.run),
    Work("workers", "--workers 2 beside one process", workers.run),
    Work("stores", "claims and rules without a sequence, in memory, SQLite and Redis", stores.run),
    Work("hosts", "the application in gunicorn, uWSGI and granian, beside aimock", hosts.run),
]
SOAK = Work("soak", "memory and files over a long mixed run", soak.run)


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure openaimock beside its peers; write docs/performance.rst."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="works to run (all by default)")
    parser.add_argument("--quick", action="store_true", help="short runs: a look, not a measurement; the page is not written")
    parser.add_argument("--list", action="store_true", help="name the works and stop")
    parser.add_argument("--soak", action="store_true", help="run the soak instead")
    parser.add_argument("--seconds", type=float, default=300.0, metavar="N", help="how long the soak lasts (300)")
    parser.add_argument("--render", action="store_true", help="write the page from the kept results and stop")
    chosen = parser.parse_args(argv)
    known = [work.name for work in WORKS]
    for name in chosen.names:
        if name not in known:
            parser.error(f"no work is called {name!r} (there are: {', '.join(known)})")
    return chosen


def _measure(bench: Bench, work: Work) -> Outcome:
    """Run one work; one that fails is a line of the report, not the end of the run."""
    print(f"{work.name}: {work.title}", flush=True)
    begun = time.monotonic()
    try:
        outcome = work.run(bench)
    except Wrong as error:
        outcome = Outcome()
        outcome.judge(work.title, " ".join(str(error).split())[:300], "works", False)
    except Exception as error:  # a mistake of this script's own must not cost the other works either
        traceback.print_exc()
        outcome = Outcome()
        outcome.judge(work.title, f"not measured: {type(error).__name__}", "works", False)
    report.tell(outcome.rows)
    bench.say(f"({time.monotonic() - begun:.0f} s)")
    return outcome


def main(argv: list[str], root: Path) -> int:
    """0 when everything was reached, 1 when not, 2 when it could not be measured."""
    chosen = _arguments(argv)
    bench = Bench(root, quick=chosen.quick, seconds=chosen.seconds)
    order = [*(work.name for work in WORKS), SOAK.name]
    if chosen.list:
        print("\n".join(f"{work.name:<12} {work.title}" for work in [*WORKS, SOAK]))
        return 0
    path = bench.cache / ("quick.json" if chosen.quick else "results.json")
    results = report.load(path)
    if chosen.render:
        print(f"wrote {report.write(bench, results, order).relative_to(root)}")
        return 0
    # Ended politely, the script must still reach its finally blocks: they end the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        servers.prepare(bench)
        raise_limits()
        results |= servers.machine(bench)
        works = [SOAK] if chosen.soak else [work for work in WORKS if not chosen.names or work.name in chosen.names]
        good = True
        for work in works:
            outcome = _measure(bench, work)
            good = good and all(row.reached is not False for row in outcome.rows)
            report.keep(path, results, work, outcome)
    except Wrong as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    if not chosen.quick:
        print(f"wrote {report.write(bench, results, order).relative_to(root)}")
    return 0 if good else 1

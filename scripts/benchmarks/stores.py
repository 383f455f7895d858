"""Stores: what a claim costs in each, how many two processes make, and what a rule without a sequence pays for a shared store."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from . import servers, texts
from .load import load, verify
from .nouns import Bench, Outcome, Wrong, ratios, spread
from .processes import free_port, serve

#: Claims that one process makes in a timed run.
CLAIMS = 20_000
#: Threads of each of two processes that claim: the pool of a worker, whose requests do not wait for each other's answers.
THREADS = 8
#: Claims a second that two processes must make together.
NEEDED = {"sqlite": 5_000, "redis": 8_000}
#: The least rate of a rule without a sequence, as a part of that in memory.
SHARE = 0.9
CONNECTIONS = 16
#: Makes claims in some threads once a line arrives on standard input, and prints how long that took and its processor time, in
#: seconds.
_CLAIM = """
import dataclasses, sys, threading, time
from openaimock.config.load import load
from openaimock.state.stores import make_store
config = dataclasses.replace(load({"responses": []}), store=sys.argv[1])
store = make_store(config)
state = store["bench"]
state.next_number()
print("ready", flush=True)
count, threads = int(sys.argv[2]), int(sys.argv[3])
def claim():
    for _ in range(count // threads):
        state.claim("rule")
sys.stdin.readline()
begun, used = time.perf_counter(), time.process_time()
running = [threading.Thread(target=claim) for _ in range(threads)]
for thread in running:
    thread.start()
for thread in running:
    thread.join()
print(time.perf_counter() - begun, time.process_time() - used, flush=True)
store.close()
"""


def run(bench: Bench) -> Outcome:
    """Claims without a server, then a rule without a sequence and one with a sequence through the server."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(dir=bench.work) as folder, _redis() as redis:
        addresses = {"memory": "memory", "sqlite": f"sqlite:///{folder}/claims.db"} | ({"redis": redis} if redis else {})
        _claims(bench, addresses, outcome)
        for name in addresses:
            if name != "memory":
                address = redis if name == "redis" else f"sqlite:///{folder}/served.db"
                _served(bench, name, address, outcome)
    if not redis:
        outcome.notes.append("Redis was not measured: there is no redis-server.")
    return outcome


@contextmanager
def _redis() -> Iterator[str]:
    """The address of a Redis of this run, "" where there is no redis-server."""
    port = free_port()
    try:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    except OSError:
        yield ""
        return
    try:
        assert process.stdout is not None
        if not any("Ready to accept connections" in line for line in process.stdout):
            raise Wrong("redis-server did not start")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def _claims(bench: Bench, addresses: dict[str, str], outcome: Outcome) -> None:
    count = int(bench.take(CLAIMS, CLAIMS / 4))
    for name, address in addresses.items():
        [(seconds, used)] = _claiming(bench, address, count, 1, 1)
        bench.say(f"{name}: a claim takes {seconds / count * 1e6:.0f} µs, {used / count * 1e6:.0f} µs of them by this process")
        outcome.tell(f"{name}: a claim", f"{seconds / count * 1e6:.0f} µs ({used / count * 1e6:.0f} µs of processor time)")
        if name == "memory":
            continue
        runs = [_claiming(bench, address, count, 2, THREADS) for _ in range(int(bench.take(5, 2)))]
        rates = [2 * count / max(seconds for seconds, _ in results) for results in runs]
        words = f"{spread(rates)} a second"
        outcome.judge(
            f"{name}: claims of two processes, {THREADS} threads each",
            words,
            f"at least {NEEDED[name]:,}",
            max(rates) >= NEEDED[name],
        )


def _claiming(bench: Bench, address: str, count: int, processes: int, threads: int) -> list[tuple[float, float]]:
    """Seconds and processor seconds of each of some processes that claim at the same time."""
    command = [str(bench.python), "-c", _CLAIM, address, str(count), str(threads)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [tuple(map(float, process.communicate()[0].split())) for process in running]
    if any(len(result) != 2 for result in results):
        raise Wrong(f"claims in {address.partition(':')[0]} failed")
    return [(seconds, used) for seconds, used in results]


def _served(bench: Bench, name: str, address: str, outcome: Outcome) -> None:
    """A rule without a sequence and one with a sequence, in memory and in the store, in turn."""
    work = texts.one_rule()
    question = work.hits[0]
    plain = texts.shared_yaml(work.rules)
    turns = f"apiKey: {texts.KEY}\nresponses:\n- " + json.dumps(
        {"when": {"user": work.rules[0].pattern}, "replies": [question.expect] * 2, "then": "cycle"}
    )
    configs = {
        "memory": bench.write("memory.yaml", plain),
        name: bench.write(f"{name}.yaml", f"{plain}store: {address}\n"),
        "sequence in memory": bench.write("turns.yaml", turns + "\n"),
        f"sequence in {name}": bench.write(f"turns-{name}.yaml", f"{turns}\nstore: {address}\n"),
    }
    rates: dict[str, list[float]] = {what: [] for what in configs}
    costs: dict[str, list[float]] = {what: [] for what in configs}
    for _ in range(int(bench.take(5, 2))):
        for what, config in configs.items():
            port = free_port()
            with serve(bench, what.replace(" ", "-"), servers.ours(bench, config, port), port) as server:
                verify(server, work.hits)
                counted = load(bench, server, work.hits, bench.take(5, 2), connections=CONNECTIONS)
                rates[what].append(counted.rate)
                costs[what].append(counted.cost)
                bench.say(f"{what}: {counted.rate:,.0f} a second, {counted.cost:.0f} µs each")
    ratio, words = ratios(rates[name], rates["memory"])
    outcome.judge(f"{name}: a rule without a sequence, to memory", words, f"at least {SHARE}", ratio >= SHARE)
    for what in configs:
        outcome.tell(what, f"{spread(rates[what])} a second, {spread(costs[what])} µs of processor time each")

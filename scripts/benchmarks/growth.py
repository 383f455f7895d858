"""Cost that grows: very many rules, the check command, and long conversations."""

from __future__ import annotations

import json
import resource
import subprocess
import time

from . import requests, servers, texts
from .load import load, verify, waits, warm
from .nouns import Bench, Outcome, Wrong, median, ratios, spread
from .processes import free_port, serve

RULES, CHECKED = 100_000, 10_000
SHORT, LONG = 10, 1000


def run(bench: Bench) -> Outcome:
    """All three, one after the other."""
    outcome = Outcome()
    _many_rules(bench, outcome)
    _check(bench, outcome)
    _conversations(bench, outcome)
    return outcome


def _many_rules(bench: Bench, outcome: Outcome) -> None:
    """Loading and answering with very many rules, beside one rule."""
    work = texts.many(("contains",), RULES)
    config = bench.write("growth.yaml", texts.shared_yaml(work.rules))
    single = bench.write("one.yaml", texts.shared_yaml(texts.one_rule().rules))
    ports = [free_port(), free_port()]
    begun = time.perf_counter()
    with serve(bench, "many rules", servers.ours(bench, config, ports[0]), ports[0], patience=300) as server:
        # The rules are indexed for the first request.
        verify(server, work.hits[:1])
        ready = time.perf_counter() - begun
        used = sum(server.cpu().values())
        memory = server.peak()
        with serve(bench, "one rule", servers.ours(bench, single, ports[1]), ports[1]) as one:
            many, base = texts.unlike(work.hits), texts.unlike(texts.one_rule().hits)
            verify(server, work.hits)
            warm(bench, [server], work.hits)
            warm(bench, [one], texts.one_rule().hits)
            rates: list[float] = []
            rates_of_one: list[float] = []
            for _ in range(int(bench.take(3, 1))):
                rates.append(load(bench, server, many, bench.take(3, 1)).rate)
                rates_of_one.append(load(bench, one, base, bench.take(3, 1)).rate)
    ratio, words = ratios(rates, rates_of_one)
    outcome.judge(f"{RULES:,} rules: processor time until the first answer", f"{used:.1f} s", "at most 10 s", used <= 10)
    outcome.judge(f"{RULES:,} rules: memory at most", f"{memory:.0f} MB", "at most 400 MB", memory <= 400)
    outcome.judge(f"{RULES:,} rules: rate to one rule's, all bodies new", words, "at least 0.7", ratio >= 0.7)
    figures = f"first answer after {ready:.1f} s; {spread(rates)} a second, one rule {spread(rates_of_one)}"
    outcome.tell(f"{RULES:,} rules", figures)
    bench.say(f"{RULES:,} rules: {words} of the one-rule rate, {used:.1f} s, {memory:.0f} MB; {figures}")


def _check(bench: Bench, outcome: Outcome) -> None:
    """The check command."""
    work = texts.many(texts.KINDS, CHECKED)
    config = bench.write("check.yaml", texts.shared_yaml(work.rules))
    argv = [str(word) for word in (bench.python, "-m", "openaimock", "check", config)]
    times = []
    for _ in range(int(bench.take(3, 1))):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(argv, cwd=bench.work, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise Wrong(f"check failed: {done.stdout[-300:]}{done.stderr[-300:]}")
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    seconds = median(times)
    outcome.judge(f"check of {CHECKED:,} rules: processor time", f"{seconds:.1f} s", "at most 3 s", seconds <= 3)
    bench.say(f"check of {CHECKED:,} rules: {seconds:.1f} s")


def _conversations(bench: Bench, outcome: Outcome) -> None:
    """The time of a message in a short and in a long conversation, no two requests the same."""
    config = bench.write("growth-one.yaml", json.dumps({"apiKey": texts.KEY, "responses": [requests.rule()]}))
    port = free_port()
    each: dict[int, float] = {}
    with serve(bench, "conversations", servers.ours(bench, config, port), port) as server:
        for size in (SHORT, LONG):
            case = requests.conversation(size)
            cases = [case._replace(body=case.body.replace(requests.NUMBER.encode(), b"%08d" % turn)) for turn in range(300)]
            waits(server, cases, 0.5)
            each[size] = median(waits(server, cases, bench.take(3, 1))) / size * 1000
    ratio = each[LONG] / each[SHORT]
    what = f"a conversation of {LONG:,} messages: time of a message to that of {SHORT}"
    outcome.judge(what, f"{ratio:.2f}", "at most 1", ratio <= 1)
    outcome.tell(f"a message of {SHORT} and of {LONG:,}", f"{each[SHORT]:.1f} and {each[LONG]:.1f} µs")
    bench.say(f"conversations: {ratio:.2f}")

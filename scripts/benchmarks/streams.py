"""Streams: chunks a second when nothing holds them back, and how well 2,000 at once keep their pace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from . import servers, texts
from .client import Crowd, gaps, percentile, request
from .load import check, load, verify, warm
from .nouns import Bench, Outcome, Wrong, median, ratios, spread
from .processes import Server, free_port, serve

GAP_MS = 50.0
AT_ONCE = 2_000
_CASE = texts.Case(texts.STREAM_BODY, texts.STREAM_TEXT)
_RULE = texts.Rule("exact", texts.STREAM_QUESTION, texts.STREAM_TEXT)


def whole(server: Server, streams: int = 1) -> list[float]:
    """The gaps of some streams at once, each of which must be right to the last chunk."""
    with Crowd(server.port, streams) as crowd:
        crowd.run([(0.0, line, request(texts.STREAM_BODY)) for line in crowd.lines], patience=60)
        return gaps(crowd.lines, texts.PIECES)


def unpaced(bench: Bench) -> Outcome:
    """Streams of 100 chunks, 16 at a time, as fast as they go."""
    config = bench.write("stream.yaml", "responses:\n" + texts.stream_rule())
    fixtures = bench.write("stream.json", texts.fixtures_json([_RULE]))
    ports = [free_port(), free_port()]
    rates: dict[str, list[float]] = {"openaimock": [], "aimock": []}
    chunk = str(len(texts.PIECES[1]))
    with (
        serve(bench, "openaimock", servers.ours(bench, config, ports[0]), ports[0]) as ours,
        serve(bench, "aimock", servers.aimock(bench, fixtures, ports[1], "-c", chunk), ports[1]) as aimock,
    ):
        sizes = {}
        for server in (ours, aimock):
            whole(server)
            verify(server, [_CASE])
            sizes[server.name] = check(bench, server, [_CASE])
        warm(bench, (ours, aimock), [_CASE])
        for _ in range(int(bench.take(5, 2))):
            for server in (ours, aimock):
                rate = load(bench, server, [_CASE], bench.take(4, 1), size=sizes[server.name]).rate * len(texts.PIECES)
                rates[server.name].append(rate)
                bench.say(f"{server.name}: {rate:,.0f} chunks a second")
        for server in (ours, aimock):
            whole(server)
    outcome = Outcome()
    ratio, words = ratios(rates["openaimock"], rates["aimock"])
    outcome.judge("streams without pace: chunks a second to aimock's", words, "at least 1", ratio >= 1)
    for name, counted in rates.items():
        outcome.tell(f"streams without pace: {name}", f"{spread(counted)} chunks a second")
    outcome.notes.append("openai-mock-api is not in it: its streams wait 50 ms after every word.")
    return outcome


class Paced(NamedTuple):
    """What one run of many streams gave: the 99th percentile gap, the whole time, and what it took of the machine."""

    gap_ms: float
    seconds: float
    memory: float
    cost: float


def _at_once(bench: Bench, name: str, command: servers.Command, port: int, count: int) -> Paced:
    """All streams from their start to their end."""
    with serve(bench, name, command, port) as server, Crowd(port, count) as crowd:
        before = sum(server.cpu().values())
        crowd.run([(0.0, line, request(texts.STREAM_BODY)) for line in crowd.lines], patience=60)
        used = sum(server.cpu().values()) - before
        memory = server.peak()
        seconds = max(line.reads[-1][0] for line in crowd.lines) - min(line.sent for line in crowd.lines)
        measured = gaps(crowd.lines, texts.PIECES)
    found = Paced(percentile(measured, 0.99), seconds, memory, used / count / len(texts.PIECES) * 1e6)
    middle = percentile(measured, 0.5)
    figures = f"99th percentile gap {found.gap_ms:.1f} ms, median {middle:.1f}, longest {measured[-1]:.0f}"
    bench.say(f"{name}: {figures}; {seconds:.1f} s; {memory:.0f} MB; {found.cost:.1f} µs of processor for each chunk")
    if middle < GAP_MS * 0.5 and measured[-1] < GAP_MS * 2:
        raise Wrong(f"{name}: chunks come every {middle:.1f} ms, that is not the work that was asked for")
    return found


def paced(bench: Bench) -> Outcome:
    """2,000 streams begun together, 100 chunks each, one every 50 ms; ours and aimock in turn."""
    count = int(bench.take(AT_ONCE, 500))
    ours = bench.write("paced.yaml", "responses:\n" + texts.stream_rule(GAP_MS))
    shared = bench.write("paced-shared.yaml", texts.shared_yaml([_RULE]))
    fixtures = bench.write("paced.json", texts.fixtures_json([_RULE]))
    flags = ("-c", str(len(texts.PIECES[1])), "-l", str(int(GAP_MS)))
    floor: servers.Command = [sys.executable, Path(__file__).with_name("floor.py")]
    found: dict[str, list[Paced]] = {}
    for name in ["floor", *["openaimock", "aimock"] * int(bench.take(3, 1)), "openai-mock-api"]:
        port = free_port()
        commands = {
            "floor": [*floor, str(port), str(GAP_MS), *texts.PIECES],
            "openaimock": servers.ours(bench, ours, port),
            "aimock": servers.aimock(bench, fixtures, port, *flags),
            "openai-mock-api": servers.openai_mock_api(bench, shared, port),
        }
        found.setdefault(name, []).append(_at_once(bench, name, commands[name], port, count))
    outcome = Outcome()
    p99s = {name: [run.gap_ms for run in runs] for name, runs in found.items()}
    ratio, words = ratios(p99s["openaimock"], p99s["aimock"])
    most = max(run.memory for run in found["openaimock"])
    what = f"{count:,} streams at once"
    gap = spread(p99s["openaimock"], "{:.1f}")
    outcome.judge(f"{what}: 99th percentile gap", f"{gap} ms", "at most 65 ms", median(p99s["openaimock"]) <= 65)
    outcome.judge(f"{what}: that gap to aimock's", words, "below 1", ratio < 1)
    outcome.judge(f"{what}: chunks lost or changed", "none", "none", True)
    outcome.judge(f"{what}: memory at most", f"{most:.0f} MB", "at most 100 MB", most <= 100)
    for name, runs in found.items():
        title = "the client alone (a server that only sends ready bytes)" if name == "floor" else name
        ends, costs = spread([run.seconds for run in runs], "{:.1f}"), spread([run.cost for run in runs], "{:.1f}")
        memory = f"{max(run.memory for run in runs):.0f} MB, {costs} µs of processor time for each chunk"
        outcome.tell(f"{what}: {title}", f"99th percentile gap {spread(p99s[name], '{:.1f}')} ms, all done in {ends} s, {memory}")
    outcome.notes.append(
        f"{len(texts.PIECES)} chunks, one every {GAP_MS:.0f} ms, all {count:,} streams begun in the same moment; "
        "gaps are taken by a client on the same machine."
    )
    return outcome

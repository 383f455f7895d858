"""5,000 open connections, 500 of them streaming: does everyone else still get an answer at once."""

from __future__ import annotations

from . import servers, texts
from .client import Crowd, answer, gaps, percentile, request
from .nouns import Bench, Outcome, Wrong, median
from .processes import free_port, serve
from .streams import GAP_MS

CASE = texts.one_rule()


def run(bench: Bench) -> Outcome:
    """All connections open; some stream, and over the streams' time each of the others asks once."""
    count = int(bench.take(5_000, 2_000))
    streaming = count // 10
    length = len(texts.PIECES) * GAP_MS / 1000
    config = bench.write("crowd.yaml", texts.shared_yaml(CASE.rules, texts.stream_rule(GAP_MS)))
    port = free_port()
    with serve(bench, "openaimock", servers.ours(bench, config, port), port) as server, Crowd(port, count) as crowd:
        streams, others = crowd.lines[:streaming], crowd.lines[streaming:]
        plan = [(0.0, line, request(texts.STREAM_BODY)) for line in streams]
        # From just after the streams' start to just before their end, evenly.
        for number, line in enumerate(others):
            plan.append((0.3 + (length - 0.6) * number / len(others), line, request(CASE.hits[0].body)))
        crowd.run(plan, patience=60)
        memory = server.peak()
        answers = [answer(line) for line in others]
        measured = gaps(streams, texts.PIECES)
    if wrong := sum(text != CASE.hits[0].expect for _, text in answers):
        raise Wrong(f"{wrong} of {len(answers)} answers were wrong")
    waits = sorted(wait for wait, _ in answers)
    what = f"{count:,} connections, {streaming} streaming"
    outcome = Outcome()
    outcome.judge(f"{what}: refused, failed or wrong", "none", "none", True)
    outcome.judge(f"{what}: the others' median", f"{median(waits):.2f} ms", "below 10 ms", median(waits) < 10)
    p99, gap = percentile(waits, 0.99), percentile(measured, 0.99)
    figures = f"answers: 99th percentile {p99:.1f} ms, longest {waits[-1]:.1f} ms; chunks: 99th percentile gap {gap:.1f} ms"
    figures += f"; {memory:.0f} MB"
    outcome.tell(f"{what}: openaimock", figures)
    bench.say(f"median {median(waits):.2f} ms; {figures}")
    return outcome

"""Messages of 20, 2,000 and 100,000 characters: what the length of a message costs."""

from __future__ import annotations

from itertools import pairwise

from . import servers, texts
from .load import waits
from .nouns import Bench, Outcome, median
from .processes import free_port, serve

COUNT = 1_000
LENGTHS = (20, 2_000, 100_000)


def _times(bench: Bench, kind: str, length: int) -> tuple[float, float]:
    """Milliseconds for a hit and for a miss, one at a time."""
    work = texts.long_messages(kind, COUNT, length)
    config = bench.write(f"long-{kind}-{length}.yaml", texts.shared_yaml(work.rules))
    port = free_port()
    with serve(bench, "openaimock", servers.ours(bench, config, port), port, patience=120) as server:
        hit = median(waits(server, work.hits, bench.take(2, 0.5)))
        miss = median(waits(server, work.misses, bench.take(2, 0.5)))
    bench.say(f"{kind}, {length:,} characters: a hit {hit:.2f} ms, a miss {miss:.2f} ms")
    return hit, miss


def run(bench: Bench) -> Outcome:
    """Each kind of rule at each length; growth from one length to the next must not pass the growth of the length."""
    outcome = Outcome()
    for kind in texts.KINDS:
        times = [_times(bench, kind, length) for length in LENGTHS]
        for at, word in enumerate(("hit", "miss")):
            first, second = (later[at] / earlier[at] for earlier, later in pairwise(times))
            what = f"{kind}, a {word}: time from 20 to 2,000 and on to 100,000 characters"
            outcome.judge(what, f"{first:.1f} and {second:.1f} times", "at most 100 and 50 times", first <= 100 and second <= 50)
        figures = ", ".join(
            f"{length:,}: {hit:.2f} and {miss:.2f} ms" for length, (hit, miss) in zip(LENGTHS, times, strict=True)
        )
        outcome.tell(f"{COUNT:,} {kind} rules, a hit and a miss by length", figures)
    outcome.notes.append(
        f"Lengths: {COUNT:,} rules of one kind. For exact and fuzzy, {COUNT // 50} of them are as long as the message, and a "
        "fuzzy message differs from its rule by a letter."
    )
    return outcome

"""The same application in gunicorn, uWSGI and granian: does it answer, stream and keep its pace there, and how fast."""

from __future__ import annotations

from . import servers, texts
from .client import Crowd, gaps, percentile, request
from .load import check, load, verify, warm
from .nouns import Bench, Outcome, Wrong, median, ratios, spread
from .processes import Server, free_port, serve
from .streams import GAP_MS

#: Streams at once; each holds a thread of the host while it waits.
STREAMS = 4
THREADS = 8
COMMANDS = {"gunicorn": servers.gunicorn, "uwsgi": servers.uwsgi, "granian": servers.granian}
MODULE = 'from openaimock import create_app\n\napp = create_app("hosts.yaml")\n'


def _pace(server: Server) -> float:
    """The median gap of a few streams at once; a host that collects chunks before it sends them has none near 50 ms."""
    with Crowd(server.port, STREAMS) as crowd:
        crowd.run([(0.0, line, request(texts.STREAM_BODY)) for line in crowd.lines], patience=30)
        return percentile(gaps(crowd.lines, texts.PIECES), 0.5)


def run(bench: Bench) -> Outcome:
    """Each host beside aimock, run by run in turn."""
    work = texts.one_rule()
    bench.write("hosted.py", MODULE)
    bench.write("hosts.yaml", texts.shared_yaml(work.rules, texts.stream_rule(GAP_MS)))
    fixtures = bench.write("one.json", texts.fixtures_json(work.rules))
    outcome = Outcome()
    port = free_port()
    with serve(bench, "aimock", servers.aimock(bench, fixtures, port), port) as aimock:
        warm(bench, [aimock], work.hits)
        for name, command in COMMANDS.items():
            try:
                _host(bench, outcome, name, command(bench, "hosted", port := free_port(), THREADS), port, aimock)
            except Wrong as error:
                outcome.judge(f"in {name}", str(error), "works", False)
                bench.say(f"{name}: {error}")
    return outcome


def _host(bench: Bench, outcome: Outcome, name: str, argv: servers.Command, port: int, aimock: Server) -> None:
    work = texts.one_rule()
    rates: list[float] = []
    theirs: list[float] = []
    with serve(bench, name, argv, port) as server:
        verify(server, work.hits)
        gap = _pace(server)
        size = check(bench, server, work.hits)
        warm(bench, [server], work.hits)
        for _ in range(int(bench.take(3, 1))):
            rates.append(load(bench, server, work.hits, bench.take(4, 1), size=size).rate)
            theirs.append(load(bench, aimock, work.hits, bench.take(4, 1)).rate)
        verify(server, work.hits)
        memory = server.memory()
    ratio, words = ratios(rates, theirs)
    kept = GAP_MS - 5 <= gap <= GAP_MS + 10
    outcome.judge(f"in {name}: answers, and streams whole and in pace", f"every {gap:.1f} ms", f"every {GAP_MS:.0f} ms", kept)
    if name == "granian":
        outcome.judge("in granian: rate to aimock's", words, "at least 1.2", ratio >= 1.2)
    outcome.tell(f"in {name}", f"{spread(rates)} a second, {words} of aimock's {median(theirs):,.0f}; {memory:.0f} MB")
    bench.say(f"{name}: {spread(rates)} a second, {words} of aimock's; a chunk every {gap:.1f} ms")

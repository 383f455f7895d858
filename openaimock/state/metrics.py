"""Metrics: what is counted of every exchange, and the text in which Prometheus reads it (``GET /metrics``)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..types.exchange import Exchange

#: Bounds of the duration histogram, in seconds: from an answer at once to a long stream.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one mock, over all its namespaces; a reset of those leaves them alone."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        #: By endpoint: how many fell in each bucket (the last is what is longer), and then the sum of all.
        self._durations: dict[str, list[float]] = {}
        self._faults: dict[str, int] = {}
        self._chunks = 0
        self._unmatched = 0
        self._open: set[Exchange] = set()
        self._lock = threading.Lock()

    @property
    def unmatched(self) -> int:
        """How many requests no rule matched."""
        return self._unmatched

    def begin(self, exchange: Exchange) -> None:
        """A reply on the clock has begun to leave."""
        with self._lock:
            self._open.add(exchange)

    def count(self, exchange: Exchange, chunks: int = 0) -> None:
        """An exchange has ended; ``chunks`` events of it left at once."""
        endpoint = exchange.endpoint
        match = exchange.match
        key = (endpoint, "" if match is None else match.rule.id, exchange.status)
        with self._lock:
            self._requests[key] = self._requests.get(key, 0) + 1
            durations = self._durations.get(endpoint)
            if durations is None:
                durations = self._durations[endpoint] = [0.0] * (len(BUCKETS) + 2)
            durations[bisect_left(BUCKETS, exchange.duration)] += 1
            durations[-1] += exchange.duration
            self._chunks += chunks
            if exchange.chunks:
                self._chunks += len(exchange.chunks)
            if exchange.fault is not None:
                kind = exchange.fault.kind
                self._faults[kind] = self._faults.get(kind, 0) + 1
            if match is None and exchange.unmatched:
                self._unmatched += 1
            if self._open:
                self._open.discard(exchange)

    def snapshot(self) -> Snapshot:
        """All counters at this moment."""
        with self._lock:
            running = list(self._open)
            return Snapshot(
                [(*key, count) for key, count in self._requests.items()],
                {endpoint: list(counts) for endpoint, counts in self._durations.items()},
                dict(self._faults),
                self._chunks + sum(len(exchange.chunks) for exchange in running),
                self._unmatched,
                len(running),
            )

    def text(self) -> str:
        """Everything, in Prometheus' text format."""
        return "\n".join(_lines(self.snapshot())) + "\n"


class Snapshot(NamedTuple):
    """The counters of one process or of several, as JSON can hold them."""

    #: Endpoint, rule, status, count.
    requests: Sequence[tuple[str, str, int, int]] = ()
    durations: Mapping[str, Sequence[float]] = {}
    faults: Mapping[str, int] = {}
    chunks: int = 0
    unmatched: int = 0
    #: Replies that are leaving on the clock.
    running: int = 0

    @property
    def answered(self) -> int:
        """How many requests were answered."""
        return sum(count for *_, count in self.requests)


def merge(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum of several snapshots."""
    requests: Counter[tuple[str, str, int]] = Counter()
    durations: dict[str, list[float]] = {}
    faults: Counter[str] = Counter()
    chunks = unmatched = running = 0
    for snapshot in snapshots:
        for endpoint, rule, status, count in snapshot.requests:
            requests[endpoint, rule, status] += count
        for endpoint, counts in snapshot.durations.items():
            sums = durations.setdefault(endpoint, [0.0] * len(counts))
            durations[endpoint] = [one + other for one, other in zip(sums, counts, strict=True)]
        faults.update(snapshot.faults)
        chunks, unmatched = chunks + snapshot.chunks, unmatched + snapshot.unmatched
        running += snapshot.running
    return Snapshot([(*key, count) for key, count in requests.items()], durations, faults, chunks, unmatched, running)


def merged_text(snapshots: Mapping[str, Snapshot]) -> str:
    """The sum of the counters of several processes, and the main counters of each that lives, in Prometheus' text format.

    The name "" stands for processes that have ended.
    """
    living = sorted((name, snapshot) for name, snapshot in snapshots.items() if name)
    requests = [("_total", {"process": name}, snapshot.answered) for name, snapshot in living]
    streams = [("", {"process": name}, snapshot.running) for name, snapshot in living]
    lines = [
        *_lines(merge(snapshots.values())),
        *_family("process_requests", "counter", "Requests answered by each process that shares the state.", requests),
        *_family("process_streams_open", "gauge", "Replies of each process that are leaving on the clock.", streams),
    ]
    return "\n".join(lines) + "\n"


def _lines(snapshot: Snapshot) -> list[str]:
    requests, durations, faults, chunks, unmatched, running = snapshot
    return [
        *_family("requests", "counter", "Requests answered, by endpoint, rule and status.", _requests(requests)),
        *_family("request_duration_seconds", "histogram", "From a request to its last byte.", _durations(durations)),
        *_family("streams_open", "gauge", "Replies that are leaving on the clock.", [("", {}, running)]),
        *_family("chunks", "counter", "Events of streams, and pieces of replies on the clock.", [("_total", {}, chunks)]),
        *_family("faults", "counter", "Faults carried out, by kind.", _faults(faults)),
        *_family("unmatched", "counter", "Requests that no rule matched.", [("_total", {}, unmatched)]),
    ]


#: One line: the end of its name, its labels, its value.
Sample = tuple[str, Mapping[str, str], float]


def _requests(counts: Iterable[tuple[str, str, int, int]]) -> Iterator[Sample]:
    for endpoint, rule, status, count in sorted(counts):
        yield "_total", {"endpoint": endpoint, "rule": rule, "status": str(status)}, count


def _durations(durations: Mapping[str, Sequence[float]]) -> Iterator[Sample]:
    for endpoint, (*counts, total) in sorted(durations.items()):
        so_far = 0.0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
            so_far += count
            yield "_bucket", {"endpoint": endpoint, "le": bound}, so_far
        yield "_sum", {"endpoint": endpoint}, total
        yield "_count", {"endpoint": endpoint}, so_far


def _faults(counts: Mapping[str, int]) -> Iterator[Sample]:
    for kind, count in sorted(counts.items()):
        yield "_total", {"kind": kind}, count


def _family(name: str, kind: str, doc: str, samples: Iterable[Sample]) -> Iterator[str]:
    """The lines of one metric. In this format a counter is announced with the ``_total`` of its lines."""
    whole = f"openaimock_{name}"
    announced = f"{whole}_total" if kind == "counter" else whole
    yield f"# HELP {announced} {doc}"
    yield f"# TYPE {announced} {kind}"
    for end, labels, value in samples:
        text = ",".join(f'{label}="{_escaped(content)}"' for label, content in labels.items())
        yield f"{whole}{end}{{{text}}} {value:.10g}" if text else f"{whole}{end} {value:.10g}"


def _escaped(content: str) -> str:
    return content.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

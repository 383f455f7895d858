"""Five minutes of everything: memory must stay flat and file descriptors must come back."""

from __future__ import annotations

import http.client
import json
import random
import socket
import statistics
import threading
import time
from contextlib import suppress

from . import servers, texts
from .client import request
from .nouns import Bench, Outcome, Wrong
from .processes import Server, free_port, serve
from .requests import CHAT as PATH
from .streams import GAP_MS

#: What a flat line may still rise by: a page here and there, not a leak.
ALLOWED_MB = 3.0
_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {texts.KEY}"}


class _Client(threading.Thread):
    """One user who does a little of everything until told to stop."""

    def __init__(self, number: int, port: int, work: texts.Workload, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.chance = random.Random(number)
        # Few namespaces: each keeps a journal of a thousand exchanges, which must be full before memory can be flat.
        self.namespace = f"user-{number % 2}"
        self.port, self.work, self.stop = port, work, stop
        self.done = 0
        self.errors: list[str] = []

    def _post(self, connection: http.client.HTTPConnection, path: str, body: bytes, expect: int) -> bytes:
        connection.request("POST", path, body, _HEADERS | {"x-openaimock-namespace": self.namespace})
        response = connection.getresponse()
        raw = response.read()
        if response.status != expect:
            self.errors.append(f"{path}: {response.status} instead of {expect}: {raw[:200]!r}")
        return raw

    def _leave(self) -> None:
        """Begin a stream and hang up in the middle."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as sock:
            sock.sendall(request(texts.STREAM_BODY))
            sock.recv(65536)
            time.sleep(self.chance.random() * 0.3)

    def _once(self, connection: http.client.HTTPConnection) -> None:
        dice = self.chance.random()
        if dice < 0.02:
            self._leave()
        elif dice < 0.03:
            if b"[DONE]" not in self._post(connection, PATH, texts.STREAM_BODY, 200):
                self.errors.append("a stream ended early")
        elif dice < 0.13:
            case = self.chance.choice(self.work.misses)
            self._post(connection, PATH, case.body, 400)
        elif dice < 0.2:
            self._post(connection, "/v1/embeddings", b'{"model": "text-embedding-3-small", "input": "some text"}', 200)
        else:
            case = self.chance.choice(self.work.hits)
            raw = self._post(connection, PATH, case.body, 200)
            if json.loads(raw)["choices"][0]["message"]["content"] != case.expect:
                self.errors.append(f"wrong answer: {raw[:200]!r}")

    def run(self) -> None:
        """Work; a new connection every hundred requests."""
        while not self.stop.is_set() and not self.errors:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                for _ in range(100):
                    if self.stop.is_set() or self.errors:
                        break
                    self._once(connection)
                    self.done += 1
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                self.errors.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()


def _settled(server: Server, files: int) -> int:
    """How many more files are open than before, once the server has noticed that everyone left (10 s at most)."""
    deadline = time.monotonic() + 10
    while server.files() > files and time.monotonic() < deadline:
        time.sleep(0.2)
    return server.files() - files


def _watch(bench: Bench, server: Server, clients: list[_Client]) -> list[tuple[float, float]]:
    """Memory second by second."""
    samples: list[tuple[float, float]] = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < bench.seconds:
        time.sleep(min(1.0, bench.seconds - passed))
        samples.append((time.monotonic() - begun, server.memory()))
        if errors := [error for client in clients for error in client.errors]:
            raise Wrong(errors[0])
        if len(samples) % 30 == 0:
            total = sum(client.done for client in clients)
            bench.say(f"{samples[-1][0]:.0f} s: {samples[-1][1]:.1f} MB, {server.files()} files, {total:,} requests")
    return samples


def run(bench: Bench) -> Outcome:
    """Clients that hit, miss, stream, hang up and reconnect; the second half of the time must not need more than the first."""
    work = texts.many(texts.KINDS, 1_000)
    config = bench.write("soak.yaml", texts.shared_yaml(work.rules, texts.stream_rule(GAP_MS)))
    port = free_port()
    stop = threading.Event()
    with serve(bench, "openaimock", servers.ours(bench, config, port), port) as server:
        time.sleep(0.5)
        files = server.files()
        clients = [_Client(number, port, work, stop) for number in range(8)]
        for client in clients:
            client.start()
        try:
            samples = _watch(bench, server, clients)
        finally:
            stop.set()
            for client in clients:
                client.join(60)
        left = _settled(server, files)
        with suppress(statistics.StatisticsError):
            early = statistics.median(memory for at, memory in samples if bench.seconds * 0.4 <= at < bench.seconds * 0.6)
            late = statistics.median(memory for at, memory in samples if at >= bench.seconds * 0.8)
    rise = late - early
    total = sum(client.done for client in clients)
    outcome = Outcome()
    what = f"{bench.seconds:.0f} s of everything"
    outcome.judge(
        f"{what}: memory from the middle to the end", f"{rise:+.1f} MB", f"at most {ALLOWED_MB:.0f} MB more", rise <= ALLOWED_MB
    )
    outcome.judge(f"{what}: files still open when all have left", str(left), "0", left <= 0)
    outcome.tell(f"{what}: openaimock", f"{total:,} requests, {late:.1f} MB at the end")
    bench.say(f"{rise:+.1f} MB, {left} files left, {total:,} requests")
    return outcome

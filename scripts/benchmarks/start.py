"""From the command to the first answer, and the memory of a server that waits."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from . import servers, texts
from .client import request
from .load import verify
from .nouns import Bench, Outcome, Wrong, median, ratios, spread
from .processes import Server, free_port, last_words, launch, stop

CASE = texts.one_rule()


def _first_answer(port: int, popen: subprocess.Popen[bytes]) -> None:
    """Try until someone listens, then ask."""
    deadline = time.perf_counter() + 30
    while True:
        try:
            sock = socket.create_connection(("127.0.0.1", port), timeout=10)
            break
        except OSError:
            if time.perf_counter() > deadline or popen.poll() is not None:
                raise Wrong("it did not start") from None
            time.sleep(0.001)
    with sock:
        sock.sendall(request(CASE.hits[0].body))
        first = sock.recv(65536)
    if not first.startswith(b"HTTP/1.1 200"):
        raise Wrong(f"the first answer was {first[:200]!r}")


def run(bench: Bench) -> Outcome:
    """Each server started over and over, in turn."""
    config = bench.write("one.yaml", texts.shared_yaml(CASE.rules))
    fixtures = bench.write("one.json", texts.fixtures_json(CASE.rules))
    commands: dict[str, tuple[Callable[..., servers.Command], Path]] = {
        "openaimock": (servers.ours, config),
        "aimock": (servers.aimock, fixtures),
        "openai-mock-api": (servers.openai_mock_api, config),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    used: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, float] = {}
    # The first round fills the disk cache and Python's bytecode, as a user's first start does once.
    rounds = 1 + int(bench.take(10, 3))
    for turn in range(rounds):
        for name, (command, file) in commands.items():
            port = free_port()
            argv = command(bench, file, port)
            begun = time.perf_counter()
            popen = launch(bench, name, argv)
            try:
                _first_answer(port, popen)
                if turn:
                    times[name].append((time.perf_counter() - begun) * 1000)
                    used[name].append(sum(Server(name, port, popen).cpu().values()))
                if turn == rounds - 1:
                    server = Server(name, port, popen)
                    verify(server, CASE.hits)
                    time.sleep(1)
                    memory[name] = server.memory()
            except Wrong as error:
                raise Wrong(f"{name}: {error}: {last_words(bench, name)}") from None
            finally:
                stop(popen)
    outcome = Outcome()
    ratio, words = ratios(times["openaimock"], times["aimock"])
    outcome.judge("start to first answer: time to aimock's", words, "at most 1", ratio <= 1)
    seconds = median(used["openaimock"])
    what = "start to first answer: processor time"
    outcome.judge(what, spread(used["openaimock"], "{:.2f}") + " s", "at most 0.12 s", seconds <= 0.12)
    outcome.judge("memory at rest", f"{memory['openaimock']:.0f} MB", "at most 30 MB", memory["openaimock"] <= 30)
    for name in commands:
        figures = f"first answer after {spread(times[name])} ms, {memory[name]:.0f} MB at rest"
        outcome.tell(f"start: {name}", figures)
        bench.say(f"{name}: {figures}")
    return outcome

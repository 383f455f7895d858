"""Requests as fast as they go: wrk does the sending, this file hands it the work and makes sure of the answers."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from .nouns import Bench, Wrong
from .processes import Server
from .requests import NUMBER
from .texts import KEY, Case

_HEADERS = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
_SCRIPT = Path(__file__).with_name("load.lua")
#: The numbers of the requests that are sent from here.
_numbers = itertools.count()


class Load(NamedTuple):
    """What one run of wrk counted; ``cpu`` is the server's processor time, process by process."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu: dict[int, float]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of the server's processor time for one request."""
        return sum(self.cpu.values()) / self.requests * 1e6


def ask(connection: http.client.HTTPConnection, case: Case) -> str:
    """Send one request and say what is wrong with its answer, "" when nothing is."""
    body = case.body.replace(NUMBER.encode(), b"%08d" % (90_000_000 + next(_numbers)))
    connection.request("POST", case.path, body, {**_HEADERS, **dict(case.headers)})
    response = connection.getresponse()
    raw = response.read()
    if case.expect is None:
        return "" if response.status in (400, 404) else f"a miss was answered {response.status}: {raw[:200]!r}"
    if response.status != 200:
        return f"status {response.status} instead of an answer: {raw[:300]!r}"
    said = text_of(raw, response.headers.get("content-type", ""))
    return "" if said == case.expect else f"answered {said[:80]!r} instead of {case.expect[:80]!r}"


def text_of(raw: bytes, content_type: str) -> str:
    """What an answer of either endpoint says, whole or streamed; of a tool call its arguments."""
    if content_type.startswith("text/"):
        return "".join(_deltas(raw))
    answer = json.loads(raw)
    if "data" in answer:
        # A peer may send numbers although base64 was asked for.
        vectors = [item["embedding"] for item in answer["data"]]
        sizes = {len(vector) if isinstance(vector, list) else len(base64.b64decode(vector)) // 4 for vector in vectors}
        return f"{len(answer['data'])} vectors of {', '.join(map(str, sorted(sizes)))}"
    if "output" in answer:
        return "".join(part["text"] for item in answer["output"] for part in item.get("content") or ())
    message = answer["choices"][0]["message"]
    return "".join(call["function"]["arguments"] for call in message.get("tool_calls") or ()) or message["content"]


def _deltas(raw: bytes) -> list[str]:
    frames = [json.loads(line[6:]) for line in raw.decode().split("\n") if line.startswith("data: {")]
    if frames and "choices" not in frames[0]:
        return [frame["delta"] for frame in frames if frame["type"] == "response.output_text.delta"]
    deltas: list[Any] = [frame["choices"][0]["delta"] for frame in frames if frame["choices"]]
    return [
        delta.get("content") or "".join(call["function"].get("arguments") or "" for call in delta.get("tool_calls") or ())
        for delta in deltas
    ]


def verify(server: Server, cases: Sequence[Case]) -> None:
    """Ask each case once, one after the other: all answers must be right."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        for case in cases:
            if wrong := ask(connection, case):
                raise Wrong(f"{server.name}: {wrong}")
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise Wrong(f"{server.name}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


def waits(server: Server, cases: Sequence[Case], seconds: float) -> list[float]:
    """Milliseconds until each of some requests is answered, one after the other on one connection; three at the least,
    and every answer is looked at."""
    found: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        deadline = time.perf_counter() + seconds
        while len(found) < 3 or time.perf_counter() < deadline:
            case = cases[len(found) % len(cases)]
            begun = time.perf_counter()
            wrong = ask(connection, case)
            found.append((time.perf_counter() - begun) * 1000)
            if wrong:
                raise Wrong(f"{server.name}: {wrong}")
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise Wrong(f"{server.name}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    return found


class Watch:
    """Asks now and then while a run is timed, on a connection of its own: the answers given under load must be right too."""

    def __init__(self, server: Server, cases: Sequence[Case], every: float = 0.05) -> None:
        self._server, self._cases, self._every = server, cases, every
        self._stop = threading.Event()
        self._error: Wrong | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        turn = 0
        while not self._stop.wait(self._every):
            try:
                verify(self._server, [self._cases[turn % len(self._cases)]])
            except Wrong as error:
                self._error = error
                return
            turn += 1

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(60)
        if self._error and not error:
            raise self._error


def _wrk(
    bench: Bench, server: Server, cases: Sequence[Case], connections: int, seconds: float, pattern: str = "-"
) -> dict[str, Any]:
    lines = "".join(case.body.decode() + "\n" for case in cases)
    file = bench.write("requests.jsonl", lines)
    url = f"http://127.0.0.1:{server.port}{cases[0].path}"
    # wrk takes whole seconds only.
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "120s", "-s", str(_SCRIPT)]
    more = [word for header in cases[0].headers[:1] for word in header]
    popen = subprocess.Popen([*argv, url, "--", str(file), KEY, pattern, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out, _ = popen.communicate(timeout=seconds + 150)
    finally:
        popen.kill()
        popen.wait()
    try:
        counted: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Wrong(f"wrk failed: {out.decode()[-500:]}") from None
    if counted["refused"] or counted["broken"] or not counted["requests"]:
        raise Wrong(f"{server.name}: {counted['refused']} connections refused, {counted['broken']} broken: {out.decode()[-500:]}")
    misses = sum(case.expect is None for case in cases)
    if (misses == 0 and counted["status"]) or (misses == len(cases) and counted["status"] != counted["requests"]):
        raise Wrong(f"{server.name}: {counted['status']} of {counted['requests']} answers had an error status")
    return counted


def check(bench: Bench, server: Server, cases: Sequence[Case], connections: int = 16) -> float:
    """One untimed second under load in which every single answer is looked at; gives the bytes of an average answer."""
    pattern = _pattern(cases[0])
    counted = _wrk(bench, server, cases, connections, 1, pattern)
    if counted["wrong"]:
        raise Wrong(f"{server.name}: {counted['wrong']} of {counted['requests']} answers under load were wrong")
    return float(counted["bytes"] / counted["requests"])


def _pattern(case: Case) -> str:
    """What every answer has, in Lua's words; the text of a stream comes in pieces."""
    if b'"stream": true' not in case.body and b'"stream":true' not in case.body:
        return "Answer %d+"
    return "response%.completed" if case.path.endswith("responses") else r"data: %[DONE%]"


def warm(bench: Bench, servers: Sequence[Server], cases: Sequence[Case]) -> None:
    """Let each server run before anything is timed: Node compiles what is used often, and is slow until it has."""
    for server in servers:
        _wrk(bench, server, cases, 16, bench.take(5, 2))


def load(bench: Bench, server: Server, cases: Sequence[Case], seconds: float, connections: int = 16, size: float = 0) -> Load:
    """One timed run. Answers are watched while it goes on; when ``size`` is given, the average answer must be that long,
    so that none of them is cut short or replaced."""
    with Watch(server, cases):
        before = server.cpu()
        counted = _wrk(bench, server, cases, connections, seconds)
        used = {pid: cpu - before.get(pid, 0.0) for pid, cpu in server.cpu().items()}
    each = counted["bytes"] / counted["requests"]
    # wrk counts the bytes of answers that were under way when it stopped: with few answers that is a visible share.
    if size and abs(each - size) > size * (0.02 + 2 * connections / counted["requests"]):
        raise Wrong(f"{server.name}: answers of {each:.0f} bytes while timed, {size:.0f} when checked")
    return Load(counted["requests"], counted["micros"] / 1e6, counted["p50"] / 1e3, counted["p99"] / 1e3, used)

"""A client for many connections at once: it keeps every read with its moment, and makes sense of it afterwards."""

from __future__ import annotations

import gc
import json
import select
import socket
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from time import perf_counter
from typing import Any

from .nouns import Wrong
from .requests import CHAT as PATH
from .texts import KEY

_END = b"0\r\n\r\n"
#: Told once for each arrival: half the work for the kernel of being told again until all is read.
_NEWS = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


def request(body: bytes) -> bytes:
    """The bytes of one request."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Line:
    """One connection, what it was asked last, and what has come back since."""

    __slots__ = ("done", "error", "need", "reads", "recv", "sent", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.recv = sock.recv
        self.reads: list[tuple[float, bytes]] = []
        self.sent = 0.0
        self.done = True
        self.error = ""
        self.need: int | None = None

    def send(self, data: bytes) -> None:
        """Ask; forgets what came before."""
        self.reads = []
        self.need = None
        self.done = False
        self.sent = perf_counter()
        try:
            if self.sock.send(data) != len(data):
                self.error = "the request did not fit into the socket"
        except OSError as error:
            self.error, self.done = str(error), True

    def _complete(self) -> bool:
        """Whether the answer is all there. ``need`` is its length; 0 means that a last chunk will tell."""
        if self.need is None:
            raw = b"".join(data for _, data in self.reads)
            head, found, _ = raw.partition(b"\r\n\r\n")
            if not found:
                return False
            at = head.lower().find(b"content-length:")
            self.need = len(head) + 4 + int(head[at + 15 :].split(b"\r\n")[0]) if at >= 0 else 0
        if self.need:
            return sum(len(data) for _, data in self.reads) >= self.need
        # With the line end before it, so that a head whose last value ends in 0 is not taken for the last chunk.
        return b"".join(data for _, data in self.reads[-8:]).endswith(b"\r\n" + _END)

    def read(self) -> None:
        """Take what is there. As little as possible happens between two reads: what is spent here is measured too."""
        try:
            # A small buffer: a large one is cut down to what came by copying.
            data = self.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            self.error, self.done = str(error), True
            return
        if data:
            self.reads.append((perf_counter(), data))
            if self.need != 0 or data[-5:] == _END or len(data) < 5:
                self.done = self._complete()
            if len(data) == 4096 and not self.done:
                self._more()
            return
        # An answer with no length and no chunks ends with its connection; any other that is not complete was cut.
        if not self.done and (self.need != 0 or b"chunked" in self.reads[0][1].lower()):
            self.error = "the server closed the connection"
        self.done = True
        self.need = -1

    def rest(self) -> None:
        """Read to the end: the other side has hung up."""
        while self.need != -1 and not self.error:
            self.read()

    def _more(self) -> None:
        """Read on after a full buffer; nobody tells a second time."""
        with suppress(BlockingIOError):
            if self.sock.recv(1, socket.MSG_PEEK):
                self.read()


class Crowd:
    """Many connections to one server, closed when the block ends."""

    def __init__(self, port: int, count: int) -> None:
        self.lines: list[Line] = []
        self._poll = select.epoll()
        self._by_fd: dict[int, Line] = {}
        try:
            # A listener's backlog is finite, and a full one costs a second: connect a hundred at a time.
            while len(self.lines) < count:
                self._connect(port, min(100, count - len(self.lines)))
        except BaseException:
            self.close()
            raise

    def _connect(self, port: int, count: int) -> None:
        waiting = {}
        poll = select.epoll()
        for _ in range(count):
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect_ex(("127.0.0.1", port))
            poll.register(sock.fileno(), select.EPOLLOUT)
            waiting[sock.fileno()] = sock
        deadline = time.monotonic() + 10
        while waiting and time.monotonic() < deadline:
            for fd, _ in poll.poll(1):
                sock = waiting.pop(fd)
                poll.unregister(fd)
                line = self._by_fd[fd] = Line(sock)
                self.lines.append(line)
                if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise Wrong(f"connection {len(self.lines)} was refused: {error}")
                self._poll.register(fd, _NEWS)
        poll.close()
        if waiting:
            raise Wrong(f"{len(waiting)} of {count} connections were not taken after {len(self.lines)} that were")

    def run(self, plan: Sequence[tuple[float, Line, bytes]], patience: float) -> None:
        """Send each request of the plan when it is due (seconds from now, in order) and read until all are answered."""
        by_fd, poll = self._by_fd, self._poll.poll
        start = perf_counter()
        at, open_lines = 0, 0
        gc.collect()
        gc.disable()
        try:
            while at < len(plan) or open_lines:
                now = perf_counter() - start
                while at < len(plan) and plan[at][0] <= now:
                    _, line, data = plan[at]
                    line.send(data)
                    open_lines += not line.done
                    at += 1
                if now > patience:
                    raise Wrong(f"{open_lines} of {len(plan)} answers were not complete after {patience:.0f} s")
                wait = max(0.0, plan[at][0] - now) if at < len(plan) else 1.0
                for fd, what in poll(wait, 4096):
                    line = by_fd[fd]
                    before = line.done
                    line.read()
                    if what & _GONE:
                        line.rest()
                        self._poll.unregister(fd)
                    open_lines -= line.done and not before
        finally:
            gc.enable()

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self.lines:
            line.sock.close()
        self._poll.close()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unchunk(raw: bytes) -> tuple[bytes, list[int], list[int]]:
    """A body without its chunk lines, and where each piece of it was: positions in the body and in what came."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    at = len(head) + 4
    if b"transfer-encoding: chunked" not in head.lower():
        return rest, [0], [at]
    pieces: list[bytes] = []
    here: list[int] = []
    there: list[int] = []
    length = 0
    while True:
        line_end = raw.find(b"\r\n", at)
        if line_end < 0:
            raise Wrong(f"an answer has no last chunk: {raw[-120:]!r}")
        size = int(raw[at:line_end].split(b";")[0], 16)
        if not size:
            return b"".join(pieces), here, there
        pieces.append(raw[line_end + 2 : line_end + 2 + size])
        here.append(length)
        there.append(line_end + 2)
        length += size
        at = line_end + 2 + size + 2


def stream_pieces(line: Line) -> list[tuple[float, str]]:
    """The pieces of text a stream said and when each had come. Wrong when the stream is not whole."""
    raw = b"".join(data for _, data in line.reads)
    if line.error or not raw.startswith(b"HTTP/1.1 200"):
        raise Wrong(f"a stream failed: {line.error or raw[:200]!r}")
    body, here, there = _unchunk(raw)
    ends, total = [], 0
    for _, data in line.reads:
        total += len(data)
        ends.append(total)
    said: list[tuple[float, str]] = []
    start = 0
    finished = False
    while (end := body.find(b"\n\n", start)) >= 0:
        payload = body[start + 6 : end]
        start = end + 2
        if payload == b"[DONE]":
            finished = True
            continue
        event: dict[str, Any] = json.loads(payload)
        text = event["choices"][0]["delta"].get("content") if event["choices"] else None
        if text:
            chunk = bisect_left(here, end) - 1
            said.append((line.reads[bisect_left(ends, there[chunk] + end - here[chunk] + 1)][0], text))
    if not finished or start != len(body):
        raise Wrong(f"a stream ended early, after {len(said)} chunks: {body[-120:]!r}")
    return said


def gaps(lines: Iterable[Line], pieces: Sequence[str]) -> list[float]:
    """Milliseconds between the chunks of each stream, sorted; every stream must have said exactly these pieces."""
    found = []
    for line in lines:
        said = stream_pieces(line)
        # Where the space between two words goes is each server's own affair.
        if len(said) != len(pieces) or "".join(text for _, text in said) != "".join(pieces):
            raise Wrong(f"{len(said)} chunks instead of {len(pieces)}, or other ones: {[text for _, text in said][:5]}")
        found += [(after[0] - before[0]) * 1000 for before, after in pairwise(said)]
    return sorted(found)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which so much of a sorted list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def answer(line: Line) -> tuple[float, str]:
    """Milliseconds until the whole answer was there, and the text it gave."""
    raw = b"".join(data for _, data in line.reads)
    if line.error or not raw.startswith(b"HTTP/1.1 200"):
        raise Wrong(f"a request failed: {line.error or raw[:200]!r}")
    body, _, _ = _unchunk(raw)
    return (line.reads[-1][0] - line.sent) * 1000, json.loads(body)["choices"][0]["message"]["content"]

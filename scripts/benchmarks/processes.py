"""Servers as processes: started in a group of their own, measured through /proc, and never left behind."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .nouns import Bench, Wrong

_TICK = os.sysconf("SC_CLK_TCK")


def raise_limits() -> None:
    """Let this process and its children open as many files as the machine allows: 5,000 connections need 5,000."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Server:
    """A running server and what /proc knows of it; a server of several processes is counted whole."""

    name: str
    port: int
    popen: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        """The process and everything below it."""
        found = [self.popen.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):
                    found += map(int, task.read_text().split())
        return found

    def _status(self, key: str) -> float:
        total = 0
        for pid in self.pids:
            with suppress(OSError, StopIteration):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                total += int(next(line for line in lines if line.startswith(key)).split()[1])
        return total / 1024

    def memory(self) -> float:
        """Resident memory now, in MB."""
        return self._status("VmRSS:")

    def peak(self) -> float:
        """The most resident memory so far, in MB."""
        return self._status("VmHWM:")

    def files(self) -> int:
        """Open file descriptors."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids)

    def cpu(self) -> dict[int, float]:
        """Seconds of processor time each process has used."""
        used = {}
        for pid in self.pids:
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                used[pid] = (int(fields[11]) + int(fields[12])) / _TICK
        return used


def stop(popen: subprocess.Popen[bytes]) -> None:
    """End the process and its whole group: asked first, then made to."""
    for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            popen.wait(patience)
            break
    with suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)


def launch(bench: Bench, name: str, argv: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    """Start a command in the work folder; what it prints is thrown away, what it complains of is kept in NAME.log."""
    # Python keeps what it compiled unless it is told not to, as some build machines tell it; nobody starts a tool that way.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with open(bench.work / f"{name}.log", "wb") as log:
        return subprocess.Popen(
            [str(word) for word in argv],
            cwd=bench.work,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )


@contextmanager
def serve(bench: Bench, name: str, argv: Sequence[str | Path], port: int, patience: float = 60.0) -> Iterator[Server]:
    """A server that listens on the port when the block begins and is gone when it ends."""
    popen = launch(bench, name, argv)
    try:
        deadline = time.monotonic() + patience
        while not _listens(port):
            if popen.poll() is not None:
                raise Wrong(f"{name} stopped at once (exit {popen.returncode}): {last_words(bench, name)}")
            if time.monotonic() > deadline:
                raise Wrong(f"{name} did not listen within {patience:.0f} s: {last_words(bench, name)}")
            time.sleep(0.01)
        yield Server(name, port, popen)
        if popen.poll() is not None:
            raise Wrong(f"{name} died while it was measured (exit {popen.returncode}): {last_words(bench, name)}")
    finally:
        stop(popen)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def last_words(bench: Bench, name: str) -> str:
    text = (bench.work / f"{name}.log").read_text(errors="replace").strip()
    return "\n".join(text.splitlines()[-8:]) or "it said nothing"

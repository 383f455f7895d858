"""Processes: runs of the tested command, each in a process group of its own that never outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from ...storm import VARIABLE

#: How often processes that a killed one started meanwhile are looked for.
MAX_ROUNDS = 10
#: The most of the output of one run that is kept, in bytes: its end.
MAX_OUTPUT = 16 * 1024


class Ended(NamedTuple):
    """The end of one run: the exit code (None: it was killed after the timeout), its seconds, and the end of its output."""

    code: int | None
    seconds: float
    output: str


class Stopped(Exception):
    """No run can begin any more."""


class Processes:
    """Runs one command with different environments, also at the same time. ``stop`` kills what runs."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, environment: Mapping[str, str], timeout: float) -> Ended:
        """Run the command to its end, or kill it with all its children. OSError when it cannot be started."""
        started = time.monotonic()
        process = self._start(environment)
        output = _Tail(process.stdout)
        in_time = False
        try:
            in_time = _ends(process, timeout)
        finally:
            seconds = time.monotonic() - started
            # Children that a finished command left behind must not live on, either.
            _kill(process)
            process.wait()
            _kill_strays(environment)
            with self._lock:
                self._running.discard(process)
        text = output.close()
        if self._stopped:
            raise Stopped
        return Ended(process.returncode if in_time else None, seconds, text)

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise Stopped
            process = subprocess.Popen(
                self._command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def stop(self) -> None:
        """Kill all runs; none begins after that."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)


def _ends(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Whether a process ends within the timeout. It stays a zombie, so that its group cannot become that of another process."""
    if not hasattr(os, "waitid"):
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True
    end, pause = time.monotonic() + timeout, 0.001
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= end:
            return False
        time.sleep(min(pause, 0.02))
        pause *= 2
    return True


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children."""
    if not hasattr(os, "killpg"):  # Windows has no process groups of this kind
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_strays(environment: Mapping[str, str]) -> None:
    """Kill the processes of a run that have left its group: they still have its task in their environment. On Linux only."""
    entry = f"{VARIABLE}={environment.get(VARIABLE)}".encode()
    for _ in range(MAX_ROUNDS):
        strays = [number for number in _numbers() if entry in _environment(number)]
        if not strays:
            return
        for number in strays:
            with suppress(OSError):
                os.kill(number, signal.SIGKILL)


def _numbers() -> list[int]:
    """The numbers of all processes."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _environment(number: int) -> Sequence[bytes]:
    """The environment of a process at its start; empty for one that has ended or belongs to another user."""
    try:
        with open(f"/proc/{number}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return ()


class _Tail:
    """The end of what a pipe delivers, read by a thread so that the writer never waits."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._data = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._pipe.fileno(), 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            self._data = (self._data + data)[-MAX_OUTPUT:]

    def close(self) -> str:
        """The text. A process that escaped from the group may hold the pipe open; it is not waited for."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._pipe.close()
        return self._data.decode("utf-8", "replace")

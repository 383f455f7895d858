"""The command line as a process, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .wire import user

ROOT = Path(__file__).parents[2]
CONFIG = "responses:\n  - {when: {user: Hello}, reply: Hi!}\n"
READY = re.compile(r"openaimock listening on (http://127\.0\.0\.1:(\d+)/v1) \((\d+) rules?\)\n")


def environment(**more: str) -> dict[str, str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OPENAIMOCK_")}
    return {**variables, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **more}


def run(*arguments: str, text: str = "", cwd: Path = ROOT, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openaimock", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, env=environment(**more), cwd=cwd, timeout=60)


class Running:
    """A server in a process of its own, up and with its ready lines read: the base URL, and the address of the inspector."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.ready = process.stdout.readline()
        match = READY.fullmatch(self.ready)
        assert match, (self.ready, process.stderr.read() if process.poll() is not None else "")
        self.url, self.port, self.rules = match[1], int(match[2]), int(match[3])
        self.inspector = process.stdout.readline()

    def ask(self, text: str = "Hello", **options: object) -> httpx.Response:
        with httpx.Client(trust_env=False) as http:
            return http.post(self.url + "/chat/completions", json=user(text), **options)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """The exit code and what was said on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, text: str | None = None, cwd: Path = ROOT, **more: str) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", "openaimock", *arguments],
            stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**more),
            cwd=cwd,
        )
        processes.append(process)
        if text is not None:
            process.stdin.write(text)
            process.stdin.close()
            process.stdin = None
        return Running(process)

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def good(tmp_path) -> str:
    path = tmp_path / "mock.yaml"
    path.write_text(CONFIG)
    return str(path)

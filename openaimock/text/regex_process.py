"""Searches in a helper process that is stopped after a second, for patterns that may be slow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: How long a search may take, how long a search may wait for others, and how long the helper may take to start (seconds).
SEARCH_SECONDS = 1.0
_WAIT_SECONDS = 10.0
_START_SECONDS = 30.0
#: The longest message in either direction (bytes).
_LONGEST = 512 * 1024 * 1024

#: The helper. It needs nothing of this package, so that it runs from a zip file and under any name of the package. A watchdog
#: ends it when its parent is gone while a search runs: a search holds the interpreter, but not the watchdog.
_PROGRAM = r"""
import faulthandler, json, os, re, signal, sys, warnings
warnings.simplefilter("ignore")
signal.signal(signal.SIGINT, signal.SIG_IGN)
source, target, nowhere = sys.stdin.buffer, sys.stdout.buffer, open(os.devnull, "w")
def send(answer):
    data = json.dumps(answer).encode()
    target.write(len(data).to_bytes(4, "big") + data)
    target.flush()
send(None)
while len(header := source.read(4)) == 4:
    pattern, flags, text, seconds = json.loads(source.read(int.from_bytes(header, "big")))
    faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
    try:
        match = re.compile(pattern, flags).search(text)
        answer = None if match is None else [match.regs, match.re.groupindex.copy()]
    except Exception as error:
        answer = str(error)
    faulthandler.cancel_dump_traceback_later()
    send(answer)
"""


class RegexTimeout(Exception):
    """A search took longer than it may. ``pattern`` and ``seconds`` say which and how long it was allowed to take."""

    def __init__(self, pattern: str, seconds: float) -> None:
        clipped = pattern if len(pattern) <= 200 else pattern[:200] + "..."
        super().__init__(f"the regular expression {clipped} takes longer than {seconds:g} s")
        self.pattern = pattern
        self.seconds = seconds


class RegexProcessError(RuntimeError):
    """The helper process cannot be started, or it cannot run the search."""


@dataclass(frozen=True)
class RemoteMatch:
    """A match that the helper found, with the part of ``re.Match`` that templates need."""

    text: str
    spans: Sequence[tuple[int, int]]
    names: dict[str, int]

    def __getitem__(self, group: int | str) -> str | None:
        start, end = self.spans[group if isinstance(group, int) else self.names[group]]
        return None if start < 0 else self.text[start:end]

    def span(self, group: int = 0) -> tuple[int, int]:
        """Where a group begins and ends in the text; (-1, -1) when it took no part."""
        start, end = self.spans[group]
        return start, end

    def groups(self) -> tuple[str | None, ...]:
        """The texts of all groups but the whole."""
        return tuple(self[number] for number in range(1, len(self.spans)))

    def groupdict(self) -> dict[str, str | None]:
        """The texts of the named groups."""
        return {name: self[number] for name, number in self.names.items()}


class RegexProcess:
    """One helper process, started by the first search. Threads take turns; a helper that was stopped is started again."""

    def __init__(self, seconds: float = SEARCH_SECONDS) -> None:
        self.seconds = seconds
        self._reset()
        _all.add(self)

    def _reset(self) -> None:
        self._turn = threading.Lock()
        self._helper: _Helper | None = None

    def search(self, pattern: str, text: str, flags: int = 0) -> RemoteMatch | None:
        """The first match of a pattern in Python's syntax. Raises RegexTimeout and RegexProcessError."""
        if not self._turn.acquire(timeout=_WAIT_SECONDS + self.seconds):
            raise RegexTimeout(pattern, self.seconds)
        try:
            answer = self._ask(pattern, text, int(flags))
        finally:
            self._turn.release()
        if isinstance(answer, str):
            raise RegexProcessError(f"the regular expression {pattern!r} cannot be used: {answer}")
        return None if answer is None else RemoteMatch(text, [(start, end) for start, end in answer[0]], answer[1])

    def close(self) -> None:
        """Stop the helper. A later search starts another one."""
        helper, self._helper = self._helper, None
        if helper is not None:
            helper.stop()

    def _ask(self, pattern: str, text: str, flags: int) -> Any:
        # The watchdog leaves the parent time to stop the helper itself.
        request = json.dumps([pattern, flags, text, self.seconds + 2]).encode()
        if len(request) > _LONGEST:
            raise RegexProcessError(f"a text of {len(text)} characters is too long for the helper process")
        for attempt in ("first", "last"):
            helper = self._helper
            if helper is None:
                helper = self._helper = _Helper()
            try:
                return helper.ask(request, self.seconds)
            except TimeoutError:
                self.close()
                raise RegexTimeout(pattern, self.seconds) from None
            except (OSError, ValueError) as error:
                # The helper was ended from outside: a new one gets the same search once.
                self.close()
                if attempt == "last":
                    raise RegexProcessError(f"the helper process for regular expressions ended: {error}") from error
        raise AssertionError  # the loop returns or raises


class _Helper:
    """The running process and its pipes."""

    def __init__(self) -> None:
        command = [_interpreter(), "-I", "-S", "-c", _PROGRAM]
        try:
            # Without buffers: after a fork nothing half written may be sent twice.
            self._process = subprocess.Popen(
                command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=True
            )
        except OSError as error:
            raise RegexProcessError(f"the helper process for regular expressions does not start: {error}") from error
        self._finalizer = weakref.finalize(self, _end, self._process)
        try:
            self._limited(_START_SECONDS, self._receive)
        except (OSError, ValueError) as error:
            self.stop()
            raise RegexProcessError(f"the helper process for regular expressions does not start: {error}") from error

    def ask(self, request: bytes, seconds: float) -> Any:
        """The answer to a request. Raises TimeoutError after ``seconds``, OSError or ValueError when the process has ended."""
        return self._limited(seconds, lambda: self._exchange(request))

    def stop(self) -> None:
        """End the process and close the pipes."""
        self._finalizer()

    def forget(self) -> None:
        """Close the pipes of a process that belongs to the parent of a fork."""
        self._finalizer.detach()
        _close(self._process)
        self._process.returncode = 0  # it is not this process's child

    def _limited(self, seconds: float, action: Any) -> Any:
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            return action()
        except (OSError, ValueError):
            if expired.is_set():
                raise TimeoutError(f"no answer after {seconds:g} s") from None
            raise
        finally:
            timer.cancel()

    def _exchange(self, request: bytes) -> Any:
        stdin = self._process.stdin
        assert stdin is not None
        data = memoryview(len(request).to_bytes(4, "big") + request)
        while data:
            data = data[stdin.write(data) or 0 :]
        return self._receive()

    def _receive(self) -> Any:
        size = int.from_bytes(self._read(4), "big")
        if size > _LONGEST:
            raise ValueError("the answer is too long")
        return json.loads(self._read(size))

    def _read(self, size: int) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        pieces = []
        while size:
            piece = stdout.read(size)
            if not piece:
                raise BrokenPipeError("it closed its output")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _interpreter() -> str:
    """The Python interpreter: inside another program, such as uWSGI, ``sys.executable`` is that program."""
    names = [sys.executable, getattr(sys, "_base_executable", "")]
    if os.name == "nt":
        names.append(os.path.join(sys.exec_prefix, "python.exe"))
    else:
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        names += [
            os.path.join(prefix, "bin", name)
            for prefix in (sys.exec_prefix, sys.base_exec_prefix)
            for name in (version, "python3")
        ]
    for name in names:
        if name and re.match(r"(?i)(?:python|pypy)", os.path.basename(name)) and os.path.exists(name):
            return name
    raise RegexProcessError("no Python interpreter is known that could run a regular expression in a process of its own")


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:
            pass  # an unsent request goes with the process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    _close(process)
    process.wait()


#: Every RegexProcess of this process. After a fork the child must neither share the pipes nor stop its parent's helper.
_all: weakref.WeakSet[RegexProcess] = weakref.WeakSet()


def _after_fork() -> None:
    for process in list(_all):
        helper = process._helper
        process._reset()
        if helper is not None:
            helper.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""A Redis server for tests, on a free port, in a folder of its own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec

import pytest

#: Why tests of Redis cannot run here; "" when they can.
MISSING = (
    "redis-server is not installed (Debian: apt-get install redis-server)"
    if shutil.which("redis-server") is None
    else "the package redis is not installed"
    if find_spec("redis") is None
    else ""
)
needs_redis = pytest.mark.skipif(bool(MISSING), reason=MISSING)
#: Seconds that a server may take to start.
_START = 20.0


class RedisServer:
    """A redis-server process that answers when this object exists. ``options`` are those of its command line."""

    def __init__(self, *options: str, is_tls: bool = False, persistent: bool = False) -> None:
        self._folder = tempfile.mkdtemp(prefix="openaimock-redis-")
        self.port = free_port()
        self._is_tls = is_tls
        ports = ["--port", "0", "--tls-port", str(self.port)] if is_tls else ["--port", str(self.port)]
        saving = ["--appendonly", "yes", "--appendfsync", "always"] if persistent else ["--save", ""]
        self._command = ["redis-server", *ports, "--bind", "127.0.0.1", "--dir", self._folder, *saving, *options]
        self.start()

    @property
    def url(self) -> str:
        """The address for the setting ``store``, without a database."""
        return f"redis{'s' if self._is_tls else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it accepts connections."""
        log = open(os.path.join(self._folder, "log"), "ab")  # noqa: SIM115 - the process has it
        self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + _START
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        with open(os.path.join(self._folder, "log"), encoding="utf-8", errors="replace") as file:
            raise RuntimeError(f"redis-server did not start:\n{file.read()}")

    def kill(self) -> None:
        """Kill the process, as a machine that fails does."""
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Let the process accept connections and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process answer again."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the process and delete its files."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@cache
def shared_server() -> RedisServer:
    """The server that all tests of this process share; each uses another prefix or namespace."""
    server = RedisServer()
    atexit.register(server.close)
    return server

"""nginx for tests: the configuration of ``examples/deploy`` with other addresses, in a folder of its own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from .commands import ROOT
from .redis_server import free_port

EXAMPLE = ROOT / "examples" / "deploy" / "nginx.conf"
MISSING = "" if shutil.which("nginx") else "nginx is not installed (Debian: apt-get install nginx)"
needs_nginx = pytest.mark.skipif(bool(MISSING), reason=MISSING)


def configuration(folder: Path, port: int, replicas: Sequence[int]) -> Path:
    """The file of the example, listening on a port of this machine before replicas at these ports."""
    text = EXAMPLE.read_text()
    server, options = "server mock:3000", " max_fails=1 fail_timeout=2s;"
    assert text.count(server) == 1
    line = next(line for line in text.splitlines() if server in line)
    assert line.endswith(options)
    text = text.replace(line, "\n".join(f"server 127.0.0.1:{replica}{options}" for replica in replicas))
    assert "listen 8080;" in text
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = text.replace("http {", f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nhttp {{\n{paths}", 1)
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


class Nginx:
    """A running nginx before some replicas."""

    def __init__(self, folder: Path, replicas: Sequence[int]) -> None:
        self.port = free_port()
        command = ["nginx", "-e", str(folder / "error.log"), "-c", str(configuration(folder, self.port, replicas))]
        self.process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.process.kill()
        raise RuntimeError(f"nginx did not start: {self.process.communicate()[1]}")

    def close(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)

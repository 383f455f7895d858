"""``openaimock record``: a process between a client and the upstream."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx

from ..support.wire import user


def test_the_command_records_what_passes(serve, tmp_path) -> None:
    upstream = serve([{"when": {"user": "Hi"}, "reply": "Hello"}])
    file = tmp_path / "out.yaml"
    command = [sys.executable, "-m", "openaimock", "record", "--upstream", upstream.url, "-o", str(file), "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        url = re.search(r"http://\S+/v1", process.stdout.readline())
        assert url is not None
        with httpx.Client(trust_env=False, verify=False) as http:
            answer = http.post(f"{url[0]}/chat/completions", json=user("Hi")).json()
        process.send_signal(signal.SIGTERM)
        errors = process.stderr.read()
    assert answer["choices"][0]["message"]["content"] == "Hello"
    assert "1 exchange recorded, 0 left out" in errors
    assert "content: Hello" in file.read_text("utf-8") or "reply: Hello" in file.read_text("utf-8")

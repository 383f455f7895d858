"""``openaimock record``: a process between a client and the upstream."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys

import httpx

from openaimock.cli.recording_report import RecordingReport
from openaimock.cli.status_line import StatusLine

from ..support.wire import user


def test_the_command_records_what_passes_and_counts_it_on_a_terminal(serve, tmp_path) -> None:
    upstream = serve([{"when": {"user": "Hi"}, "reply": "Hello"}])
    file = tmp_path / "out.yaml"
    command = [sys.executable, "-m", "openaimock", "record", "--upstream", upstream.url, "-o", str(file), "-p", "0"]
    terminal, end = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, text=True) as process:
        os.close(end)
        assert process.stdout is not None
        url = re.search(r"http://\S+/v1", process.stdout.readline())
        assert url is not None
        with httpx.Client(trust_env=False, verify=False) as http:
            answer = http.post(f"{url[0]}/chat/completions", json=user("Hi")).json()
            http.get(f"{url[0]}/unknown")
        process.send_signal(signal.SIGTERM)
        with open(terminal, encoding="utf-8", newline="") as screen:
            shown = _all_of(screen)
    assert answer["choices"][0]["message"]["content"] == "Hello"
    assert re.search(r"\r\x1b\[Kopenaimock: 0 exchanges recorded, 0 left out \(in .*\r\x1b\[Kopenaimock: 1 exchange rec", shown)
    assert re.search(r"\x1b\[K[^\r]* WARNING not recorded: GET /v1/unknown: .*\n\r\x1b\[Kopenaimock: 1", shown)
    assert shown.endswith("\r\x1b[Kopenaimock: 1 exchange recorded, 1 left out\r\n")
    assert "content: Hello" in file.read_text("utf-8") or "reply: Hello" in file.read_text("utf-8")


def _all_of(screen: io.TextIOBase) -> str:
    """What stood on a terminal until its process ended."""
    shown = ""
    try:
        while piece := screen.read(1):
            shown += piece
    except OSError:  # Linux ends a terminal that nobody writes to any more with an error.
        pass
    return shown


def test_a_stream_that_is_no_terminal_gets_no_status_line() -> None:
    stream = io.StringIO()
    line = StatusLine(stream)
    line.show("half way")
    line.write("a log line\n")
    line.clear()
    assert stream.getvalue() == "a log line\n"


def test_the_counts_of_several_processes_are_added_up(serve, client, tmp_path, capfd) -> None:
    upstream = serve([{"when": {"user": "Hi"}, "reply": "Hello"}])
    mock = serve({"upstream": {"url": upstream.url}, "record": {"file": str(tmp_path / "recorded.yaml")}})
    report = RecordingReport(mock.app.api.upstream.recorder, mock.log, workers=2)
    if os.fork() == 0:
        # The process of a worker, which counts an exchange that it leaves out.
        mock.app.api.upstream.recorder.on_count(False)
        os._exit(0)
    os.wait()
    client(mock).chat.completions.create(**user("Hi"))
    report.end()
    assert capfd.readouterr().err.endswith("openaimock: 1 exchange recorded, 1 left out\n")

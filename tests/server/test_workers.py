"""Workers: how processes that share a socket share the work."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from openaimock.server.workers import SharedBalance


def test_who_has_fewest_connections_takes_the_next():
    counts = memoryview(bytearray(12)).cast("I")
    one, two, three = (SharedBalance(counts, number) for number in range(3))
    assert one.fair()
    one.report(1)
    assert not one.fair()
    assert two.fair()
    two.report(1)
    three.report(1)
    assert one.fair()
    assert three.fair()
    one.report(0)
    assert not three.fair()


def children(pid):
    """The process ids of a process's children; the test is skipped where the system does not list them."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("needs Linux's list of child processes")
    return [int(child) for child in path.read_text().split()]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_worker_that_is_killed_is_replaced(start, good, eventually):
    running = start(good, "-p", "0", "--workers", "2")
    pid = running.process.pid
    before = children(pid)
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(children(pid)) == 2 and before[0] not in children(pid))
    assert all(running.ask().status_code == 200 for _ in range(4))
    code, errors = running.stop()
    assert code == 0
    assert f"openaimock: worker {before[0]} was killed by SIGKILL; another one replaces it\n" in errors
    assert "Traceback" not in errors


def test_no_worker_outlives_a_parent_that_is_killed(start, good, eventually):
    running = start(good, "-p", "0", "--workers", "2")
    children(running.process.pid)
    running.process.kill()
    # The workers hold the same standard error: it ends with the last of them.
    running.process.communicate(timeout=30)
    assert not accepts(running.port)


def test_workers_that_end_right_after_their_start_end_the_server(start, good, eventually):
    running = start(good, "-p", "0", "--workers", "2")
    pid = running.process.pid
    while running.process.poll() is None:
        for child in children(pid):
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    _, errors = running.process.communicate(timeout=30)
    assert running.process.returncode == 1
    assert "the last 5 workers ended right after their start; stopping" in errors


SLOW = """
responses:
  - {when: {user: Hello}, reply: Hi!}
  - {when: {user: slow}, reply: {content: "one two three four five six seven eight", pace: {tps: 1}}}
"""


BODY = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "slow"}]}'
SLOW_REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def rest(client):
    data = b""
    while piece := client.recv(65536):
        data += piece
    return data


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_signal_stops_at_once(start, tmp_path, workers, eventually):
    path = tmp_path / "mock.yaml"
    path.write_text(SLOW)
    running = start(str(path), "-p", "0", "--workers", workers)
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as client:
        client.sendall(SLOW_REQUEST)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: not accepts(running.port))
        assert running.process.poll() is None
        running.process.send_signal(signal.SIGTERM)
        assert b"[DONE]" not in rest(client)
    running.process.communicate(timeout=30)
    assert running.process.returncode == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hangup_finishes_the_running_responses(start, tmp_path, workers, eventually):
    path = tmp_path / "mock.yaml"
    path.write_text(SLOW.replace("tps: 1", "tps: 10"))
    running = start(str(path), "-p", "0", "--workers", workers)
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as client:
        client.sendall(SLOW_REQUEST)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        running.process.send_signal(signal.SIGHUP)
        assert b"[DONE]" in rest(client)
    running.process.communicate(timeout=30)
    assert running.process.returncode == 0

"""Workers share their state: what one of them counts, stores and records, the others know (``--workers N`` without ``store``)."""

from __future__ import annotations

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.commands import run

CONFIG = """
scenarios: {door: shut}
limits: {rpd: 60}
responses:
  plain: {when: {user: plain}, reply: always}
  turns: {when: {user: turns}, replies: [one, two, three], then: cycle}
  once: {when: {user: once}, reply: once, times: 5}
  flaky: {when: {user: flaky}, reply: {content: well, fail: {times: 3, error: 500}}}
"""


@pytest.fixture
def served(start, tmp_path, monkeypatch):
    """Two workers whose temporary files are in a folder of the test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    path = tmp_path / "mock.yaml"
    path.write_text(CONFIG)
    return start(str(path), "-p", "0", "--workers", "2", "--watch")


def request(running, method, path, body=None):
    """One request on a connection of its own, so that any worker may get it."""
    connection = HTTPConnection("127.0.0.1", running.port, timeout=20)
    headers = {"content-type": "application/json"} if body is not None else {}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content.decode()


def chat(running, user, namespace="default"):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}]}
    status, content = request(running, "POST", f"/t/{namespace}/v1/chat/completions", body)
    return json.loads(content)["choices"][0]["message"]["content"] if status == 200 else status


def admin(running, path, method="GET", body=None):
    return json.loads(request(running, method, f"/__openaimock/{path}", body)[1])


def test_state_is_one_for_all_workers(served):
    with ThreadPoolExecutor(8) as pool:
        ask = lambda user: list(pool.map(lambda _: chat(served, user), range(12)))  # noqa: E731
        assert sorted(ask("turns")) == sorted(["one", "two", "three"] * 4)
        assert sorted(map(str, ask("once"))) == ["400"] * 7 + ["once"] * 5
        assert sorted(map(str, ask("flaky"))) == ["500"] * 3 + ["well"] * 9
        assert ask("plain") == ["always"] * 12
        # 48 requests were counted; the limit is 60.
        assert sorted(map(str, [*ask("plain"), *ask("plain")])) == ["429"] * 12 + ["always"] * 12
    exchanges = admin(served, "exchanges?brief=true&limit=1000")["exchanges"]
    assert len(exchanges) == 72
    assert len({row["id"] for row in exchanges}) == 72
    hits = {row["id"]: row["hits"] for row in admin(served, "coverage")["rules"]}
    assert hits == {"plain": 24, "turns": 12, "once": 5, "flaky": 9}
    lines = request(served, "GET", "/metrics")[1].splitlines()
    counts = [int(line.split()[-1]) for line in lines if line.startswith("openaimock_requests_total{")]
    assert sum(counts) == 72
    by_process = [int(line.split()[-1]) for line in lines if line.startswith("openaimock_process_requests_total{")]
    assert sum(by_process) == 72


def test_a_reset_and_stored_objects_reach_all_workers(served):
    assert [chat(served, "turns"), chat(served, "turns")] == ["one", "two"]
    admin(served, "reset", "POST")
    assert [chat(served, "turns") for _ in range(3)] == ["one", "two", "three"]
    response = json.loads(request(served, "POST", "/v1/responses", {"model": "gpt-4o", "input": "plain"})[1])
    answers = [request(served, "GET", f"/v1/responses/{response['id']}") for _ in range(6)]
    assert {status for status, _ in answers} == {200}
    assert len(admin(served, "exchanges")["exchanges"]) == 10


def test_changes_of_the_admin_reach_all_workers(served):
    def answers(user):
        return {chat(served, user, f"n{number}") for number in range(8)}

    rule = {"id": "new", "when": {"user": "new"}, "reply": "added"}
    assert admin(served, "rules", "POST", {"responses": [rule]})["added"] == ["new"]
    assert answers("new") == {"added"}
    assert {len(admin(served, "rules")["rules"]) for _ in range(6)} == {5}
    assert admin(served, "rules/plain", "DELETE") == {"deleted": 1}
    assert answers("plain") == {400}
    admin(served, "chaos", "PUT", {"rate": 1, "faults": ["empty"]})
    assert {admin(served, "config")["chaos"]["rate"] for _ in range(6)} == {1}
    admin(served, "chaos", "PUT")
    before = admin(served, "advance?seconds=100000", "POST")["now"]
    assert all(0 <= admin(served, "advance?seconds=0", "POST")["now"] - before < 1000 for _ in range(6))
    assert admin(served, "rules", "PUT", [{"when": {"user": "only"}, "reply": "one"}]) == {"rules": 1}
    assert (answers("only"), answers("new")) == ({"one"}, {400})


def test_the_private_file_is_for_this_user_and_removed_at_the_end(served, tmp_path):
    [folder] = tmp_path.glob("openaimock-workers-*")
    chat(served, "turns")
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
    assert served.stop()[0] == 0
    assert not folder.exists()


def test_the_file_of_a_server_that_was_killed_is_removed_at_the_next_start(start, tmp_path, monkeypatch, eventually):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    path = tmp_path / "mock.yaml"
    path.write_text(CONFIG)
    first = start(str(path), "-p", "0", "--workers", "2")
    [stale] = tmp_path.glob("openaimock-workers-*")
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    # Its workers end a moment later; until then the file is theirs.
    from openaimock.state.temporary_folder import delete_abandoned

    eventually(lambda: (delete_abandoned(Path(tmp_path)), not stale.exists())[1])
    second = start(str(path), "-p", "0", "--workers", "2")
    assert len(list(tmp_path.glob("openaimock-workers-*"))) == 1
    assert second.stop()[0] == 0


def test_a_worker_that_is_killed_loses_no_claim(served, eventually):
    assert [chat(served, "turns") for _ in range(4)] == ["one", "two", "three", "one"]
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    if not children.exists():
        pytest.skip("needs Linux's list of child processes")
    for child in children.read_text().split():
        os.kill(int(child), signal.SIGKILL)
    eventually(lambda: len(children.read_text().split()) == 2)
    assert [chat(served, "turns") for _ in range(3)] == ["two", "three", "one"]


def test_workers_reload_changed_files(served, tmp_path, eventually):
    chat(served, "turns")
    path = tmp_path / "mock.yaml"
    path.write_text(CONFIG.replace("reply: always", "reply: changed"))
    eventually(lambda: {chat(served, "plain", f"n{number}") for number in range(8)} == {"changed"})
    # The rule did not change, and so its sequence goes on.
    assert chat(served, "turns") == "two"


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("sqlite://file.db", "expected sqlite:///file.db"),
        ("sqlite:///none/file.db", "does not exist"),
        ("sqlite:///text.db", "text.db is not a SQLite database"),
        ("sqlite:///file.db?mode=ro", "has no options"),
        ("sqlite:///.", "is a folder"),
        ("postgres://user:secret@host/db", "expected 'memory' or sqlite:///file.db"),
    ],
)
def test_a_store_that_cannot_be_used_is_a_problem_of_the_configuration(tmp_path, store, message):
    (tmp_path / "text.db").write_text("some text that is no database, and long enough to look at" * 3)
    path = tmp_path / "mock.yaml"
    path.write_text(f"responses: []\nstore: {store}\n")
    done = run(str(path), "-p", "0")
    assert done.returncode == 1
    assert "mock.yaml:2:8: store: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_server_that_was_killed_goes_on_where_it_was(start, tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text(CONFIG + "store: sqlite:///state.db\n")
    first = start(str(path), "-p", "0")
    assert [chat(first, "turns"), chat(first, "turns"), chat(first, "plain")] == ["one", "two", "always"]
    response = json.loads(request(first, "POST", "/v1/responses", {"model": "gpt-4o", "input": "plain"})[1])
    assert len(admin(first, "exchanges")["exchanges"]) == 4
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second = start(str(path), "-p", "0", "--workers", "2")
    assert chat(second, "turns") == "three"
    assert request(second, "GET", f"/v1/responses/{response['id']}")[0] == 200
    assert len(admin(second, "exchanges")["exchanges"]) == 6
    assert oct((tmp_path / "state.db").stat().st_mode & 0o777) == "0o600"
    assert json.loads(request(second, "GET", "/ready")[1]) == {"status": "ready", "rules": 4}


class TogetherHandler(BaseHTTPRequestHandler):
    """Answers when as many requests wait as the barrier of the server has parties."""

    def do_GET(self):
        self.server.together.wait(20)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


def test_each_worker_waits_for_as_many_answers_of_the_upstream_as_a_single_process(start, tmp_path):
    parties = 40
    with ThreadingHTTPServer(("127.0.0.1", 0), TogetherHandler) as upstream:
        upstream.together = threading.Barrier(parties)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        path = tmp_path / "mock.yaml"
        path.write_text(f"upstream: {{url: 'http://127.0.0.1:{upstream.server_port}/v1'}}\nunmatched: proxy\n")
        running = start(str(path), "-p", "0", "--workers", "2")
        with ThreadPoolExecutor(parties) as pool:
            statuses = [status for status, _ in pool.map(lambda _: request(running, "GET", "/v1/files"), range(parties))]
        assert statuses == [200] * parties
        assert running.stop()[0] == 0
        upstream.shutdown()

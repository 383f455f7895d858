"""Three processes with one Redis behind nginx, as in examples/deploy: clients see one mock, also when a process is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai import OpenAI

from ..support.commands import Running, environment
from ..support.nginx_server import Nginx, needs_nginx
from ..support.redis_server import RedisServer, needs_redis
from ..support.wire import user

pytestmark = [needs_redis, needs_nginx]
STEPS = 2000
RULES = [
    {"id": "turns", "when": {"user": "turns"}, "replies": [str(number) for number in range(STEPS)], "then": "error"},
    {"id": "once", "when": {"user": "once"}, "reply": "first", "times": 1},
    {"id": "later", "when": {"user": "once"}, "reply": "later", "priority": -1},
    {"id": "story", "when": {"user": "story"}, "reply": {"content": "once upon a time", "pace": {"tps": 50}}},
    {"id": "any", "when": {}, "reply": "ok", "priority": -2},
]
LIMIT = 40


class Cluster:
    """Three replicas behind nginx; ``url`` is the address of nginx."""

    def __init__(self, folder, store, **settings):
        path = folder / "mock.yaml"
        path.write_text(json.dumps({"store": store, "responses": RULES, **settings}))
        begun = [begin(path, folder / f"log{number}") for number in range(3)]
        self.replicas = [Running(process) for process in begun]
        self.nginx = Nginx(folder, [replica.port for replica in self.replicas])
        self.url = f"http://127.0.0.1:{self.nginx.port}"

    def close(self):
        self.nginx.close()
        for replica in self.replicas:
            replica.process.kill()
            replica.process.communicate()


def begin(path, log):
    command = [sys.executable, "-m", "openaimock", str(path), "-p", "0"]
    with log.open("w") as errors:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment())


@pytest.fixture(scope="module")
def redis():
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def cluster(redis, tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), f"{redis.url}/0")
    yield cluster
    cluster.close()


@pytest.fixture
def http(cluster):
    with httpx.Client(trust_env=False, base_url=cluster.url, timeout=30) as http:
        yield http


def text(http, words, namespace, **options):
    answer = http.post(f"/t/{namespace}/v1/chat/completions", json=user(words), **options)
    return answer.json()["choices"][0]["message"]["content"] if answer.status_code == 200 else answer.status_code


def journal(cluster, namespace, replica=0):
    """The texts of the journal of a namespace, read from one replica."""
    url = cluster.replicas[replica].url.removesuffix("/v1")
    with httpx.Client(trust_env=False, timeout=30) as http:
        rows = http.get(f"{url}/__openaimock/exchanges", params={"namespace": namespace, "brief": "true"}).json()["exchanges"]
    return [row["text"] for row in rows]


def test_requests_reach_all_replicas(cluster, http):
    for _ in range(9):
        assert text(http, "hello", "spread") == "ok"
    assert journal(cluster, "spread", 1) == ["hello"] * 9


def test_a_sequence_is_one_for_all_replicas(http):
    assert [text(http, "turns", "sequence") for _ in range(12)] == [str(number) for number in range(12)]
    assert [text(http, "once", "sequence") for _ in range(4)] == ["first", "later", "later", "later"]


def test_each_step_is_sent_once_to_many_clients(http):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: text(http, "turns", "many"), range(200)))
    assert sorted(map(int, answers)) == list(range(200))


def test_namespaces_are_apart_on_all_replicas(cluster, http):
    names = [f"isolated-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: [text(http, "turns", name) for _ in range(20)], names))
    assert answers == [[str(number) for number in range(20)]] * 4
    assert [len(journal(cluster, name, 2)) for name in names] == [20] * 4


def test_stored_objects_are_read_from_every_replica(cluster):
    client = OpenAI(base_url=f"{cluster.url}/t/objects/v1", api_key="k", max_retries=0)
    response = client.responses.create(model="gpt-4o", input="hello")
    file = client.files.create(file=("a.txt", b"content"), purpose="user_data")
    for _ in range(6):
        assert client.responses.retrieve(response.id).output_text == "ok"
        assert client.files.retrieve(file.id).bytes == 7
    client.close()


def test_streams_pass_nginx_event_by_event(cluster):
    client = OpenAI(base_url=f"{cluster.url}/v1", api_key="k", max_retries=0)
    stream = client.chat.completions.create(**user("story"), stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "once upon a time"
    client.close()


def test_a_reset_on_one_replica_reaches_all(cluster, http):
    assert [text(http, "turns", "reset") for _ in range(5)] == list("01234")
    admin = cluster.replicas[1].url.removesuffix("/v1") + "/__openaimock/reset"
    with httpx.Client(trust_env=False, timeout=30) as direct:
        assert direct.post(admin, params={"namespace": "reset"}).status_code == 200
    assert [text(http, "turns", "reset") for _ in range(5)] == list("01234")


def test_the_admin_is_not_reached_through_nginx(http):
    assert http.get("/__openaimock/config").status_code == 404


def test_limits_are_exact_over_all_replicas(redis, tmp_path):
    # With a clock that stands still no bucket refills.
    settings = {"limits": {"rpm": LIMIT}, "clock": "2026-01-31T12:00:00Z"}
    cluster = Cluster(tmp_path, f"{redis.url}/1", **settings)
    try:
        with httpx.Client(trust_env=False, base_url=cluster.url, timeout=30) as http, ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: text(http, "hello", "limits"), range(3 * LIMIT)))
        assert (answers.count("ok"), answers.count(429)) == (LIMIT, 2 * LIMIT)
    finally:
        cluster.close()


def test_nothing_is_lost_when_a_replica_is_killed(redis, tmp_path):
    cluster = Cluster(tmp_path, f"{redis.url}/2")
    threads, requests = 6, 300
    try:
        client = OpenAI(base_url=f"{cluster.url}/v1", api_key="k", max_retries=0)
        stored = [client.responses.create(model="gpt-4o", input="hello").id for _ in range(6)]
        answered, killed = threading.Semaphore(0), threading.Event()

        def kill():
            for _ in range(requests // 3):
                answered.acquire()
            cluster.replicas[0].process.kill()
            killed.set()

        killer = threading.Thread(target=kill)
        killer.start()
        with httpx.Client(trust_env=False, base_url=cluster.url, timeout=30) as http, ThreadPoolExecutor(threads) as pool:

            def ask(_):
                answer = text(http, "turns", "default")
                answered.release()
                return answer

            answers = list(pool.map(ask, range(requests)))
            killer.join()
            # Every request is answered, by another replica where one had gone, and no step is sent twice. A step whose answer
            # was on its way from the killed process is used up.
            steps = [int(answer) for answer in answers]
            assert len(set(steps)) == requests
            assert max(steps) < requests + threads
            assert killed.is_set()
            assert [client.responses.retrieve(id).output_text for id in stored] == ["ok"] * 6
            assert int(text(http, "turns", "default")) == max(steps) + 1
        client.close()
    finally:
        cluster.close()

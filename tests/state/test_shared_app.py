"""Mocks whose state is in a SQLite file or in Redis: several apps share one state."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import Client

from openaimock.config.load import load
from openaimock.state import records
from openaimock.state.store import StoreUnavailable
from openaimock.wsgi import create_app

from ..support.redis_server import needs_redis, shared_server

RULES = {
    "plain": {"when": {"user": "plain"}, "reply": "always"},
    "turns": {"when": {"user": "turns"}, "replies": ["one", "two", "three"], "then": "error"},
    "once": {"when": {"user": "once"}, "reply": "first", "times": 1},
    "more": {"when": {"user": "once"}, "reply": "second", "priority": -1},
    "flaky": {"when": {"user": "flaky"}, "reply": {"content": "well", "fail": {"times": 2, "error": 500}}},
    "count": {"when": {"user": "count"}, "reply": "number {{ count }}"},
    "open": {"when": {"user": "open"}, "reply": {"content": "opened", "set_state": {"door": "open"}}},
    "walk": {"when": {"user": "walk", "state": {"door": "open"}}, "reply": "in"},
    "take": {"when": {"user": "enter", "state": {"door": "open"}}, "reply": {"content": "taken", "set_state": {"door": "full"}}},
    "vector": {
        "when": {"endpoint": "embeddings", "state": {"door": "shut"}},
        "reply": {"embedding": [0.5], "set_state": {"door": "open"}},
    },
    "full": {"when": {"user": "enter", "state": {"door": "full"}}, "reply": "too late"},
    "wait": {"when": {"user": "walk", "state": {"door": "shut"}}, "reply": "out"},
}


class Peer:
    """One of several mocks that share a store, as a client without a socket."""

    def __init__(self, store, **settings) -> None:
        config = {"responses": RULES, "store": store, "scenarios": {"door": "shut"}, **settings}
        self.app = create_app(load(config))
        self.client = Client(self.app)

    def chat(self, user, namespace="default", **body):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": user}], **body}
        return self.client.post(f"/t/{namespace}/v1/chat/completions", json=body)

    def text(self, user, namespace="default", **body):
        answer = self.chat(user, namespace, **body)
        return answer.json["choices"][0]["message"]["content"] if answer.status_code == 200 else answer.status_code

    def admin(self, path, method="GET", **options):
        return self.client.open(
            f"/__openaimock/{path}", method=method, environ_overrides={"REMOTE_ADDR": "127.0.0.1"}, **options
        ).json


@pytest.fixture(params=["sqlite", pytest.param("redis", marks=needs_redis)])
def store(request, tmp_path):
    """The address of a store that is empty."""
    return f"sqlite:///{tmp_path}/state.db" if request.param == "sqlite" else f"{shared_server().url}?prefix={uuid.uuid4().hex}"


@pytest.fixture
def peers(store):
    made_here = [Peer(store), Peer(store)]
    yield made_here
    for peer in made_here:
        peer.app.close()


def test_sequences_times_and_failures_are_one_for_all(peers):
    one, two = peers
    assert [one.text("turns"), two.text("turns"), one.text("turns"), two.text("turns")] == ["one", "two", "three", 400]
    assert [two.text("once"), one.text("once"), two.text("once")] == ["first", "second", "second"]
    assert [one.text("flaky"), two.text("flaky"), one.text("flaky"), two.text("flaky")] == [500, 500, "well", "well"]
    assert [one.text("count"), two.text("count"), one.text("count")] == ["number 1", "number 2", "number 3"]


def test_scenarios_are_one_for_all_and_start_as_configured(peers):
    one, two = peers
    assert [one.text("walk"), two.text("open"), one.text("walk"), two.text("walk")] == ["out", "opened", "in", "in"]
    assert two.text("walk", "other") == "out"


def test_of_requests_at_the_same_time_one_takes_the_step_of_a_scenario(peers, monkeypatch):
    one, two = peers
    assert one.text("open") == "opened"
    ruleset, texts = one.app.api.ruleset, []
    match = ruleset.match

    def slowly(ask, hits):
        matched = match(ask, hits)
        # Both requests match in the state before the step.
        if matched.rule.id == "take" and not texts:
            texts.append(two.text("enter"))
        return matched

    monkeypatch.setattr(ruleset, "match", slowly)
    assert (one.text("enter"), texts) == ("too late", ["taken"])
    hits = {row["id"]: row["hits"] for row in one.admin("coverage")["rules"]}
    assert (hits["take"], hits["full"]) == (1, 1)


def test_all_inputs_of_a_request_are_answered_in_the_state_before_it(peers):
    one, two = peers
    body = {"model": "text-embedding-3-small", "input": ["a", "b"], "encoding_format": "float"}
    answer = one.client.post("/v1/embeddings", json=body)
    assert [row["embedding"] for row in answer.json["data"]] == [[0.5], [0.5]]
    assert two.text("walk") == "in"


def test_threads_of_two_mocks_take_each_step_once(peers):
    assert peers[0].text("open") == "opened"
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda number: Client(peers[number % 2].app).post("/v1/chat/completions", json={
            "model": "gpt-4o", "messages": [{"role": "user", "content": "enter"}],
        }).json["choices"][0]["message"]["content"], range(16)))  # fmt: skip
    assert sorted(texts) == ["taken"] + ["too late"] * 15


def test_the_journal_and_the_coverage_are_those_of_all(peers):
    one, two = peers
    for _ in range(3):
        one.text("plain")
        two.text("turns")
    exchanges = two.admin("exchanges")["exchanges"]
    assert [row["text"] for row in exchanges] == ["plain", "turns"] * 3
    assert len({row["id"] for row in exchanges}) == 6
    hits = {row["id"]: row["hits"] for row in one.admin("coverage")["rules"]}
    assert (hits["plain"], hits["turns"], hits["once"]) == (3, 3, 0)


def test_metrics_are_written_with_the_batches(store, monkeypatch):
    monkeypatch.setattr("openaimock.state.shared_store.BEAT", 1000.0)
    peer = Peer(store)
    try:
        assert peer.text("plain") == "always"
        processes = peer.app.api.namespaces.processes
        end = time.monotonic() + 20
        while processes.snapshots()[processes.id].answered != 1:
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        peer.app.close()


def test_an_exchange_that_cannot_be_written_does_not_hold_up_the_others(peers, monkeypatch, caplog):
    def encode(exchange, secrets=()):
        if exchange.ask.text == "turns":
            raise ValueError("a value of the user's that fails")
        return written(exchange, secrets)

    written = records.encode
    monkeypatch.setattr(records, "encode", encode)
    one, two = peers
    assert [one.text("turns"), one.text("plain")] == ["one", "always"]
    assert [row["text"] for row in two.admin("exchanges")["exchanges"]] == ["plain"]
    assert two.app.api.namespaces["default"].dropped() == 1
    assert "An exchange cannot be written to the store" in caplog.text


def test_a_reset_reaches_all(peers):
    one, two = peers
    assert [one.text("turns"), two.text("turns", "other")] == ["one", "one"]
    two.admin("reset?namespace=default", "POST")
    assert [one.text("turns"), two.text("turns", "other")] == ["one", "two"]
    assert [row["namespace"] for row in one.admin("exchanges")["exchanges"]] == ["other", "default", "other"]


def test_stored_objects_are_read_by_all(peers):
    one, two = peers
    body = {"model": "gpt-4o", "input": "plain"}
    response = one.client.post("/v1/responses", json=body).json
    assert two.client.get(f"/v1/responses/{response['id']}").json == response
    following = two.client.post("/v1/responses", json={**body, "previous_response_id": response["id"]})
    assert following.status_code == 200
    completion = one.chat("plain", store=True).json
    assert two.client.get(f"/v1/chat/completions/{completion['id']}").json["id"] == completion["id"]
    streamed = two.chat("plain", store=True, stream=True, metadata={"a": "b"})
    assert "data: [DONE]" in streamed.text
    assert len(one.client.get("/v1/chat/completions").json["data"]) == 2


def test_a_job_of_a_process_that_ended_is_run_by_another(peers, eventually):
    one, two = peers
    assert [one.text("plain"), two.text("plain")] == ["always", "always"]
    state = one.app.api.namespaces["default"]
    one.app.api.jobs.look = lambda: None
    state.schedule("unknown/1", 0.0)
    assert state.lease("unknown/1", "one", 2.0, time.time())
    one.app.close()
    # A job of a kind that is not served is removed by the process that runs it, once the lease has ended.
    eventually(lambda: two.app.api.namespaces["default"].due(1.0) == [])


def test_what_needs_the_store_is_refused_while_it_does_not_answer(peers, monkeypatch):
    peer, _ = peers
    assert [peer.text("turns"), peer.text("plain")] == ["one", "always"]

    def unavailable(*arguments):
        raise StoreUnavailable("the store is away")

    engine = peer.app.api.namespaces.engine
    for name in ("claim", "write", "counters", "numbers", "check", "epochs"):
        monkeypatch.setattr(engine, name, unavailable)
    refused = peer.chat("turns")
    assert (refused.status_code, refused.headers["retry-after"], refused.json["error"]["code"]) == (503, "1", "store_unavailable")
    assert peer.text("plain") == "always"
    assert peer.text("plain", "another") == 503
    assert peer.client.get("/ready").status_code == 503
    assert peer.client.get("/health").status_code == 200
    assert peer.admin("exchanges")["error"]["code"] == "store_unavailable"
    assert "openaimock_requests_total" in peer.client.get("/metrics").text
    monkeypatch.undo()
    assert [peer.text("turns"), peer.text("plain")] == ["two", "always"]
    assert [row["text"] for row in peer.admin("exchanges")["exchanges"]] == ["turns", "plain", "turns", "plain", "turns", "plain"]

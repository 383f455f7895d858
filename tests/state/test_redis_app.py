"""A mock whose state is in Redis, while the server is away and when it comes back; its password stays secret."""

from __future__ import annotations

import json
import logging
import time

import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.wsgi import create_app

from ..support.commands import run, start  # noqa: F401 - start is a fixture
from ..support.redis_server import RedisServer, needs_redis
from ..support.wire import post, user

pytestmark = needs_redis
RULES = [
    {"id": "turns", "when": {"user": "turns"}, "replies": [str(number) for number in range(100)]},
    {"id": "plain", "when": {"user": "plain"}, "reply": "always"},
]


@pytest.fixture
def server():
    server = RedisServer(persistent=True)
    yield server
    server.close()


@pytest.fixture
def locked():
    server = RedisServer("--requirepass", "hunter2/ü")
    yield server
    server.close()


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def get(mock, path):
    import httpx

    with httpx.Client(trust_env=False) as http:
        return http.get(mock.url.removesuffix("/v1") + path)


def text(mock, words):
    answer = post(mock, user(words))
    return answer.json()["choices"][0]["message"]["content"] if answer.status_code == 200 else answer.status_code


def test_requests_get_a_503_while_the_server_is_away_and_nothing_is_lost(server, serve):
    mock = serve({"store": f"{server.url}/0", "responses": RULES})
    assert [text(mock, "turns"), text(mock, "turns"), text(mock, "plain")] == ["0", "1", "always"]
    assert get(mock, "/health").json() == {"status": "ok", "store": "ok"}
    assert get(mock, "/ready").status_code == 200
    server.kill()
    refused = post(mock, user("turns"))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["code"] == "store_unavailable"
    assert f"the store {server.url}/0 cannot be used: " in refused.json()["error"]["message"]
    ready = get(mock, "/ready")
    assert (ready.status_code, ready.json()["status"], ready.headers["retry-after"]) == (503, "store unavailable", "1")
    health = get(mock, "/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert "cannot be used" in health.json()["store"]
    # Its number is leased already, and it needs no sequence.
    assert text(mock, "plain") == "always"
    server.start()
    wait_for(lambda: get(mock, "/ready").status_code == 200)
    assert [text(mock, "turns"), text(mock, "turns")] == ["2", "3"]
    wait_for(lambda: get(mock, "/health").json()["store"] == "ok")
    statuses = [(exchange.ask.text, exchange.status) for exchange in mock.exchanges if exchange.ask]
    assert statuses.count(("plain", 200)) == 2
    assert statuses.count(("turns", 200)) == 4
    assert ("turns", 503) in statuses
    assert mock.coverage()["rules"][0]["hits"] == 4


def test_a_mock_starts_before_its_server_and_is_not_ready(server, serve, caplog):
    server.kill()
    with caplog.at_level(logging.WARNING, "openaimock"):
        mock = serve({"store": server.url, "responses": RULES})
    assert "requests get a 503 until it answers" in caplog.text
    assert "cannot be used" in get(mock, "/health").json()["store"]
    assert (get(mock, "/ready").status_code, text(mock, "plain")) == (503, 503)
    server.start()
    # No request is needed for that.
    wait_for(lambda: get(mock, "/health").json()["store"] == "ok")
    assert get(mock, "/ready").status_code == 200
    assert text(mock, "plain") == "always"


def test_a_refusal_without_a_number_has_the_headers_of_other_responses(server, serve, caplog):
    server.kill()
    mock = serve({"store": server.url, "responses": RULES})
    origin = {"origin": "http://localhost:5173"}
    with caplog.at_level(logging.INFO, "openaimock"):
        answers = [post(mock, user("plain"), headers=headers | origin) for headers in ({}, {"x-request-id": "my-id"})]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].headers["x-request-id"].startswith("req_")
    assert answers[1].headers["x-request-id"] == "my-id"
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}
    assert caplog.records[-1].getMessage() == "POST /v1/chat/completions 503 store_unavailable"
    assert caplog.records[-1].facts == {"request_id": "my-id", "namespace": "default", "status": 503}


def test_requests_do_not_try_one_after_the_other_to_reach_a_server_that_was_never_there(server, serve, monkeypatch):
    monkeypatch.setattr("openaimock.state.redis_connections.PAUSE", 60.0)
    server.kill()
    mock = serve({"store": server.url, "responses": RULES})
    assert text(mock, "plain") == 503
    server.start()
    assert [text(mock, "plain") for _ in range(3)] == [503] * 3
    assert get(mock, "/ready").status_code == 200
    assert text(mock, "plain") == "always"


def test_the_log_says_once_that_the_server_is_away_and_once_that_it_is_back(server, serve, caplog):
    with caplog.at_level(logging.WARNING, "openaimock"):
        mock = serve({"store": server.url, "responses": RULES})
        assert text(mock, "turns") == "0"
        server.kill()
        assert [text(mock, "turns") for _ in range(5)] == [503] * 5
        server.start()
        wait_for(lambda: get(mock, "/health").json()["store"] == "ok")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert "cannot be used" in lines[0]
    assert lines[1] == f"the store {server.url}/0 answers again"


def test_a_mock_goes_on_when_the_server_has_lost_its_data(server, serve):
    mock = serve({"store": server.url, "responses": RULES})
    assert [text(mock, "turns"), text(mock, "plain"), len(mock.exchanges)] == ["0", "always", 2]
    mock.app.api.namespaces.engine._connections.run("FLUSHALL")
    wait_for(lambda: text(mock, "plain") == "always" and len(mock.exchanges) > 0)
    assert [text(mock, "turns"), text(mock, "turns")] == ["0", "1"]
    assert mock.coverage()["rules"][0]["hits"] == 2
    assert [exchange.ask.text for exchange in mock.exchanges][-2:] == ["turns", "turns"]


def test_a_wrong_password_is_an_error_at_the_start(locked, tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text(f"store: redis://:wrong-secret@127.0.0.1:{locked.port}\nresponses: []\n")
    with pytest.raises(ConfigError) as raised:
        create_app(path)
    assert "mock.yaml:1:8: store: the store redis://127.0.0.1" in str(raised.value)
    assert "wrong-secret" not in str(raised.value)


def test_a_wrong_address_is_an_error_at_its_place_without_the_password(tmp_path):
    path = tmp_path / "mock.yaml"
    path.write_text("responses: []\nstore: redis://:hunter2@127.0.0.1/0?prefx=a\n")
    checked = run("check", str(path))
    assert checked.returncode == 1
    assert "mock.yaml:2:8: store: 'prefx' is not an option of the address; did you mean 'prefix'?" in checked.stderr
    assert "hunter2" not in checked.stdout + checked.stderr


def test_the_password_is_shown_nowhere(locked, serve, caplog):
    store = f"redis://:hunter2%2F%C3%BC@127.0.0.1:{locked.port}/0"
    config = load({"store": store, "responses": RULES})
    with caplog.at_level(logging.DEBUG):
        mock = serve(config)
        assert text(mock, "plain hunter2/ü") == 400
        assert text(mock, "turns") == "0"
        locked.kill()
        shown = [post(mock, user("turns")).text, get(mock, "/ready").text, get(mock, "/health").text]
    shown += [get(mock, "/__openaimock/config").text, repr(config), repr(mock), caplog.text]
    for number, output in enumerate(shown):
        assert "hunter2" not in output, (number, output[max(0, output.find("hunter2") - 200) :][:400])


def test_two_mocks_of_one_store_share_a_sequence(server, serve):
    mocks = [serve({"store": server.url, "responses": RULES}) for _ in range(2)]
    assert [text(mocks[number % 2], "turns") for number in range(6)] == list("012345")
    assert {exchange.ask.text for exchange in mocks[0].exchanges} == {"turns"}
    assert len(mocks[0].exchanges) == 6
    mocks[1].reset()
    assert [text(mocks[0], "turns"), text(mocks[1], "turns")] == ["0", "1"]


def test_workers_share_a_redis_store(server, start, tmp_path):  # noqa: F811
    path = tmp_path / "mock.yaml"
    path.write_text(json.dumps({"store": server.url, "responses": RULES}))
    running = start(str(path), "-p", "0", "--workers", "2")
    answers = [running.ask("turns").json()["choices"][0]["message"]["content"] for _ in range(12)]
    assert answers == [str(number) for number in range(12)]
    assert running.stop()[0] == 0

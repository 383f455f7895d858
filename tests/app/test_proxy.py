"""Requests that are passed on to an upstream: what it gets, what the client gets, and what goes wrong."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.server.address import address

from ..support.upstream import RawUpstream, Script, answer
from ..support.wire import user

JSON_TYPE = "content-type: application/json"
STREAM = b'data: {"a":1}\n\ndata: [DONE]\n\n'


@pytest.fixture
def upstream() -> Iterator[Callable[[Script], RawUpstream]]:
    running: list[RawUpstream] = []

    def start(script: Script) -> RawUpstream:
        running.append(RawUpstream(script))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, verify=False) as client:
        yield client


def proxying(real: RawUpstream, **settings: Any) -> dict[str, Any]:
    return {"unmatched": "proxy", **settings, "upstream": {"url": real.url, **settings.get("upstream", {})}}


def sends(data: bytes) -> Script:
    return lambda connection, request: connection.sendall(data)


def head_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


# What is passed on


def test_the_request_and_the_answer_pass_unchanged(serve, http, upstream) -> None:
    body, reply = b'{ "model":"x",  "odd" : 1 }', b'{"any":  "thing"}\n'
    real = upstream(sends(answer(reply, "201 Created", JSON_TYPE, "x-request-id: req_up", "openai-model: gpt-x")))
    mock = serve(proxying(real))
    response = http.post(mock.url + "/not/a/known/path?a=b%20c&d", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.content) == (201, reply)
    assert (response.headers["x-request-id"], response.headers["openai-model"]) == ("req_up", "gpt-x")
    assert real.requests[0].startswith(b"POST /v1/not/a/known/path?a=b%20c&d HTTP/1.1\r\n")
    assert real.requests[0].endswith(b"\r\n\r\n" + body)


def test_a_request_that_the_mock_would_refuse_is_the_upstream_s_to_refuse(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real))
    assert http.post(mock.url + "/chat/completions", json={"model": 5}).status_code == 200
    assert http.get(mock.url + "/models").json() == {}


def test_binary_bodies_and_multipart_forms_pass(serve, http, upstream) -> None:
    data = bytes(range(256)) * 500
    real = upstream(sends(answer(data, "200 OK", "content-type: audio/mpeg")))
    mock = serve(proxying(real))
    response = http.post(mock.url + "/audio/transcriptions", files={"file": ("a.wav", data)}, data={"model": "whisper-1"})
    assert response.content == data
    assert data in real.requests[0]


def test_an_encoded_body_keeps_its_encoding(serve, http, upstream) -> None:
    packed = gzip.compress(json.dumps(user("Hi")).encode())
    real = upstream(sends(answer(gzip.compress(b'{"a":1}'), "200 OK", JSON_TYPE, "content-encoding: gzip")))
    mock = serve(proxying(real))
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = http.post(mock.url + "/chat/completions", content=packed, headers=headers)
    assert response.json() == {"a": 1}
    assert real.requests[0].endswith(packed)


def test_headers_of_the_connection_cookies_and_the_mock_s_own_are_not_passed_on(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE, "set-cookie: a=b", "keep-alive: timeout=5", "x-other: 1")))
    mock = serve(proxying(real))
    own = {"cookie": "c=d", "x-openaimock-latency": "1", "te": "trailers", "connection": "x-hop", "x-hop": "1", "x-mine": "2"}
    response = http.post(mock.url + "/chat/completions", json=user("Hi"), headers=own)
    sent = head_of(real.requests[0])
    assert not sent.keys() & {"cookie", "x-openaimock-latency", "te", "x-hop", "connection"}
    assert (sent["x-mine"], sent["host"]) == ("2", f"127.0.0.1:{real.port}")
    assert "set-cookie" not in response.headers
    assert response.headers["x-other"] == "1"


def test_a_websocket_is_refused_so_that_the_client_uses_post(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "x", "sec-websocket-version": "13"}
    assert http.get(serve(proxying(real)).url + "/responses", headers=upgrade).status_code == 426
    assert real.requests == []


def test_redirects_are_not_followed(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"", "302 Found", "location: http://127.0.0.1:1/")))
    response = http.get(serve(proxying(real)).url + "/models")
    assert (response.status_code, response.headers["location"]) == (302, "http://127.0.0.1:1/")
    assert len(real.requests) == 1


def test_connections_are_reused(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real))
    for _ in range(5):
        http.get(mock.url + "/models")
    assert (len(real.requests), real.connections) == (5, 1)


def test_a_connection_that_the_upstream_has_closed_is_not_used_again(serve, http, upstream) -> None:
    def script(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(answer(b"{}", "200 OK", JSON_TYPE))
        return True

    real = upstream(script)
    mock = serve(proxying(real))
    assert [http.get(mock.url + "/models").status_code for _ in range(3)] == [200, 200, 200]
    assert real.connections == 3


@pytest.mark.parametrize(
    ("url", "path", "target"),
    [
        ("/v1", "/v1/chat/completions", "/v1/chat/completions"),
        ("/v1", "/chat/completions", "/v1/chat/completions"),
        ("/v1/", "/t/a/v1/files/f%20x/content", "/v1/files/f%20x/content"),
        ("/api/v1", "/v1/models", "/api/v1/models"),
        ("", "/openai/deployments/d/chat/completions?api-version=1", "/openai/deployments/d/chat/completions?api-version=1"),
        ("/openai/v1", "/openai/v1/responses", "/openai/v1/responses"),
        ("/openai/v1", "/openai/deployments/d/x", "/openai/deployments/d/x"),
    ],
)
def test_paths_are_appended_to_the_base_url(serve, http, upstream, url, path, target) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real, upstream={"url": f"http://127.0.0.1:{real.port}{url}"}))
    http.post(f"http://127.0.0.1:{mock.port}{path}", json=user("Hi"))
    assert real.requests[0].split(b" ")[1].decode() == target


@pytest.mark.parametrize("path", ["/other", "/v1/../secret", "/v1/%2e%2e/secret", "/openai", "/v1"])
def test_only_paths_of_the_api_are_passed_on(serve, upstream, path) -> None:
    real = upstream(sends(answer(b"{}")))
    mock = serve(proxying(real))
    with socket.create_connection(("127.0.0.1", mock.port), 5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        with connection.makefile("rb") as file:
            assert file.readline().split(b" ")[1] == b"404"
    assert real.requests == []


def test_a_rule_answers_before_the_upstream_and_a_rule_can_pass_on(serve, http, upstream) -> None:
    real = upstream(sends(answer(b'{"from":"upstream"}', "200 OK", JSON_TYPE)))
    rules = [{"when": {"user": "mine"}, "reply": "own"}, {"id": "there", "when": {"user": "theirs"}, "reply": {"proxy": True}}]
    mock = serve({"responses": rules, "upstream": {"url": real.url}})
    own, theirs, other = (http.post(mock.url + "/chat/completions", json=user(text)) for text in ("mine", "theirs", "other"))
    assert own.json()["choices"][0]["message"]["content"] == "own"
    assert theirs.json() == {"from": "upstream"}
    assert other.json()["error"]["code"] == "no_match"
    assert [exchange.rule for exchange in mock.exchanges][1] == "there"


def test_inputs_of_which_one_is_passed_on_are_passed_on_together(serve, http, upstream) -> None:
    real = upstream(sends(answer(b'{"from":"upstream"}', "200 OK", JSON_TYPE)))
    mock = serve(proxying(real, responses=[{"when": {"text": "a"}, "reply": {"embedding": [1]}}]))
    body = {"model": "text-embedding-3-small", "input": ["a", "b"]}
    assert http.post(mock.url + "/embeddings", json=body).json() == {"from": "upstream"}


# Streams


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def test_the_pieces_of_a_stream_are_passed_on_as_they_arrive(serve, http, upstream) -> None:
    go_on = threading.Event()

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(STREAM_HEAD + chunked(b"data: 1\n\n"))
        go_on.wait(10)
        connection.sendall(chunked(b"data: 2\n\n", b""))

    mock = serve(proxying(upstream(script)))
    with http.stream("POST", mock.url + "/chat/completions", json=user("Hi", stream=True)) as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"data: 1\n\n"
        # The first piece is here before the upstream sends the second one.
        go_on.set()
        assert b"".join(pieces) == b"data: 2\n\n"
    (exchange,) = mock.exchanges
    assert (exchange.status, exchange.ended, len(exchange.chunks)) == (200, "complete", 2)


def test_a_client_that_leaves_closes_the_connection_to_the_upstream(serve, http, upstream) -> None:
    real = upstream(sends(STREAM_HEAD + chunked(b"data: 1\n\n")))
    mock = serve(proxying(real))
    with http.stream("POST", mock.url + "/chat/completions", json=user("Hi", stream=True)) as response:
        next(response.iter_raw())
    assert real.left.wait(10)


def test_a_client_that_leaves_before_the_answer_closes_the_connection_too(serve, upstream) -> None:
    real = upstream(lambda connection, request: None)
    mock = serve(proxying(real))
    with socket.create_connection(("127.0.0.1", mock.port), 5) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        while not real.requests:
            threading.Event().wait(0.01)
    assert real.left.wait(10)


def test_a_stream_that_breaks_off_is_broken_for_the_client(serve, http, upstream) -> None:
    def script(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(STREAM_HEAD + chunked(b"data: 1\n\n"))
        return True

    mock = serve(proxying(upstream(script)))
    with pytest.raises(httpx.RemoteProtocolError):
        http.post(mock.url + "/chat/completions", json=user("Hi", stream=True))
    assert mock.exchanges[0].ended == "fault"


@pytest.mark.parametrize("fault", ["disconnect;after=1", "truncate;after=1"])
def test_faults_apply_to_the_events_of_a_stream(serve, upstream, fault) -> None:
    real = upstream(sends(STREAM_HEAD + chunked(b"data: 1\n\ndata: 2\n\n", b"data: 3\n\n", b"")))
    mock = serve(proxying(real))
    with socket.create_connection(("127.0.0.1", mock.port), 5) as connection:
        body = json.dumps(user("Hi", stream=True)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-openaimock-fault: {fault}\r\n"
        connection.sendall(head.encode() + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        with connection.makefile("rb") as file:
            received = file.read()
    assert b"data: 1\n\n" in received
    assert b"data: 2" not in received


def test_faults_and_latency_apply_to_whole_answers(serve, http, upstream) -> None:
    real = upstream(sends(answer(b'{"a":1}', "200 OK", JSON_TYPE)))
    mock = serve(proxying(real))
    url = mock.url + "/models"
    assert http.get(url, headers={"x-openaimock-fault": "truncate;after=3"}).content == b'{"a'
    assert http.get(url, headers={"x-openaimock-latency": "20"}).json() == {"a": 1}
    assert mock.exchanges[1].duration >= 0.02


@pytest.mark.parametrize(("body", "type", "after"), [(b"{}", "application/json", 0), (STREAM, "text/event-stream", 1)])
def test_a_hold_applies_to_the_answer_of_the_upstream(serve, http, upstream, body, type, after) -> None:
    real = upstream(sends(answer(body, "200 OK", f"content-type: {type}")))
    rule = {"when": {}, "reply": {"proxy": True, "hold": {"name": "slow", "after": after}}}
    mock = serve({"responses": [rule], "upstream": {"url": real.url}})
    with ThreadPoolExecutor() as pool:
        held = pool.submit(http.post, mock.url + "/chat/completions", json=user("x", stream=after > 0))
        mock.wait_held("slow")
        mock.release("slow")
        assert held.result(20).content == body
    with socket.create_connection(("127.0.0.1", mock.port), timeout=20) as leaving:
        content = json.dumps(user("x", stream=after > 0)).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: %d\r\n\r\n" % len(content)
        leaving.sendall(head + content)
        mock.wait_held("slow")
    mock.wait_held("slow", count=0)
    assert mock.exchanges[-1].ended == "client_disconnected"


def test_limits_apply(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real, limits={"rpm": 1}))
    assert [http.post(mock.url + "/chat/completions", json=user("Hi")).status_code for _ in range(2)] == [200, 429]
    assert len(real.requests) == 1


# Failures


def refused() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_an_upstream_that_refuses_the_connection_is_a_502_that_says_so(serve, http) -> None:
    url = refused()
    mock = serve({"unmatched": "proxy", "upstream": {"url": url}})
    response = http.post(mock.url + "/chat/completions", json=user("Hi"))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (502, "upstream_error")
    assert error["message"] == f"The upstream {url.removesuffix('/v1')} did not answer: it refused the connection."


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (lambda connection, request: True, "it closed the connection without an answer"),
        (lambda connection, request: connection.sendall(b"hello\r\n\r\n") or True, "is not HTTP"),
        (lambda connection, request: None, "it sent nothing for 0.2 seconds"),
    ],
)
def test_an_upstream_that_does_not_answer_is_a_502_that_says_why(serve, http, upstream, script, message) -> None:
    mock = serve(proxying(upstream(script), upstream={"timeout": 0.2}))
    response = http.post(mock.url + "/chat/completions", json=user("Hi"))
    assert response.status_code == 502
    assert message in response.json()["error"]["message"]


def test_a_password_in_the_url_is_not_shown(serve, http) -> None:
    url = refused().replace("://", "://me:hunter2@")
    mock = serve({"unmatched": "proxy", "upstream": {"url": url}})
    assert "hunter2" not in http.get(mock.url + "/models").text


# Keys


def test_the_client_s_key_is_passed_on_without_its_namespace(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real))
    http.get(mock.url + "/models", headers={"authorization": "Bearer sk-mine:test-1"})
    assert head_of(real.requests[0])["authorization"] == "Bearer sk-mine"


def test_the_upstream_s_key_replaces_the_client_s(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real, upstream={"key": "sk-real", "headers": {"x-team": "a"}}))
    http.get(mock.url + "/models", headers={"authorization": "Bearer sk-mine", "x-team": "b"})
    http.get(mock.url + "/models", headers={"api-key": "mine"})
    first, second = map(head_of, real.requests)
    assert (first["authorization"], first["x-team"]) == ("Bearer sk-real", "a")
    assert (second["api-key"], "authorization" in second) == ("sk-real", False)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"},
        {"x-forwarded-for": "1.2.3.4"},
    ],
)
def test_a_page_of_another_site_or_another_machine_cannot_use_the_key(serve, http, upstream, headers) -> None:
    real = upstream(sends(answer(b"{}")))
    response = http.get(serve(proxying(real, upstream={"key": "sk-real"})).url + "/models", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "upstream_refused")
    assert real.requests == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_lending_the_key_to_the_network_is_refused_at_start(host) -> None:
    open_to_all = load({"unmatched": "proxy", "upstream": {"url": "https://api.openai.com/v1", "key": "sk-real"}})
    with pytest.raises(ConfigError, match="set 'api_key'"):
        address(open_to_all, host, 0, {})
    guarded = load({"api_key": "k", "unmatched": "proxy", "upstream": {"url": "https://api.openai.com/v1", "key": "sk-real"}})
    assert address(guarded, host, 0, {}) == (host, 0)


def test_an_unauthorized_request_is_not_passed_on(serve, http, upstream) -> None:
    real = upstream(sends(answer(b"{}")))
    mock = serve(proxying(real, api_key="sk-mock"))
    assert http.get(mock.url + "/nowhere").status_code == 401
    assert http.post(mock.url + "/chat/completions", json=user("Hi")).status_code == 401
    assert real.requests == []


# The environment


def test_an_http_proxy_of_the_environment_is_used(serve, http, upstream, monkeypatch) -> None:
    proxy = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    monkeypatch.setenv("http_proxy", f"http://me:pw@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    mock = serve({"unmatched": "proxy", "upstream": {"url": "http://upstream.test/v1"}})
    assert http.get(mock.url + "/models").json() == {}
    assert proxy.requests[0].startswith(b"GET http://upstream.test/v1/models HTTP/1.1\r\n")
    assert head_of(proxy.requests[0])["proxy-authorization"] == "Basic bWU6cHc="


def answer_in_plain_http(listener: socket.socket) -> None:
    """Answer the first bytes of a TLS connection as a server without TLS does."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        # The client may close in any way.
        with suppress(ConnectionResetError):
            while connection.recv(65536):
                pass


def test_an_upstream_without_tls_is_a_502_that_says_so(serve, http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        answering = pool.submit(answer_in_plain_http, listener)
        mock = serve({"unmatched": "proxy", "upstream": {"url": f"https://127.0.0.1:{listener.getsockname()[1]}/v1"}})
        response = http.post(mock.url + "/chat/completions", json=user("Hi"))
        answering.result(20)
    assert response.status_code == 502
    message = response.json()["error"]["message"]
    assert "it does not speak TLS as expected" in message and "its URL must begin with http://" in message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_the_connection_is_named(serve, http, monkeypatch, scheme: str) -> None:
    address = refused().removeprefix("http://").removesuffix("/v1")
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:pw@{address}")
    mock = serve({"unmatched": "proxy", "upstream": {"url": f"{scheme}://api.test/v1"}})
    response = http.post(mock.url + "/chat/completions", json=user("Hi"))
    assert response.status_code == 502
    message = f"The upstream {scheme}://api.test did not answer: the proxy {address} failed: it refused the connection."
    assert response.json()["error"]["message"] == message


def test_no_proxy_is_respected(serve, http, upstream, monkeypatch) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    monkeypatch.setenv("http_proxy", refused())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert http.get(serve(proxying(real)).url + "/models").json() == {}


def test_an_upstream_without_tls_is_a_502(serve, http, upstream) -> None:
    real = upstream(lambda connection, request: True)
    mock = serve({"unmatched": "proxy", "upstream": {"url": f"https://127.0.0.1:{real.port}/v1", "timeout": 0.3}})
    assert http.get(mock.url + "/models").status_code == 502


# Configurations


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"unmatched": "proxy"}, "'unmatched: proxy' needs 'upstream'"),
        ({"responses": [{"id": "a", "when": {}, "reply": {"proxy": True}}]}, "'proxy: true' in rule 'a' needs 'upstream'"),
        ({"unmatched": "echo", "upstream": {"url": "api.openai.com"}}, "expected a base URL"),
        ({"unmatched": "echo", "upstream": {"url": "https://x/v1", "timeout": 0}}, "timeout"),
        (
            {"upstream": {"url": "https://x/v1"}, "responses": [{"when": {}, "reply": {"proxy": True, "content": "a"}}]},
            "'proxy' and 'content' exclude each other",
        ),
    ],
)
def test_configurations_that_cannot_work_are_refused(settings, problem) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(settings)


def test_the_log_says_that_the_upstream_answered(serve, http, upstream, caplog) -> None:
    real = upstream(sends(answer(b"{}", "200 OK", JSON_TYPE)))
    mock = serve(proxying(real))
    mock.log.setLevel(logging.INFO)
    with caplog.at_level(logging.INFO, logger=mock.log.name):
        http.get(mock.url + "/models")
    assert mock.unmatched == []

"""Replies that wait until they are released, by a test or by the admin."""

from __future__ import annotations

import asyncio
import io
import math
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from openaimock import create_app
from openaimock.config.load import load
from openaimock.errors import ConfigError
from openaimock.http import extensions

from ..support.wire import events, post, user

TEXT = "one two three four"


def rule(hold, **reply):
    return [{"id": "held", "when": {"user": "go"}, "reply": {"content": TEXT, "hold": hold, **reply}}]


def stream_body():
    return user("go", stream=True)


async def cancel_held_stream(mock, client) -> list:
    """Start a stream, cancel it when it waits at the hold ``slow``, and return the chunks that arrived."""
    chunks = []

    async def consume():
        async for chunk in await client.chat.completions.create(**stream_body()):
            chunks.append(chunk)

    task = asyncio.create_task(consume())
    await asyncio.to_thread(mock.wait_held, "slow")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(mock.wait_held, "slow", count=0)
    return chunks


def test_a_held_stream_can_be_cancelled_every_time(serve, async_client):
    mock = serve(rule({"name": "slow", "after": 2}))

    async def run():
        async with async_client(mock) as client:
            for _ in range(25):
                assert len(await cancel_held_stream(mock, client)) <= 2
                assert mock.exchanges[-1].ended == "client_disconnected"

    asyncio.run(run())
    assert len(mock.exchanges) == 25


@pytest.mark.parametrize("streamed", [True, False])
def test_a_reply_waits_until_it_is_released(serve, streamed):
    mock = serve(rule("slow"))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, mock, user("go", stream=streamed))
        [exchange] = mock.wait_held("slow")
        assert exchange.rule == "held"
        assert not answer.done()
        assert mock.release("slow") == 1
        assert "four" in answer.result(20).text
    assert exchange.ended == "complete"
    assert mock.wait_held("slow", count=0) == []


def test_the_events_before_the_hold_arrive_and_the_others_wait(serve):
    mock = serve(rule({"name": "slow", "after": 3}))
    with (
        httpx.Client(trust_env=False, timeout=20) as http,
        http.stream("POST", mock.url + "/chat/completions", json=stream_body()) as answer,
    ):
        pieces = answer.iter_text()
        text = ""
        while text.count("data: ") < 3:
            text += next(pieces)
        mock.wait_held("slow")
        assert text.count("data: ") == 3
        mock.release("slow")
        text += "".join(pieces)
    assert events(text)[-1] == "[DONE]"


@pytest.mark.parametrize("name", [None, 3, ["slow"]])
def test_the_name_of_a_hold_is_text(name, serve):
    mock = serve({"responses": []})
    for call in (mock.release, mock.wait_held):
        with pytest.raises(TypeError, match="the name of a hold is text, such as 'slow'; got "):
            call(name)


def test_a_hold_after_the_last_event_waits_with_the_end_and_one_beyond_it_never_waits(serve):
    whole = len(events(post(serve([{"when": {}, "reply": TEXT}]), stream_body()).text))
    at_end, beyond = serve(rule({"name": "end", "after": whole})), serve(rule({"name": "end", "after": whole + 1}))
    assert len(events(post(beyond, stream_body()).text)) == whole
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, at_end, stream_body())
        at_end.wait_held("end")
        at_end.release("end")
        assert len(events(answer.result(20).text)) == whole


def test_messages_and_rules_have_holds_too(serve):
    flow = [{"role": "user", "content": "go"}, {"role": "assistant", "content": TEXT, "hold": "message"}]
    mock = serve([{"messages": flow}, {"when": {"user": "rule"}, "reply": TEXT, "hold": "rule"}])
    with ThreadPoolExecutor() as pool:
        for text, name in (("go", "message"), ("rule", "rule")):
            answer = pool.submit(post, mock, user(text))
            mock.wait_held(name)
            mock.release(name)
            assert answer.result(20).status_code == 200


def test_latency_pace_fault_and_error_come_after_the_release(serve):
    mock = serve([
        {"when": {"user": "cut"}, "reply": {"content": TEXT, "hold": "a", "latency": 1, "fault": "disconnect"}},
        {"when": {"user": "slow head"}, "reply": {"content": TEXT, "hold": "a", "fault": "slow_headers"}},
        {"when": {"user": "failed"}, "reply": {"error": 429, "hold": "a"}},
    ])  # fmt: skip
    with ThreadPoolExecutor() as pool:
        answers = []
        for count, (text, streamed) in enumerate([("cut", True), ("cut", False), ("slow head", True), ("failed", False)], 1):
            answers.append(pool.submit(post, mock, user(text, stream=streamed)))
            mock.wait_held("a", count=count)
        assert mock.release("a") == 4
        for cut in answers[:2]:
            with pytest.raises(httpx.RemoteProtocolError):
                cut.result(20)
        assert "four" in answers[2].result(20).text
        assert answers[3].result(20).status_code == 429


def test_a_release_before_the_arrival_lets_one_request_pass(serve):
    mock = serve(rule("early"))
    assert mock.release("early") == 0
    assert post(mock, user("go")).status_code == 200
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, mock, user("go"))
        mock.wait_held("early")
        mock.release("early")
        assert answer.result(20).status_code == 200


def test_a_thousand_held_requests_need_no_thread_and_are_closed_when_their_clients_leave(serve):
    mock = serve(rule({"name": "many", "after": 1}))
    body = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"go"}]}'
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    threads = threading.active_count()
    clients = [socket.create_connection(("127.0.0.1", mock.port), timeout=20) for _ in range(1000)]
    try:
        for client in clients:
            client.sendall(request)
        assert len(mock.wait_held("many", 60, count=1000)) == 1000
        assert threading.active_count() == threads
    finally:
        for client in clients:
            client.close()
    mock.wait_held("many", 60, count=0)
    assert {exchange.ended for exchange in mock.exchanges} == {"client_disconnected"}


def test_a_hold_belongs_to_its_namespace(serve):
    mock = serve(rule("shared"))
    with ThreadPoolExecutor() as pool:
        answers = {name: pool.submit(post, mock, user("go"), headers={"x-openaimock-namespace": name}) for name in ("a", "b")}
        mock.wait_held("shared", count=2)
        assert mock.release("shared", namespace="a") == 1
        assert answers["a"].result(20).status_code == 200
        assert [exchange.namespace for exchange in mock.wait_held("shared")] == ["b"]
        mock.release("shared")
        assert answers["b"].result(20).status_code == 200


@pytest.mark.parametrize("end", ["reset", "stop", "restart"])
def test_the_end_of_a_test_cuts_held_requests(serve, end):
    mock = serve(rule("cut"))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, mock, user("go"))
        mock.wait_held("cut")
        {"reset": mock.reset, "stop": mock.stop, "restart": lambda: mock.restart({"responses": rule("cut")})}[end]()
        with pytest.raises(httpx.TransportError):
            answer.result(20)


def test_a_reset_forgets_early_releases(serve):
    mock = serve(rule("early"))
    mock.release("early")
    mock.release("early", namespace="a")
    mock.app.api.sender.holds.reset("a")
    mock.reset()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, mock, user("go"))
        mock.wait_held("early")
        mock.release("early")
        answer.result(20)


def test_the_admin_lists_and_releases(serve):
    mock = serve(rule({"name": "a/b", "after": 1}))
    admin = f"http://127.0.0.1:{mock.port}/__openaimock"
    with ThreadPoolExecutor() as pool, httpx.Client(trust_env=False, timeout=20) as http:
        answer = pool.submit(post, mock, stream_body())
        mock.wait_held("a/b")
        [held] = http.get(f"{admin}/holds").json()["holds"]
        assert (held["name"], held["after"], held["exchange"]["rule"]) == ("a/b", 1, "held")
        assert http.get(f"{admin}/holds", params={"namespace": "other"}).json() == {"holds": []}
        assert http.post(f"{admin}/holds/a/b/free").status_code == 404
        assert http.post(f"{admin}/holds/a%2Fb/release").json() == {"released": 1}
        assert answer.result(20).status_code == 200
        # The reset of one namespace does not cut the others.
        answer = pool.submit(post, mock, stream_body())
        mock.wait_held("a/b")
        http.post(f"{admin}/reset", params={"namespace": "other"})
        assert http.post(f"{admin}/holds/a/b/release").json() == {"released": 1}
        assert answer.result(20).status_code == 200


def test_a_hold_where_no_request_arrives_is_an_error_that_names_the_holds(serve):
    mock = serve([*rule("slow"), {"when": {"user": "x"}, "reply": {"content": "y", "hold": {"name": "slower"}}}])
    with pytest.raises(TimeoutError, match=r"^no request arrived at the hold 'slow' within 0 seconds$"):
        mock.wait_held("slow", 0)
    with pytest.raises(
        TimeoutError, match=r"0 of 2 requests arrived .* no rule has this hold; did you mean 'slow'\? \(slow, slower\)"
    ):
        mock.wait_held("slwo", 0, count=2)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(post, mock, user("go"))
        mock.wait_held("slow")
        with pytest.raises(TimeoutError, match="1 requests still wait at the hold 'slow'"):
            mock.wait_held("slow", 0, count=0)
        mock.release("slow")
        answer.result(20)
    with pytest.raises(TimeoutError, match="no rule has one"):
        serve([{"when": {}, "reply": "x"}]).wait_held("slow", -1)


def test_a_hold_is_checked_like_every_key():
    with pytest.raises(ConfigError) as caught:
        load({"responses": [{"when": {}, "reply": "x", "hold": hold} for hold in ("", {"after": -1}, {"name": "x", "afetr": 1})]})
    assert [problem.message for problem in caught.value.problems] == [
        "expected text, got an empty one",
        "expected a whole number 0 or more, got -1",
        "'name' is missing",
        "'afetr' is not a key of a hold; did you mean 'after'? (name, after)",
    ]


# Other hosts


def environ(body: bytes, **more):
    return {"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/chat/completions", "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json", **more}  # fmt: skip


BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"go"}]}'


def test_on_another_host_a_hold_blocks_its_thread_until_it_is_released():
    app = create_app({"responses": rule("slow")})
    holds = app.api.sender.holds
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: b"".join(app(environ(BODY), lambda *_: None)))
        assert holds.wait("slow", 20)
        assert holds.release("slow") == 1
        assert b"four" in answer.result(20)


def test_on_another_host_a_hold_ends_when_the_client_leaves(monkeypatch):
    monkeypatch.setattr(extensions, "CHECK", 0.001)
    app = create_app({"responses": rule("slow")})
    body = app(environ(BODY, **{"waitress.client_disconnected": lambda: True}), lambda *_: None)
    assert list(body) == []
    body.close()
    assert app.api.sender.holds.waiting() == []
    [exchange] = app.api.namespaces["default"].exchanges()
    assert exchange.ended == "client_disconnected"


def test_on_another_host_a_hold_ends_after_a_limit(monkeypatch):
    monkeypatch.setattr(extensions, "HOLD_LIMIT", 0.0)
    monkeypatch.setattr(extensions, "CHECK", 0.001)
    app = create_app({"responses": rule("slow")})
    assert b"four" in b"".join(app(environ(BODY), lambda *_: None))


def test_a_host_of_another_kind_gets_a_gate():
    """As ``docs/hooks.rst`` describes it: an endless delay, and ``wait`` in its piece."""
    app = create_app({"responses": rule("slow")})
    items = iter(app(environ(BODY, **{"openaimock.timed": lambda items: items}), lambda *_: None))
    delay, gate = next(items)
    opened = threading.Event()
    gate.wait(opened.set)
    gate.wait(opened.set)
    assert delay == math.inf
    assert not opened.is_set()
    app.api.sender.holds.release("slow")
    assert opened.is_set()
    assert b"four" in next(items)[1]

"""Every code of the verdict: a client that does it, and one that does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from openaimock import verdict
from openaimock.testing.mock import MockServer

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "nothing"}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
LONG = "one two three four five six seven eight"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str | None) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


class Client:
    """A client of a mock whose clock stands still; ``wait`` moves it."""

    def __init__(self, mock: MockServer, http: httpx.Client) -> None:
        self.mock, self.http = mock, http
        self.sockets: list[socket.socket] = []

    def post(self, *messages: Any, **more: Any) -> httpx.Response | None:
        """The response, None when the connection failed."""
        inputs = [user(text) if isinstance(text, str) else text for text in messages]
        try:
            return self.http.post(self.mock.url + "/chat/completions", json={"model": "gpt-4o", "messages": inputs, **more})
        except httpx.TransportError:
            return None

    def times(self, count: int, text: str, wait: float = 0.0) -> None:
        for _ in range(count):
            self.post(text)
            self.wait(wait)

    def wait(self, seconds: float) -> None:
        self.mock.advance(seconds)


RULES = [
    {"id": "limited", "when": {"user": {"contains": "limited"}}, "reply": {"error": {"status": 429, "retry_after": 5}}},
    {"id": "busy", "when": {"user": {"contains": "busy"}}, "reply": {"error": 503}},
    {"id": "bad", "when": {"user": "bad"}, "reply": {"error": {"status": 400, "message": "This request is no good at all."}}},
    {"id": "poor", "when": {"user": "poor"}, "reply": {"error": "insufficient_quota"}},
    {"id": "long", "when": {"user": {"contains": "long"}}, "reply": {"error": "context_length_exceeded"}},
    {"id": "cut", "when": {"user": "cut"}, "reply": {"content": LONG, "fault": {"kind": "truncate", "after": 4}}},
    {"id": "gone", "when": {"user": "gone"}, "reply": {"content": LONG, "fault": "empty"}},
    {"id": "empty", "when": {"user": "empty"}, "reply": ""},
    {"id": "slow", "when": {"user": "slow"}, "reply": {"content": "late", "latency": 60000}},
    {"id": "stuck", "when": {"user": "stuck"}, "reply": {"content": LONG, "fault": {"kind": "stall", "after": 2}}},
    {"id": "twice", "when": {"user": "once busy"}, "priority": 1, "reply": "fine"},
    {"id": "fine", "when": {}, "reply": "fine"},
]


@pytest.fixture
def client(serve) -> Iterator[Client]:
    mock = serve({"clock": "2026-01-01T00:00:00Z", "responses": RULES, "lint": "off", "journal": {"size": 500}})
    with httpx.Client(trust_env=False, timeout=20) as http:
        client = Client(mock, http)
        yield client
    for sock in client.sockets:
        sock.close()


def stall(client: Client) -> None:
    """A stream that the client never stops reading."""
    parts = urlsplit(client.mock.url)
    body = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "stuck"}]}'
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    sock = socket.create_connection((parts.hostname, parts.port))
    client.sockets.append(sock)
    sock.sendall(head.encode() + body)
    sock.recv(100)


def impatient(client: Client) -> None:
    for count in range(2):
        with pytest.raises(httpx.ReadTimeout), httpx.Client(trust_env=False, timeout=0.1) as http:
            http.post(client.mock.url + "/chat/completions", json={"model": "gpt-4o", "messages": [user("slow")]})
        until(lambda: len([each for each in client.mock.exchanges if each.ended == "client_disconnected"]) > count)  # noqa: B023
        client.wait(1)


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen")


def poll(client: Client, wait: float) -> None:
    id = client.http.post(f"{client.mock.url}/responses", json={"model": "gpt-4o", "input": "hi"}).json()["id"]
    for _ in range(5):
        client.http.get(f"{client.mock.url}/responses/{id}")
        client.wait(wait)


def grow(client: Client, count: int, text: str = "more", keep: int = 1000) -> None:
    messages: list[Any] = []
    for number in range(count):
        messages = [*messages[-keep:], user(f"{text} {number}")]
        client.post(*messages)
        messages.append(assistant("fine"))


def loop(client: Client, rounds: int, argument: Callable[[int], int]) -> None:
    messages: list[Any] = [user("go")]
    for number in range(rounds):
        call = {**CALL, "id": f"call_{number}", "function": {"name": "look", "arguments": f'{{"at": {argument(number)}}}'}}
        messages += [{**CALLING, "tool_calls": [call]}, {**RESULT, "tool_call_id": f"call_{number}"}]
    client.post(*messages)


def stream_then(client: Client, *messages: Any) -> None:
    client.post("cut", stream=True)
    client.wait(1)
    client.post(*messages)


def limited_others(client: Client, wait: float) -> None:
    for number in range(5):
        client.post(f"limited {number}")
        client.wait(wait)


#: For each code a client that does it, and one in the same situation that does not.
CLIENTS: dict[str, tuple[Callable[[Client], Any], Callable[[Client], Any]]] = {
    "retry_without_backoff": (lambda c: c.times(3, "busy"), lambda c: c.times(3, "busy", 0.5)),
    "retry_at_constant_interval": (
        lambda c: c.times(4, "busy", 1),
        lambda c: [(c.post("busy"), c.wait(2**number)) for number in range(4)],
    ),
    "retry_after_ignored": (lambda c: c.times(2, "limited", 4), lambda c: c.times(2, "limited", 5.1)),
    "retried_client_error": (lambda c: c.times(2, "bad", 5), lambda c: (c.post("bad"), c.post("another"))),
    "retried_without_quota": (lambda c: c.times(2, "poor", 60), lambda c: (c.post("poor"), c.post("another"))),
    "endless_retry": (lambda c: c.times(11, "busy", 30), lambda c: c.times(10, "busy", 30)),
    "not_retried": (lambda c: c.post("busy"), lambda c: c.times(2, "busy", 1)),
    "requests_while_limited": (lambda c: limited_others(c, 0.5), lambda c: limited_others(c, 6)),
    "timeout_too_short": (impatient, lambda c: c.post("fine")),
    "no_timeout": (stall, lambda c: c.post("fine", stream=True)),
    "polling_too_fast": (lambda c: poll(c, 0.1), lambda c: poll(c, 1)),
    "broken_stream_not_repeated": (lambda c: c.post("cut", stream=True), lambda c: c.post("cut")),
    "broken_stream_taken_as_whole": (
        lambda c: stream_then(c, "cut", assistant("one two three"), user("go on")),
        lambda c: stream_then(c, "cut", assistant(LONG), user("go on")),
    ),
    "error_taken_as_answer": (
        lambda c: (c.post("bad"), c.post("bad", assistant("Error: This request is no good at all."), user("so?"))),
        lambda c: (c.post("bad"), c.post("bad", assistant("Sorry, something went wrong."), user("so?"))),
    ),
    "empty_answer_taken": (
        lambda c: (c.post("empty"), c.post("empty", assistant("None"), user("so?"))),
        lambda c: (c.post("empty"), c.post("empty", assistant("Sorry."), user("so?"))),
    ),
    "tool_result_missing": (lambda c: c.post("go", CALLING, user("so?")), lambda c: c.post("go", CALLING, RESULT)),
    "tool_result_out_of_place": (lambda c: c.post("go", RESULT), lambda c: c.post("go", CALLING, RESULT)),
    "tool_result_repeated": (lambda c: c.post("go", CALLING, RESULT, RESULT), lambda c: c.post("go", CALLING, RESULT)),
    "same_call_again": (lambda c: loop(c, 5, lambda number: 1), lambda c: loop(c, 5, lambda number: number)),
    "endless_loop": (lambda c: loop(c, 25, lambda number: number), lambda c: loop(c, 24, lambda number: number)),
    "same_request_again": (lambda c: c.times(10, "fine"), lambda c: c.times(9, "fine")),
    "context_growth": (lambda c: grow(c, 11, "many words " * 500), lambda c: grow(c, 30, keep=4)),
    "context_not_reduced": (
        lambda c: (c.post("long"), c.post("long", assistant("x"), user("long"))),
        lambda c: (c.post("very", "long"), c.post("long")),
    ),
}  # fmt: skip


def codes(client: Client) -> dict[str, verdict.Finding]:
    return {finding.code: finding for finding in client.mock.verdict()}


@pytest.mark.parametrize("code", [code.name for code in verdict.CODES])
def test_a_client_that_does_it_gets_the_finding_with_its_exchanges(code, client):
    CLIENTS[code][0](client)
    finding = codes(client)[code]
    orders = {exchange.order for exchange in client.mock.exchanges}
    assert finding.exchanges and set(finding.exchanges) <= orders
    assert finding.remedy and finding.data()["remedy"] == finding.remedy


@pytest.mark.parametrize("code", [code.name for code in verdict.CODES])
def test_a_client_that_avoids_it_does_not_get_the_finding(code, client):
    CLIENTS[code][1](client)
    assert client.mock.exchanges
    assert code not in codes(client)


def test_a_broken_stream_that_is_repeated_is_no_finding(serve):
    cut = {"content": LONG, "fault": {"kind": "disconnect", "after": 4}}
    mock = serve({"clock": "2026-01-01T00:00:00Z", "responses": [{"when": {}, "replies": [cut, LONG]}]})
    with httpx.Client(trust_env=False) as http:
        client = Client(mock, http)
        assert client.post("hi", stream=True) is None
        client.wait(1)
        assert client.post("hi", stream=True).status_code == 200
    mock.assert_resilient()


def test_the_table_has_at_least_fifteen_codes_and_each_has_clients():
    assert [code.name for code in verdict.CODES] == list(CLIENTS)
    assert len(CLIENTS) >= 15

"""Trouble as a client meets it: cut streams, resets, stalls, garbled bytes, failing attempts, chaos."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time

import httpx
import openai
import pytest

from openaimock.delivery.faults import parse, spoil, stream, whole
from openaimock.errors import APIError, Hangup
from openaimock.types.reply import Fault

from ..support.wire import events, post, user

TEXT = "one two three four five six seven eight"
#: The exceptions by which the SDK says that a stream ended before its end.
CUT = (openai.APIConnectionError, httpx.RemoteProtocolError, httpx.ReadError)


def rule(**reply):
    return [{"when": {"user": {"any": True}}, "reply": {"content": TEXT, **reply}}]


def received(mock, **more) -> tuple[bytes, type | None]:
    """All bytes a bare socket got for a chat request, and the exception that ended it."""
    body = json.dumps(user("go", **more)).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Type: application/json\r\nConnection: close\r\n"
    data = b""
    with socket.create_connection(("127.0.0.1", mock.port), timeout=30) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        try:
            while piece := connection.recv(65536):
                data += piece
        except OSError as error:
            return data, type(error)
    return data, None


def read_stream(client, **more):
    """The content chunks that arrived and the exception that ended the stream, None for a whole one."""
    chunks = []
    try:
        for chunk in client.chat.completions.create(**user("go"), stream=True, **more):
            chunks.append(chunk)
    except Exception as error:
        return chunks, error
    return chunks, None


# Streams


def test_a_stream_cut_after_5_chunks_gives_exactly_5_chunks_and_the_sdk_s_error(serve, client):
    chunks, error = read_stream(client(serve(rule(fault={"kind": "disconnect", "after": 5}))))
    assert len(chunks) == 5
    assert isinstance(error, CUT)


def test_a_cut_is_an_orderly_end_without_the_last_chunk(serve):
    data, error = received(serve(rule(fault={"kind": "disconnect", "after": 2})), stream=True)
    assert error is None
    assert data.count(b"data: ") == 2
    assert not data.endswith(b"0\r\n\r\n")


def test_a_reset_is_a_reset(serve):
    data, error = received(serve(rule(fault={"kind": "reset", "after": 2}, pace={"tps": 100})), stream=True)
    assert error is ConnectionResetError
    assert data.count(b"data: ") <= 2


@pytest.mark.parametrize("streamed", [True, False])
def test_empty_sends_nothing_at_all(serve, streamed):
    assert received(serve(rule(fault="empty")), stream=streamed) == (b"", None)


def test_a_stall_ends_when_the_client_gives_up(serve, client):
    chunks, error = read_stream(client(serve(rule(fault={"kind": "stall", "after": 3})), timeout=0.3))
    assert len(chunks) == 3
    assert isinstance(error, openai.APITimeoutError)


def test_a_stall_ends_when_the_server_stops(serve):
    mock = serve(rule(fault={"kind": "stall", "after": 3}))
    got = []
    reader = threading.Thread(target=lambda: got.append(received(mock, stream=True)))
    reader.start()
    while not len(mock.app.api.namespaces["default"].exchanges()):
        assert reader.is_alive()
    mock.stop()
    reader.join(30)
    assert got[0][0].count(b"data: ") <= 3


def test_truncate_ends_a_stream_in_order_but_too_early(serve):
    text = post(serve(rule(fault={"kind": "truncate", "after": 4})), user("go", stream=True)).text
    assert text.count("data: ") == 4
    assert "[DONE]" not in text


def test_no_done_leaves_out_the_last_event_alone(serve):
    whole_text = post(serve(rule()), user("go", stream=True)).text
    text = post(serve(rule(fault="no_done")), user("go", stream=True)).text
    assert text.count("data: ") == whole_text.count("data: ") - 1
    assert '"finish_reason":"stop"' in text
    assert "[DONE]" not in text


def test_garble_breaks_one_event(serve, client):
    chunks, error = read_stream(client(serve(rule(fault={"kind": "garble", "after": 2}))))
    assert len(chunks) == 2
    assert isinstance(error, ValueError)


def test_duplicate_sends_one_event_twice(serve):
    sent = events(post(serve(rule(fault={"kind": "duplicate", "after": 1})), user("go", stream=True)).text)
    assert sent[1] == sent[2]
    assert sent[0] != sent[1]
    assert sent[2] != sent[3]


def test_error_event_is_the_api_s_error_in_the_stream(serve, client):
    chunks, error = read_stream(client(serve(rule(fault={"kind": "error_event", "after": 3}))))
    assert len(chunks) == 3
    assert isinstance(error, openai.APIError)
    assert "server had an error" in error.message


def test_split_utf8_cuts_inside_a_character_and_is_put_together_again(serve, client):
    mock = serve([{"when": {"user": "go"}, "reply": {"content": "ü 👍 ü 👍", "fault": "split_utf8", "pace": {"chunk": "word"}}}])
    chunks, error = read_stream(client(mock))
    assert error is None
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "ü 👍 ü 👍"
    with (
        httpx.Client(trust_env=False) as plain,
        plain.stream("POST", mock.url + "/chat/completions", json=user("go", stream=True)) as response,
    ):
        pieces = list(response.iter_raw())
    broken = 0
    for piece in pieces:
        try:
            piece.decode()
        except UnicodeDecodeError:
            broken += 1
    assert broken >= 2


def test_slow_headers_come_byte_by_byte_and_whole(serve):
    mock = serve(rule(fault="slow_headers"))
    body = json.dumps(user("go")).encode()
    with socket.create_connection(("127.0.0.1", mock.port), timeout=30) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        pieces = []
        while b"\r\n\r\n" not in b"".join(pieces):
            pieces.append(connection.recv(65536))
    assert len(pieces) > 5
    assert b"".join(pieces).startswith(b"HTTP/1.1 200 OK\r\n")


def test_after_counts_events_that_have_been_sent(serve):
    for after in range(4):
        data, _ = received(serve(rule(fault={"kind": "disconnect", "after": after})), stream=True)
        assert data.count(b"data: ") == after


# Whole replies


def test_a_whole_reply_cut_after_some_bytes(serve, client):
    mock = serve(rule(fault={"kind": "disconnect", "after": 20}))
    data, error = received(mock)
    assert (error, len(data.split(b"\r\n\r\n", 1)[1])) == (None, 20)
    with pytest.raises(CUT):
        client(mock).chat.completions.create(**user("go"))


def test_a_whole_reply_reset(serve):
    assert received(serve(rule(fault={"kind": "reset", "after": 10})))[1] is ConnectionResetError


@pytest.mark.parametrize("kind", ["truncate", "garble", "duplicate"])
def test_a_whole_reply_that_is_no_json(serve, kind):
    answer = post(serve(rule(fault={"kind": kind, "after": 30})), user("go"))
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


def test_error_event_of_a_whole_reply_is_a_500(serve, client):
    with pytest.raises(openai.InternalServerError):
        client(serve(rule(fault="error_event"))).chat.completions.create(**user("go"))


def test_faults_work_on_endpoints_with_answers_of_their_own(serve):
    mock = serve([{"when": {"endpoint": "models"}, "reply": {"status": 200, "body": {"x": 1}, "fault": "empty"}}])
    with httpx.Client(trust_env=False) as plain, pytest.raises(httpx.RemoteProtocolError):
        plain.get(mock.url + "/models")


# Failing attempts


def test_the_sdk_recovers_after_two_failures(serve, client):
    mock = serve(rule(fail={"times": 2, "error": {"status": 500, "retry_after": 0.01}}))
    answer = client(mock, max_retries=2).chat.completions.create(**user("go"))
    assert answer.choices[0].message.content == TEXT
    exchanges = mock.app.api.namespaces["default"].exchanges()
    assert [exchange.status for exchange in exchanges] == [500, 500, 200]
    assert [exchange.ask.attempt for exchange in exchanges] == [0, 1, 2]


def test_an_async_client_retries_after_429_with_retry_after(serve, async_client):
    mock = serve(rule(fail={"times": 1, "error": {"status": 429, "retry_after": 0.05}}))

    async def ask():
        async with async_client(mock, max_retries=1) as sdk:
            return await sdk.chat.completions.create(**user("go"))

    assert asyncio.run(ask()).choices[0].message.content == TEXT
    first = mock.app.api.namespaces["default"].exchanges()[0]
    assert (first.status, first.error.headers["retry-after-ms"]) == (429, "50")


def test_failures_take_nothing_from_times_and_replies(serve):
    mock = serve(
        [
            {
                "when": {"user": "go"},
                "replies": [{"content": "first", "fail": {"times": 1, "error": 503}}, "second"],
                "times": 2,
            }
        ]
    )
    answers = [post(mock, user("go")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 200, 200, 400]
    assert [answer.json()["choices"][0]["message"]["content"] for answer in answers[1:3]] == ["first", "second"]


# What a request asks for


def test_a_request_may_ask_for_its_fault_and_latency(serve):
    mock = serve(rule())
    answer = post(mock, user("go", stream=True), headers={"x-openaimock-fault": "truncate; after=2"})
    assert answer.text.count("data: ") == 2
    assert post(mock, user("go"), headers={"x-openaimock-latency": "3"}).headers["openai-processing-ms"] == "3"


@pytest.mark.parametrize(
    "headers", [{"x-openaimock-fault": "explode"}, {"x-openaimock-fault": "stall;before=1"}, {"x-openaimock-latency": "soon"}]
)
def test_a_request_that_asks_wrongly_is_told_so(serve, headers):
    answer = post(serve(rule()), user("go"), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == next(iter(headers))


def test_overrides_can_be_off(serve):
    mock = serve({"overrides": False, "responses": rule()})
    assert post(mock, user("go"), headers={"x-openaimock-fault": "empty"}).status_code == 200


# Chaos


def outcomes(mock, count=30):
    pieces = []
    for _ in range(count):
        try:
            answer = post(mock, user("go"))
            pieces.append(len(answer.content))
        except httpx.HTTPError as error:
            pieces.append(type(error).__name__)
    return pieces


def test_chaos_is_the_same_for_the_same_seed(serve):
    config = {"chaos": {"rate": 0.4, "faults": ["empty", {"kind": "truncate", "after": 7}]}, "responses": rule()}
    first, second = outcomes(serve(config)), outcomes(serve(config))
    assert first == second
    assert first != outcomes(serve({**config, "seed": 1}))
    assert {"RemoteProtocolError", 7} < set(first)


@pytest.mark.parametrize(("rate", "share"), [(0, 0), (1, 30)])
def test_chaos_at_its_ends(serve, rate, share):
    config = {"chaos": {"rate": rate, "faults": [{"kind": "truncate", "after": 7}]}, "responses": rule()}
    assert outcomes(serve(config)).count(7) == share


# The pieces


def test_spoilt_bytes():
    assert spoil(b"abcdef", None) == b"abcdef"
    assert spoil(b"abcdef", Fault("truncate", 2)) == b"ab"
    assert spoil(b"abcdef", Fault("garble", 2)) == b"abfedc"
    assert spoil(b"abcdef", Fault("duplicate")) == b"abcdefabcdef"


def test_timing_is_kept_up_to_the_fault():
    timed = iter([(0.1, b"a"), (0.2, b"b"), (0.3, b"c")])
    cut = stream(timed, Fault("disconnect", 2), lambda number: b"")
    assert [next(cut), next(cut), next(cut)] == [(0.1, b"a"), (0.2, b"b"), (0.0, b"")]
    with pytest.raises(Hangup):
        next(cut)


def test_a_stall_has_no_end():
    stalled = whole(iter([(0.5, b"abcdef")]), Fault("stall", 3))
    assert next(stalled) == (0.5, b"abc")
    assert next(stalled)[0] == float("inf")


@pytest.mark.parametrize(("header", "fault"), [("stall", Fault("stall")), (" reset ;after = 12 ", Fault("reset", 12))])
def test_header_form(header, fault):
    assert parse(header, ("stall", "reset")) == fault


def test_header_form_refused():
    with pytest.raises(APIError):
        parse("stall;after=-1", ("stall",))


def test_http_client_sees_the_cut(serve):
    mock = serve(rule(fault={"kind": "disconnect", "after": 3}))
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(user("go", stream=True)), {"content-type": "application/json"})
    with pytest.raises(http.client.IncompleteRead) as raised:
        connection.getresponse().read()
    assert raised.value.partial.count(b"data: ") == 3
    connection.close()


FAILING = {"content": TEXT, "fail": {"times": 2, "error": 503}}


@pytest.mark.parametrize("rules", [
    [{"when": {}, "reply": FAILING}],
    [{"messages": [{"role": "user", "content": "go"}, {"role": "assistant", **FAILING}]}],
    [{"when": {}, "replies": [FAILING], "then": "cycle"}],
])  # fmt: skip
def test_after_its_failures_a_reply_answers_for_good(serve, rules):
    mock = serve(rules)
    assert [post(mock, user("go")).status_code for _ in range(6)] == [503, 503, 200, 200, 200, 200]
    other = {"x-openaimock-namespace": "other"}
    assert [post(mock, user("go"), headers=other).status_code for _ in range(3)] == [503, 503, 200]


def test_each_of_several_replies_counts_its_failures(serve):
    fail = {"fail": {"times": 1, "error": 503}}
    mock = serve([{"when": {}, "replies": [{"content": "a", **fail}, {"content": "b", **fail}], "then": "cycle"}])
    assert [post(mock, user("go")).status_code for _ in range(6)] == [503, 200, 503, 200, 200, 200]


@pytest.mark.parametrize("streamed", [False, True])
def test_the_latency_passes_before_an_empty_end(serve, streamed):
    mock = serve(rule(latency=120, fault="empty", pace={"ttft": 30}))
    start = time.monotonic()
    data, _ = received(mock, stream=streamed)
    assert data == b""
    assert time.monotonic() - start >= 0.145


@pytest.mark.parametrize("path", ["/chat/completions", "/responses"])
def test_an_error_event_in_the_users_words(serve, path):
    error = {"message": "Out of capacity", "type": "overloaded", "code": "no_capacity", "hint": 1}
    mock = serve(rule(fault={"kind": "error_event", "after": 2, "error": error}))
    body = {"model": "gpt-4o", "input": "go", "stream": True} if path == "/responses" else user("go", stream=True)
    sent = next(event for event in events(post(mock, body, path).text) if "error" in event or event.get("type") == "error")
    own = sent.get("error") or sent
    assert (own["message"], own["code"], own["hint"]) == ("Out of capacity", "no_capacity", 1)
    if path == "/chat/completions":
        assert own["type"] == "overloaded"
        whole = post(mock, user("go")).json()["error"]
        assert (whole["message"], whole["hint"]) == ("Out of capacity", 1)

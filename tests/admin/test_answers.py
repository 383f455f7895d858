"""The answer of an exchange as the admin shows it: what the client received, written once more."""

from __future__ import annotations

import base64
import contextlib

import httpx
import pytest

from ..support.wire import post, user

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "call", "when": {"user": "call"}, "reply": {"tool_calls": [{"name": "look", "arguments": {"at": "sea"}}]}},
    {"id": "error", "when": {"user": "limit"}, "reply": {"error": {"code": "rate_limit_exceeded", "retry_after": 3}}},
    {"id": "raw", "when": {"user": "raw"}, "reply": {"status": 418, "body": "a teapot", "headers": {"x-tea": "green"}}},
    {"id": "late", "when": {"user": "late"}, "reply": {"content": "a b", "latency": 5, "pace": {"gaps": [1, 2]}}},
    {"id": "cut", "when": {"user": "cut"}, "reply": {"content": "one two", "fault": {"kind": "disconnect", "after": 2}}},
    {"id": "fails", "when": {"user": "fails"}, "reply": {"content": "one two", "fault": {"kind": "error_event", "after": 2}}},
    {"id": "halves", "when": {"user": "halves"}, "reply": {"content": "é", "fault": "truncate"}},
    {"id": "secret", "when": {"user": "secret"}, "reply": "the key is sk-abcdefgh12345678"},
    {"id": "function", "when": {"user": "template"}, "reply": "Hello {{ user }}"},
]
ANSWERED = ("Hello", "call", "limit", "raw", "late", "fails", "template", "no rule")


@pytest.fixture
def mock(serve):
    return serve(RULES)


def admin(mock, path):
    with httpx.Client(trust_env=False) as http:
        answer = http.get(mock.url.removesuffix("/v1") + "/__openaimock/" + path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def answer_of(mock, order=1):
    return admin(mock, f"exchanges/{order}?answer=true")["answer"]


#: Headers that the server adds, or that differ from one answer to the next.
OTHER = ("date", "server", "connection", "transfer-encoding", "content-length", "openai-processing-ms")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", ANSWERED)
@pytest.mark.parametrize(("path", "member"), [("/chat/completions", "messages"), ("/responses", "input")])
def test_the_answer_is_the_one_that_was_sent(mock, path, member, text, stream):
    content = text if member == "input" else [{"role": "user", "content": text}]
    received = post(mock, {"model": "gpt-4o", member: content, "stream": stream}, path)
    answer = answer_of(mock)
    assert (answer["status"], answer["size"], answer["cut"]) == (received.status_code, len(received.content), False)
    if "events" in answer:
        assert "".join(answer["events"]) == received.text
    elif "body" in answer:
        assert answer["body"] == received.json()
    else:
        assert answer["text"] == received.text
    sent = {name: value for name, value in received.headers.items() if name not in OTHER}
    assert {name: value for name, value in answer["headers"].items() if name not in OTHER} == sent


@pytest.mark.parametrize("body", [user("cut", stream=True), user("cut"), user("halves", stream=True), user("halves")])
def test_a_fault_cuts_the_answer_where_the_client_lost_it(mock, body):
    pieces = []
    with (
        httpx.Client(trust_env=False) as http,
        contextlib.suppress(httpx.RemoteProtocolError),
        http.stream("POST", mock.url + "/chat/completions", json=body) as response,
    ):
        pieces.extend(response.iter_raw())
    answer = answer_of(mock)
    assert answer["size"] == len(b"".join(pieces))
    assert "".join(answer.get("events", [answer.get("text", "")])).encode() == b"".join(pieces)


def test_a_picture_is_an_entry_of_media(mock):
    encoded = post(mock, {"model": "gpt-image-1", "prompt": "a cat"}, "/images/generations").json()["data"][0]["b64_json"]
    answer = answer_of(mock)
    assert answer["media"] == [{"type": "image/png", "size": len(base64.b64decode(encoded)), "base64": encoded}]
    assert answer["body"]["data"][0]["b64_json"] == f"{encoded[:40]}... ({len(encoded)} characters)"


@pytest.mark.parametrize("kind", ["mp3", "wav", "pcm"])
def test_speech_is_an_entry_of_media(mock, kind):
    body = {"model": "tts-1", "input": "Hello", "voice": "alloy", "response_format": kind}
    sound = post(mock, body, "/audio/speech").content
    [row] = answer_of(mock)["media"]
    assert row["size"] == len(sound)
    assert row["type"].startswith("audio/")
    assert base64.b64decode(row["base64"]) == sound


def test_an_answer_from_the_state_is_missing_with_the_reason(mock):
    with httpx.Client(trust_env=False) as http:
        http.get(mock.url + "/files")
    assert "from its state" in answer_of(mock)["missing"]


def test_secrets_are_masked_in_answers_and_messages(mock):
    post(mock, user("secret"))
    post(mock, user("secret", stream=True))
    post(mock, user("my key is sk-qwertyuiop123456"))
    for order in (1, 2, 3):
        assert "sk-a" not in str(admin(mock, f"exchanges/{order}?answer=true")).replace("sk-***", "")
        assert "qwertyuiop" not in str(admin(mock, f"exchanges/{order}?answer=true"))


def test_reading_an_answer_changes_nothing(mock):
    for text in ("Hello", "cut"):
        with contextlib.suppress(httpx.RemoteProtocolError):
            post(mock, user(text))
    before = admin(mock, "coverage"), admin(mock, "exchanges")
    for order in (1, 2):
        answer_of(mock, order)
    assert (admin(mock, "coverage"), admin(mock, "exchanges")) == before
    assert "chatcmpl" in post(mock, user("Hello")).text
    assert admin(mock, "exchanges")["exchanges"][-1]["number"] == 3


def test_the_list_has_the_tokens_on_request(mock):
    used = post(mock, user("Hello")).json()["usage"]
    post(mock, user("limit"))
    answered, refused = admin(mock, "exchanges?brief=true&usage=true")["exchanges"]
    assert answered["usage"] == used
    assert refused["usage"] is None
    assert "usage" not in admin(mock, "exchanges?brief=true")["exchanges"][0]


def test_the_messages_are_the_same_for_each_endpoint(mock):
    post(mock, {"model": "gpt-4o", "messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hello"}]})
    post(mock, {"model": "gpt-4o", "instructions": "Be kind", "input": "Hello"}, "/responses")
    chat, responses = (admin(mock, f"exchanges/{order}?answer=true")["messages"] for order in (1, 2))
    assert chat == responses == [{"role": "system", "text": "Be kind"}, {"role": "user", "text": "Hello"}]


def test_the_answer_of_an_upstream_is_the_received_one(mock, serve, eventually):
    proxy = serve({"upstream": {"url": mock.url}, "unmatched": "proxy"})
    received = post(proxy, user("Hello")).json()
    events = post(proxy, user("Hello", stream=True)).text
    # An answer that is passed on piece by piece ends after the client has got its last byte.
    eventually(lambda: all(exchange.ended == "complete" for exchange in proxy.exchanges))
    assert answer_of(proxy, 1)["body"] == received
    assert "".join(answer_of(proxy, 2)["events"]) == events


def test_a_refused_request_has_its_answer(serve):
    mock = serve({"api_key": "key-1", "responses": RULES})
    received = post(mock, user("Hello"), headers={"authorization": "Bearer wrong"})
    assert answer_of(mock)["body"]["error"]["code"] == received.json()["error"]["code"] == "invalid_api_key"


def test_a_long_stream_is_cut_and_says_so(serve):
    mock = serve([{"when": {"user": "long"}, "reply": "a " * 6000}])
    post(mock, user("long", stream=True))
    answer = answer_of(mock)
    assert answer["cut"] and len(answer["events"]) >= 5000


def test_a_client_that_left_has_the_events_until_then(serve, eventually):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "one two three", "hold": {"name": "gate", "after": 2}}}])
    with httpx.Client(trust_env=False) as http:
        with http.stream("POST", mock.url + "/chat/completions", json=user("x", stream=True)) as response:
            first = next(response.iter_text())
        eventually(lambda: admin(mock, "exchanges")["exchanges"][0]["ended"] != "running")
    answer = answer_of(mock)
    assert first.startswith(answer["events"][0])
    assert len(answer["events"]) == 2
    assert "".join(answer["events"]).startswith(first)


def test_a_running_exchange_has_no_answer_yet(serve):
    mock = serve([{"when": {"user": "x"}, "reply": {"content": "one two three", "hold": {"name": "gate", "after": 2}}}])
    body = user("x", stream=True)
    with httpx.Client(trust_env=False) as http, http.stream("POST", mock.url + "/chat/completions", json=body):
        assert answer_of(mock)["missing"] == "the exchange has not ended"
        http.post(mock.url.removesuffix("/v1") + "/__openaimock/holds/gate/release")


def test_rate_limits_of_another_time_are_not_shown(serve):
    mock = serve({"limits": {"rpm": 10}, "responses": RULES})
    assert "x-ratelimit-limit-requests" in post(mock, user("Hello")).headers
    assert not [name for name in answer_of(mock)["headers"] if name.startswith("x-ratelimit-")]


def test_a_long_answer_of_an_upstream_is_missing_with_the_setting(mock, serve):
    proxy = serve({"upstream": {"url": mock.url}, "unmatched": "proxy", "journal": {"body_limit": 100}})
    post(proxy, user("Hello"))
    assert "body_limit" in answer_of(proxy)["missing"]

"""The journal: what is kept of an exchange, how it is rendered, and what is never shown."""

from __future__ import annotations

import json
import socket

import pytest

from openaimock.state import journal
from openaimock.text import redaction
from openaimock.types.ask import Ask
from openaimock.types.exchange import Exchange

from ..support.wire import post, user


def kept(mock, at=-1, namespace="default"):
    """An exchange of a running mock as it is shown."""
    config = mock.app.api.config
    return journal.render(mock.app.api.namespaces[namespace].exchanges()[at], config.api_keys, config.body_limit)


# What is kept


def test_a_whole_reply_ends_whole_and_a_matched_one_has_its_rule(serve):
    mock = serve([{"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"}])
    post(mock, user("Hello"), headers={"x-stainless-retry-count": "2"})
    found = kept(mock)
    assert (found["ended"], found["status"], found["attempt"], found["namespace"]) == ("complete", 200, 2, "default")
    assert (found["match"]["rule"], found["match"]["score"]) == ("hello", 1.0)
    assert found["duration"] > 0


def test_each_event_of_a_paced_stream_has_its_moment(serve):
    mock = serve([{"id": "slow", "when": {}, "reply": {"content": "one two three", "pace": {"ttft": 5, "tps": 1000}}}])
    pieces = post(mock, user("x", stream=True)).text.count("data: ")
    found = kept(mock)
    assert len(found["chunks"]) == pieces
    assert found["chunks"] == sorted(found["chunks"])
    assert found["chunks"][0] >= 5 or found["chunks"][1] >= 5


def test_a_client_that_left_is_told_from_a_whole_reply(serve):
    mock = serve([{"id": "slow", "when": {}, "reply": {"content": "one two", "pace": {"ttft": 0, "tps": 0.001}}}])
    body = json.dumps(user("x", stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", mock.port), timeout=20) as connection:
        connection.sendall(head + body)
        connection.recv(100)
    mock.stop()
    assert kept(mock)["ended"] == "client_disconnected"


def test_a_fault_is_told(serve):
    rule = {"id": "cut", "when": {}, "reply": {"content": "one two", "fault": {"kind": "disconnect", "after": 1}}}
    mock = serve([rule])
    with pytest.raises(Exception, match=r"peer closed|disconnect|incomplete"):
        post(mock, user("x", stream=True))
    assert kept(mock)["ended"] == "fault"
    assert kept(mock)["fault"] == {"kind": "disconnect", "after": 1}


def test_findings_of_lint_are_there(serve):
    mock = serve([{"id": "any", "when": {}, "reply": "x"}])
    post(mock, user("x", temprature=1))
    assert [finding["check"] for finding in kept(mock)["lint"]] == ["unknown_parameter"]


def test_a_refused_key_leaves_an_exchange_without_a_request(serve):
    mock = serve({"api_key": "right-key", "responses": [{"when": {}, "reply": "x"}]})
    post(mock, user("x"), headers={"authorization": "Bearer wrong-key-here"})
    found = kept(mock)
    assert (found["status"], found["request"], found["unmatched"]) == (401, None, False)
    assert "wrong-key-here" not in json.dumps(found)


def test_it_is_bounded(serve):
    mock = serve({"journal": {"size": 2}, "responses": [{"when": {}, "reply": "x"}]})
    for text in "abc":
        post(mock, user(text))
    assert [exchange.ask.text for exchange in mock.app.api.namespaces["default"].exchanges()] == ["b", "c"]


def test_a_long_body_is_clipped_to_the_limit(serve):
    mock = serve({"journal": {"body_limit": 100}, "responses": [{"when": {}, "reply": "x"}]})
    post(mock, user("ö" * 1000))
    clipped = kept(mock)["request"]["body"]
    assert len(clipped["clipped"].encode()) <= 100
    assert clipped["size"] > 2000


@pytest.mark.parametrize("unmatched", ["echo", "auto", {"content": "?"}])
def test_what_answers_in_a_rule_s_place_is_still_a_miss(serve, unmatched):
    mock = serve({"unmatched": unmatched})
    assert post(mock, user("x")).status_code == 200
    assert (kept(mock)["unmatched"], kept(mock)["matched"]) == (True, False)


def test_everything_rendered_is_json(serve):
    rule = {
        "id": "all",
        "when": {"user": {"regex": "(?P<word>x)"}},
        "reply": {"blocks": [{"text": "a"}, {"tool_call": {"name": "f", "arguments": {"b": 1}}}], "latency": 1, "usage": {}},
    }
    mock = serve([rule, {"id": "py", "when": {}, "reply": lambda ask: "said"}])
    for text in ("x", "y"):
        post(mock, user(text))
        json.dumps(kept(mock))


def test_the_newest_of_many_in_their_order():
    made = [Exchange(number, 0.0, "default", "POST", "/", order=number) for number in (3, 1, 2)]
    assert [each.order for each in journal.pick(made, {}, 2)] == [2, 3]
    assert journal.pick(made, {}, 0) == []


# Redaction


@pytest.mark.parametrize("name", ["authorization", "Api-Key", "cookie", "x-openaimock-admin-key", "x-my-token"])
def test_headers_that_are_secret(name):
    assert "hunter2" not in str(redaction.headers({name: "Bearer hunter2"}))


@pytest.mark.parametrize(
    "body",
    [
        {"api_key": "hunter2"},
        {"a": [{"clientSecret": "hunter2"}]},
        {"access_token": "hunter2"},
        {"PASSWORD": "hunter2"},
        {"text": "my key is sk-hunter2hunter2"},
        {"arguments": '{"password": "hunter2", "city": "SF"}'},
        {"arguments": '{"password":"say \\"hunter2"}'},
        {"a": "Bearer hunter2hunter2"},
        {"hunter2-configured": 1},
        {"deep": {"x": "see hunter2-configured there"}},
    ],
)
def test_bodies_without_their_secrets(body):
    assert "hunter2" not in json.dumps(redaction.value(body, ["hunter2-configured"]))


@pytest.mark.parametrize(
    "body",
    [
        {"max_tokens": 5, "total_tokens": 10},
        {"properties": {"password": {"type": "string"}}},
        {"content": [{"token": "Hel", "logprob": -0.1}]},
        {"text": "a task-force of risk-takers asks for a token"},
        {"a": [1, 2.5, None, True]},
        {"token": ""},
    ],
)
def test_what_is_no_secret_is_left_alone(body):
    assert redaction.value(body, ["ask"]) == body


def test_a_short_key_hides_only_where_it_stands_alone():
    assert redaction.text("abc a-b x abcd", ["abc"]) == "*** a-b x abcd"


def test_configured_keys_are_found_inside_texts(serve):
    mock = serve({"api_key": "my-very-own-key", "responses": [{"when": {}, "reply": "x"}]})
    post(mock, user("the key is my-very-own-key!"), headers={"authorization": "Bearer my-very-own-key"})
    assert "my-very-own-key" not in json.dumps(kept(mock))
    assert kept(mock)["request"]["body"]["messages"][0]["content"] == "the key is ***!"


def test_rendering_changes_nothing_in_place():
    ask = Ask("chat", {"api_key": "hunter2"})
    journal.render(Exchange(1, 0.0, "default", "POST", "/", ask=ask))
    assert ask.body == {"api_key": "hunter2"}


def test_an_error_that_is_kept_keeps_nothing_alive_of_the_way_it_came(serve):
    mock = serve([{"when": {"user": "hello"}, "reply": "hi"}])
    assert post(mock, user("something else")).status_code == 400
    (exchange,) = mock.app.api.namespaces["default"].exchanges()
    assert exchange.error.code == "no_match"
    assert exchange.error.__traceback__ is None
    assert exchange.error.__context__ is None

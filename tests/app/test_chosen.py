"""Headers that choose the rule or the reply: ``x-openaimock-rule`` and ``x-openaimock-reply``."""

from __future__ import annotations

import json

import pytest

from ..support.wire import events, post, user

FLOW = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "first"},
    {"role": "user", "content": "b"},
    {"role": "assistant", "content": "second"},
]
RULES = [
    {"id": "greet", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "twice", "when": {"user": "x"}, "replies": ["one", "two"], "then": "error"},
    {"id": "once", "when": {"user": "y"}, "reply": "once", "times": 1},
    {"id": "flow", "messages": FLOW},
    {"id": "flow-last", "messages": FLOW, "turns": "last"},
    {"id": "größe", "when": {"user": "z"}, "reply": {"error": 429}},
    {"id": "vector", "when": {"text": "none"}, "reply": {"embedding": [1, 2]}},
]


@pytest.fixture(scope="module")
def shared():
    from openaimock import start_mock_server

    with start_mock_server({"responses": RULES, "scenarios": {"cart": "empty"}}) as mock:
        yield mock


@pytest.fixture
def mock(shared):
    shared.reset()
    return shared


def text_of(answer):
    return answer.json()["choices"][0]["message"]["content"]


def ask(mock, text="?", rule=None, reply=None, body=None, path="/chat/completions"):
    headers = {}
    if rule is not None:
        headers["x-openaimock-rule"] = rule.encode()
    if reply is not None:
        headers["x-openaimock-reply"] = reply.encode() if isinstance(reply, str) else json.dumps(reply)
    return post(mock, body or user(text), path, headers=headers)


def message_of(answer):
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_value")
    assert answer.headers["x-should-retry"] == "false"
    return error["message"]


# The rule


def test_the_rule_that_is_named_answers(mock):
    assert text_of(ask(mock, rule="greet")) == "Hi!"
    assert [text_of(ask(mock, rule="twice")) for _ in range(2)] == ["one", "two"]
    assert ask(mock, rule="twice").json()["error"]["code"] == "no_match"
    assert ask(mock, rule="größe").status_code == 429
    assert mock.app.api.namespaces["default"].hits()["greet"] == 1
    assert mock.exchanges[0].rule == "greet"


def test_a_rule_is_used_up_as_ever(mock):
    assert text_of(ask(mock, rule="once")) == "once"
    assert message_of(ask(mock, rule="once")) == "Rule 'once' is used up: it answers 1 times."


def test_a_conversation_answers_with_its_next_message_or_the_last(mock):
    turn = [{"role": "assistant", "content": "?"}, {"role": "user", "content": "?"}]
    bodies = [{**user("?"), "messages": [{"role": "user", "content": "?"}, *turn * count]} for count in range(3)]
    assert [text_of(ask(mock, rule="flow", body=body)) for body in bodies] == ["first", "second", "second"]
    assert text_of(ask(mock, rule="flow-last", body=bodies[0])) == "second"
    # A conversation that matches answers as it does without the header.
    assert text_of(ask(mock, rule="flow", body={**user("a")})) == "first"


def test_every_input_gets_the_reply_of_the_rule(mock):
    body = {"model": "text-embedding-3-small", "input": ["a", "b"]}
    answer = ask(mock, rule="vector", body=body, path="/embeddings")
    assert [item["embedding"] for item in answer.json()["data"]] == [[1, 2], [1, 2]]


def test_a_rule_that_does_not_exist_is_an_error_with_a_suggestion(mock):
    assert message_of(ask(mock, rule="great")) == ("The header x-openaimock-rule names no rule: 'great'; did you mean 'greet'?")
    assert message_of(ask(mock, rule="zzzzzz")).endswith("'zzzzzz'.")
    assert mock.unmatched == []


# The reply


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ('"Hello!"', "Hello!"),
        ('{"content": "Grüße"}', "Grüße"),
        ({"content": {"a": 1}}, '{"a":1}'),
        ({"content": "{{ user }} {{ body.model }}"}, "? gpt-4o"),
        ({"content": "${HOME}", "finish_reason": "length"}, "${HOME}"),
    ],
)
def test_the_header_holds_the_reply(mock, reply, text):
    assert text_of(ask(mock, reply=reply)) == text


def test_every_kind_of_reply(mock):
    call = ask(mock, reply={"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}).json()["choices"][0]["message"]["tool_calls"][
        0
    ]
    assert call["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert ask(mock, reply={"error": {"status": 429, "retry_after": 2}}).headers["retry-after"] == "2"
    assert ask(mock, reply={"status": 418, "body": "tea"}).text == "tea"
    assert (
        events(ask(mock, reply={"content": "a b", "fault": {"kind": "no_done"}}, body=user("?", stream=True)).text)[-1]
        != "[DONE]"
    )
    body = {"model": "gpt-4o", "input": "?"}
    assert ask(mock, reply='"x"', body=body, path="/responses").json()["output"][0]["content"][0]["text"] == "x"


def test_a_reply_in_a_header_has_no_state(mock):
    for name in ("a", "b"):
        assert text_of(ask(mock, reply={"content": name})) == name
    assert mock.app.api.namespaces["default"].hits() == {}
    assert [exchange.rule for exchange in mock.exchanges] == ["x-openaimock-reply"] * 2
    assert mock.unmatched == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("hello", "The header x-openaimock-reply is not JSON: Expecting value at column 1."),
        ('{"content": "x"', "The header x-openaimock-reply is not JSON: Expecting ',' delimiter at column 16."),
        ('{"contnet": "x"}', "<x-openaimock-reply>:1:2: reply: 'contnet' is not a key of a reply; did you mean 'content'?"),
        ('{"content": "x", "latency": -1, "status": 99}', "<x-openaimock-reply>:1:29: reply.latency: expected"),
        ('{"content": "x", "latency": -1, "status": 99}', "<x-openaimock-reply>:1:43: reply.status: expected"),
        ("12", "reply: expected text"),
        ("null", "expected text"),
        ("{}", "an empty reply has no effect"),
        ('{"content": "{{ match.1 }}"}', "names no group"),
        ('{"function": "x"}', "'function' is not a key of a reply"),
        ('{"proxy": true}', "cannot have 'proxy': it would send the request to another server."),
        ('{"setState": {"cart": "full"}}', "cannot have 'set_state': such a reply has no state."),
        ('{"fail": {"error": 500}, "content": "x"}', "cannot have 'fail'"),
        ('{"image": {"file": "/etc/passwd"}}', "cannot name a file; send its bytes as 'b64'."),
        ('{"image": [{"b64": "eA=="}, {"file": "/etc/passwd"}]}', "cannot name a file"),
        ('{"speech": {"File": "/etc/passwd"}}', "cannot name a file"),
        ("[" * 5000, "is not JSON"),
        (json.dumps("x" * 33_000), "is larger than 32768 bytes; use a rule instead."),
    ],
)
def test_a_reply_is_checked_like_a_file(mock, reply, message):
    answer = ask(mock, reply=reply)
    assert message in message_of(answer)
    assert answer.json()["error"]["param"] == "x-openaimock-reply"


def test_the_problems_are_data_too(mock):
    [problem] = ask(mock, reply='{"contnet": "x"}').json()["error"]["problems"]
    assert (problem["place"], problem["path"]) == ("<x-openaimock-reply>:1:2", "reply")


def test_the_headers_exclude_each_other(mock):
    assert "exclude each other" in message_of(ask(mock, rule="greet", reply='"x"'))
    assert ask(mock, "Hello", rule="", reply="").status_code == 200


def test_overrides_false_ignores_both(serve):
    mock = serve({"overrides": False, "responses": RULES})
    for headers in ({"x-openaimock-rule": "twice"}, {"x-openaimock-reply": '"x"'}):
        assert text_of(post(mock, user("Hello"), headers=headers)) == "Hi!"


def test_a_key_comes_before_the_headers(serve):
    mock = serve({"api_key": "secret", "responses": RULES})
    assert post(mock, user("?"), headers={"x-openaimock-reply": '"x"'}).status_code == 401

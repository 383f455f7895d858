"""Prepared answers: the same bytes, headers, journal and counts as without them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from openaimock import create_app
from openaimock.app import prepared, stages
from openaimock.errors import Hangup
from openaimock.state.journal import render
from openaimock.types.reply import Fault

RULES = {
    "clock": "2026-01-01T00:00:00Z",
    "responses": [
        {"when": {"user": {"contains": "one"}}, "reply": "first"},
        {"when": {"user": {"contains": "two"}}, "replies": ["second", "third"], "then": "cycle"},
        {"when": {"user": {"contains": "wait"}}, "reply": {"content": "slow", "latency": 0.001}},
        {"when": {"user": {"contains": "state"}}, "reply": {"content": "moved", "set_state": {"door": "open"}}},
        {"when": {"user": {"contains": "fail"}}, "reply": {"content": "late", "fail": {"times": 2, "error": 503}}},
        {"when": {"user": {"contains": "shape"}}, "reply": {"content": "own", "headers": {"x-own": "1"}}},
        {"when": {"user": {"contains": "echo"}}, "reply": "{{ user }}"},
        {"when": {"user": {"contains": "times"}}, "times": 2, "reply": "twice"},
    ],
    "unmatched": {"content": "other"},
}
WORDS = ["one", "one more", "two", "wait", "state", "fail", "shape", "echo", "times", "none", 'quoted "one"', "é one"]
HEADERS = [
    {},
    {"Origin": "https://example.com"},
    {"x-openaimock-fault": "truncate"},
    {"x-openaimock-latency": "1"},
    {"x-openaimock-rule": "responses[1]"},
    {"x-openaimock-namespace": "other"},
    {"x-request-id": "mine"},
    {"Authorization": "Bearer sk-a:third"},
]
PARAMETERS = [
    {},
    {"stream": True},
    {"max_tokens": 1},
    {"max_tokens": 100},
    {"n": 2},
    {"temperature": 1.5, "unknown": True},
    {"model": "o3", "temperature": 0.5},
    {"model": "gpt-4o-mini"},
    {"response_format": {"type": "json_object"}},
]
REQUESTS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from(HEADERS), st.sampled_from(PARAMETERS)), min_size=1, max_size=12
)
SETTINGS = [{}, {"cors": ["https://example.com"]}, {"lint": "error"}, {"limits": {"rpm": 5}}, {"prompt_cache": True}]


def answers(settings, requests):
    app = create_app({**RULES, **settings})
    client = Client(app)
    received = []
    for word, headers, parameters in requests:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": word}], **parameters}
        try:
            answer = client.post("/v1/chat/completions", json=body, headers=headers)
            received.append((answer.status, sorted(answer.headers), answer.data))
        except Hangup:
            received.append("hangup")
    for state in app.api.namespaces:
        received.append([{**render(exchange), "duration": 0} for exchange in state.exchanges()])
        received.append(dict(state.hits()))
    return received


@given(st.sampled_from(SETTINGS), REQUESTS)
def test_prepared_answers_are_those_of_the_stages(settings, requests):
    often = [request for request in requests for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "prepared", lambda call: None)
        expected = answers(settings, often)
    assert answers(settings, often) == expected


def asking(app):
    """A function that asks for one text, and returns the text of the answer."""
    client = Client(app)

    def ask(text):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        return client.post("/v1/chat/completions", json=body).get_data(as_text=True)

    return ask


@pytest.mark.parametrize("texts", [["one"] * 4, [f"one {number}" for number in range(4)]], ids=["equal", "variants"])
def test_requests_like_earlier_ones_get_prepared_answers(monkeypatch, texts):
    uses = []
    find = prepared.prepared
    monkeypatch.setattr(stages, "prepared", lambda call: uses.append(find(call)) or uses[-1])
    ask = asking(create_app(RULES))
    for text in texts:
        assert "first" in ask(text)
    assert uses[-1] is not None


def test_a_new_rule_answers_at_once():
    app = create_app(RULES)
    ask = asking(app)
    assert all("first" in ask("one") for _ in range(3))
    app.api.add_rules([{"when": {"user": "one"}, "reply": "new", "priority": 1}])
    assert "new" in ask("one")


def test_chaos_that_is_switched_on_reaches_prepared_answers():
    app = create_app(RULES)
    ask = asking(app)
    assert all("first" in ask("one") for _ in range(3))
    app.api.sender.chaos = (1.0, (Fault("garble"),))
    with pytest.raises(json.JSONDecodeError):
        json.loads(ask("one"))


def test_the_answers_of_one_body_are_bounded(monkeypatch):
    monkeypatch.setattr(prepared, "MAX_PLANS", 2)
    app = create_app(RULES)
    ask = asking(app)
    for number in range(6):
        app.api.add_rules([{"when": {"user": "one"}, "reply": f"answer {number}", "priority": number + 1}])
        assert f"answer {number}" in ask("one")
    (ask_of_one,) = app.api.asks._cache.values()
    assert 0 < len(ask_of_one.prepared) <= 2

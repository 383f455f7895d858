"""Namespaces, scenarios, limits: what is remembered, and for whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from openaimock.errors import APIError
from openaimock.state.limits import RateLimits
from openaimock.state.memory import MemoryState
from openaimock.state.namespace import LIMIT

from ..support.wire import post, user

COUNTER = [{"when": {"user": "next"}, "replies": ["one", "two", "three"], "then": "error"}]


def content(answer):
    return answer.json()["choices"][0]["message"]["content"]


# Namespaces


def test_the_path_names_a_namespace(serve, client):
    mock = serve(COUNTER)
    said = []
    for name in ("a", "b", "a"):
        sdk = client(mock, base_url=mock.url.replace("/v1", f"/t/{name}/v1"))
        said.append(sdk.chat.completions.create(**user("next")).choices[0].message.content)
    assert said == ["one", "one", "two"]


def test_a_header_names_a_namespace(serve):
    mock = serve(COUNTER)
    said = [content(post(mock, user("next"), headers={"x-openaimock-namespace": name})) for name in ("a", "b", "a")]
    assert said == ["one", "one", "two"]


@pytest.mark.parametrize("config", [{}, {"api_key": "sk-key"}])
def test_a_key_names_a_namespace_behind_a_colon(serve, client, config):
    mock = serve({**config, "responses": COUNTER})
    said = [
        client(mock, api_key=f"sk-key:{name}").chat.completions.create(**user("next")).choices[0].message.content
        for name in ("a", "b", "a")
    ]
    assert said == ["one", "one", "two"]


def test_path_goes_before_header_goes_before_key(serve):
    mock = serve(COUNTER)
    headers = {"x-openaimock-namespace": "by-header", "authorization": "Bearer k:by-key"}
    with httpx.Client(trust_env=False) as http:
        http.post(mock.url.replace("/v1", "/t/by-path/v1") + "/chat/completions", json=user("next"), headers=headers)
    post(mock, user("next"), headers=headers)
    post(mock, user("next"), headers={"authorization": "Bearer k:by-key"})
    post(mock, user("next"))
    assert [namespace.name for namespace in mock.app.api.namespaces] == ["by-path", "by-header", "by-key", "default"]


def test_isolate_says_what_names_a_namespace(serve):
    mock = serve({"isolate": ["header"], "responses": COUNTER})
    post(mock, user("next"), headers={"authorization": "Bearer k:by-key"})
    assert [namespace.name for namespace in mock.app.api.namespaces] == ["default"]


def test_rules_can_ask_for_the_namespace(serve):
    mock = serve([{"when": {"namespace": {"regex": "^blue"}}, "reply": "blue"}])
    assert content(post(mock, user("x"), headers={"x-openaimock-namespace": "blue-1"})) == "blue"
    assert post(mock, user("x")).status_code == 400


def test_50_clients_at_once_see_only_their_own(serve):
    rule = {"when": {"user": "next"}, "replies": [str(number) for number in range(10)], "then": "error"}
    mock = serve([rule, {"when": {"user": "once"}, "reply": "once", "times": 1}])
    begin = threading.Barrier(50)

    def run(number):
        headers = {"x-openaimock-namespace": f"client-{number}"}
        begin.wait(60)
        with httpx.Client(trust_env=False, headers=headers, base_url=mock.url, timeout=60) as http:
            said = [content(http.post("/chat/completions", json=user("next"))) for _ in range(10)]
            once = [http.post("/chat/completions", json=user("once")).status_code for _ in range(2)]
        return said, once

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(run, range(50)))
    assert all(said == [str(number) for number in range(10)] for said, _ in results)
    assert all(once == [200, 400] for _, once in results)
    assert all(len(mock.app.api.namespaces[f"client-{number}"].exchanges()) == 12 for number in range(50))


def test_resetting_one_leaves_the_others(serve):
    mock = serve(COUNTER)
    for name in ("a", "b"):
        post(mock, user("next"), headers={"x-openaimock-namespace": name})
    mock.app.api.namespaces.reset("a")
    said = [content(post(mock, user("next"), headers={"x-openaimock-namespace": name})) for name in ("a", "b")]
    assert said == ["one", "two"]


def test_the_least_recently_used_namespace_is_forgotten(serve):
    mock = serve(COUNTER)
    namespaces = mock.app.api.namespaces
    namespaces["kept"].hits()["rule-1"] = 1
    namespaces["dropped"].hits()["rule-1"] = 1
    for number in range(LIMIT - 1):
        _ = namespaces["kept"], namespaces[f"other-{number}"]
    assert namespaces["kept"].hits() == {"rule-1": 1}
    assert namespaces["dropped"].hits() == {}


def test_a_times_rule_answers_exactly_so_often_under_load(serve):
    mock = serve([{"when": {"user": "x"}, "reply": "limited", "times": 20}, {"when": {"user": {"any": True}}, "reply": "after"}])
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: content(post(mock, user("x"))), range(60)))
    assert said.count("limited") == 20


# Sequences


@pytest.mark.parametrize(
    ("then", "expected"), [("last", ["a", "b", "b", "b"]), ("cycle", ["a", "b", "a", "b"]), ("error", ["a", "b", None, None])]
)
def test_then(serve, then, expected):
    mock = serve([{"when": {"user": "next"}, "replies": ["a", "b"], "then": then}])
    answers = [post(mock, user("next")) for _ in expected]
    assert [content(answer) if answer.status_code == 200 else None for answer in answers] == expected
    if then == "error":
        assert "all its 2 replies are used up" in answers[-1].json()["error"]["message"]


# Scenarios

SHOP = {
    "scenarios": {"cart": "empty"},
    "responses": [
        {"when": {"user": "add", "state": {"cart": "empty"}}, "reply": {"content": "added", "set_state": {"cart": "full"}}},
        {"when": {"user": "add", "state": {"cart": "full"}}, "reply": "it is full"},
        {"when": {"user": "pay", "state": {"cart": "full"}}, "reply": {"content": "paid", "set_state": {"cart": "empty"}}},
    ],
}


def test_scenarios_go_from_state_to_state(serve):
    mock = serve(SHOP)
    said = [content(post(mock, user(word))) for word in ("add", "add", "pay", "add")]
    assert said == ["added", "it is full", "paid", "added"]


def test_a_wrong_state_is_explained(serve):
    message = post(serve(SHOP), user("pay")).json()["error"]["message"]
    assert "expected scenario 'cart' in state 'full', got 'empty'" in message


def test_each_namespace_has_its_own_states(serve):
    mock = serve(SHOP)
    assert content(post(mock, user("add"), headers={"x-openaimock-namespace": "a"})) == "added"
    assert content(post(mock, user("add"), headers={"x-openaimock-namespace": "b"})) == "added"


# Limits

FROZEN = {"clock": "2026-01-01T00:00:00Z", "responses": [{"when": {"user": {"any": True}}, "reply": "hi"}]}


def test_requests_past_the_limit_are_429_until_time_has_passed(serve, client):
    mock = serve({**FROZEN, "limits": {"rpm": 3}})
    sdk = client(mock)
    for left in (2, 1, 0):
        raw = sdk.chat.completions.with_raw_response.create(**user("x"))
        assert raw.headers["x-ratelimit-limit-requests"] == "3"
        assert raw.headers["x-ratelimit-remaining-requests"] == str(left)
        assert raw.headers["x-ratelimit-reset-requests"] == f"{20 * (3 - left)}s".replace("60s", "1m0s")
    with pytest.raises(openai.RateLimitError) as raised:
        sdk.chat.completions.create(**user("x"))
    assert raised.value.code == "rate_limit_exceeded"
    told = (
        "Rate limit reached for gpt-4o in organization org-openaimock on requests per min (RPM): Limit 3, Used 3, Requested 1. "
        "Please try again in 20s."
    )
    assert told in raised.value.message
    assert raised.value.response.headers["retry-after"] == "20"
    assert raised.value.response.headers["retry-after-ms"] == "20000"
    mock.app.api.sender.clock.advance(20)
    assert sdk.chat.completions.create(**user("x")).choices[0].message.content == "hi"


def test_all_six_headers_are_there(serve):
    headers = post(serve({**FROZEN, "limits": {"tpm": 1000}}), user("x")).headers
    assert {name for name in headers if name.startswith("x-ratelimit")} == {
        f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")
    }


def test_tokens_count_and_so_do_the_tokens_asked_for(serve):
    mock = serve({**FROZEN, "limits": {"tpm": 100}})
    left = int(post(mock, user("x", max_tokens=50)).headers["x-ratelimit-remaining-tokens"])
    assert 40 <= left <= 50
    refused = post(mock, user("x", max_tokens=60))
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "tokens")
    assert "Request too large" in post(mock, user("x", max_tokens=200)).json()["error"]["message"]


def test_requests_a_day(serve):
    mock = serve({**FROZEN, "limits": {"rpd": 1}})
    assert post(mock, user("x")).status_code == 200
    assert "requests per day (RPD)" in post(mock, user("x")).json()["error"]["message"]
    mock.app.api.sender.clock.advance(86_400)
    assert post(mock, user("x")).status_code == 200


def test_limits_are_for_each_key_and_model(serve):
    mock = serve({**FROZEN, "limits": {"rpm": 1}})
    ask = [("k1", "gpt-4o"), ("k1", "gpt-4.1"), ("k2", "gpt-4o"), ("k1", "gpt-4o")]
    statuses = [
        post(mock, {**user("x"), "model": model}, headers={"authorization": f"Bearer {key}"}).status_code for key, model in ask
    ]
    assert statuses == [200, 200, 200, 429]


def test_the_wait_of_a_refusal_is_exact():
    limits, state = RateLimits({"rpm": 7}), MemoryState("default")
    for _ in range(7):
        limits.admit(state, "k", "m", 1, 0.0)
    with pytest.raises(APIError) as raised:
        limits.admit(state, "k", "m", 1, 0.0)
    wait = int(raised.value.headers["retry-after-ms"]) / 1000
    with pytest.raises(APIError):
        limits.admit(state, "k", "m", 1, wait - 0.01)
    limits.admit(state, "k", "m", 1, wait)

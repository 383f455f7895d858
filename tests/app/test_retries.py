"""Retries: ``retries: same`` repeats the reply that a client could not read, and ``attempt`` in ``when``."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai._base_client import BaseClient

from openaimock.app.retries import body_identity
from openaimock.http.request import Request
from openaimock.types.ask import Ask

from ..support.wire import post, user

RETRY = {"x-stainless-retry-count": "1"}
#: What goes wrong with a whole reply so that the SDK tries again.
TROUBLE = (
    {"fault": "disconnect"}, {"fault": {"kind": "disconnect", "after": 40}}, {"fault": "empty"}, {"fault": "reset"},
    {"fault": "stall"}, {"latency": 60_000}, {"hold": "never"}, {},
)  # fmt: skip


def mock_of(serve, *replies, **settings):
    rule = {"id": "steps", "when": {}, "replies": list(replies), "then": "error"}
    return serve({"retries": "same", "responses": [rule], **settings})


def text_of(answer):
    return answer.json()["choices"][0]["message"]["content"]


def cut(mock, body=None, **headers):
    with pytest.raises(httpx.TransportError):
        post(mock, body or user("go"), headers=headers)


def run_agent(client, steps: int, grows: bool) -> list[str]:
    """The steps that an agent takes; its requests are all equal, or grow by each answer."""
    messages, taken = [{"role": "user", "content": "go"}], []
    for _ in range(steps):
        answer = client.chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content
        taken.append(answer)
        if grows:
            messages.append({"role": "assistant", "content": answer})
    return taken


def run_seeded(serve, client, seed: int, steps: int = 4) -> list[str]:
    """A run of an agent whose sequence of replies has trouble by chance."""
    chance = random.Random(seed)
    troubles = [chance.choice(TROUBLE) for _ in range(steps)]
    replies = [{"content": f"step {number}", **trouble} for number, trouble in enumerate(troubles)]
    errors = [{"error": chance.choice((429, 500, 503))} for _ in range(chance.randrange(3))]
    for error in errors:
        replies.insert(chance.randrange(len(replies) + 1), error)
    replies.append("the end")
    chaos = {"rate": 0.2, "faults": ["disconnect", "empty", {"kind": "reset", "after": 9}]}
    settings = {"seed": seed, **({"chaos": chaos} if chance.random() < 0.5 else {})}
    mock = mock_of(serve, *replies, **settings)
    return run_agent(client(mock, max_retries=100, timeout=0.1), steps + 1, chance.random() < 0.5)


@pytest.fixture
def no_backoff(monkeypatch):
    monkeypatch.setattr(BaseClient, "_calculate_retry_timeout", lambda *arguments, **more: 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_an_agent_loses_no_step_and_takes_none_twice(serve, client, no_backoff, seed):
    assert run_seeded(serve, client, seed) == [*(f"step {number}" for number in range(4)), "the end"]


def test_by_default_a_retry_gets_the_next_reply(serve):
    mock = mock_of(serve, {"content": "one", "fault": "disconnect"}, "two", retries="next")
    cut(mock)
    assert text_of(post(mock, user("go"), headers=RETRY)) == "two"


def test_a_retry_gets_the_reply_without_its_trouble_and_state(serve):
    mock = serve({
        "retries": "same",
        "scenarios": {"cart": "empty"},
        "responses": [{
            "id": "once",
            "times": 1,
            "when": {"state": {"cart": "empty"}},
            "reply": {"content": "{{ count }}", "fault": "disconnect", "latency": 1, "set_state": {"cart": "full"}},
        }],
    })  # fmt: skip
    cut(mock)
    mock.app.api.namespaces["default"].set_scenarios({"cart": "other"})
    for _ in range(2):
        assert text_of(post(mock, user("go"), headers=RETRY)) == "1"
    state = mock.app.api.namespaces["default"]
    assert (state.hits(), state.scenarios()) == ({"once": 1}, {"cart": "other"})
    assert [exchange.rule for exchange in mock.exchanges] == ["once"] * 3


def test_an_error_is_not_repeated(serve):
    mock = mock_of(
        serve, {"error": 500}, {"status": 503, "body": "x"}, {"content": "one", "fail": {"times": 1, "error": 429}}, "two"
    )
    answers = [post(mock, user("go"), headers=RETRY if number else {}) for number in range(5)]
    assert [answer.status_code for answer in answers] == [500, 503, 429, 200, 200]
    assert [text_of(answer) for answer in answers[3:]] == ["one", "one"]
    assert text_of(post(mock, user("go"))) == "two"


def test_a_retry_of_another_body_path_or_namespace_is_none(serve):
    mock = mock_of(serve, {"content": "one", "fault": "disconnect"}, "two", "three")
    cut(mock)
    assert text_of(post(mock, user("other"), headers=RETRY)) == "two"
    with pytest.raises(httpx.TransportError):
        post(mock, user("go"), headers={**RETRY, "x-openaimock-namespace": "mine"})
    answer = post(mock, {"model": "gpt-4o", "input": "go"}, "/responses", headers=RETRY)
    assert answer.json()["output"][0]["content"][0]["text"] == "three"


def test_a_first_attempt_makes_earlier_equal_requests_forgotten(serve):
    mock = mock_of(serve, "one", {"error": 500}, "two")
    assert text_of(post(mock, user("go"))) == "one"
    assert post(mock, user("go")).status_code == 500
    assert text_of(post(mock, user("go"), headers=RETRY)) == "two"


def test_the_same_idempotency_key_makes_a_retry(serve):
    mock = mock_of(serve, {"content": "one", "fault": "disconnect"}, {"content": "two", "fault": "disconnect"}, "three")
    cut(mock, **{"idempotency-key": "a"})
    cut(mock, **{"idempotency-key": "b"})
    assert text_of(post(mock, user("go"), headers={"idempotency-key": "a"})) == "one"
    assert text_of(post(mock, user("go"), headers={"idempotency-key": "b", **RETRY})) == "two"
    # The key of another body is another key.
    assert text_of(post(mock, user("other"), headers={"idempotency-key": "a"})) == "three"


def test_a_stream_is_repeated_too(serve):
    mock = mock_of(serve, {"content": "one two", "fault": {"kind": "disconnect", "after": 2}}, "three")
    cut(mock, user("go", stream=True))
    assert "two" in post(mock, user("go", stream=True), headers=RETRY).text


def test_every_input_of_a_request_gets_its_reply_once_more(serve):
    rules = [
        {"when": {"text": text}, "replies": [{"embedding": [number, 0], "fault": "empty"}, {"embedding": [9, 9]}]}
        for number, text in enumerate("ab")
    ]
    mock = serve({"retries": "same", "responses": rules})
    body = {"model": "text-embedding-3-small", "input": ["a", "b"]}
    with pytest.raises(httpx.TransportError):
        post(mock, body, "/embeddings")
    assert [item["embedding"] for item in post(mock, body, "/embeddings", headers=RETRY).json()["data"]] == [[0, 0], [1, 0]]


def test_a_form_is_the_same_body_with_another_boundary():
    """Each attempt of an SDK at an upload has a boundary of its own."""
    first, second, other = (
        Request({"CONTENT_TYPE": f"multipart/form-data; boundary={boundary}"}) for boundary in ("one", "two", "three")
    )
    form = {"model": "whisper-1"}
    assert body_identity(first, Ask("x", form)) == body_identity(second, Ask("x", form))
    assert body_identity(first, Ask("x", form)) != body_identity(other, Ask("x", form, files={"file": "a.mp3"}))


def test_a_function_is_not_called_again_for_a_retry(serve):
    steps = iter(["one", "two"])
    mock = serve({"retries": "same", "responses": [{"when": {}, "reply": lambda ask: next(steps), "fault": "disconnect"}]})
    cut(mock)
    assert text_of(post(mock, user("go"), headers=RETRY)) == "one"
    mock.reset()
    cut(mock, **RETRY)


def test_a_function_that_fails_is_called_again_for_a_retry(serve):
    replies = iter([ValueError("no"), "one"])

    def reply(ask):
        value = next(replies)
        if isinstance(value, Exception):
            raise value
        return value

    mock = serve({"retries": "same", "responses": [{"when": {}, "reply": reply}]})
    assert post(mock, user("go")).status_code == 500
    assert text_of(post(mock, user("go"), headers=RETRY)) == "one"


def test_a_rule_that_is_gone_repeats_nothing(serve):
    mock = mock_of(serve, {"content": "one", "fault": "disconnect"})
    cut(mock)
    httpx.put(
        f"http://127.0.0.1:{mock.port}/__openaimock/rules", json=[{"id": "new", "when": {}, "reply": "new"}], trust_env=False
    )
    assert text_of(post(mock, user("go"), headers=RETRY)) == "new"


def test_what_no_rule_answers_is_answered_as_ever(serve):
    mock = serve({"retries": "same", "unmatched": "echo", "responses": []})
    assert [text_of(post(mock, user("go"), headers=headers)) for headers in ({}, RETRY)] == ["go", "go"]


def test_a_retry_while_the_first_attempt_still_waits_takes_no_step(serve):
    mock = mock_of(serve, {"content": "one", "hold": "slow"}, "two")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post, mock, user("go"))
        mock.wait_held("slow")
        assert text_of(post(mock, user("go"), headers=RETRY)) == "one"
        mock.release("slow")
        assert text_of(first.result(20)) == "one"
    assert text_of(post(mock, user("go"))) == "two"


def test_only_the_latest_requests_are_remembered(serve, monkeypatch):
    from openaimock.app import retries

    monkeypatch.setattr(retries, "MAX_REQUESTS", 8)
    monkeypatch.setattr(retries, "MAX_REPLIES", 2)
    mock = serve({"retries": "same", "responses": [{"when": {}, "reply": lambda ask: ask.user}]})
    for number in range(20):
        post(mock, user(str(number)))
    assert mock.app.api.namespaces["default"].count(retries.COLLECTION) <= 8
    assert len(mock.app.api.function_replies._replies) == 2


# attempt


def test_attempt_counts_from_1(serve, client, no_backoff):
    mock = serve([
        {"when": {"attempt": 1}, "reply": {"error": 500}},
        {"when": {"attempt": 2}, "reply": {"error": 503}},
        {"when": {"attempt": 3}, "reply": "third"},
    ])  # fmt: skip
    assert client(mock, max_retries=5).chat.completions.create(**user("go")).choices[0].message.content == "third"
    refusal = post(mock, user("go"), headers={"x-stainless-retry-count": "4"})
    assert "attempt: expected 1, got 5" in refusal.json()["error"]["message"]

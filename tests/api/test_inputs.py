"""Requests with several inputs: each is asked about as if it had come alone, and one answer goes out."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

import openaimock

from ..support.wire import post

FIRST = {"id": "first", "when": {"text": {"contains": "first"}}, "reply": "1"}
SECOND = {"id": "second", "when": {"text": {"contains": "second"}}, "reply": "2"}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 6) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "image_url", "url", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def complete(mock, prompts, **more):
    return post(mock, {"model": "m", "prompt": prompts, **more}, "/completions")


def texts(mock, prompts, **more):
    response = complete(mock, prompts, **more)
    assert response.status_code == 200, response.text
    return [choice["text"] for choice in response.json()["choices"]]


def embed(mock, inputs):
    return post(mock, {"model": "m", "input": inputs, "dimensions": 2}, "/embeddings")


def embedding(number):
    return {"embedding": [number]}


def test_each_input_gets_the_reply_of_its_own_rule(serve):
    assert texts(serve([FIRST, SECOND]), ["the second", "the first", "second to none"]) == ["2", "1", "2"]


def test_every_input_counts_as_a_hit(serve):
    mock = serve([FIRST, SECOND])
    texts(mock, ["first", "first", "second"])
    assert mock.app.api.namespaces["default"].hits() == {"first": 2, "second": 1}


def test_replies_are_given_in_turn(serve):
    assert texts(serve([{"when": {"endpoint": "completions"}, "replies": ["1", "2", "3"]}]), ["a", "b", "c", "d"]) == list("1233")


def test_a_rule_answers_no_more_inputs_than_its_times(serve):
    once = {"when": {"endpoint": "embeddings"}, "times": 1, "reply": embedding(7)}
    data = embed(serve([once]), ["a", "b"]).json()["data"]
    assert [len(each["embedding"]) for each in data] == [1, 2]


def test_templates_show_the_input_alone(serve):
    rule = {"when": {"user": {"regex": r"(?P<name>\w+)!"}}, "reply": "{{ user }} {{ match.name }} {{ count }}"}
    assert texts(serve([rule]), ["ah!", "oh!"]) == ["ah! ah 1", "oh! oh 2"]


def test_a_function_is_asked_about_each(serve):
    assert texts(serve([{"when": {}, "reply": lambda ask: ask.text.upper()}]), ["a", "b"]) == ["A", "B"]


def test_an_input_that_no_rule_answers_is_a_miss_of_them_all(serve):
    error = complete(serve([FIRST]), ["the first", "another"]).json()["error"]
    assert error["code"] == "no_match"
    assert "'another'" in error["message"]


def test_unmatched_inputs_are_answered_one_by_one(serve):
    assert texts(serve({"responses": [FIRST], "unmatched": "echo"}), ["a", "first", "b"]) == ["a", "1", "b"]
    reply = {"responses": [FIRST], "unmatched": "what was '{{ user }}'?"}
    assert texts(serve(reply), ["a", "first"]) == ["what was 'a'?", "1"]


def test_unmatched_inputs_get_something_made_up(serve):
    answer = texts(serve({"unmatched": "auto"}), ["a", "b"])
    assert all(answer) and answer[0] != answer[1]


def test_an_error_for_one_input_is_the_answer(serve):
    mock = serve([FIRST, {"id": "bad", "when": {"text": {"contains": "second"}}, "reply": {"error": 429}}])
    response = complete(mock, ["first", "second"])
    assert (response.status_code, response.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert mock.app.api.namespaces["default"].exchanges()[-1].rule == "bad"


def test_a_raw_reply_for_one_input_is_the_answer(serve):
    mock = serve([FIRST, {"when": {"text": {"contains": "second"}}, "reply": {"status": 418, "body": "tea"}}])
    response = complete(mock, ["first", "second"])
    assert (response.status_code, response.text) == (418, "tea")


def test_failing_attempts_fail_for_all(serve):
    failing = {"id": "failing", "when": {"text": "b"}, "reply": {"embedding": [1], "fail": {"times": 2, "error": 503}}}
    mock = serve([failing])
    assert [embed(mock, ["a", "b"]).status_code for _ in range(3)] == [503, 503, 200]


def test_all_that_was_answered_sets_its_states(serve):
    rules = [
        {"when": {"text": "a"}, "reply": {"embedding": [1], "set_state": {"one": "on"}}},
        {"when": {"text": "b"}, "reply": {"embedding": [1], "set_state": {"two": "on"}}},
    ]
    mock = serve(rules)
    embed(mock, ["a", "b", "c"])
    assert mock.app.api.namespaces["default"].scenarios() == {"one": "on", "two": "on"}


def test_the_journal_has_one_exchange_with_all_the_text(serve):
    mock = serve([SECOND])
    embed(mock, ["first", "second"])
    (exchange,) = mock.app.api.namespaces["default"].exchanges()
    assert (exchange.rule, exchange.ask.text) == ("second", "first\nsecond")


@pytest.mark.parametrize("number", [2, 40])
def test_few_and_many_inputs_are_answered_alike(serve, number):
    data = embed(serve([{"when": {"text": "n1"}, "reply": embedding(7)}]), [f"n{at}" for at in range(number)]).json()["data"]
    assert len(data) == number
    assert [at for at, each in enumerate(data) if each["embedding"] == [7]] == [1]


@pytest.mark.parametrize(("number", "deferred"), [(16, False), (17, True)])
def test_many_inputs_do_not_hold_up_the_loop(number, deferred):
    app = openaimock.create_app({"unmatched": "echo"})
    body = {"model": "m", "input": [f"n{at}" for at in range(number)], "dimensions": 2}
    environ = EnvironBuilder(path="/v1/embeddings", method="POST", json=body).get_environ()
    request = []
    environ["openaimock.defer"] = lambda work: request.append(work) or work()
    answer = b"".join(app(environ, lambda status, headers: None))
    assert bool(request) == deferred
    assert len(json.loads(answer)["data"]) == number


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("/embeddings", {"model": "m", "input": "a", "dimensions": 2}),
        ("/moderations", {"input": [{"type": "text", "text": "a"}]}),
        ("/completions", {"model": "m", "prompt": "a"}),
        ("/chat/completions/kept", {"metadata": {}}),
    ],
)
def test_no_body_makes_the_mock_fail(path, good):
    app = openaimock.create_app({"unmatched": "echo"})
    names = [*good, "encoding_format", "logprobs", "stop", "echo", "n", "best_of", "stream", "stream_options", "logit_bias"]

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from(names), JUNK))
    def holds(junk):
        environ = EnvironBuilder(path=f"/v1{path}", method="POST", json={**good, **junk}).get_environ()
        statuses = []
        b"".join(app(environ, lambda status, headers: statuses.append(status)))
        assert statuses[0][:3] in ("200", "400", "404"), statuses

    holds()

"""The verdict's ways out: Python, the admin, real time, and exchanges that must not be mistaken."""

from __future__ import annotations

from contextlib import suppress

import openai
import pytest
from httpx import Client as HTTP
from httpx import HTTPError

from openaimock import verdict
from openaimock.errors import APIError
from openaimock.types.ask import Ask
from openaimock.types.exchange import Exchange
from openaimock.types.reply import Fault, Reply
from openaimock.verdict import run as runs

from ..support.wire import post, user

FLAKY = {"responses": [{"id": "flaky", "when": {}, "reply": "fine", "fail": {"times": 2, "error": 503}}]}


def exchange(order, at=0.0, body=None, **members):
    ask = Ask(
        "chat", body={"n": 1} if body is None else body, operation="chat.completions.create", stream=members.pop("stream", False)
    )
    options = {"status": 200, "ended": "complete", "endpoint": "chat", "ask": ask, **members}
    return Exchange(order, at, "default", "POST", "/v1/chat/completions", order=order, **options)


def codes(*exchanges):
    return [finding.code for finding in verdict.findings(exchanges)]


def test_the_official_client_that_retries_is_resilient(serve, client):
    mock = serve(FLAKY)
    answer = client(mock, max_retries=2).chat.completions.create(**user("hi"))
    assert answer.choices[0].message.content == "fine"
    assert [each.status for each in mock.exchanges] == [503, 503, 200]
    mock.assert_resilient()


def test_the_official_client_without_retries_is_not(serve, client):
    mock = serve(FLAKY)
    with pytest.raises(openai.InternalServerError):
        client(mock).chat.completions.create(**user("hi"))
    with pytest.raises(AssertionError, match=r"not_retried: status 503, and the request was never repeated \(#1\)"):
        mock.assert_resilient()
    mock.assert_resilient(allow=["not_retried"])


def test_an_unknown_code_is_an_error_with_a_suggestion(serve):
    with pytest.raises(ValueError, match="'not_retired' is not a code; did you mean 'not_retried'"):
        serve(FLAKY).assert_resilient(allow=["not_retired"])
    with pytest.raises(ValueError, match="codes: retry_without_backoff, "):
        verdict.check_codes(["xyz"])


def test_the_admin_shows_the_findings_of_each_namespace(serve):
    mock = serve(FLAKY)
    post(mock, user("hi"))
    root = mock.url.removesuffix("/v1")
    with HTTP(trust_env=False) as http:
        report = http.get(f"{root}/__openaimock/verdict").json()
        other = http.get(f"{root}/t/other/__openaimock/verdict").json()
    assert (report["exchanges"], other) == (1, {"findings": [], "exchanges": 0})
    assert report["findings"] == [
        {
            "code": "not_retried",
            "message": "status 503, and the request was never repeated",
            "exchanges": [1],
            "namespace": "default",
            "remedy": "Retry such failures a few times with growing waits; ``max_retries`` of the official SDK does.",
        }
    ]


def test_parallel_equal_requests_are_no_retries():
    first, second = (exchange(order, 0.0, status=503, duration=5.0) for order in (1, 2))
    assert [len(group) for group in runs.runs([first, second])[0].attempts] == [1, 1]


def test_time_that_really_passes_counts_where_the_clock_stands_still():
    first = exchange(1, status=503, arrived=100.0)
    assert codes(first, exchange(2, arrived=100.01)) == ["retry_without_backoff"]
    assert codes(first, exchange(2, arrived=101.0)) == []


def test_numbered_retries_of_equal_requests_are_told_apart():
    requests = [exchange(order, order / 1000, status=503) for order in (1, 2)]
    requests += [exchange(3, 0.004), *(exchange(order, 0.6, status=503) for order in (4, 5))]
    for retry in requests[3:]:
        retry.ask.attempt = 1
    attempts = runs.runs(requests)[0].attempts
    assert [[attempt.order for attempt in group] for group in attempts] == [[1, 4], [2, 5], [3]]
    assert codes(*requests) == []


@pytest.mark.parametrize(
    "failed",
    [
        {"status": 503},
        {"fault": Fault("reset"), "ended": "fault"},
        {"fault": Fault("truncate", 3), "ended": "complete", "stream": True},
    ],
)
@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"model": "gpt-4o-mini"}, 0), ({"stream": False}, 0), ({"input": "another question"}, 1)],
)
def test_a_request_may_be_repeated_with_another_model_or_whole(failed, changed, expected):
    body = {"model": "gpt-4o", "stream": True, "input": "question"}
    findings = codes(exchange(1, body=body, **failed), exchange(2, 1.0, body={**body, **changed}))
    assert len(findings) == expected


def test_a_conversation_may_be_repeated_at_another_endpoint(serve):
    rules = [{"when": {"endpoint": "chat"}, "reply": {"error": 503}}, {"when": {}, "reply": "fine"}]
    mock = serve({"responses": rules})
    post(mock, user("hi"))
    post(mock, {"model": "gpt-4o", "input": "hi"}, "/responses")
    mock.assert_resilient()


@pytest.mark.parametrize("kind", ["truncate", "disconnect", "garble", "error_event", "no_done"])
@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
def test_a_stream_that_breaks_off_after_its_answer_need_not_be_repeated(kind, options, serve):
    # The role, the text in one piece, and the finish reason are sent.
    reply = {"content": "fine", "fault": {"kind": kind, "after": 3}}
    mock = serve({"responses": [{"when": {}, "reply": reply}]})
    with HTTP(trust_env=False) as http, suppress(HTTPError):
        http.post(mock.url + "/chat/completions", json=user("hi", stream=True, **options))
    assert [each.answered for each in mock.exchanges] == [True]
    mock.assert_resilient()


@pytest.mark.parametrize("after", [1, 2])
def test_a_stream_that_breaks_off_in_its_answer_must_be_repeated(after, serve):
    mock = serve({"responses": [{"when": {}, "reply": {"content": "fine", "fault": {"kind": "truncate", "after": after}}}]})
    post(mock, user("hi", stream=True, stream_options={"include_usage": True}))
    assert [finding.code for finding in mock.verdict()] == ["broken_stream_not_repeated"]


def test_two_results_of_one_call_of_responses(serve):
    result = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    call = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
    mock = serve({"responses": [{"when": {}, "reply": "fine"}], "lint": "off"})
    for results in ([result], [result, result]):
        post(mock, {"model": "gpt-4o", "input": [{"role": "user", "content": "hi"}, call, *results]}, "/responses")
    assert [(each.code, each.message) for each in mock.verdict()] == [("tool_result_repeated", "the call call_1 has 2 results")]


@pytest.mark.parametrize(("more", "expected"), [({}, ["context_growth"]), ({"truncation": "auto"}, [])])
def test_a_chain_that_the_api_may_shorten_does_not_grow(more, expected, serve):
    mock = serve({"responses": [{"when": {}, "reply": "fine"}]})
    chain = {}
    for number in range(27):
        body = {"model": "gpt-4o", "input": f"message {number}", **chain, **more}
        chain = {"previous_response_id": post(mock, body, "/responses").json()["id"]}
    assert [finding.code for finding in mock.verdict()] == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"temperature": 1}, ["context_not_reduced"]), ({"model": "gpt-4.1"}, []), ({"truncation": "auto"}, [])],
)
def test_a_conversation_that_was_too_long_may_be_sent_to_another_model(changed, expected, serve):
    mock = serve({"responses": [{"when": {}, "reply": {"error": "context_length_exceeded"}}]})
    for more in ({}, changed):
        post(mock, {"model": "gpt-4o", "input": "a long text", **more}, "/responses")
    assert [finding.code for finding in mock.verdict()] == expected


def test_a_list_that_is_read_again_and_again_is_not_polled(serve, client):
    mock = serve({"responses": []})
    for _ in range(5):
        client(mock).files.list()
    assert len(mock.exchanges) == 5
    mock.assert_resilient()


def test_a_retry_number_makes_a_retry_even_before_the_end_of_the_attempt():
    later = exchange(2, 1.0)
    later.ask.attempt = 1
    assert len(runs.runs([exchange(1, 0.0, ended="client_disconnected", duration=5.0), later])[0].attempts) == 1


def test_one_retry_at_once_after_a_lost_connection_is_usual():
    lost = [exchange(order, order / 1000, fault=Fault("reset"), ended="fault") for order in (1, 2, 3)]
    assert codes(*lost[:1], exchange(2, 0.002)) == []
    assert codes(*lost) == ["retry_without_backoff"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"status": 200}, ""),
        ({"status": 408}, "busy"),
        ({"status": 404}, "refused"),
        ({"status": 429, "error": APIError(429, "x", code="insufficient_quota")}, "quota"),
        ({"status": 400, "error": APIError(400, "x", code="context_length_exceeded")}, "too_long"),
        ({"status": 503, "error": APIError(503, "x", headers={"x-should-retry": "false"})}, "refused"),
        ({"status": 400, "reply": Reply(headers={"X-Should-Retry": "true"})}, "busy"),
        ({"ended": "client_disconnected"}, "left"),
        ({"ended": "running"}, "running"),
        ({"fault": Fault("reset", 3), "ended": "fault"}, "lost"),
        ({"fault": Fault("reset", 3), "ended": "fault", "stream": True}, "broken"),
        ({"fault": Fault("reset", 0), "ended": "fault", "stream": True}, "lost"),
        ({"fault": Fault("reset", 99), "ended": "complete", "stream": True}, ""),
        ({"fault": Fault("duplicate", 1), "stream": True}, ""),
        ({"fault": Fault("duplicate", 1)}, "lost"),
        ({"fault": Fault("no_done"), "stream": True}, ""),
        ({"fault": Fault("no_done", 1), "stream": True, "endpoint": "responses"}, "broken"),
        ({"fault": Fault("split_utf8"), "stream": True}, ""),
    ],
)
def test_how_an_exchange_failed(members, expected):
    assert runs.failure(exchange(1, **members)) == expected


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, None), ({"Retry-After": "7"}, 7.0), ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
                             ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None)],
)  # fmt: skip
def test_the_wait_that_a_response_orders(headers, seconds):
    assert runs.retry_after(exchange(1, status=429, error=APIError(429, "x", headers=headers))) == seconds


def test_unread_requests_count_as_equal_after_three_equal_refusals():
    def refused(order):
        return exchange(order, float(order), ask=None, status=401, error=APIError(401, "no key", code="invalid_api_key"))

    assert codes(refused(1), refused(2)) == []
    assert codes(refused(1), refused(2), refused(3)) == ["retried_client_error"]


def test_a_finding_names_a_bounded_number_of_exchanges():
    many = [exchange(order, float(order * 60), status=503) for order in range(1, 100)]
    assert all(len(finding.exchanges) <= verdict.MAX_EXCHANGES for finding in verdict.findings(many))


def test_uploaded_files_are_compared_by_name():
    def upload(order, name):
        return exchange(
            order,
            body={"purpose": "batch"},
            status=503,
            arrived=float(order),
            ask=Ask("files", files={"file": (name, "text/plain", b"x")}),
        )

    assert len(runs.runs([upload(1, "a"), upload(2, "a")])[0].attempts) == 1
    assert len(runs.runs([upload(1, "a"), upload(2, "b")])[0].attempts) == 2


def test_the_long_wait_for_a_stopped_answer_is_a_finding():
    stalled = exchange(1, fault=Fault("stall", 1), ended="client_disconnected", duration=61.0, stream=True)
    assert "no_timeout" in codes(stalled)

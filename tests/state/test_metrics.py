"""The metrics: read as Prometheus reads them."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ..support.wire import post, user


def scrape(mock):
    """All samples by name and labels."""
    with httpx.Client(trust_env=False, verify=False) as http:
        answer = http.get(mock.url.removesuffix("/v1") + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation and family.type != "unknown" for family in families)
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}


def value(mock, name, **labels):
    return scrape(mock).get((f"openaimock_{name}", *sorted(labels.items())))


def test_requests_by_endpoint_rule_and_status(serve):
    mock = serve([{"id": 'quote " \\ \n line', "when": {"user": "Hello"}, "reply": "Hi!"}])
    for text in ("Hello", "Hello", "nothing"):
        post(mock, user(text))
    assert value(mock, "requests_total", endpoint="chat", rule='quote " \\ \n line', status="200") == 2
    assert value(mock, "requests_total", endpoint="chat", rule="", status="400") == 1
    assert value(mock, "unmatched_total") == 1


def test_durations_are_a_histogram_that_adds_up(serve):
    mock = serve([{"id": "any", "when": {}, "reply": {"content": "x", "latency": 12}}])
    post(mock, user("Hello"))
    found = scrape(mock)
    buckets = [count for (name, *_), count in found.items() if name == "openaimock_request_duration_seconds_bucket"]
    assert buckets == sorted(buckets)
    assert buckets[-1] == value(mock, "request_duration_seconds_count", endpoint="chat") == 1
    assert value(mock, "request_duration_seconds_sum", endpoint="chat") >= 0.012
    assert value(mock, "request_duration_seconds_bucket", endpoint="chat", le="0.01") == 0


@pytest.mark.parametrize("pace", [None, {"ttft": 1, "tps": 1000}])
def test_chunks_are_the_events_that_were_sent(serve, pace):
    mock = serve([{"id": "any", "when": {}, "reply": {"content": "one two three", "pace": pace} if pace else "one two three"}])
    sent = post(mock, user("Hello", stream=True)).text.count("data: ")
    assert value(mock, "chunks_total") == sent
    assert value(mock, "streams_open") == 0


def test_an_open_stream_is_counted_while_it_is_open(serve):
    mock = serve([{"id": "any", "when": {}, "reply": {"content": "one two", "pace": {"ttft": 0, "tps": 0.001}}}])
    with (
        httpx.Client(trust_env=False, verify=False) as http,
        http.stream("POST", mock.url + "/chat/completions", json=user("x", stream=True)) as answer,
    ):
        # An iterator that nobody holds closes the connection.
        pieces = answer.iter_raw()
        assert next(pieces)
        assert value(mock, "streams_open") == 1
        assert value(mock, "chunks_total") >= 1
        assert value(mock, "requests_total", endpoint="chat", rule="any", status="200") is None


def test_faults_by_kind(serve):
    mock = serve([{"id": "any", "when": {}, "reply": {"content": "x", "fault": "garble"}}])
    post(mock, user("Hello"))
    assert value(mock, "faults_total", kind="garble") == 1


def test_no_key_is_asked_and_no_cors_given(serve):
    mock = serve({"api_key": "k", "admin": False, "responses": [{"when": {}, "reply": "x"}]})
    assert value(mock, "unmatched_total") == 0
    with httpx.Client(trust_env=False, verify=False) as http:
        answer = http.post(mock.url.removesuffix("/v1") + "/metrics")
    assert answer.status_code == 405


def test_a_reset_leaves_them(serve):
    mock = serve([{"id": "any", "when": {}, "reply": "x"}])
    post(mock, user("Hello"))
    mock.app.api.namespaces.reset()
    assert value(mock, "requests_total", endpoint="chat", rule="any", status="200") == 1

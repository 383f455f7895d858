"""The path of a call: its stages, the move to the thread pool, errors, and calls that the mock itself makes."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

import openaimock
from openaimock.app import STAGES

from ..support.wire import user

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"},
    {"id": "turns", "when": {"user": "next"}, "replies": ["one", "two"]},
    {"id": "error", "when": {"user": "error"}, "reply": {"error": 503, "latency": 1}},
]


def app(**settings):
    return openaimock.create_app({"responses": RULES, **settings}).api


def with_function(function):
    return openaimock.create_app({"responses": [{"when": {"user": "Hello"}, "reply": function}]}).api


def call(application, body, **environ):
    """Status and body of one request."""
    raw = json.dumps(body).encode()
    statuses = []
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/chat/completions",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": BytesIO(raw),
        **environ,
    }
    content = b"".join(application(request, lambda status, headers: statuses.append(status)))
    return statuses, content


class Pool:
    """A thread pool that runs its work at once and counts it."""

    def __init__(self):
        self.works = 0

    def __call__(self, work):
        self.works += 1
        return work()


# Stages


def test_the_stages_are_in_the_order_of_the_documented_path():
    names = [stage.__name__ for stage in STAGES]
    assert names == [
        "route",
        "authenticate",
        "override",
        "read",
        "recognize",
        "inject",
        "admit",
        "limit",
        "lint",
        "match",
        "reply",
        "write",
    ]


def test_a_quick_reply_stays_out_of_the_pool():
    pool = Pool()
    assert call(app(), user("Hello"), **{"openaimock.defer": pool})[0] == ["200 OK"]
    assert pool.works == 0


def test_a_function_runs_in_the_pool():
    pool = Pool()
    statuses, content = call(with_function(lambda ask: "Made."), user("Hello"), **{"openaimock.defer": pool})
    assert (statuses, pool.works) == (["200 OK"], 1)
    assert b"Made." in content


def test_a_call_moves_to_the_pool_once(monkeypatch):
    monkeypatch.setattr("openaimock.app.stages.SLOW", -1)
    pool = Pool()
    call(with_function(lambda ask: "Made."), user("Hello"), **{"openaimock.defer": pool})
    assert pool.works == 1


def test_generated_content_for_a_schema_runs_in_the_pool():
    schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    pool = Pool()
    application = openaimock.create_app({"unmatched": "auto", "responses": []}).api
    assert call(application, user("x", response_format=schema), **{"openaimock.defer": pool})[0] == ["200 OK"]
    assert pool.works == 1
    call(application, user("x"), **{"openaimock.defer": pool})
    assert pool.works == 1


def test_an_exception_in_the_pool_is_a_500_in_the_envelope():
    def fail(ask):
        raise RuntimeError("broken")

    application = with_function(fail)
    statuses, content = call(application, user("Hello"), **{"openaimock.defer": Pool()})
    assert statuses[0].startswith("500")
    assert json.loads(content)["error"]["type"] == "server_error"
    assert application.namespaces["default"].exchanges()[-1].rule == "rule-1"


def test_the_journal_keeps_no_frames_of_an_error():
    application = app()
    call(application, user("unknown"))
    error = application.namespaces["default"].exchanges()[-1].error
    assert error.__traceback__ is error.__context__ is None


# Calls of the mock's own


def test_perform_gives_the_same_answer_as_a_request():
    application = app()
    response = application.perform("POST", "/v1/chat/completions", {}, user("Hello"))
    answer = json.loads(b"".join(response.body))
    assert response.status == 200
    assert dict(response.headers)["content-type"] == "application/json"
    assert answer["choices"][0]["message"]["content"] == "Hi!"


def test_perform_takes_bytes_and_any_method():
    application = app(models=["gpt-4o"])
    raw = json.dumps(user("Hello")).encode()
    assert application.perform("POST", "/v1/chat/completions", {}, raw).status == 200
    assert application.perform("GET", "/v1/models", {}, None).status == 200


def test_perform_counts_hits_in_its_namespace():
    application = app()
    texts = []
    for namespace in ("default", "default", "other"):
        response = application.perform("POST", "/v1/chat/completions", {}, user("next"), namespace)
        texts.append(json.loads(b"".join(response.body))["choices"][0]["message"]["content"])
    assert texts == ["one", "two", "one"]


def test_perform_leaves_the_journal_and_metrics_alone_unless_it_records():
    application = app()
    application.perform("POST", "/v1/chat/completions", {}, user("Hello"))
    assert application.namespaces["default"].exchanges() == []
    assert "chat" not in application.sender.metrics.text()
    application.perform("POST", "/v1/chat/completions", {}, user("Hello"), record=True)
    assert [exchange.rule for exchange in application.namespaces["default"].exchanges()] == ["hello"]
    assert 'endpoint="chat"' in application.sender.metrics.text()


def test_perform_gives_errors_as_responses():
    application = app()
    bodies = (user("error"), user("unknown"), [], {})
    statuses = [application.perform("POST", "/v1/chat/completions", {}, body).status for body in bodies]
    assert statuses == [503, 400, 400, 400]
    assert application.perform("GET", "/v1/nothing", {}, None).status == 404


def test_perform_needs_no_key_and_takes_no_limit():
    application = app(api_key="secret", limits={"rpm": 1})
    statuses = [application.perform("POST", "/v1/chat/completions", {}, user("Hello")).status for _ in range(3)]
    assert statuses == [200, 200, 200]


def test_perform_streams():
    response = app().perform("POST", "/v1/chat/completions", {}, user("Hello", stream=True))
    assert b"".join(response.body).endswith(b"data: [DONE]\n\n")


def test_each_call_has_its_own_ids():
    application = app()
    answers = [
        json.loads(b"".join(application.perform("POST", "/v1/chat/completions", {}, user("Hello")).body)) for _ in range(2)
    ]
    assert answers[0]["id"] != answers[1]["id"]


@pytest.mark.parametrize("unmatched", ["auto", "echo", {"content": "Default."}])
def test_unmatched_has_a_source(unmatched):
    assert call(app(unmatched=unmatched), user("unknown"))[0] == ["200 OK"]


def test_a_function_may_answer_unmatched_requests():
    application = openaimock.create_app({"responses": [], "unmatched": lambda ask: ask.user.upper()}).api
    pool = Pool()
    assert b"LOUD" in call(application, user("loud"), **{"openaimock.defer": pool})[1]
    assert pool.works == 1

"""The API's own headers, by operation and status."""

import httpx
import pytest

from tests.support.wire import post, user

LIMITS = {f"x-ratelimit-{what}-{counts}" for what in ("limit", "remaining", "reset") for counts in ("requests", "tokens")}
TEXT = {"input": "hi"}
REQUESTS = {
    "/chat/completions": user("hi"),
    "/completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"},
    "/embeddings": {"model": "text-embedding-ada-002", **TEXT},
    "/responses": {"model": "gpt-4o", **TEXT},
    "/moderations": TEXT,
}


@pytest.fixture
def mock(serve):
    return serve([{"when": {}, "reply": "Hello"}])


def limits(response):
    return {name for name in response.headers if name.startswith("x-ratelimit-")}


@pytest.mark.parametrize("path", REQUESTS)
def test_every_answer_has_these(mock, path):
    response = post(mock, {**REQUESTS[path], **({} if path != "/moderations" else {"model": "omni-moderation-latest"})}, path)
    assert response.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains; preload"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["openai-version"] == "2020-10-01"
    assert response.headers["openai-project"].startswith("proj_")


@pytest.mark.parametrize("path", REQUESTS)
def test_rate_limits_are_sent_where_the_api_sends_them(mock, path):
    assert limits(post(mock, REQUESTS[path], path)) == (set() if path == "/moderations" else LIMITS)


@pytest.mark.parametrize(("path", "sent"), [("/chat/completions", True), ("/completions", True), ("/responses", False)])
def test_rate_limits_of_streams(mock, path, sent):
    assert bool(limits(post(mock, {**REQUESTS[path], "stream": True}, path))) == sent


@pytest.mark.parametrize("path", REQUESTS)
def test_rate_limits_of_refusals(mock, path):
    response = post(mock, {**REQUESTS[path], "input": 7, "messages": 7, "prompt": 7}, path)
    assert response.status_code == 400
    assert bool(limits(response)) == (path in ("/chat/completions", "/completions", "/embeddings"))


def test_rate_limits_of_the_mock_replace_the_constants(serve):
    mock = serve({"responses": [{"when": {}, "reply": "Hello"}], "limits": {"rpm": 7}})
    assert post(mock, user("hi")).headers.get_list("x-ratelimit-limit-requests") == ["7"]


def test_embeddings_name_the_model(mock):
    assert post(mock, REQUESTS["/embeddings"], "/embeddings").headers["openai-model"] == "text-embedding-ada-002-v2"
    assert "openai-model" not in post(mock, user("hi")).headers


@pytest.mark.parametrize("path", REQUESTS)
def test_refused_keys(serve, path):
    mock = serve({"responses": [{"when": {}, "reply": "Hello"}], "api_key": "right"})
    response = post(mock, REQUESTS[path], path, headers={"authorization": "Bearer wrong"})
    gateway = path in ("/chat/completions", "/completions", "/embeddings")
    assert response.status_code == 401
    assert response.headers["content-type"] == ("application/json; charset=utf-8" if gateway else "application/json")
    assert ("openai-version" in response.headers) == (not gateway)
    assert response.headers.get("vary") == ("Origin" if gateway else None)
    assert response.headers.get("www-authenticate") == (None if gateway else 'Bearer realm="OpenAI API"')
    assert "openai-project" not in response.headers
    assert not limits(response)


@pytest.mark.parametrize("path", ["/chat/completions", "/embeddings"])
def test_a_model_that_the_gateway_does_not_know(serve, path):
    mock = serve([{"when": {}, "reply": {"error": "model_not_found"}}])
    response = post(mock, REQUESTS[path], path)
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json; charset=utf-8")
    assert "openai-version" not in response.headers


def test_a_model_that_responses_do_not_know(serve):
    mock = serve([{"when": {}, "reply": {"error": "model_not_found"}}])
    response = post(mock, {"model": "x", "input": "hi"}, "/responses")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "model")
    assert response.json()["error"]["message"] == "The requested model 'x' does not exist."


def test_a_model_that_is_shut_down(serve):
    mock = serve({"responses": [{"when": {}, "reply": {"error": "model_not_found"}}], "clock": "2026-01-02T03:04:05Z"})
    error = post(mock, {**user("hi"), "model": "gpt-3.5-turbo-0613"}).json()["error"]
    assert error["message"].startswith("The model `gpt-3.5-turbo-0613` has been deprecated")
    assert error["code"] == "model_not_found"
    assert "does not exist" in post(mock, {**user("hi"), "model": "gpt-4"}).json()["error"]["message"]


@pytest.mark.parametrize("path", ["/chat/completions", "/completions", "/responses"])
def test_streams_are_chunked(mock, path):
    response = post(mock, {**REQUESTS[path], "stream": True}, path)
    assert response.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in response.headers


def test_other_answers_have_a_length(mock):
    assert int(post(mock, user("hi")).headers["content-length"]) > 100


def test_the_journal_hides_the_key_that_the_caller_sees(serve):
    mock = serve({"responses": [{"when": {}, "reply": "Hello"}], "api_key": "right"})
    response = post(mock, user("hi"), headers={"authorization": "Bearer password"})
    assert "password" in response.json()["error"]["message"]
    with httpx.Client(trust_env=False, verify=False) as http:
        journal = http.get(mock.url.removesuffix("/v1") + "/__openaimock/exchanges").text
    assert "invalid_api_key" in journal
    assert "password" not in journal

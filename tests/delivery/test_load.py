"""The setting ``load``: requests past a limit are refused, and each running answer makes the next one slower."""

from __future__ import annotations

import json
import threading
from io import BytesIO

import openai
import pytest

import openaimock
from openaimock.cli.reload import replace_config
from openaimock.config.load import load
from openaimock.delivery.load import Active, Load
from openaimock.errors import ConfigError
from openaimock.http.extensions import Deferred, TimedBody

from ..support.wire import post, user

RULES = [
    {"when": {"user": "slow"}, "reply": {"content": "one two three", "pace": {"ttft": 600_000}}},
    {"when": {"user": "trickle"}, "reply": {"content": "one two three", "pace": {"tps": 0.001}}},
    {"when": {"user": "quick"}, "reply": "done"},
    {"when": {"user": "error"}, "reply": {"error": 400}},
    {"when": {"user": "function"}, "reply": lambda ask: "made"},
]


def app(**load_setting):
    return openaimock.create_app({"responses": RULES, "load": load_setting})


def ask(application, text, path="/v1/chat/completions", body=None, **environ):
    """Status, headers and app_iter of one request to a host with the extensions of our server."""
    raw = json.dumps(body or user(text, stream=True)).encode()
    head = []
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": BytesIO(raw),
        "openaimock.timed": TimedBody,
        **environ,
    }
    content = application(request, lambda status, headers: head.append((status, dict(headers))))
    return *(head[0] if head else ("", {})), content


def delay(body):
    """The seconds before the first piece of a timed body."""
    return next(iter(body.items))[0]


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limit_exceeded"), (503, "server_is_overloaded")])
def test_a_request_past_the_limit_is_refused(status, code):
    application = app(max_active=2, status=status)
    running = [ask(application, "slow") for _ in range(2)]
    line, headers, body = ask(application, "slow")
    assert line.startswith(str(status))
    assert headers["retry-after"] == "1"
    assert json.loads(b"".join(body))["error"]["code"] == code
    assert [line for line, _, _ in running] == ["200 OK"] * 2


def test_the_refusal_names_the_limit():
    application = app(max_active=1, status=429)
    running = ask(application, "slow")
    message = json.loads(b"".join(ask(application, "slow")[2]))["error"]["message"]
    assert "on concurrent requests: Limit 1, Used 1, Requested 1. Please try again in 1s." in message
    assert running


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "member"), [("/v1/chat/completions", "messages"), ("/v1/responses", "input"), ("/v1/completions", "prompt")]
)
def test_every_endpoint_counts(path, member, stream):
    application = app(max_active=1)
    content = [{"role": "user", "content": "slow"}] if member == "messages" else "slow"
    model = "gpt-3.5-turbo-instruct" if member == "prompt" else "gpt-4o"
    running = ask(application, "", path, {"model": model, member: content, "stream": stream})
    assert ask(application, "quick")[0].startswith("503")
    running[2].close()


def test_the_default_status_is_503_and_the_sdk_raises_its_own_error(serve):
    mock = serve({"responses": RULES, "load": {"max_active": 1}})
    client = openai.OpenAI(base_url=mock.url, api_key="k", max_retries=0)
    with client.chat.completions.create(**user("trickle", stream=True)), pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(**user("quick"))
    assert raised.value.status_code == 503
    assert raised.value.response.headers["retry-after"] == "1"


def test_a_place_is_free_after_the_last_byte():
    application = app(max_active=1)
    for text in ("quick", "error", "unknown", "function") * 3:
        b"".join(ask(application, text)[2])
    body = ask(application, "slow")[2]
    list(body.items)
    assert ask(application, "quick")[0] == "200 OK"


def test_a_place_is_free_when_the_client_leaves():
    application = app(max_active=1)
    body = ask(application, "slow")[2]
    next(iter(body.items))
    assert ask(application, "quick")[0].startswith("503")
    body.close()
    assert ask(application, "quick")[0] == "200 OK"


def test_a_place_is_free_when_the_host_never_starts_the_answer():
    application = app(max_active=1)
    body = ask(application, "slow")[2]
    body.close()
    del body
    assert ask(application, "quick")[0] == "200 OK"


def test_a_place_is_free_when_a_call_in_the_pool_never_runs():
    application = app(max_active=1)
    deferred = ask(application, "function", **{"openaimock.defer": Deferred})[2]
    assert ask(application, "quick")[0].startswith("503")
    del deferred
    assert ask(application, "quick")[0] == "200 OK"


def test_refused_requests_take_nothing_from_the_limits():
    application = openaimock.create_app({"responses": RULES, "load": {"max_active": 1}, "limits": {"rpm": 3}})
    running = ask(application, "slow")
    for _ in range(5):
        assert ask(application, "quick")[0].startswith("503")
    running[2].close()
    del running
    assert ask(application, "quick")[1]["x-ratelimit-remaining-requests"] == "1"


def test_health_and_admin_are_never_refused():
    application = app(max_active=1)
    running = ask(application, "slow")
    head = []
    for path in ("/health", "/metrics", "/__openaimock/rules"):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:1"}
        environ |= {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "1", "wsgi.input": BytesIO(), "wsgi.url_scheme": "http"}
        list(application(environ, lambda status, headers: head.append(status)))
    assert head == ["200 OK"] * 3
    assert running


def test_the_time_to_first_token_grows_with_the_load():
    application = app(latency_per_active=40)
    bodies = [ask(application, "slow")[2] for _ in range(4)]
    assert [round(delay(body) - 600, 6) for body in bodies] == [0.0, 0.04, 0.08, 0.12]
    assert [delay(ask(application, "quick", body=user("quick"))[2])] == [pytest.approx(0.16)]


def test_the_first_of_many_has_no_additional_latency(serve):
    mock = serve({"responses": RULES, "load": {"latency_per_active": 60_000}})
    for _ in range(3):
        assert post(mock, user("quick")).status_code == 200


def test_the_load_adds_to_the_latency_of_a_header():
    application = app(latency_per_active=40)
    running = ask(application, "slow")
    assert delay(ask(application, "quick", HTTP_X_OPENAIMOCK_LATENCY="100")[2]) == pytest.approx(0.14)
    assert running


def test_a_reload_keeps_the_number_of_running_answers():
    application = app(max_active=1)
    running = ask(application, "slow")
    new = replace_config(application.api, load({"responses": RULES, "load": {"max_active": 2}}))
    second = ask(new, "slow")
    assert second[0] == "200 OK"
    assert ask(new, "quick")[0].startswith("503")
    assert running


def test_the_limit_is_exact_with_many_threads():
    places, refused = [], []
    setting = Load({"max_active": 25})

    def enter():
        for _ in range(10):
            try:
                places.append(setting.admit("gpt-4o"))
            except openaimock.errors.APIError as error:
                refused.append(error.status)

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(places), refused) == (25, [503] * 55)
    places.clear()
    assert setting.admit("gpt-4o").latency == 0


def test_a_place_is_left_once():
    active = Active()
    place = Load({}, active).admit("gpt-4o")
    place.leave()
    place.leave()
    assert active.enter(1) == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({}, "load: 'load' needs 'max_active', 'latency_per_active' or both"),
        ({"status": 429, "latency_per_active": 1}, "load.status: 'status' needs 'max_active'"),
        ({"max_active": 1, "status": 500}, "load.status: expected 429 or 503, got 500"),
        ({"max_active": 1, "status": 404}, "load.status: expected a whole number from 429 to 503, got 404"),
        ({"max_active": 0}, "load.max_active: expected a whole number 1 or more, got 0"),
        ({"latency_per_active": -1}, "load.latency_per_active: expected a number 0 or more, got -1"),
        ({"max_actives": 1}, "load: 'max_actives' is not a key of a load setting; did you mean 'max_active'?"),
        (3, "load: expected a mapping, got the number 3"),
    ],
)
def test_bad_settings_are_problems_with_a_place(setting, message):
    with pytest.raises(ConfigError) as raised:
        openaimock.create_app({"load": setting})
    assert message in str(raised.value)
    assert len(raised.value.problems) == 1

"""Servers and applications in Python."""

from __future__ import annotations

import errno
import logging
import threading
from pathlib import Path
from typing import get_type_hints

import flask
import httpx
import openai
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import openaimock
from openaimock.config import keys
from openaimock.config.types import MockConfig, MockResponse, When
from openaimock.errors import ConfigError, PortInUseError

from ..support.wire import events, post, user

RULES = {"responses": [{"when": {"user": "Hello"}, "reply": "Hi!"}]}
TEXT = "responses:\n  - {when: {user: Hello}, reply: Hi!}\n"


def content(answer):
    return answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize("kind", ["dict", "text", "path", "string path"])
def test_every_kind_of_configuration(serve, tmp_path, kind):
    path = tmp_path / "mock.yaml"
    path.write_text(TEXT)
    config = {"dict": RULES, "text": TEXT, "path": path, "string path": str(path)}[kind]
    assert content(post(serve(config), user("Hello"))) == "Hi!"


def test_url_and_port(serve):
    mock = serve(RULES)
    assert mock.port > 0
    assert mock.url == f"http://127.0.0.1:{mock.port}/v1"


def test_with_statement_starts_and_stops():
    with openaimock.MockServer(RULES, port=0) as mock:
        assert content(post(mock, user("Hello"))) == "Hi!"
        url = mock.url
    with pytest.raises(httpx.ConnectError):
        httpx.post(url, trust_env=False)


def test_create_does_not_listen_and_start_and_stop_may_be_called_twice():
    mock = openaimock.create_mock_server(RULES, port=0)
    assert mock.server is None
    mock.stop()
    assert mock.start() is mock.start()
    assert mock.server is not None
    assert content(post(mock, user("Hello"))) == "Hi!"
    mock.stop()
    mock.stop()
    assert mock.server is None


def test_a_stopped_mock_starts_again_on_its_port():
    mock = openaimock.start_mock_server(RULES)
    port = mock.port
    mock.stop()
    mock.start()
    assert mock.port == port
    assert content(post(mock, user("Hello"))) == "Hi!"
    mock.stop()


def test_started_and_stopped_in_other_threads():
    mocks = []
    starter = threading.Thread(target=lambda: mocks.append(openaimock.start_mock_server(RULES)))
    starter.start()
    starter.join()
    assert content(post(mocks[0], user("Hello"))) == "Hi!"
    stopper = threading.Thread(target=mocks[0].stop)
    stopper.start()
    stopper.join(30)
    assert not stopper.is_alive()


def test_several_servers_share_nothing(serve):
    one, two = (
        serve([{"when": {"user": "Hello"}, "reply": "one", "times": 1}]),
        serve([{"when": {"user": "Hello"}, "reply": "two"}]),
    )
    assert (content(post(one, user("Hello"))), content(post(two, user("Hello")))) == ("one", "two")
    assert post(one, user("Hello")).status_code == 400
    assert content(post(two, user("Hello"))) == "two"


def test_port_of_the_file_and_of_the_argument(serve, tmp_path):
    assert openaimock.create_mock_server({**RULES, "port": 4321}).port == 4321
    assert openaimock.create_mock_server({**RULES, "port": 4321}, port=5678).port == 5678
    assert openaimock.create_mock_server(RULES).port == 3000


def test_port_in_use_is_named(serve):
    port = serve(RULES).port
    with pytest.raises(PortInUseError) as raised:
        openaimock.start_mock_server(RULES, port=port)
    assert raised.value.errno == errno.EADDRINUSE
    assert isinstance(raised.value, OSError)
    assert "EADDRINUSE" in str(raised.value)
    assert str(port) in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


def test_a_wrong_configuration_has_all_problems():
    with pytest.raises(ConfigError) as raised:
        openaimock.create_mock_server({"responses": [{"when": {"usr": "x"}, "reply": "y"}], "prot": 1})
    assert [str(problem) for problem in raised.value.problems] == [
        "responses[0].when: 'usr' is not a key of a condition; did you mean 'user'?",
        "'prot' is not a setting; did you mean 'port'?",
    ]


def test_log_file(serve, tmp_path):
    log = tmp_path / "mock.log"
    mock = serve(RULES, log_file=log)
    post(mock, user("Hello"))
    mock.stop()
    assert "POST /v1/chat/completions 200 rule rule-1" in log.read_text()


def test_a_miss_is_logged_in_the_words_of_the_400(serve, caplog):
    caplog.set_level(logging.WARNING, "openaimock")
    answer = post(serve(RULES), user("Hullo"))
    assert answer.json()["error"]["message"] in caplog.messages


def test_functions_as_replies(serve):
    def reply(ask):
        return {"content": f"{ask.model}: {ask.user.upper()}", "usage": {"prompt_tokens": 5}}

    mock = serve([{"when": {"user": {"any": True}}, "reply": reply}])
    answer = post(mock, user("hello"))
    assert content(answer) == "gpt-4o: HELLO"
    assert answer.json()["usage"]["prompt_tokens"] == 5


def test_a_function_that_fails_is_a_500_and_the_server_goes_on(serve, caplog):
    def reply(ask):
        if ask.user == "bad":
            raise RuntimeError("broken on purpose")
        return "good"

    mock = serve([{"when": {"user": {"any": True}}, "reply": reply}])
    answer = post(mock, user("bad"))
    assert answer.status_code == 500
    assert "broken on purpose" not in answer.text
    assert "broken on purpose" in caplog.text
    assert content(post(mock, user("fine"))) == "good"


def test_a_function_does_not_hold_up_others(serve):
    requested, go_on = threading.Event(), threading.Event()

    def reply(ask):
        requested.set()
        assert go_on.wait(30)
        return "late"

    mock = serve([{"when": {"user": "slow"}, "reply": reply}, *RULES["responses"]])
    answers = []
    slow = threading.Thread(target=lambda: answers.append(post(mock, user("slow"))))
    slow.start()
    assert requested.wait(30)
    assert content(post(mock, user("Hello"))) == "Hi!"
    go_on.set()
    slow.join(30)
    assert content(answers[0]) == "late"


# Applications


def test_without_a_socket():
    app = openaimock.create_app({"responses": [{"when": {"user": "ping"}, "reply": {"content": "pong", "latency": 1}}]})
    http = httpx.Client(transport=httpx.WSGITransport(app=app))
    with openai.OpenAI(base_url="http://mock/v1", api_key="any", http_client=http) as client:
        assert client.chat.completions.create(**user("ping")).choices[0].message.content == "pong"
        parts = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**user("ping"), stream=True)]
        assert "".join(parts) == "pong"


def test_paced_without_a_socket():
    app = openaimock.create_app(
        [{"responses": [{"when": {"user": "ping"}, "reply": {"content": "a b c", "pace": {"tps": 1000}}}]}]
    )
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://mock") as http:
        answer = http.post("/v1/chat/completions", json=user("ping", stream=True))
    assert "".join(e["choices"][0]["delta"].get("content", "") for e in events(answer.text)[:-1]) == "a b c"


def test_mounted_under_a_prefix_in_flask():
    outer = flask.Flask("outer")

    @outer.get("/")
    def home():
        return "home"

    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/mock": openaimock.create_app(RULES)})
    client = outer.test_client()
    assert client.get("/").text == "home"
    assert client.post("/mock/v1/chat/completions", json=user("Hello")).json["choices"][0]["message"]["content"] == "Hi!"
    assert client.get("/mock/v1/nothing").status_code == 404


def test_mounted_with_the_admin_and_health_out_of_the_way_in_any_wsgi_host():
    client = Client(DispatcherMiddleware(flask.Flask("outer"), {"/a/b": openaimock.create_app(RULES)}))
    assert client.get("/a/b/health").json == {"status": "ok"}


# Types


def test_typed_dicts_have_the_keys_of_the_schema():
    settings = {field.name for field in keys.SHAPES["settings"].fields}
    assert settings == set(get_type_hints(MockConfig))
    assert {field.name for field in keys.SHAPES["rule"].fields} == set(get_type_hints(MockResponse))
    assert {field.name for field in keys.SHAPES["when"].fields} == set(When.__annotations__)


def test_names_of_the_package():
    assert set(openaimock.__all__) <= set(dir(openaimock)) | set(openaimock._HOMES)
    assert all(getattr(openaimock, name) for name in openaimock.__all__)
    with pytest.raises(AttributeError):
        _ = openaimock.nothing
    assert (Path(openaimock.__file__).parent / "py.typed").exists()


def test_reprs_are_one_readable_line(serve, client):
    mock = serve([{"id": "hello", "when": {"user": "Hello"}, "reply": "Hi!"}])
    client(mock).chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    (exchange,) = mock.exchanges
    assert repr(mock) == f"<MockServer {mock.url}, 1 rule>"
    assert repr(exchange) == "<Exchange #1 POST /v1/chat/completions -> 200, rule hello>"
    assert repr(exchange.match.rule).startswith("<Rule 'hello'")
    assert repr(exchange.reply) == "<Reply text 'Hi!'>"
    assert repr(exchange.ask) == "<Ask chat gpt-4o, 1 message>"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("", "<Reply text ''>"),
        ("x" * 100, f"<Reply text '{'x' * 57}...'>"),
        ({"tool_calls": [{"name": "f", "arguments": {}}]}, "<Reply calls f>"),
        ({"error": 429}, "<Reply error 429>"),
        ({"status": 418, "body": "x"}, "<Reply status 418 with a body of its own>"),
        ({"auto": True}, "<Reply auto>"),
    ],
)
def test_the_repr_of_a_reply_says_what_is_in_it(reply, expected):
    mock = openaimock.create_mock_server({"responses": [{"when": {}, "reply": reply}]})
    assert repr(mock.app.api.ruleset.rules[0].plans[0].ready) == expected


def test_a_when_without_a_reply_is_named_with_its_place(serve, caplog):
    mock = serve([])
    begun = mock.when(user="a")
    assert mock.unfinished == [begun.place]
    assert begun.place.startswith("test_mock.py:")
    mock.stop()
    assert f"when() at {begun.place} has no reply" in caplog.text
    begun.reply("x")
    assert mock.unfinished == []

"""Reading requests into Asks: the cache, and what every Ask has from its request."""

from __future__ import annotations

import json

from openaimock.api.router import ROUTER
from openaimock.app import asks
from openaimock.config.load import load
from openaimock.http.request import Request
from openaimock.state.namespace import Namespaces

from ..support.wire import user

RESPONSES = ROUTER.find("POST", "/v1/responses")
CHAT = ROUTER.find("POST", "/v1/chat/completions")


def read(reader, body, **headers):
    environ = asks.environ("POST", "/v1/chat/completions", headers, body)
    return reader.read(CHAT, Request(environ), Namespaces(load({"unmatched": "echo"}))["mine"])


def test_an_ask_has_the_facts_of_its_request():
    ask = read(asks.AskReader(), user("Hello"), **{"x-stainless-retry-count": "2", "X-Custom": "yes"})
    assert (ask.method, ask.path, ask.namespace, ask.attempt) == ("POST", "/chat/completions", "mine", 2)
    assert ask.headers["x-custom"] == "yes"


def test_the_ask_of_an_equal_body_is_reused_with_its_own_headers():
    reader = asks.AskReader()
    first, second = read(reader, user("Hello"), a="1"), read(reader, user("Hello"), a="2")
    assert first.messages is second.messages
    assert (first.headers["a"], second.headers["a"]) == ("1", "2")


def read_response(reader, state, **body):
    request = Request(asks.environ("POST", "/v1/responses", {}, {"model": "gpt-4o", "input": "Hello", **body}))
    return reader.read(RESPONSES, request, state)


def test_the_ask_of_a_response_is_reused_unless_it_names_what_is_stored():
    reader, state = asks.AskReader(), Namespaces(load({"unmatched": "echo"}))["mine"]
    message = {"id": "msg_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    state.put("items", "msg_1", message)
    state.put("conversations", "conv_1", {"id": "conv_1"})
    referring = ({"input": [{"type": "item_reference", "id": "msg_1"}]}, {"input": [{"id": "msg_1"}]}, {"conversation": "conv_1"})
    for body in ({}, {"instructions": "Be brief."}, {"input": [{"role": "user", "content": "Hello"}]}):
        assert read_response(reader, state, **body).messages is read_response(reader, state, **body).messages
    assert len(reader._cache) == 3
    for body in referring:
        read_response(reader, state, **body)
    assert len(reader._cache) == 3


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(asks, "MAX_ENTRIES", 3)
    reader = asks.AskReader()
    for number in range(10):
        read(reader, user(str(number)))
    assert len(reader._cache) <= 3


def test_long_bodies_are_not_cached():
    reader = asks.AskReader()
    read(reader, user("x" * asks.MAX_BODY))
    assert not reader._cache


def test_the_synthetic_environ_describes_the_decoded_body():
    headers = {"Content-Encoding": "gzip", "Content-Length": "7", "content-type": "application/json; charset=utf-8"}
    environ = asks.environ("POST", "/v1/x?a=1&b=2", headers, {"ä": 1})
    assert environ["CONTENT_LENGTH"] == str(len(environ["wsgi.input"].getvalue()))
    assert json.loads(environ["wsgi.input"].getvalue()) == {"ä": 1}
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/v1/x", "a=1&b=2")
    assert environ["CONTENT_TYPE"] == "application/json; charset=utf-8"
    assert "HTTP_CONTENT_ENCODING" not in environ

"""Variants: the Ask of a body that is an earlier one with another text is the Ask that reading makes."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from openaimock import create_app
from openaimock.api.chat.usage import prompt_tokens
from openaimock.api.responses.body import input_tokens
from openaimock.api.router import ROUTER
from openaimock.app import asks, variants
from openaimock.app.stages import linter_of
from openaimock.config.load import load
from openaimock.errors import APIError
from openaimock.http.request import Request
from openaimock.params.models import family
from openaimock.state.namespace import Context, Namespaces
from openaimock.types.clock import Clock

CHAT = ROUTER.find("POST", "/v1/chat/completions")
CONFIG = load({"unmatched": "echo"})
NAMESPACE = Namespaces(CONFIG)["mine"]
CONTEXT = Context(NAMESPACE, Clock(), 0, CONFIG, create_app(CONFIG).api.jobs)
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"properties": {"content": {"default": "x"}}}}}


#: What is computed later, or belongs to one request.
COMPUTED = ("headers", "same", "prompt_tokens", "stored_parts")
RESPONSES = ROUTER.find("POST", "/v1/responses")


def read(reader, raw, route=CHAT):
    """The members of an Ask, or the message of the refusal."""
    request = Request(asks.environ("POST", f"/v1{route.path}", {}, raw))
    try:
        ask = reader.read(route, request, NAMESPACE)
    except APIError as error:
        return error.message
    members = {field.name: getattr(ask, field.name) for field in fields(ask) if field.name not in COMPUTED}
    members["messages"] = list(members["messages"])
    members |= {"items": getattr(ask, "items", None), "before": getattr(ask, "before", None)}
    # What is computed once for all variants.
    model = family(ask.model)
    findings = list(linter_of(route.operation)(ask, model))
    tokens = input_tokens(ask, CONTEXT) if route is RESPONSES else prompt_tokens(ask, model, CONTEXT)
    return {**members, "user": ask.user, "size": ask.size, "memory": request.memory, "findings": findings, "tokens": tokens}


TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(['"', "\\", "é", "a\x00b", "[]", "\ud83d\ude00", "\u2028", "json", "a,b"])
)
MESSAGES = st.lists(
    st.builds(
        lambda role, content, name: {"role": role, "content": content, **({"name": name} if name else {})},
        st.sampled_from(["user", "system", "assistant"]),
        st.one_of(TEXTS, st.none(), TEXTS.map(lambda text: [{"type": "text", "text": text}])),
        st.sampled_from(["", "content"]),
    ),
    min_size=1,
    max_size=3,
)
BODIES = st.builds(
    lambda messages, tools, stream, first: (
        {"model": "gpt-4o", "messages": messages, **tools, **stream}
        if first
        else {"messages": messages, **stream, "model": "gpt-4o", **tools}
    ),
    MESSAGES,
    st.sampled_from([{}, {"tools": [TOOL]}]),
    st.sampled_from([{}, {"stream": True}]),
    st.booleans(),
)


@given(BODIES, st.lists(TEXTS, min_size=2, max_size=5), st.booleans(), st.booleans())
def test_a_variant_has_the_ask_that_reading_makes(body, texts, compact, escaped):
    reader = asks.AskReader()
    for text in texts:
        body["messages"][-1]["content"] = text
        raw = json.dumps(body, separators=(",", ":") if compact else None, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
        assert read(reader, raw) == read(asks.AskReader(), raw)


ITEMS = st.lists(
    st.sampled_from(
        [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "custom_tool_call", "call_id": "call_1", "name": "shell", "input": "ls"},
            {"type": "function_call_output", "call_id": "call_1", "output": "content"},
            {"type": "item_reference", "id": "msg_1"},
        ]
    ),
    max_size=3,
)


@given(
    ITEMS,
    st.sampled_from(["input", "user", "assistant", "custom"]),
    st.sampled_from(
        [{}, {"tools": [{"type": "custom", "name": "shell"}]}, {"previous_response_id": "resp_1"}, {"instructions": "x"}]
    ),
    st.lists(TEXTS, min_size=3, max_size=5),
    st.booleans(),
)
def test_a_variant_of_a_response_has_the_ask_that_reading_makes(items, last, more, texts, compact):
    reader = asks.AskReader()
    for text in texts:
        item = {"role": last, "content": text} if last != "custom" else {**CALL, "input": text}
        body = {"model": "gpt-4o", "input": text if last == "input" else [*items, item], **more}
        raw = json.dumps(body, separators=(",", ":") if compact else None).encode("utf-8", "surrogatepass")
        assert read(reader, raw, RESPONSES) == read(asks.AskReader(), raw, RESPONSES)


CALL = {"type": "custom_tool_call", "call_id": "call_1", "name": "shell"}


def test_a_response_of_an_agent_is_a_variant_of_the_one_before():
    for body in ({"input": "%s"}, {"input": [{"role": "assistant", "content": "Hi"}, {"role": "user", "content": "%s"}]}):
        reader = asks.AskReader()
        for text in ("one", "two"):
            raw = json.dumps({"model": "gpt-4o", **body, "tools": []}).replace("%s", text).encode()
            read(reader, raw, RESPONSES)
        assert len(reader._variants._templates) == 1


def chat(text, **more):
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}).encode()


def templates(*bodies):
    reader = asks.AskReader()
    for raw in bodies:
        read(reader, raw)
    return reader._variants._templates


def test_the_second_variant_makes_a_template():
    assert not templates(chat("one"))
    assert len(templates(chat("one"), chat("two"))) == 1
    assert len(templates(chat("one"), chat("two"), chat("three"))) == 1


@pytest.mark.parametrize(
    "bodies",
    [
        # Another parameter, a repeated key, and a text that is not that of the last message.
        [chat("one"), chat("two", top_p=1)],
        [chat(text).replace(b'"model"', b'"stream": false, "stream": false, "model"') for text in ("one", "two")],
        [chat("one", tools=[{**TOOL, "content": text}]) for text in ("one", "two")],
    ],
    ids=["other parameter", "repeated key", "other place"],
)
def test_other_bodies_make_none(bodies):
    assert not templates(*bodies)


def test_a_refused_body_makes_none():
    assert not templates(chat("one", temperature=3), chat("two", temperature=3))


def test_templates_and_candidates_are_bounded(monkeypatch):
    monkeypatch.setattr(variants, "MEMORY", 1000)
    reader = asks.AskReader()
    for number in range(200):
        for text in ("a", "b"):
            read(reader, chat(text, user="x" * (number % 100)))
    sizes = [len(prefix) + len(suffix) for entries in (reader._variants._templates,) for prefix, suffix, *_ in entries.values()]
    assert 0 < sum(sizes) <= 1000
    monkeypatch.setattr(variants, "CANDIDATES", 3)
    reader = asks.AskReader()
    for number in range(20):
        read(reader, chat("a", user="x" * number))
    assert len(reader._variants._candidates) == 3


def test_a_text_beyond_the_limit_is_read():
    reader = asks.AskReader()
    for text in ("a", "b", "c" * (variants.LONGEST + 1)):
        assert read(reader, chat(text)) == read(asks.AskReader(), chat(text))


def test_a_variant_is_answered_by_its_own_rule():
    rules = [{"when": {"user": "one"}, "reply": "1"}, {"when": {"user": "two"}, "reply": "2"}]
    client = Client(create_app({"responses": rules}))
    answers = [
        client.post("/v1/chat/completions", data=chat(text), content_type="application/json").json["choices"][0]["message"][
            "content"
        ]
        for text in ["one", "two", "one", "two", "two"]
    ]
    assert answers == ["1", "2", "1", "2", "2"]

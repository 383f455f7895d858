"""Plain responses, which are written from a template, are the same as those that are made member by member."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.api.responses import create, plain
from openaimock.app import asks
from openaimock.text.tokens import estimate
from openaimock.wsgi import create_app

TEXTS = st.text(max_size=20) | st.sampled_from(["", "Hello", "\x00\x01", 'é "quoted" \\', "two words " * 30])
BODIES = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gpt-4o", "gpt-5", "o3", "gpt-4", "my-model", "ft:gpt-4o:acme::1"]),
        "input": TEXTS.filter(bool)
        | st.lists(st.builds(lambda text: {"role": "user", "content": text}, TEXTS), min_size=1, max_size=2),
    },
    optional={
        "instructions": st.none() | TEXTS,
        "store": st.none() | st.booleans(),
        "temperature": st.none() | st.sampled_from([0, 0.5, 1]),
        "top_p": st.sampled_from([0.5, 1]),
        "metadata": st.sampled_from([{}, {"a": "b"}]),
        "user": TEXTS,
        "max_output_tokens": st.none() | st.sampled_from([16, 50, 1000]),
        "parallel_tool_calls": st.booleans(),
        "truncation": st.sampled_from(["auto", "disabled"]),
        "stream": st.sampled_from([None, False]),
    },
)


def send(app, method, path, body=None):
    head = []
    environ = asks.environ(method, path, {}, None if body is None else json.dumps(body).encode())
    content = app(environ, lambda status, headers: head.append((status, sorted(headers))))
    return head[0], b"".join(content)


def new_app(reply):
    return create_app({"clock": "2026-01-02T03:04:05Z", "responses": [{"when": {}, "reply": {"content": reply}}]})


def story(app, bodies):
    """All that a client sees of some responses: answers, retrievals, inputs, references, deletions."""
    answers = []
    for body in bodies:
        answers.append(send(app, "POST", "/v1/responses", body))
        id = json.loads(answers[-1][1]).get("id")
        if id is None:
            continue
        message = json.loads(answers[-1][1])["output"][0]["id"]
        answers.append(send(app, "GET", f"/v1/responses/{id}"))
        reference = {"model": "gpt-4o", "input": [{"type": "item_reference", "id": message}, {"role": "user", "content": "So?"}]}
        answers.append(send(app, "POST", "/v1/responses", reference))
        answers.append(send(app, "POST", "/v1/responses", {**body, "previous_response_id": id}))
        answers.append(send(app, "GET", f"/v1/responses/{id}/input_items"))
        answers.append(send(app, "DELETE", f"/v1/responses/{id}"))
        answers.append(send(app, "POST", "/v1/responses", reference))
    return answers


@settings(deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=3), TEXTS)
def test_a_plain_response_is_the_same_as_any_other(bodies, reply):
    expected = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create, "is_plain", lambda ask, reply: False)
        expected = story(new_app(reply), bodies * 2)
    assert story(new_app(reply), bodies * 2) == expected
    assert story(new_app(reply), bodies * 2) == expected


def test_templates_are_bounded(monkeypatch):
    monkeypatch.setattr(plain, "_TEMPLATES", 3)
    monkeypatch.setattr(plain, "_TEXTS", 2)
    monkeypatch.setattr(plain, "_templates", {})
    app = new_app("Hi")
    for number in range(10):
        send(app, "POST", "/v1/responses", {"model": f"model-{number % 5}", "input": "Hello"})
        for text in "abcd":
            other = new_app(text)
            send(other, "POST", "/v1/responses", {"model": "gpt-4o", "input": "Hello"})
    assert len(plain._templates) <= 3
    assert all(len(template.texts) <= 2 for template in plain._templates.values())


def test_the_oldest_plain_response_makes_room(monkeypatch):
    monkeypatch.setattr("openaimock.api.responses.store.MAX_STORED", 2)
    app = new_app("Hi")
    ids = [json.loads(send(app, "POST", "/v1/responses", {"model": "gpt-4o", "input": "Hello"})[1])["id"] for _ in range(4)]
    assert [send(app, "GET", f"/v1/responses/{id}")[0][0][:3] for id in ids] == ["404", "404", "200", "200"]


@given(st.text(alphabet=st.sampled_from("abz Ab\u1ea0\u0111é.,'\n\t_-1{\":") | st.characters(), max_size=120))
def test_tokens_are_counted_as_they_are_cut(text):
    for encoding in ("o200k_base", "cl100k_base"):
        assert estimate(encoding).count(text) == len(estimate(encoding).split(text))

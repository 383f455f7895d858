from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.replies import templates
from openaimock.types.ask import Message

from ..support.rulings import talk
from ..support.wire import post, user

ASK = talk(("assistant", "a"), "my order", model="gpt-4o", body={"n": 2, "tags": ["x", {"deep": True}], "text": 'say "hi"\n'})


def filled(value, groups=None, count=1):
    return templates.fill(value, ASK, groups or {}, count)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ user }}", "my order"),
        ("{{user}}!", "my order!"),
        ("{{ model }}", "gpt-4o"),
        ("{{ turn }} and {{ count }}", "1 and 7"),
        ("{{ match.name }}", "Ann"),
        ("{{ match.1 }}", "Ann"),
        ("{{ match.other }}", ""),
        ("{{ body.n }}", "2"),
        ("{{ body.tags.0 }}", "x"),
        ("{{ body.tags.-1.deep }}", "true"),
        ("{{ body.tags }}", '["x",{"deep":true}]'),
        ("{{ body.missing.a }}", ""),
        ("no holes { } here", "no holes { } here"),
        ("{{\n user\n}}", "my order"),
    ],
)
def test_holes_are_filled(text, result):
    assert filled(text, {"name": "Ann", "1": "Ann"}, 7) == result


def test_texts_anywhere_inside_are_filled():
    value = {"a": ["{{ user }}", 1, None], "b": {"c": ("{{ model }}",)}, "d": True}
    assert filled(value) == {"a": ["my order", 1, None], "b": {"c": ["gpt-4o"]}, "d": True}


def test_what_is_filled_in_is_not_filled_again():
    assert templates.fill("{{ user }}", talk("{{ model }}", model="m"), {}, 1) == "{{ model }}"


def test_nothing_said_is_an_empty_text():
    assert templates.fill("<{{ user }}>", talk(), {}, 1) == "<>"


@pytest.mark.parametrize("text", ['{"said": "{{ body.text }}"}', '\n { "said":"{{ body.text }}"}'])
def test_in_json_the_text_is_escaped(text):
    assert json.loads(filled(text)) == {"said": 'say "hi"\n'}


@given(st.text())
def test_json_stays_json_whatever_is_said(text):
    done = templates.fill('{"a": ["{{ user }}"]}', talk(Message("user", text)), {}, 1)
    assert json.loads(done) == {"a": [text]}


def test_text_that_only_looks_like_json_is_not_escaped():
    assert filled("{not json: {{ body.text }}") == '{not json: say "hi"\n'


@pytest.mark.parametrize(
    ("value", "there"),
    [
        ("{{ user }}", True),
        ({"a": [{"b": "x {{ y }}"}]}, True),
        ("{ user }", False),
        ("{{ user", False),
        (3, False),
        (None, False),
    ],
)
def test_presence(value, there):
    assert templates.present(value) is there


@pytest.mark.parametrize(
    "text", ["{{ user }} {{ model }} {{ turn }} {{ count }}", "{{ match.a }} {{ match.0 }}", "{{ body.a.0.b }}", "x"]
)
def test_known_names_are_no_problem(text):
    assert templates.problems(text, {"a", "0"}) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ usr }}", "'usr' is not known in a template; did you mean 'user'? (user, model, turn, count, match.NAME, body.PATH)"),
        ("{{ }}", "'' is not known in a template (user, model, turn, count, match.NAME, body.PATH)"),
        ("{{ user | upper }}", "'user | upper' is not known in a template"),
        ("{{ match.x }}", "'{{ match.x }}' names no group of the rule's regexes (0, a)"),
        ("{{ body. }}", "'body.' is not known in a template"),
    ],
)
def test_unknown_names_are_told(text, message):
    (problem,) = templates.problems(text, {"a", "0"})
    assert problem.startswith(message)


def test_a_group_without_any_regex_is_told():
    (problem,) = templates.problems("{{ match.x }}", set())
    assert problem.endswith("(this rule has no regex with groups)")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", 1),
        ("a.c", None),
        ("l.0", "x"),
        ("l.-1", "y"),
        ("l.2", None),
        ("l.-3", None),
        ("l.x", None),
        ("a.b.c", None),
        ("l.\u0660", "x"),
    ],
)
def test_reach(path, expected):
    assert templates.reach({"a": {"b": 1}, "l": ["x", "y"]}, path) == expected


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{{{ name }}}}", "{{ name }}"),
        ("${{{{ github.ref }}}} {{ user }}", "${{ github.ref }} my order"),
        ("a }} b", "a }} b"),
        ("{{ user", "{{ user"),
        ("{{{{ a", "{{{{ a"),
    ],
)
def test_doubled_braces_write_braces(text, result):
    assert filled(text) == result
    assert templates.problems(text, set()) == []


def test_what_a_function_returns_is_no_template(serve):
    mock = serve([{"when": {}, "reply": lambda ask: "You said: " + ask.user}])
    text = "{{ user }} ${{ github.ref }}"
    assert post(mock, user(text)).json()["choices"][0]["message"]["content"] == "You said: " + text


def test_a_reply_may_be_no_template(serve):
    mock = serve([{"when": {}, "reply": {"content": "{{ name }} {{{{ x }}}}", "template": False}}])
    assert post(mock, user("go")).json()["choices"][0]["message"]["content"] == "{{ name }} {{{{ x }}}}"

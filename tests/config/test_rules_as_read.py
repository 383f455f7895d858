"""The fast paths of loading, among them the check of each rule as it is read, give the same as the general path."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openaimock.config import load as loading
from openaimock.config import validate
from openaimock.config.builder import Builder
from openaimock.config.tree import Node
from openaimock.errors import ConfigError

RULES: list[Any] = [
    {"when": {"user": "a"}, "reply": "b"},
    {"id": "one", "when": {"user": {"regex": "(?P<x>a)"}}, "reply": "{{ x }}"},
    {"id": "one", "when": {}, "reply": {"content": "{{ groups.y }}", "error": 429}},
    {"messages": [{"role": "user", "content": "${NAME}", "matcher": "contains"}, {"role": "assistant", "content": "c"}]},
    {"messages": [{"role": "user", "content": "q", "threshold": 0.5}, {"role": "assistant", "content": "{{ open"}]},
    {"messages": [{"role": "usr", "content": "q", "matchr": "x"}]},
    {"when": {"user": {"regex": "(a+)+$"}, "model": "gpt-*"}, "replies": []},
    {"matcher": {"type": "fuzzy", "messages": [{"role": "user", "content": "${UNSET}"}]}, "response": {"choices": []}},
    {"times": 0, "priority": "high"},
    "a text",
    None,
    [],
]
OTHERS: list[dict[str, Any]] = [
    {},
    {"unmatched": {"content": "{{ nonsense("}},
    {"Responses": [{"when": {}, "reply": 1}]},
    {"pace": {"tps": "fast"}, "turns": "last"},
    {"x-shared": {"when": {"user": 5}}},
]
TEXTS = {
    "anchors": "responses:\n- &a {when: {usr: a}, reply: b}\n- *a\n- {when: {}, reply: c, thn: last}\n",
    "an anchor after rules": "responses:\n- {when: {usr: a}}\n- {when: &w {user: 3}, reply: {a: 1}}\nlatency: *w\n",
    "an anchor before rules": "templates: &t {usr: a}\nunmatched: &u {contnt: 1}\nresponses:\n- {when: *t, reply: *u}\n",
    "an anchor of the list": "responses: &r\n- {when: {usr: a}, reply: b}\nx-other: *r\nmodels: *r\n",
    "merged settings": "x-a: &x {responses: [{when: {}, reply: {a: b}}]}\n<<: *x\nresponses:\n- {when: {a: b}, reply: c}\n",
    "the key twice": "responses:\n- {when: {usr: a}}\nresponses:\n- {whn: {}, reply: b}\n",
    "rules by id": "responses:\n  one: {when: {usr: a}, reply: b}\n  two: {id: two, when: {}}\n  one: {}\n  é: {a: b}\n",
    "a tag": "responses:\n- !x {when: {usr: a}, reply: b}\n- !!map {when: {usr: a}, reply: b}\n",
    "a syntax error": "responses:\n- {when: {usr: a}, reply: b}\n- {when: {user: a\n",
    "two documents": "responses:\n- {when: {usr: a}, reply: b}\n---\nresponses:\n- {when: {usr: a}, reply: b}\n",
    "rules not in a list": "responses:\n  when: {usr: {responses: [{when: {}}]}}\n  reply: {contnt: x}\n",
    "a key that is a mapping": "responses:\n- {when: {}, reply: b}\n? {a: b}\n: {when: {usr: a}}\n",
    "rules of other keys": "x-r:\n- {when: {usr: a}}\nresponses: []\nnested: {responses: [{when: {usr: a}}]}\n",
}


def outcome(source: Any) -> Any:
    try:
        config = loading.load(source, environ={"NAME": "n"})
    except ConfigError as error:
        return error.problems
    return config.rules, config.warnings


def assert_same(monkeypatch: pytest.MonkeyPatch, source: Any) -> None:
    as_read = outcome(source)
    with monkeypatch.context() as patch:
        patch.setattr(loading, "rule_reader", lambda: None)
        assert as_read == outcome(source)
        patch.setattr(validate, "_usual_fields", lambda kind, entries: None)
        patch.setattr(Builder, "plain_scalar", lambda builder, event, frame: False)
        assert as_read == outcome(source)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_gives_the_same(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert_same(monkeypatch, TEXTS[name])


def test_two_files_give_their_problems_in_the_same_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("include: b.yaml\nresponses:\n- {when: {usr: a}, reply: b, id: x}\n")
    (tmp_path / "b.yaml").write_text('responses:\n- {when: {}, reply: "${UNSET}", id: x}\n- {wen: {}}\n')
    assert_same(monkeypatch, tmp_path / "a.yaml")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(RULES), max_size=4), st.sampled_from(OTHERS), st.booleans(), st.sampled_from("jypl"))
def test_any_rules_give_the_same(
    monkeypatch: pytest.MonkeyPatch, rules: list[Any], others: dict[str, Any], by_id: bool, form: str
) -> None:
    responses: Any = {f"rule {at}": rule for at, rule in enumerate(rules)} if by_id else rules
    config = {"responses": responses, **others}
    lines = "".join(f"- {json.dumps(rule)}\n" for rule in rules)
    text = f"responses:\n{lines}{yaml.safe_dump(others) if others else ''}"
    forms = {"j": json.dumps(config, indent=1), "y": yaml.safe_dump(config), "p": config, "l": text}
    assert_same(monkeypatch, forms[form])


LINE = '{"id": "one", "when": {"user": "a"}, "reply": "b"}'
#: Texts in which lines look like rules in JSON; an ``@`` is such a rule.
LINES = {
    "only rules": "responses:\n- @\n- @\n",
    "indented rules": "port: 3001\nresponses:\n   - @  \n   - {a: b}\n   - @\nseed: [1\n",
    "another setting below": "responses:\n- @\n# a comment\n\n- when: {usr: a}\n  reply: b\n- @\nprot: 1\nx-a:\n- @\n",
    "an id that is not first": 'responses:\n- @\n- {"reply": "b", "when": {"user": "c"}, "id": "one"}\n',
    "an id after spaces": 'responses:\n- { "id" :  "one", "when": {"user": "c"}, "reply": "d"}\n- @\n',
    "an id that is no text": 'responses:\n- {"id": ["one"], "when": {"user": "c"}, "reply": "d"}\n- {"id": null, "when": {}}\n',
    "a text in several lines": "responses:\n- when: {user: a}\n  reply: |\n    x\n\n    - @\n- @\n",
    "a text at the margin": "responses:\n- @\n- 'a\n- @\n- b'\n",
    "a text in a mapping": 'responses:\n- @\n- 0\n- x: y\n  reply: "a\n- @"\n',
    "a rule that goes on": "responses:\n- @\n   0\n- @\n  : 1\n",
    "zeros": "responses:\n- 0\n- @\n- 0\n- '0'\n",
    "a list in a list": "responses:\n- @\n-\n - @\n- [@,\n   @]\n",
    "a mapping of rules": "responses:\n  a:\n  - @\n",
    "an anchor above": "x-a: &a {user: 1}\nresponses:\n- @\n- {when: *a, reply: 1}\n",
    "an anchor below": "responses:\n- @\n- {when: &a {usr: 1}, reply: 1}\n- @\n- {when: *a}\n",
    "rules twice": "responses:\n- @\nresponses:\n- @\n",
    "rules of another setting": "nested:\n  responses:\n  - @\nx: 1\n",
    "two documents": "responses:\n- @\n---\nresponses:\n- @\n",
    "an end of the document": "responses:\n- @\n...\n- @\n",
    "other line breaks": "responses:\r\n- @\r\n- @\r\n",
    "a line break in a text": 'responses:\n- {"when": {"user": "a\u2028b"}, "reply": 1}\n- @\n',
    "not JSON": 'responses:\n- @\n- {"when": {user: "a"}, reply: b}\n',
    "a repeated key": 'responses:\n- {"when": {"user": "a", "user": "b"}, "reply": "c"}\n',
    "a long key": 'responses:\n- {"when": {"user": "a"}, "reply": {"' + 2000 * "k" + '": 1}}\n',
    "a key of YAML": 'responses:\n- {"<<": {"when": {"user": "a"}}, "reply": "b"}\n',
    "escapes": 'responses:\n- {"when": {"user": "\\u00e4\\/\\b\\\\ \\u0000"}, "reply": "\\u2028\\n"}\n',
    "surrogates": 'responses:\n- {"when": {"user": "\\ud83d\\ude00"}, "reply": "\\UD83D"}\n- {"when": {}, "reply": "\\uD800"}\n',
    "signs": 'responses:\n- {"when": {"user": "é {{ 😀 # \\" - @"}, "reply": "{{ usr }} ${NAME} $${x}"}\n',
    "a tab": 'responses:\n- {"when":\t{"user": "a"}, "reply": "b"}\n- {"when": {"user": "a\tb"}, "reply": "b"}\n',
    "numbers": 'responses:\n- {"when": {"turn": 1e0, "step": -0}, "reply": {"usage": [1e5, 1.5e3, 0.5, 12345678901234567890]}}\n',
    "words": 'responses:\n- {"when": {"stream": true}, "reply": {"content": null, "extra": {"a": [false, null, "x", {}]}}}\n',
    "no JSON of the standard": 'responses:\n- {"when": {"turn": NaN}, "reply": [Infinity]}\n',
    "no spaces": 'responses:\n- {"when":{"user":"a"},"replies":["b",{"content":1}]}\n',
    "deep": 'responses:\n- {"when": {"user": "a"}, "reply": {"extra": ' + 59 * "[" + 59 * "]" + "}}\n",
    "too deep": 'responses:\n- {"when": {"user": "a"}, "reply": {"extra": ' + 62 * "[" + 62 * "]" + "}}\n- @\n",
    "far too deep": 'responses:\n- {"when": {"user": "a"}, "reply": {"extra": ' + 9999 * "[" + 9999 * "]" + "}}\n- @\n",
    "many brackets": 'responses:\n- {"when": {"user": "' + 99 * "[" + '"}, "reply": "b", "pace": {"tsp": 1}}\n',
}


@pytest.mark.parametrize("name", LINES)
def test_rules_in_lines_of_json_give_the_same(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert_same(monkeypatch, LINES[name].replace("@", LINE))


def test_rules_in_lines_of_json_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "responses:\n- @\n- @\n".replace("@", LINE.replace('"id": "one", ', ""))
    expected = outcome(text)
    monkeypatch.setattr(Builder, "rule", None)
    assert outcome(text) == expected
    assert len(expected[0]) == 2


@pytest.mark.parametrize("form", [yaml.safe_dump, json.dumps])
def test_no_node_is_left_when_the_garbage_collector_is_off(form: Any) -> None:
    """The command line loads without it, and excludes from its passes what is left then."""
    gc.collect()
    gc.disable()
    try:
        loading.load(form({"responses": [{"id": "a", "when": {"user": "q"}, "reply": "b"}]}))
        assert not any(type(item) is Node for item in gc.get_objects())
    finally:
        gc.enable()

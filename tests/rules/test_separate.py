"""Regular expressions that may take exponential time: refused at load, or searched in a helper process."""

from __future__ import annotations

import pytest

from openaimock.config.load import load
from openaimock.errors import ConfigError

from ..support.wire import post, user

SLOW = "^(a+)+$"


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {"user": {"regex": SLOW}}, "reply": "x"},
        {"when": {"body": {"a": {"regex": SLOW}}}, "reply": "x"},
        {"messages": [{"role": "user", "content": SLOW, "matcher": "regex"}, {"role": "assistant", "content": "x"}]},
    ],
)
def test_a_slow_regex_is_refused_with_its_slow_part(rule):
    with pytest.raises(ConfigError, match=r"may take exponential time because of \(a\+\)\+; rewrite it, or add 'unsafe: true'"):
        load({"responses": [rule]})


def unsafe(pattern, **reply):
    return [{"id": "slow", "when": {"user": {"regex": pattern, "unsafe": True}}, "reply": "Hello {{ match.1 }}", **reply}]


def test_an_unsafe_regex_is_searched_in_a_helper_process(serve):
    mock = serve(unsafe("^(a+)+$"))
    assert post(mock, user("aaa")).json()["choices"][0]["message"]["content"] == "Hello aaa"
    assert post(mock, user("b")).json()["error"]["code"] == "no_match"


def test_an_unsafe_regex_past_a_second_is_a_500_that_names_the_rule(serve):
    mock = serve([*unsafe("^(a+)+$"), {"when": {"user": "hi"}, "reply": "still here"}])
    answer = post(mock, user("a" * 40 + "!"), timeout=30)
    assert answer.status_code == 500
    assert "Rule 'slow' cannot be matched" in answer.json()["error"]["message"]
    assert post(mock, user("hi")).status_code == 200


def test_an_unsafe_regex_may_have_javascripts_named_groups(serve):
    mock = serve([{"when": {"user": {"regex": "(?<word>(a+)+)$", "unsafe": True}}, "reply": "{{ match.word }}"}])
    assert post(mock, user("aa")).json()["choices"][0]["message"]["content"] == "aa"


def test_a_slow_pattern_of_a_client_is_skipped_with_a_note(serve):
    mock = serve([{"when": {}, "reply": {"content": {"name": "a" * 40 + "!"}}}])
    schema = {"type": "object", "properties": {"name": {"type": "string", "pattern": SLOW}}, "required": ["name"],
              "additionalProperties": False}  # fmt: skip
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": True}}
    answer = post(mock, user("go", response_format=form))
    assert answer.status_code == 200
    assert "reply_pattern" in answer.headers["x-openaimock-lint"]

from __future__ import annotations

import pytest

from openaimock.rules import conditions
from openaimock.types.ask import Ask, Message

from ..support.rulings import expect, talk


def condition(**when):
    (compiled,) = conditions.compile(when)
    return compiled


def holds(ask: Ask, **when) -> bool:
    return all(made.fits(ask) for made in conditions.compile(when))


CONVERSATION = talk(
    ("system", "You are an agent"),
    ("developer", "Be brief"),
    ("user", "first question"),
    ("assistant", "first answer"),
    ("user", "last question"),
    Message("tool", "sunny", tool_call_id="call_1"),
)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("user", "last question"),
        ("system", "You are an agent\nBe brief"),
        ("assistant", "first answer"),
        ("tool", "sunny"),
        ("text", "last question"),
        ("tool_call_id", "call_1"),
    ],
)
def test_text_conditions_read_their_text(key, text):
    assert holds(CONVERSATION, **{key: expect("exact", text)})
    assert not holds(CONVERSATION, **{key: expect("exact", text + "?")})


def test_path_is_that_of_the_object():
    ask = Ask("files", path="/files/file-a")
    assert holds(ask, path=expect("exact", "/files/file-a"))
    assert not holds(ask, path=expect("exact", "/files/file-b"))


@pytest.mark.parametrize("key", ["user", "system", "assistant", "tool"])
def test_text_that_is_not_there_fits_not_even_any(key):
    assert not holds(talk(), **{key: expect("any")})


def test_message_is_any_message_of_any_role():
    assert holds(CONVERSATION, message=expect("exact", "first answer"))
    assert holds(CONVERSATION, message=expect("contains", "brief"))
    assert not holds(CONVERSATION, message=expect("exact", "second answer"))


def test_inverted_message_is_said_by_none():
    assert not holds(CONVERSATION, message=expect("exact", "first answer", invert=True))
    assert holds(CONVERSATION, message=expect("contains", "spam", invert=True))


@pytest.mark.parametrize(
    ("when", "more"),
    [
        ({"model": expect("glob", "gpt-4*")}, {"model": "gpt-4o"}),
        ({"stream": True}, {"stream": True}),
        ({"tool_choice": expect("exact", "required")}, {"tool_choice": "required"}),
        ({"namespace": expect("exact", "mine")}, {"namespace": "mine"}),
        ({"tools": ("a", "b")}, {"tools": ("b", "c", "a")}),
        ({"state": {"login": "done"}}, {"state": {"login": "done", "other": "x"}}),
        ({"header": {"x-test": expect("contains", "a")}}, {"headers": {"x-test": "bar"}}),
    ],
)
def test_conditions_on_the_rest_of_the_request(when, more):
    assert holds(talk("hi", **more), **when)
    assert not holds(talk("hi"), **when)


def test_endpoint_is_one_of_a_list():
    assert holds(Ask("responses"), endpoint=("chat", "responses"))
    assert not holds(Ask("embeddings"), endpoint=("chat", "responses"))


def test_turn_counts_assistant_messages():
    assert holds(CONVERSATION, turn=1)
    assert not holds(CONVERSATION, turn=0)


def test_tool_result_counts_after_the_last_user_message_only():
    assert holds(CONVERSATION, has_tool_result=True)
    assert holds(talk("a", ("tool", "x"), "b"), has_tool_result=False)


def test_response_format_is_a_type_or_the_name_of_a_schema():
    ask = talk("hi", response_format="json_schema", schema_name="city")
    assert holds(ask, response_format=expect("exact", "json_schema"))
    assert holds(ask, response_format=expect("exact", "city"))
    assert not holds(ask, response_format=expect("exact", "json_object"))


@pytest.mark.parametrize("name", ["json_schema", "city"])
def test_inverted_response_format_is_neither(name):
    ask = talk("hi", response_format="json_schema", schema_name="city")
    assert not holds(ask, response_format=expect("exact", name, invert=True))


@pytest.mark.parametrize(
    ("path", "match", "fit"),
    [
        ("metadata.user", expect("exact", "u1"), True),
        ("metadata.user", expect("regex", "^u[0-9]$"), True),
        ("items.1.name", expect("exact", "second"), True),
        ("items.-1.name", expect("exact", "second"), True),
        ("items.2.name", expect("any"), False),
        ("temperature", expect("equals", 0.5), True),
        ("temperature", expect("contains", "0.5"), True),
        ("flag", expect("equals", True), True),
        ("flag", expect("equals", 1), False),
        ("items.0", expect("equals", {"name": "first"}), True),
        ("items.0", expect("contains", '"name"'), True),
        ("missing", expect("equals", None), True),
        ("null", expect("equals", None), True),
        ("null", expect("exact", "x", invert=True), True),
    ],
)
def test_body_paths(path, match, fit):
    body = {
        "metadata": {"user": "u1"},
        "items": [{"name": "first"}, {"name": "second"}],
        "temperature": 0.5,
        "flag": True,
        "null": None,
    }
    assert holds(Ask("chat", body=body), body={path: match}) is fit


def test_all_headers_must_fit():
    when = {"header": {"a": expect("exact", "1"), "b": expect("exact", "2")}}
    assert holds(talk(headers={"a": "1", "b": "2"}), **when)
    assert not holds(talk(headers={"a": "1"}), **when)


def test_combinators():
    a, b = {"user": expect("contains", "a")}, {"user": expect("contains", "b")}
    assert [holds(talk(text), all=[a, b]) for text in ("ab", "a", "b", "")] == [True, False, False, False]
    assert [holds(talk(text), any=[a, b]) for text in ("ab", "a", "b", "")] == [True, True, True, False]
    assert [holds(talk(text), **{"not": {**a, "turn": 0}}) for text in ("a", "b")] == [False, True]


# Scores


def score(ask: Ask, **when) -> tuple[float, ...]:
    return conditions.scores(condition(**when), ask)


def test_texts_score_by_their_matcher():
    assert score(talk("a"), user=expect("contains", "a")) == (0.6,)


def test_what_is_no_text_does_not_score():
    assert score(talk("a", model="m"), model=expect("exact", "m")) == ()


def test_inverted_texts_score_like_any():
    assert score(talk("a"), user=expect("exact", "b", invert=True)) == (0.1,)
    assert score(talk("a"), message=expect("exact", "b", invert=True)) == (0.1,)


def test_not_scores_like_any():
    assert score(talk("a"), **{"not": {"user": expect("exact", "b")}}) == (0.1,)


def test_parts_of_all_score_each():
    when = [{"user": expect("exact", "a")}, {"text": expect("contains", "a"), "turn": 0}]
    assert score(talk("a"), all=when) == (1.0, 0.6)


def test_any_scores_its_best_branch_that_holds():
    when = [{"user": expect("contains", "a")}, {"user": expect("regex", "a")}, {"user": expect("exact", "b")}]
    assert score(talk("a"), any=when) == (0.8,)


# Reasons


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ({"user": expect("contains", "refund")}, "expected text containing 'refund', got 'hi'"),
        ({"assistant": expect("exact", "a")}, "expected exactly 'a', got nothing"),
        ({"message": expect("exact", "a")}, "expected some message with exactly 'a', got 1 messages"),
        ({"message": expect("exact", "hi", invert=True)}, "expected no message with exactly 'hi', got 1 messages"),
        ({"stream": True}, "expected true, got false"),
        ({"turn": 2}, "expected 2, got 0"),
        ({"endpoint": ("responses", "embeddings")}, "expected responses or embeddings, got chat"),
        ({"tools": ("search", "issue")}, "tool 'issue' is not offered (search)"),
        ({"response_format": expect("exact", "city")}, "expected exactly 'city', got nothing"),
        ({"state": {"login": "done"}}, "expected scenario 'login' in state 'done', got None"),
        ({"header": {"x-a": expect("exact", "1")}}, "header.x-a: expected exactly '1', got nothing"),
        ({"body": {"a.b": expect("equals", 2)}}, "body.a.b: expected exactly 2, got 1"),
        ({"all": [{"turn": 0}, {"turn": 1}]}, "all[1]: turn: expected 1, got 0"),
        ({"any": [{"turn": 1}, {"turn": 2}]}, "none of these holds: turn: expected 1, got 0; turn: expected 2, got 0"),
        ({"not": {"turn": 0}}, "the condition under 'not' holds"),
    ],
)
def test_reasons(when, reason):
    ask = talk("hi", tools=("search",), body={"a": {"b": 1}})
    assert condition(**when).check(ask) == reason


def test_there_is_no_reason_for_what_holds():
    assert condition(user=expect("exact", "hi")).check(talk("hi")) == ""


def test_reasons_survive_that_the_state_has_changed_since():
    state = {"login": "open"}
    ask, compiled = talk(state=state), condition(state={"login": "done"})
    assert not compiled.fits(ask)
    state["login"] = "done"
    assert compiled.reason(ask) == "expected scenario 'login' in state 'done', got 'done'"


# Groups


@pytest.mark.parametrize(
    "when",
    [
        {"user": expect("regex", r"order (?P<order>\d+)")},
        {"message": expect("regex", r"order (?P<order>\d+)")},
        {"any": [{"user": expect("exact", "no")}, {"user": expect("regex", r"order (?P<order>\d+)")}]},
        {"all": [{"turn": 0, "text": expect("regex", r"order (?P<order>\d+)")}]},
        {"body": {"note": expect("regex", r"order (?P<order>\d+)")}},
    ],
)
def test_groups_are_found_wherever_the_regex_stands(when):
    ask = talk("order 17", body={"note": "order 17"})
    assert conditions.groups(condition(**when), ask)["order"] == "17"


def test_groups_of_no_message_are_none():
    assert conditions.groups(condition(message=expect("regex", "(a)")), talk("b")) == {}


def test_step_counts_the_rounds_of_results_since_the_last_user_message():
    result = Message("tool", "ok", tool_call_id="c")
    before = ["a", ("assistant", ""), result, "errand"]
    assert holds(talk(*before), step=0)
    assert holds(talk(*before, ("assistant", ""), result), step=1)
    assert holds(talk(*before, ("assistant", ""), result, result, ("assistant", ""), result), step=2)


def test_a_tool_call_id_may_be_that_of_any_parallel_result():
    results = [Message("tool", "ok", tool_call_id=name) for name in ("old", "a", "b")]
    ask = talk("x", results[0], ("assistant", ""), *results[1:])
    assert [holds(ask, tool_call_id=expect("exact", name)) for name in ("old", "a", "b")] == [False, True, True]
    assert not holds(ask, tool_call_id=expect("exact", "a", invert=True))
    assert holds(ask, tool_call_id=expect("exact", "old", invert=True))

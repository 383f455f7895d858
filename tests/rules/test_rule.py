from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.rules import rule as rules
from openaimock.rules.match import Miss, fit
from openaimock.types.ask import Ask, Match, Message

from ..support.rulings import ANSWER, expect, flow, said, talk, when


def answers(rule: rules.Rule, ask: Ask) -> bool:
    return isinstance(fit(rule, ask), Match)


def matched(rule: rules.Rule, ask: Ask) -> Match:
    outcome = fit(rule, ask)
    assert isinstance(outcome, Match), str(outcome)
    return outcome


def missed(rule: rules.Rule, ask: Ask) -> Miss:
    outcome = fit(rule, ask)
    assert isinstance(outcome, Miss)
    return outcome


def place_and_reason(rule: rules.Rule, ask: Ask) -> tuple[str, str]:
    miss = missed(rule, ask)
    return miss.where, miss.reason


LONG = flow(
    said("user", "weather"),
    said("assistant", reply={"tool_calls": [{"name": "get_weather", "arguments": "{}", "id": "call_1"}]}),
    said("tool", expect("any"), tool_call_id="call_1"),
    said("assistant", reply={"content": "It is sunny."}),
)
CALLED = ("assistant", "")
RESULT = Message("tool", "sunny", tool_call_id="call_1")


# Which conversations fit


def test_a_flow_answers_with_the_assistant_message_after_what_was_matched():
    assert matched(LONG, talk("weather")).answer == 1
    assert matched(LONG, talk("weather", CALLED, RESULT)).answer == 3


def test_turns_last_always_answers_with_the_last_message():
    rule = flow(said("user", "a"), ANSWER, said("user", "b"), ANSWER, turns="last")
    assert matched(rule, talk("a")).answer == 3


def test_turns_may_come_from_the_files_defaults():
    rule = rules.build({"id": "a", "messages": [said("user", "a"), ANSWER, said("user", "b"), ANSWER]}, 0, {"turns": "last"})
    assert matched(rule, talk("a")).answer == 3


def test_assistant_messages_of_the_request_may_say_anything():
    assert answers(LONG, talk("weather", ("assistant", "whatever"), RESULT))


def test_roles_must_fit_one_by_one():
    assert place_and_reason(LONG, talk("weather", "weather")) == ("messages[1]", "expected a message of role assistant, got user")


def test_a_longer_request_does_not_fit():
    ask = talk("weather", CALLED, RESULT, ("assistant", ""), "more")
    assert place_and_reason(LONG, ask) == ("messages", "the request has 5 messages, this conversation ends after 4")


def test_a_request_that_says_all_has_no_answer_left():
    ask = talk("weather", CALLED, RESULT, ("assistant", "It is sunny."))
    where, reason = place_and_reason(LONG, ask)
    assert where == "messages"
    assert reason == "no assistant message follows the 4 matched messages (turns: last would answer with the last one)"


def test_a_request_that_says_all_gets_the_last_message_with_turns_last():
    rule = flow(said("user", "a"), ANSWER, turns="last")
    assert matched(rule, talk("a", ("assistant", "ok"))).answer == 1


def test_a_message_that_is_not_the_assistants_must_have_been_matched():
    rule = flow(ANSWER, said("user", "a"), ANSWER)
    assert place_and_reason(rule, talk(("assistant", "hello"))) == (
        "messages",
        "only assistant messages could be matched, at least one other is needed",
    )
    assert answers(rule, talk(("assistant", "hello"), "a"))


def test_no_messages_fit_no_flow():
    assert not answers(LONG, Ask("embeddings", text="weather"))


@pytest.mark.parametrize("role", ["system", "developer"])
def test_leading_system_messages_are_passed_over(role):
    assert answers(LONG, talk((role, "Be nice"), (role, "Be brief"), "weather"))


def test_later_system_messages_are_not_passed_over():
    assert not answers(LONG, talk("weather", ("system", "Be nice")))


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("came", ["system", "developer"])
def test_system_and_developer_fit_each_other(role, came):
    rule = flow(said(role, "Be nice"), said("user", "a"), ANSWER)
    assert answers(rule, talk((came, "Be nice"), "a"))
    assert not answers(rule, talk((came, "Be rude"), "a"))


def test_a_flow_that_begins_with_a_system_message_wants_one():
    rule = flow(said("system", expect("any")), said("user", "a"), ANSWER)
    assert place_and_reason(rule, talk("a")) == ("messages[0]", "expected a message of role system, got user")


def test_a_message_without_content_fits_by_its_role():
    assert matched(flow(said("user"), ANSWER), talk("anything")).score == 1.0


def test_a_tool_message_fits_by_the_call_it_answers():
    rule = flow(said("user", "a"), ANSWER, said("tool", tool_call_id="call_1"), ANSWER)
    assert answers(rule, talk("a", CALLED, RESULT))
    where, reason = place_and_reason(rule, talk("a", CALLED, Message("tool", "sunny", tool_call_id="call_2")))
    assert (where, reason) == ("messages[2] (tool)", "expected the result of tool call 'call_1', got one of 'call_2'")


def test_kinds_of_parts_must_be_there():
    rule = flow(said("user", expect("any"), parts=["image_url"]), ANSWER)
    assert answers(rule, talk(Message("user", "look", parts=("text", "image_url"))))
    assert place_and_reason(rule, talk("look")) == ("messages[0] (user)", "expected a part image_url, got text")


def test_an_inverted_message_keeps_its_role():
    rule = flow(said("user", expect("contains", "spam", invert=True)), ANSWER)
    assert answers(rule, talk("ham"))
    assert not answers(rule, talk("spam"))
    assert not answers(rule, talk(("tool", "ham")))


def test_a_rule_with_replies_of_its_own_answers_with_them():
    rule = flow(said("user", "a"), replies=[{"content": "b"}])
    assert matched(rule, talk("a")).answer == -1


# Scores


def test_the_score_is_the_average_of_what_was_matched():
    rule = flow(said("user", expect("contains", "a")), ANSWER, said("user", "b"), ANSWER)
    assert matched(rule, talk("a")).score == 0.6
    assert matched(rule, talk("a", CALLED, "b")).score == 0.8


def test_conditions_score_by_their_texts():
    rule = when(user=expect("exact", "a"), text=expect("regex", "a"), turn=0)
    assert matched(rule, talk("a")).score == pytest.approx(0.9)


def test_conditions_without_a_text_score_like_any():
    assert matched(when(turn=0), talk("a")).score == 0.1


def test_no_conditions_fit_all():
    assert matched(when(), Ask("models")).score == 0.1


def test_the_score_of_a_choice_depends_on_the_ask():
    rule = when(any=[{"user": expect("exact", "a")}, {"user": expect("contains", "a")}])
    assert matched(rule, talk("a")).score == 1.0
    assert matched(rule, talk("ab")).score == 0.6


@given(st.lists(st.sampled_from(["exact", "contains", "fuzzy", "regex", "any"]), min_size=1, max_size=4), st.integers(1, 8))
def test_no_score_is_above_the_bound(kinds, length):
    messages = [part for kind in kinds for part in (said("user", expect(kind, "a")), ANSWER)]
    rule = flow(*messages)
    outcome = fit(rule, talk(*[("user", "a"), CALLED] * (length // 2), *["a"] * (length % 2)))
    assert isinstance(outcome, Miss) or outcome.score <= rule.bound
    choice = when(any=[{"user": expect(kind, "a")} for kind in kinds], text=expect(kinds[0], "a"))
    assert matched(choice, talk("a")).score <= choice.bound


def test_the_bound_allows_for_how_floats_add_up():
    anything = {key: expect("any") for key in ("user", "text", "message")}
    rule = when(any=[anything])
    assert 0.1 < matched(rule, talk("a")).score <= rule.bound


# Misses


def test_a_miss_of_a_message_says_where_and_why():
    miss = missed(LONG, talk(("system", "x"), "whether"))
    assert (miss.where, miss.reason) == ("messages[1] (user)", "expected exactly 'weather', got 'whether'")
    assert str(miss) == "messages[1] (user): expected exactly 'weather', got 'whether' (86% similar)"


def test_a_miss_of_a_condition_says_which():
    miss = missed(when(turn=0, user=expect("contains", "refund")), talk("hello"))
    assert str(miss) == "user: expected text containing 'refund', got 'hello' (17% similar)"


def test_a_miss_without_likeness_says_only_why():
    assert str(missed(when(turn=1), talk("a"))) == "turn: expected 1, got 0"


def test_data_of_a_miss():
    near = missed(LONG, talk("whether")).comparison
    assert near == ("exactly 'weather'", "'whether'", pytest.approx(6 / 7))


def test_a_miss_by_role_or_length_has_no_such_data():
    assert missed(LONG, talk(("tool", "weather"))).comparison is None
    assert missed(LONG, talk()).comparison is None
    assert missed(when(turn=3), talk("a")).comparison is None


def test_what_fits_further_is_nearer():
    near = missed(LONG, talk("weather", CALLED, Message("tool", "x", tool_call_id="other")))
    far = missed(LONG, talk("whether", CALLED, RESULT))
    assert near.nearness > far.nearness
    assert near.quick_nearness > far.quick_nearness


def test_what_is_more_alike_is_nearer():
    near, far = (missed(LONG, talk(text)) for text in ("whether", "refund"))
    assert 1.0 > near.nearness > far.nearness >= 0.0


@given(st.lists(st.sampled_from(["user", "assistant", "tool", "system"]), max_size=5))
def test_every_miss_can_be_told(roles):
    for rule in (LONG, flow(said("system", "x"), said("user", "a"), ANSWER)):
        outcome = fit(rule, talk(*[(role, "a") for role in roles]))
        if isinstance(outcome, Miss):
            assert outcome.where.startswith("messages")
            assert outcome.reason
            assert 0.0 <= outcome.nearness <= 1.0


# What a rule answers


def replying(*contents: str, then: str = "last", **more) -> rules.Rule:
    return rules.build(
        {"id": "a", "when": {}, "replies": [{"content": content} for content in contents], "then": then, **more}, 0
    )


def taken(rule: rules.Rule, count: int) -> list[str | None]:
    plans = [rules.reply_for_hit(rule, -1, used)[1] for used in range(count)]
    return [plan.ready.text if plan and plan.ready else None for plan in plans]


@pytest.mark.parametrize(("then", "texts"), [("last", "abbb"), ("cycle", "abab"), ("error", "ab")])
def test_replies_come_in_turn(then, texts):
    assert taken(replying("a", "b", then=then), 4) == [*texts] + [None] * (4 - len(texts))


def test_the_reply_of_a_flow_is_its_message():
    _, plan = rules.reply_for_hit(LONG, 3, 0)
    assert plan is not None and plan.ready is not None
    assert plan.ready.text == "It is sunny."


def test_groups_of_all_turns_are_found():
    rule = flow(said("user", expect("regex", r"my (?P<thing>\w+)")), ANSWER, said("user", expect("regex", r"in (\w+)")), ANSWER)
    assert rules.groups(rule, talk("my shoe", CALLED, "in red")) == {"0": "in red", "1": "red", "thing": "shoe"}


def test_groups_of_conditions_are_found():
    assert rules.groups(when(user=expect("regex", r"my (?P<thing>\w+)")), talk("my shoe"))["thing"] == "shoe"


def test_expectations_are_all_matchers_in_order():
    rule = when(user=expect("exact", "a"), any=[{"text": expect("exact", "b")}, {"message": expect("exact", "c")}], turn=0)
    assert [matcher.value for matcher in rules.expectations(rule)] == ["a", "b", "c"]
    assert [matcher.value for matcher in rules.expectations(LONG)] == ["weather", ""]


def test_a_rule_with_a_function_may_block():
    rule = rules.build({"id": "a", "when": {}, "replies": [{"function": lambda ask: "x"}]}, 0)
    assert rule.blocking
    assert not LONG.blocking


# Parallel tool results


def result(call, text="ok"):
    return Message("tool", text, tool_call_id=call)


PARALLEL = flow(
    said("user", "compare"),
    said("assistant", reply={"tool_calls": [{"name": "get", "arguments": "{}", "id": name} for name in "abc"]}),
    *(
        said("tool", expect("regex", "(?P<a>one) .*"), tool_call_id=name)
        if name == "a"
        else said("tool", None, tool_call_id=name)
        for name in "abc"
    ),
    ANSWER,
)


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_results_of_parallel_calls_match_in_any_order(order):
    ask = talk("compare", CALLED, *(result(name, "one result") for name in order))
    assert matched(PARALLEL, ask).answer == 5
    assert rules.groups(PARALLEL, ask)["a"] == "one"


def test_a_part_of_the_parallel_results_matches_too():
    assert matched(PARALLEL, talk("compare", CALLED, result("c"))).answer == 5


def test_a_result_of_no_parallel_call_is_a_miss():
    miss = missed(PARALLEL, talk("compare", CALLED, result("c"), result("z"), result("a", "one x")))
    assert (miss.where, miss.reason) == ("messages[3] (tool)", "expected the result of tool call 'b', got one of 'z'")


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=5), st.data())
def test_parallel_results_match_if_some_order_matches_one_by_one(names, data):
    expected = [data.draw(st.sampled_from("abcd")) for _ in names]
    rule = flow(said("user", "go"), *(said("tool", expect("regex", f"[{name}x]")) for name in expected), ANSWER)
    ask = talk("go", *(result("1", name) for name in names))
    assert answers(rule, ask) == (sorted(names) == sorted(expected))


def test_results_of_later_rounds_keep_their_place():
    rule = flow(said("user", "go"), said("tool", expect("exact", "1")), ANSWER, said("tool", expect("exact", "2")), ANSWER)
    assert not answers(rule, talk("go", result("a", "2"), CALLED, result("b", "1")))

from __future__ import annotations

import random

import pytest

from openaimock.rules import match
from openaimock.rules import rule as rules
from openaimock.rules.ruleset import RuleSet, plain_match
from openaimock.types.ask import Ask, Match, Message

from ..support.rulings import ANSWER, expect, flow, said, talk, when

WORDS = ["weather", "parcel", "invoice", "garden", "window", "museum", "ticket", "orange", "violin", "thunder", "kettle"]


def answering(*rules: rules.Rule, ask: Ask | None = None, first: bool = False, **hits: int) -> int | None:
    """The number of the rule that answers ``a``, which the index and asking all must agree on."""
    ruleset = RuleSet(rules, first=first)
    counts = {id.replace("_", "-"): count for id, count in hits.items()}
    match = ruleset.match(ask or talk("a"), counts)
    assert match == plain_match(ruleset.rules, ask or talk("a"), counts, first)
    return None if match is None else match.rule.number


def asked(number: int, text: str, kind: str = "exact", **more) -> rules.Rule:
    return when(number, more, user=expect(kind, text))


MANY = [asked(number, f"other {number}") for number in range(10)]


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
def test_the_best_score_answers(others):
    competing = [*others, asked(0, "a", "any"), asked(0, "a", "contains"), asked(0, "a", "regex"), asked(0, "a")]
    assert answering(*competing) == len(competing) - 1


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
def test_of_equal_scores_the_first_answers(others):
    assert answering(*others, asked(0, "a"), asked(0, "a")) == len(others)


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
def test_priority_goes_before_score(others):
    assert answering(*others, asked(0, "a"), asked(0, "", "any", priority=1)) == len(others) + 1


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
def test_match_first_goes_by_file_order_alone(others):
    assert answering(*others, asked(0, "", "any"), asked(0, "a", priority=1), first=True) == len(others)


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
def test_used_up_rules_are_passed_over(others):
    ruleset = RuleSet([*others, asked(0, "a", times=2), asked(0, "a", "any")])
    once, other = ruleset.rules[-2:]
    ids = [rules.build({"id": name, "when": {"user": expect("exact", "a")}, "replies": [{}], "times": 2}, 0) for name in "xy"]
    ruleset = RuleSet([*others, *ids])
    match = [ruleset.match(talk("a"), {"x": used}) for used in range(4)]
    assert [match.rule.id for match in match if match] == ["x", "x", "y", "y"]
    assert (once.number, other.number) == (len(others), len(others) + 1)


@pytest.mark.parametrize("others", [[], MANY], ids=["few", "many"])
def test_a_body_that_comes_again_gets_the_same_until_a_rule_is_added(others):
    ruleset = RuleSet([*others, asked(0, "a", "contains")])
    ask = talk("a")
    match = ruleset.match(ask, {})
    assert ruleset.match(ask.copy(), {}) is match
    ruleset.add([asked(0, "a")])
    assert ruleset.match(ask.copy(), {}).rule is ruleset.rules[-1]
    assert RuleSet([asked(0, "", "any")]).match(ask.copy(), {}).rule.score == 0.1


@pytest.mark.parametrize(
    "condition",
    [{"header": {"x": expect("exact", "1")}}, {"state": {"door": "open"}}, {"namespace": expect("exact", "one")}],
    ids=["header", "state", "namespace"],
)
def test_a_body_that_comes_again_gets_another_where_the_rest_of_the_request_counts(condition):
    ruleset = RuleSet([when(0, **condition), when(1)])
    ask = talk("a")
    assert ruleset.match(ask, {}).rule.number == 1
    again = ask.copy()
    again.headers, again.state, again.namespace = {"x": "1"}, {"door": "open"}, "one"
    assert ruleset.match(again, {}).rule.number == 0


def test_a_prompt_that_comes_again_gets_the_same_until_a_rule_is_added():
    ruleset = RuleSet([*MANY, asked(0, "a", "contains")])
    match = ruleset.match(talk("a", body={"user": "one"}), {})
    assert ruleset.match(talk("a", body={"user": "two"}), {}) is match
    assert ruleset.match(talk("ab"), {}) is not match
    ruleset.add([asked(0, "a")])
    assert ruleset.match(talk("a"), {}).rule is ruleset.rules[-1]


@pytest.mark.parametrize(
    ("condition", "fitting"),
    [
        ({"model": expect("exact", "m")}, {"model": "m"}),
        ({"stream": True}, {"stream": True}),
        ({"turn": 1}, {"messages": [Message("assistant", ""), Message("user", "a")]}),
        ({"tools": ["t"]}, {"tools": ("t",)}),
        ({"response_format": expect("exact", "json_object")}, {"response_format": "json_object"}),
        ({"body": {"seed": expect("equals", 1)}}, {"body": {"seed": 1}}),
        ({"text": expect("exact", "b")}, {"text": "b"}),
        ({"endpoint": ["embeddings.create"]}, {"operation": "embeddings.create"}),
        ({"header": {"x": expect("exact", "1")}}, {"headers": {"x": "1"}}),
    ],
)
def test_a_prompt_that_comes_again_gets_another_where_the_rest_of_the_request_counts(condition, fitting):
    rules = [when(0, **condition), *(asked(number, f"other {number}") for number in range(1, 9)), asked(9, "a", "any")]
    ruleset = RuleSet(rules)
    for _ in range(2):
        for more in ({}, fitting):
            ask = talk("a", **{"operation": "chat.completions.create", **more})
            assert ruleset.match(ask, {}) == plain_match(rules, ask, {}, False)
            assert (ruleset.match(ask, {}).rule.number == 0) == (more is fitting)


def test_the_matches_of_prompts_are_few_and_short(monkeypatch):
    monkeypatch.setattr("openaimock.rules.ruleset._CACHED", 3)
    ruleset = RuleSet([*MANY, asked(0, "a", "contains")])
    for number in range(10):
        assert ruleset.match(talk(f"a {number}"), {}) is not None
        assert len(ruleset._matches) <= 3
    ruleset._matches.clear()
    assert ruleset.match(talk("a" * 5000), {}) is not None
    assert ruleset.match(talk(*["b"] * 5, "a"), {}) is not None
    assert ruleset._matches == {}


def test_no_rule_may_answer():
    assert answering(*MANY) is None
    assert answering() is None


def test_rules_are_numbered_in_the_order_they_come():
    ruleset = RuleSet([asked(7, "a"), asked(7, "b")])
    ruleset.add([asked(7, "c")])
    assert [rule.number for rule in ruleset.rules] == [0, 1, 2]


def test_a_rule_added_later_answers():
    ruleset = RuleSet(MANY)
    assert ruleset.match(talk("a"), {}) is None
    ruleset.add([asked(0, "a")])
    match = ruleset.match(talk("a"), {})
    assert match is not None and match.rule is ruleset.rules[10]


def test_a_flow_tells_which_of_its_messages_answers():
    ruleset = RuleSet([*MANY, flow(said("user", "a"), ANSWER, said("user", expect("contains", "b")), ANSWER)])
    ask = talk("a", ("assistant", "ok"), "abc")
    assert ruleset.match(ask, {}) == Match(ruleset.rules[-1], 0.8, 3)


# Verdicts


def test_verdicts_are_in_file_order():
    ruleset = RuleSet([asked(0, "b"), asked(0, "a")])
    assert [verdict.rule.number for verdict in ruleset.verdicts(talk("a"), {})] == [0, 1]
    assert [verdict.reason for verdict in ruleset.verdicts(talk("a"), {})] == [
        "user: expected exactly 'b', got 'a' (0% similar)",
        "",
    ]


def test_a_used_up_rule_says_so():
    ruleset = RuleSet([rules.build({"id": "x", "when": {}, "replies": [{}], "times": 2}, 0)])
    (verdict,) = ruleset.verdicts(talk("a"), {"x": 2})
    assert (verdict.spent, verdict.reason) == (True, "it matches, but its 2 times are used up")


# The nearest of a miss


def near(ruleset: RuleSet, ask: Ask, hits: dict[str, int] | None = None, count: int = 3) -> list[int]:
    return [verdict.rule.number for verdict in ruleset.nearest(ask, hits or {}, count)]


def test_the_nearest_comes_first():
    ruleset = RuleSet([asked(0, "tell me a joke"), asked(0, "the weather in Rome"), asked(0, "the weather in Paris")])
    assert near(ruleset, talk("the wether in Paris")) == [2, 1, 0]


def test_a_flow_that_fitted_further_is_nearer():
    one = flow(said("user", "hello there"), ANSWER)
    two = flow(said("user", "hello"), ANSWER, said("user", "something else"), ANSWER)
    assert near(RuleSet([one, two]), talk("hello", ("assistant", "ok"), "goodbye")) == [1, 0]


def test_no_more_than_asked_for():
    assert len(near(RuleSet(MANY), talk("a"), count=2)) == 2
    assert near(RuleSet(), talk("a")) == []


def test_among_many_as_many_are_told_as_are_asked_for():
    ruleset = RuleSet([when(number, user=expect("exact", text)) for number, text in enumerate(sentences(300))])
    assert len(near(ruleset, talk("parcel of violins"), count=40)) == 40


def sentences(count: int) -> list[str]:
    chance = random.Random("sentences")
    return [" ".join([*chance.choices(WORDS, k=5), f"{number:04}"]) for number in range(count)]


@pytest.mark.parametrize("kind", ["exact", "contains", "fuzzy", "regex"])
@pytest.mark.parametrize("count", [50, 1000])
def test_a_slip_of_one_letter_is_found_among_many(kind, count):
    texts = sentences(count)
    ruleset = RuleSet([when(number, user=expect(kind, text, threshold=0.99)) for number, text in enumerate(texts)])
    text = texts[count // 2]
    at = 7 if kind != "regex" else 0
    assert count // 2 in near(ruleset, talk(text[:at] + "q" + text[at + 1 :]))


@pytest.mark.parametrize("count", [50, 1000])
def test_used_up_rules_that_fit_come_first(count):
    texts = sentences(count)
    rules = [when(number, {"times": 1}, user=expect("exact", text)) for number, text in enumerate(texts)]
    rules += [when(count, {"times": 1}, user=expect("any")), when(count + 1, user=expect("exact", texts[3] + "!"))]
    ruleset = RuleSet(rules)
    hits = {rule.id: 1 for rule in ruleset.rules}
    assert near(ruleset, talk(texts[3]), hits) == [3, count, count + 1]


def test_among_many_a_rule_that_fits_in_part_is_found():
    rules = [when(n, user=expect("exact", text), turn=0) for n, text in enumerate(sentences(300))]
    rules.append(when(300, user=expect("contains", "violin please"), turn=7))
    assert near(RuleSet(rules), talk("a violin please"))[0] == 300


def test_among_many_the_first_are_told_when_nothing_is_near():
    ruleset = RuleSet([when(number, user=expect("exact", text)) for number, text in enumerate(sentences(300))])
    assert near(ruleset, talk("天")) == [0, 1, 2]


def test_the_same_question_has_the_same_nearest():
    ruleset = RuleSet([when(number, user=expect("exact", text)) for number, text in enumerate(sentences(300))])
    again = RuleSet(ruleset.rules)
    assert (
        near(ruleset, talk("parcel of violins"))
        == near(ruleset, talk("parcel of violins"))
        == near(again, talk("parcel of violins"))
    )


@pytest.mark.parametrize("kind", ["exact", "contains", "fuzzy", "regex"])
def test_the_nearest_are_the_same_whether_a_match_went_before_or_not(kind):
    ruleset = RuleSet([when(number, user=expect(kind, text)) for number, text in enumerate(sentences(300))])
    ruleset.add([when(300, user=expect("contains", "violin"), turn=7)])
    ask, other = talk("parcel of violins"), talk("nothing like it")
    fresh = near(ruleset, ask)
    assert ruleset.match(ask, {}) is None
    assert near(ruleset, ask) == fresh
    assert ruleset.match(other, {}) is None
    assert near(ruleset, ask) == fresh


def test_explaining_many_rules_asks_few_of_them(monkeypatch):
    asked_rules = []
    fit = match.fit
    monkeypatch.setattr("openaimock.rules.ruleset.fit", lambda rule, ask: asked_rules.append(rule) or fit(rule, ask))
    ruleset = RuleSet([when(number, user=expect("exact", text)) for number, text in enumerate(sentences(2000))])
    ruleset.nearest(talk("parcel of violins"), {})
    assert len(asked_rules) < 100


# What a match may cost


def cost(ask: Ask, *rules: rules.Rule) -> float:
    return RuleSet(rules).cost(ask)


def test_a_usual_request_costs_nothing():
    ruleset = [asked(0, text, kind) for text in sentences(20) for kind in ("exact", "contains", "regex", "fuzzy")]
    assert cost(talk("How is the weather in Paris?"), *ruleset) == 0.0


def test_a_long_text_costs_by_its_length():
    ruleset = [asked(0, r"\d+ \w+", "regex") for _ in range(100)]
    assert cost(talk("a" * 100_000), *ruleset) > cost(talk("a" * 50_000), *ruleset) > 0.005


def test_all_messages_of_a_conversation_count():
    ruleset = [asked(0, r"\d+ \w+", "regex") for _ in range(100)]
    assert cost(talk(*["a" * 1000] * 50), *ruleset) > 0.005


def test_an_unsafe_regex_may_block():
    ask = talk("a")
    unsafe = when(0, user=expect("regex", "(a+)+b", unsafe=True))
    assert cost(ask, *MANY, unsafe) > 0.005 > cost(ask, *MANY, asked(0, "a+b", "regex"))


def test_fuzzy_costs_no_more_than_its_own_texts_reach():
    assert cost(talk("a " * 10_000), *MANY, asked(0, "hello there", "fuzzy")) < 0.005
    assert cost(talk("a " * 10_000), *MANY, asked(0, "hello there " * 1000, "fuzzy")) > 0.005


def test_many_rules_that_are_still_to_be_entered_cost():
    ruleset = RuleSet([asked(number, text) for number, text in enumerate(sentences(500))])
    assert ruleset.cost(talk("a")) > 0.005
    ruleset.match(talk("a"), {})
    assert ruleset.cost(talk("a")) == 0.0

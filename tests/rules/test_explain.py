"""Explanations: what would make a rule fit, said only where it is true, and where two texts differ."""

from __future__ import annotations

import random

import pytest

from openaimock.config.load import load_rules
from openaimock.http.json import dump
from openaimock.rules import explain, matchers
from openaimock.rules import rule as rules
from openaimock.rules.ruleset import RuleSet, verdict
from openaimock.types.ask import Ask, Message


def build_rules(*configs):
    return [rules.build(rule, number) for number, rule in enumerate(load_rules(list(configs)))]


def request(text, model="gpt-4o"):
    return Ask("chat", {}, [Message("user", text)], text, model)


LONG = "Please tell me the weather of tomorrow in the city of Berlin"


@pytest.mark.parametrize(
    ("matcher", "text", "hint"),
    [
        ({"exact": "Hello"}, "hello", "differs only in case: use case_sensitive: false"),
        ({"exact": "hello"}, "oh hello there", "would match with contains"),
        ({"exact": LONG}, LONG.replace("city", "town"), "would match with fuzzy"),
        ({"fuzzy": LONG, "threshold": 0.99}, LONG.replace("city", "town"), "would match with threshold: 0."),
        ({"contains": "Hello", "case_sensitive": True}, "oh hello", "would match with case_sensitive: false"),
        ({"exact": "Hello"}, "something else entirely", ""),
        ({"regex": "^a"}, "b", ""),
        ({"exact": "Hello", "invert": True}, "Hello", ""),
    ],
)
def test_what_would_make_it_fit(matcher, text, hint):
    (rule,) = build_rules({"when": {"user": matcher}, "reply": "x"})
    actual = explain.hint(verdict(rule, request(text), {}))
    assert actual.startswith(hint) if hint else actual == ""


@pytest.mark.parametrize(("model", "hint"), [("gpt4o", "is 'gpt4o' a misspelling of 'gpt-4o'?"), ("o3", "")])
def test_a_model_misspelt(model, hint):
    (rule,) = build_rules({"when": {"model": "gpt-4o*"}, "reply": "x"})
    assert explain.hint(verdict(rule, request("x", model), {})) == hint


def test_a_role_misspelt():
    flow = [{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}, {"role": "assistant", "content": "z"}]
    (rule,) = build_rules({"messages": flow})
    ask = Ask("chat", {}, [Message("assitant", "x")])
    assert explain.hint(verdict(rule, ask, {})) == "is 'assitant' a misspelling of 'assistant'?"


def test_a_rule_that_is_used_up():
    (rule,) = build_rules({"id": "a", "when": {}, "times": 1, "reply": "x"})
    assert "higher times than 1" in explain.hint(verdict(rule, request("x"), {"a": 1}))


@pytest.mark.parametrize(
    ("expected", "got", "pieces"),
    [
        ("the red fox", "the blue fox", [["=", "the "], ["-", "red"], ["+", "blue"], ["=", " fox"]]),
        ("a", "a", [["=", "a"]]),
        ("", "new", [["+", "new"]]),
        ("old", "", [["-", "old"]]),
    ],
)
def test_texts_word_by_word(expected, got, pieces):
    assert explain.diff(expected, got) == pieces


def test_a_difference_puts_both_texts_together_again():
    one, two = "What, then, is  the time?", "What is the\ttime, then?"
    pieces = explain.diff(one, two)
    assert "".join(text for kind, text in pieces if kind != "+") == one
    assert "".join(text for kind, text in pieces if kind != "-") == two


@pytest.mark.parametrize("first", [False, True])
def test_the_first_verdict_is_the_answer_and_fitting_ones_say_what_is_before_them(first):
    ruleset = RuleSet(
        build_rules(
            {"id": "any", "when": {"user": {"any": True}}, "reply": "x"},
            {"id": "exact", "when": {"user": "Hello"}, "reply": "x"},
            {"id": "miss", "when": {"user": "Hullo"}, "reply": "x"},
        ),
        first=first,
    )
    ask = request("Hello")
    result = explain.report(ruleset, ask, {})
    answer = ruleset.match(ask, {})
    other = "any" if answer.rule.id == "exact" else "exact"
    assert result["rule"] == answer.rule.id
    assert [each["rule"] for each in result["verdicts"]] == [answer.rule.id, other, "miss"]
    assert result["verdicts"][1]["reason"].startswith(f"it matches, but {answer.rule.id} ")


def test_of_very_many_rules_the_nearest_are_told_when_that_is_enough():
    ruleset = RuleSet(build_rules(*({"id": f"r{n}", "when": {"user": f"question number {n}"}, "reply": "x"} for n in range(500))))
    result = explain.report(ruleset, request("question number 199"), {}, limit=5)
    assert (result["rule"], result["rules"], len(result["verdicts"])) == ("r199", 500, 5)
    assert result["verdicts"][0]["answers"]


def test_thousands_of_rules_are_all_told():
    ruleset = RuleSet(
        build_rules(*({"id": f"r{n}", "when": {"user": f"question number {n}"}, "reply": "x"} for n in range(2000)))
    )
    result = explain.report(ruleset, request("question number 1999"), {})
    assert (result["rule"], len(result["verdicts"])) == ("r1999", 2000)
    assert all(each["reason"] for each in result["verdicts"][1:])


@pytest.mark.parametrize("kind", ["exact", "fuzzy"])
@pytest.mark.parametrize("length", [40, 300])
def test_the_threshold_that_is_advised_is_tried(kind, length):
    """Of short texts the likeness that is known tells, of longer ones the matcher itself: a rule so written must fit."""
    advised = 0
    for seed in range(30):
        chance = random.Random(seed)
        text = "".join(chance.choices("abcdefgh ", k=length)).strip()
        other = "".join(chance.choice("abcxyz") if chance.random() < seed / 300 else letter for letter in text)
        matcher = {kind: text} | ({"threshold": 0.99} if kind == "fuzzy" else {})
        (rule,) = build_rules({"when": {"user": matcher}, "reply": "x"})
        hint = explain.hint(verdict(rule, request(other), {}))
        if hint:
            advised += 1
            threshold = float(hint.rpartition("threshold: ")[2]) if "threshold" in hint else matchers.THRESHOLD
            (changed,) = build_rules({"when": {"user": {"fuzzy": text, "threshold": threshold}}, "reply": "x"})
            assert verdict(changed, request(other), {}).reason == ""
    assert advised > 5


# The 400 of a miss


def refusal(matcher, text):
    ruleset = RuleSet(build_rules({"when": {"user": matcher}, "reply": "x"}))
    ask = request(text)
    return explain.no_match(ask, ruleset.nearest(ask, {}))


WORDS = " ".join(f"word{number}" for number in range(700))


def test_a_miss_on_long_texts_shows_the_first_difference():
    message = refusal(WORDS, WORDS.replace("word600", "w0rd600")).message
    assert "word599 w0rd600 word601" in message
    assert "word599 word600 word601" in message
    assert "(first difference at character 4692)" in message


def test_the_message_of_a_miss_has_the_hint():
    assert "(100% similar; differs only in case: use case_sensitive: false)" in refusal("Hello", "hello").message
    assert "would match with fuzzy" in refusal("Hello you", "Hullo you").message


@pytest.mark.parametrize(
    ("expected", "got", "reason"),
    [
        ("Zo\u00eb", "Zoe\u0308", "the rule's text is in Unicode form NFC, the request's in NFD"),
        ("Zoe\u0308", "Zo\u00eb", "the rule's text is in Unicode form NFD, the request's in NFC"),
        ("a b", "a\u00a0b", "the request has a no-break space (U+00A0) at character 2"),
        ("ab\u200b", "ab", "the rule has a zero-width space (U+200B) at character 3"),
        ({"contains": "a b"}, "say a\u202fb", "the request has a narrow no-break space (U+202F) at character 6"),
    ],
)
def test_characters_that_look_the_same_are_named(expected, got, reason):
    assert f"which looks the same: {reason}" in refusal(expected, got).message


def test_texts_that_look_different_have_no_such_reason():
    assert "looks the same" not in refusal("Zo\u00eb", "Zoe").message


@pytest.mark.parametrize("text", ["hello", "x" * 5000, WORDS, "\u00e9" * 400])
@pytest.mark.parametrize("matcher", [WORDS, {"contains": "y" * 3000}, {"fuzzy": WORDS}, {"regex": "z{3}" * 200}])
def test_the_nearest_rules_of_an_error_are_short(matcher, text):
    entries = refusal(matcher, text).more["nearest"]
    assert all(len(dump(entry)) <= 300 for entry in entries)


def test_an_error_names_at_most_three_rules():
    ruleset = RuleSet(build_rules(*({"when": {"user": str(number)}, "reply": "x"} for number in range(9))))
    ask = request("nothing")
    assert len(explain.no_match(ask, ruleset.nearest(ask, {}, 9)).more["nearest"]) == 3

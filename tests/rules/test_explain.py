"""Explanations: what would make a rule fit, said only where it is true, and where two texts differ."""

from __future__ import annotations

import random

import pytest

from openaimock.config.load import load_rules
from openaimock.rules import explain, matchers
from openaimock.rules import rule as rules
from openaimock.rules.ruleset import RuleSet, verdict
from openaimock.types.ask import Ask, Message


def made(*given):
    return [rules.build(rule, number) for number, rule in enumerate(load_rules(list(given)))]


def asked(text, model="gpt-4o"):
    return Ask("chat", {}, [Message("user", text)], text, model)


LONG = "Please tell me the weather of tomorrow in the city of Berlin"


@pytest.mark.parametrize(
    ("matcher", "text", "hint"),
    [
        ({"exact": "Hello"}, "hello", "it would fit with case_sensitive: false"),
        ({"exact": "hello"}, "oh hello there", "it would fit with matcher contains"),
        ({"exact": LONG}, LONG.replace("city", "town"), "it would fit with matcher fuzzy"),
        ({"fuzzy": LONG, "threshold": 0.99}, LONG.replace("city", "town"), "it would fit with threshold: 0."),
        ({"contains": "Hello", "case_sensitive": True}, "oh hello", "it would fit with case_sensitive: false"),
        ({"exact": "Hello"}, "something else entirely", ""),
        ({"regex": "^a"}, "b", ""),
        ({"exact": "Hello", "invert": True}, "Hello", ""),
    ],
)
def test_what_would_make_it_fit(matcher, text, hint):
    (rule,) = made({"when": {"user": matcher}, "reply": "x"})
    told = explain.hint(verdict(rule, asked(text), {}))
    assert told.startswith(hint) if hint else told == ""


@pytest.mark.parametrize(("model", "hint"), [("gpt4o", "is 'gpt4o' a slip for 'gpt-4o'?"), ("o3", "")])
def test_a_model_misspelt(model, hint):
    (rule,) = made({"when": {"model": "gpt-4o*"}, "reply": "x"})
    assert explain.hint(verdict(rule, asked("x", model), {})) == hint


def test_a_role_misspelt():
    flow = [{"role": "assistant", "content": "x"}, {"role": "user", "content": "y"}, {"role": "assistant", "content": "z"}]
    (rule,) = made({"messages": flow})
    ask = Ask("chat", {}, [Message("assitant", "x")])
    assert explain.hint(verdict(rule, ask, {})) == "is 'assitant' a slip for 'assistant'?"


def test_a_rule_that_is_used_up():
    (rule,) = made({"id": "a", "when": {}, "times": 1, "reply": "x"})
    assert "more than times: 1" in explain.hint(verdict(rule, asked("x"), {"a": 1}))


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
        made(
            {"id": "any", "when": {"user": {"any": True}}, "reply": "x"},
            {"id": "exact", "when": {"user": "Hello"}, "reply": "x"},
            {"id": "miss", "when": {"user": "Hullo"}, "reply": "x"},
        ),
        first=first,
    )
    ask = asked("Hello")
    found = explain.report(ruleset, ask, {})
    answer = ruleset.match(ask, {})
    other = "any" if answer.rule.id == "exact" else "exact"
    assert found["rule"] == answer.rule.id
    assert [each["rule"] for each in found["verdicts"]] == [answer.rule.id, other, "miss"]
    assert found["verdicts"][1]["reason"].startswith(f"it fits, but {answer.rule.id} ")


def test_of_very_many_rules_the_nearest_are_told_when_that_is_enough():
    ruleset = RuleSet(made(*({"id": f"r{n}", "when": {"user": f"question number {n}"}, "reply": "x"} for n in range(500))))
    found = explain.report(ruleset, asked("question number 199"), {}, most=5)
    assert (found["rule"], found["rules"], len(found["verdicts"])) == ("r199", 500, 5)
    assert found["verdicts"][0]["answers"]


def test_thousands_of_rules_are_all_told():
    ruleset = RuleSet(made(*({"id": f"r{n}", "when": {"user": f"question number {n}"}, "reply": "x"} for n in range(2000))))
    found = explain.report(ruleset, asked("question number 1999"), {})
    assert (found["rule"], len(found["verdicts"])) == ("r1999", 2000)
    assert all(each["reason"] for each in found["verdicts"][1:])


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
        (rule,) = made({"when": {"user": matcher}, "reply": "x"})
        told = explain.hint(verdict(rule, asked(other), {}))
        if told:
            advised += 1
            threshold = float(told.rpartition("threshold: ")[2]) if "threshold" in told else matchers.THRESHOLD
            (changed,) = made({"when": {"user": {"fuzzy": text, "threshold": threshold}}, "reply": "x"})
            assert verdict(changed, asked(other), {}).reason == ""
    assert advised > 5

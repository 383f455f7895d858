"""Moderation results: complete, and of one mind with what a rule says."""

from __future__ import annotations

import pytest
from openai.types import Moderation
from openai.types.moderation import Categories, CategoryAppliedInputTypes, CategoryScores

from openaimock.text.moderation import CATEGORIES, result

from ..support.wire import strictly


def moderate(**own):
    return result(["text"], "key", own)


def flagged(moderation):
    return {name for name, value in moderation["categories"].items() if value}


@pytest.mark.parametrize("kind", [Categories, CategoryAppliedInputTypes, CategoryScores])
def test_the_categories_are_the_sdks(kind):
    assert set(CATEGORIES) == {field.alias or name for name, field in kind.model_fields.items()}


@pytest.mark.parametrize("kinds", [["text"], ["image"], ["text", "image"]])
def test_a_result_is_what_the_type_says(kinds):
    strictly(Moderation, result(kinds, "key"))
    strictly(Moderation, result(kinds, "key", {"flagged": True}))


def test_without_a_rule_nothing_is_flagged_and_all_scores_are_tiny():
    moderation = result(["text"], "key")
    assert (moderation["flagged"], flagged(moderation)) == (False, set())
    assert all(0 < score < 1e-4 for score in moderation["category_scores"].values())


def test_scores_depend_on_the_key_alone():
    assert result(["text"], "key") == result(["text"], "key")
    assert result(["text"], "key")["category_scores"] != result(["text"], "other")["category_scores"]


def test_scores_are_what_they_were_on_every_machine_before():
    assert result(["text"], "key")["category_scores"]["hate"] == 2.87096e-05


@pytest.mark.parametrize(
    ("kinds", "harassment", "violence"),
    [(["text"], ["text"], ["text"]), (["image"], [], ["image"]), (["text", "image"], ["text"], ["text", "image"])],
)
def test_only_some_categories_are_looked_for_in_images(kinds, harassment, violence):
    applied = result(kinds, "key")["category_applied_input_types"]
    assert (applied["harassment"], applied["violence"]) == (harassment, violence)


def test_a_category_flags_and_gets_a_high_score():
    moderation = moderate(categories={"hate": True})
    assert (moderation["flagged"], flagged(moderation)) == (True, {"hate"})
    assert 0.9 <= moderation["category_scores"]["hate"] < 1
    assert moderation["category_scores"]["violence"] < 1e-4


def test_a_high_score_flags_its_category():
    moderation = moderate(category_scores={"hate": 0.5, "sexual": 0.49})
    assert (moderation["flagged"], flagged(moderation)) == (True, {"hate"})
    assert (moderation["category_scores"]["hate"], moderation["category_scores"]["sexual"]) == (0.5, 0.49)


def test_flagged_alone_flags_the_usual_category():
    assert flagged(moderate(flagged=True)) == {"violence"}


def test_flagged_with_low_scores_flags_the_highest():
    moderation = moderate(flagged=True, category_scores={"hate": 0.2, "sexual": 0.3})
    assert flagged(moderation) == {"sexual"}
    assert moderation["category_scores"]["sexual"] == 0.3


def test_flagged_passes_over_what_the_rule_clears():
    assert flagged(moderate(flagged=True, categories={"sexual": False}, category_scores={"sexual": 0.3})) == {"violence"}
    assert flagged(moderate(flagged=True, categories={"violence": False})) == set()


def test_not_flagged_lets_high_scores_be():
    moderation = moderate(flagged=False, category_scores={"hate": 0.9})
    assert (moderation["flagged"], flagged(moderation)) == (False, set())


def test_what_a_rule_says_stands_even_against_itself():
    moderation = moderate(flagged=False, categories={"hate": True})
    assert (moderation["flagged"], flagged(moderation)) == (False, {"hate"})

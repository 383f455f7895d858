from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.rules import matchers
from openaimock.rules.matchers import compile, describe, same, show

from ..support.rulings import expect


def fits(kind: str, value: object, got: object, **more: object) -> bool:
    return compile(expect(kind, value, **more)).fits(got)


@pytest.mark.parametrize(
    ("kind", "value", "got", "fit"),
    [
        ("exact", "Hello", "Hello", True),
        ("exact", " Hello\n", "\tHello ", True),
        ("exact", "Hello", "hello", False),
        ("exact", "Hello", "Hello!", False),
        ("exact", "a  b", "a b", False),
        ("exact", "", "  ", True),
        ("contains", "weather", "How is the WEATHER?", True),
        ("contains", "weather", "whether", False),
        ("contains", "", "anything", True),
        ("contains", " a", "a", False),
        ("regex", "^hel+o", "HELLO there", True),
        ("regex", "hel+o$", "say hello", True),
        ("regex", "^there", "hello there", False),
        ("fuzzy", "What is the weather?", "what is  the wether", True),
        ("fuzzy", "What is the weather?", "Tell me a joke", False),
        ("any", "", "", True),
        ("any", "", "anything", True),
        ("glob", "gpt-4*", "gpt-4o-mini", True),
        ("glob", "gpt-4*", "GPT-4o", False),
        ("glob", "gpt-?", "gpt-4o", False),
        ("equals", 1, 1.0, True),
        ("equals", {"a": [1]}, {"a": [1]}, True),
        ("equals", "a", "A", False),
    ],
)
def test_what_fits(kind, value, got, fit):
    assert fits(kind, value, got) is fit


@pytest.mark.parametrize("kind", ["exact", "contains", "regex", "fuzzy", "glob"])
def test_case_can_be_made_to_count(kind):
    assert not fits(kind, "hello", "HELLO", case_sensitive=True, threshold=0.9)


@pytest.mark.parametrize("kind", ["exact", "contains", "regex", "fuzzy", "glob"])
def test_case_can_be_made_not_to_count(kind):
    assert fits(kind, "hello", "HELLO", case_sensitive=False, threshold=0.9)


def test_fuzzy_reaches_its_threshold_inclusively():
    # Three letters of four on both sides: a ratio of exactly 0.75.
    assert fits("fuzzy", "abcd", "abcx", threshold=0.75)
    assert not fits("fuzzy", "abcd", "abcx", threshold=0.76)


def test_fuzzy_asks_for_four_fifths_when_not_told():
    assert fits("fuzzy", "abcde", "abcdx")
    assert not fits("fuzzy", "abcd", "abcx")


@pytest.mark.parametrize("kind", ["exact", "contains", "regex", "fuzzy", "any", "glob"])
def test_what_is_not_there_fits_nothing(kind):
    assert not fits(kind, "", None)


@pytest.mark.parametrize("kind", ["exact", "contains", "regex", "fuzzy", "any", "glob"])
def test_what_is_not_there_fits_everything_inverted(kind):
    assert fits(kind, "", None, invert=True)


def test_null_equals_what_is_not_there():
    assert fits("equals", None, None)
    assert not fits("equals", None, 0)


def test_inverted_matcher_turns_its_answer_round():
    assert not fits("contains", "spam", "SPAM!", invert=True)
    assert fits("contains", "spam", "ham", invert=True)


@pytest.mark.parametrize(("left", "right"), [(True, 1), (False, 0), ([True], [1]), ({"a": False}, {"a": 0}), ([1], [1, 2])])
def test_json_tells_true_from_one(left, right):
    assert not same(left, right)
    assert not same(right, left)


def test_scores_follow_the_kind():
    assert [compile(expect(kind, "a")).score for kind in matchers.NAMES] == [1.0, 0.4, 0.8, 0.6, 0.1]


def test_inverted_matcher_scores_like_any():
    assert compile(expect("exact", "a", invert=True)).score == 0.1


@given(
    st.sampled_from(["exact", "contains", "fuzzy", "any", "regex"]),
    st.sampled_from(["a", "ab", "A b", ""]),
    st.none() | st.text(st.sampled_from("aAb "), max_size=5),
    st.booleans(),
    st.sampled_from([None, True, False]),
)
def test_there_is_a_reason_exactly_when_it_does_not_fit(kind, value, got, invert, case_sensitive):
    matcher = compile(expect(kind, value, invert=invert, case_sensitive=case_sensitive))
    assert (matcher.check(got) == "") is matcher.fits(got)


def test_reason_says_what_was_expected_and_what_came():
    assert compile(expect("contains", "refund")).check("Hello") == "expected text containing 'refund', got 'Hello'"


def test_reason_of_an_inverted_matcher():
    assert compile(expect("exact", "a", invert=True)).check("a") == "expected anything but exactly 'a', got 'a'"


def test_reason_for_a_value_that_is_not_there():
    assert compile(expect("regex", "a+")).check(None) == "expected text matching /a+/, got nothing"


def test_fuzzy_is_described_with_its_threshold():
    assert describe("fuzzy", "a", 0.9, False) == "text at least 90% similar to 'a'"


def test_long_values_are_clipped_with_their_length():
    assert show("x" * 1000) == f"'{'x' * 120}'... (1000 characters)"


def test_other_long_values_are_clipped():
    assert len(show(list(range(1000)))) < 400


def test_groups_come_by_number_and_by_name():
    matcher = compile(expect("regex", r"order (?P<order>\w+)( now)?"))
    assert matcher.groups("My ORDER A17") == {"0": "ORDER A17", "1": "A17", "2": "", "order": "A17"}


def test_there_are_no_groups_of_what_does_not_match():
    assert compile(expect("regex", "(a)")).groups("b") == {}


def test_there_are_no_groups_of_an_inverted_regex():
    assert compile(expect("regex", "(a)", invert=True)).groups("b") == {}


def test_regexes_are_compiled_when_they_are_needed(monkeypatch):
    compiled = []
    compiling = re.compile
    monkeypatch.setattr(matchers.re, "compile", lambda *flags: compiled.append(flags) or compiling(*flags))
    matcher = compile(expect("regex", "a+b"))
    assert compiled == []
    assert [matcher.fits("aab"), matcher.fits("b")] == [True, False]
    assert compiled == [("a+b", re.IGNORECASE)]


def test_python_does_not_warn_about_users_regexes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fits("regex", "[[a]b", "ab")


def test_exact_miss_is_told_how_near_it_was():
    near = compile(expect("exact", "hello")).compare("hallo")
    assert (near.expected, near.got, near.similarity) == ("exactly 'hello'", "'hallo'", 0.8)


def test_contains_is_as_near_as_its_longest_piece():
    assert compile(expect("contains", "refund")).compare("give me a refu").similarity == pytest.approx(4 / 6)


@pytest.mark.parametrize("matcher", [expect("regex", "a"), expect("exact", "a", invert=True), expect("equals", 1)])
def test_some_misses_have_no_nearness(matcher):
    assert compile(matcher).compare("b").similarity is None


def test_explaining_a_fuzzy_miss_never_contradicts_it():
    start = "word " * 1000
    matcher = compile(expect("fuzzy", start + "end " * 9000, threshold=0.9))
    assert not matcher.fits(start)
    assert matcher.compare(start).similarity is None


def test_kinship_is_highest_for_what_is_alike():
    matcher = compile(expect("exact", "the weather in Paris"))
    assert matcher.quick_similarity("the weather in Rome") > matcher.quick_similarity("tell me a joke") >= 0.0


def test_kinship_of_contains_is_the_part_that_is_there():
    assert compile(expect("contains", "refund")).quick_similarity("a long letter about a refund for all the wrong things") == 1.0


def test_kinship_of_a_regex_is_that_of_its_words():
    matcher = compile(expect("regex", r"^order\s+(\d+) please$"))
    assert (
        matcher.quick_similarity("order 17 please")
        > matcher.quick_similarity("order 17")
        > matcher.quick_similarity("hello")
        == 0.0
    )


@pytest.mark.parametrize("matcher", [expect("regex", r"\d+"), expect("exact", "a", invert=True), expect("equals", 1)])
def test_some_matchers_have_no_kin(matcher):
    assert compile(matcher).quick_similarity("a") == 0.0


def test_named_groups_as_javascript_writes_them():
    matcher = compile({"kind": "regex", "value": r"(?<quote>['\"])(?<word>\w+)\k<quote>"})
    assert matcher.groups("say 'hello'")["word"] == "hello"

from __future__ import annotations

import re
import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.rules.index.literals import of_glob, of_regex
from openaimock.rules.index.ngrams import fold

from ...support.rulings import ODD


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [
        ("weather", [("WEATHER",)]),
        (r"weather in (\w+)", [("WEATHER IN ",)]),
        ("we(a)th(?:er)", [("WEATHER",)]),
        (r"^\bhello\b$", [("HELLO",)]),
        (r"a\.b", [("A.B",)]),
        ("[Ww]eather", [("WEATHER",)]),
        ("[Ww]e[ab]ther", [("WE", "THER")]),
        ("colou?r", [("COLO", "R")]),
        ("(ab)+c", [("AB", "C")]),
        ("x(ab)*c", [("X", "C")]),
        ("ab{2,3}c", [("AB", "C")]),
        ("ab{0,3}c", [("A", "C")]),
        ("ab+?c", [("AB", "C")]),
        ("(apple|apricot)s", [("APPLE",), ("APRICOT",)]),
        ("eat (apple|pear)", [("EAT APPLE",), ("EAT PEAR",)]),
        ("(a|bcd)xyz", [("XYZ",)]),
        ("(?i:Hello)(?-i: World)", [("HELLO WORLD",)]),
        ("(?x) a b # c", [("AB",)]),
        ("a(?=x)b(?!y)c(?<=z)d", [("ABCD",)]),
        (r"(?P<a>ab)(?P=a)c", [("AB", "C")]),
        ("a.b", [("A", "B")]),
        ("天気", [("天気",)]),
        ("(ab)(?(1)cd|ef)gh", [("AB", "GH")]),
    ],
)
def test_texts_that_a_match_must_hold(pattern, needs):
    assert list(of_regex(pattern) or ()) == needs


@pytest.mark.parametrize("pattern", ["", ".*", r"\d+", "a?", "(foo|bar|)", "hello|", "[a-z]+", "(?:abc)*", "(?=abc)", "a|b", "("])
def test_patterns_that_need_nothing(pattern):
    assert of_regex(pattern) is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11 brought these")
def test_atomic_groups_and_possessive_repeats():
    assert of_regex("(?>abc)d++e") == (("ABCD", "E"),)


def test_very_deep_patterns_need_nothing():
    assert of_regex("(" * 5000 + "a" + ")" * 5000) is None


@pytest.mark.parametrize(
    ("pattern", "needs"),
    [("gpt-4*", [("GPT-4",)]), ("*a?b[cd]e", [("A", "B")]), ("gpt", [("GPT",)]), ("*", []), ("[ab]", []), ("", [])],
)
def test_texts_that_a_glob_needs(pattern, needs):
    assert list(of_glob(pattern) or ()) == needs


CASED = [char for char in map(chr, range(sys.maxunicode + 1)) if char.lower() != char or char.upper() != char]


def test_folding_makes_one_of_all_that_a_regex_takes_for_one():
    everything = "".join(CASED)
    for char in CASED:
        for other in re.findall(re.escape(char), everything, re.IGNORECASE):
            assert fold(other) == fold(char), (char, other)


letters = st.sampled_from(f"abkKsSiI .{ODD}")
words = st.text(letters, max_size=3).map(re.escape)
atoms = words | st.sampled_from([".", r"\w", r"\s", "[a-c]", "[sS]", "[^a]", r"\b", "[\u017f]", r"\S"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    opened = st.sampled_from(["(", "(?:", "(?i:", "(?-i:", "(?s:", "(?=", "(?!", "(?<!"])
    grouped = st.tuples(opened, inner, st.sampled_from(["", "", "?", "*", "+", "{2}", "{0,2}", "+?", "??"])).map(
        lambda pattern: f"{pattern[0]}{pattern[1]}){pattern[2]}"
    )
    return grouped | st.lists(inner, min_size=2, max_size=3).map("".join) | st.lists(inner, min_size=2, max_size=3).map("|".join)


patterns = st.recursive(atoms, grown, max_leaves=8)


@given(patterns, st.lists(st.text(letters, max_size=12), min_size=1, max_size=8), st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_a_regex_finds_holds_what_it_needs(pattern, texts, case_sensitive):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            search = re.compile(pattern, 0 if case_sensitive else re.IGNORECASE).search
        except re.error:
            return
    needs = of_regex(pattern)
    for text in [*texts, re.sub(r"\\(.)", r"\1", pattern)]:
        if needs and search(text):
            assert any(all(piece in fold(text) for piece in pieces) for pieces in needs)

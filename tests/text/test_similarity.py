from __future__ import annotations

import random
from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.text import similarity

letters = st.text(st.sampled_from("abc é天"), max_size=60)


def ratio(left, right) -> float:
    return SequenceMatcher(None, left, right, False).ratio()


def mixed(seed: int, length: int, alphabet: str = "abcdefgh ") -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


@pytest.fixture
def thorough(monkeypatch):
    """Our own comparison, also of texts so small that difflib is quicker."""
    monkeypatch.setattr(similarity, "_SMALL", -1)


def test_folding_trims_and_joins_and_lowers():
    assert similarity.fold("  Hello\n\t World ") == "hello world"


def test_folding_keeps_case_when_it_counts():
    assert similarity.fold(" A  b", case_sensitive=True) == "A b"


@given(letters, letters)
def test_likeness_is_difflibs_ratio(left, right):
    assert similarity.ratio(left, right) == ratio(left, right)


@given(letters, letters, letters, letters)
@settings(max_examples=300)
def test_own_comparison_finds_the_blocks_that_difflib_finds(start, one, other, end):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "_SMALL", -1)
        left, right = start + one + end, start + other + end
        assert similarity.ratio(left, right) == ratio(left, right)


@pytest.mark.usefixtures("thorough")
@pytest.mark.parametrize("alphabet", ["ab", "abc", "abcdefghijklm ", "a"])
@pytest.mark.parametrize("change", ["cut", "swap", "other", "double", "noise"])
def test_long_blocks_are_found_as_difflib_finds_them(alphabet, change):
    text = mixed(1, 400, alphabet)
    changed = {
        "cut": text[:150] + text[190:],
        "swap": text[250:] + text[:250],
        "other": mixed(2, 350, alphabet),
        "double": text[:90] + text[:90] + text,
        "noise": "".join("#" if at % 41 == 0 else letter for at, letter in enumerate(text)),
    }[change]
    assert similarity.ratio(text, changed) == ratio(text, changed)
    assert similarity.ratio(changed, text) == ratio(changed, text)


@given(letters, letters, st.floats(0, 1))
def test_enough_is_what_the_ratio_says(left, right, threshold):
    assert similarity.reaches(left, right, threshold) == (ratio(left, right) >= threshold)


@given(letters, letters)
def test_the_ratio_itself_is_enough(left, right):
    assert similarity.reaches(left, right, ratio(left, right))


@pytest.mark.parametrize("seed", range(1, 20))
def test_enough_of_longer_texts_is_what_the_ratio_says(seed):
    chance = random.Random(seed)
    left = mixed(seed, 300)
    right = "".join(letter for letter in left if chance.random() > seed / 60)
    exact = ratio(left, right)
    assert [similarity.reaches(left, right, t) for t in (exact, exact + 1e-9, exact - 1e-9)] == [True, False, True]


def test_common_letters_of_long_texts_are_not_junk():
    left = mixed(3, 1900)
    right = left[:900] + "x" + left[920:]
    assert similarity.ratio(left, right) > 0.9


def test_long_texts_are_compared_word_by_word():
    left = "alpha beta gamma delta " * 100
    right = left.replace("gamma", "gamme", 1)
    assert len(left) > similarity.LONG
    assert similarity.ratio(left, right) == ratio(left.split(), right.split())


def test_one_long_text_makes_the_comparison_word_by_word():
    assert similarity.ratio("ab " * 700, "ab") == ratio(["ab"] * 700, ["ab"])


def changed_words(seed: int, change: float, count: int = 900) -> tuple[str, str]:
    """A long text, and another in which some words are others, gone or doubled."""
    chance = random.Random(seed)
    vocabulary = [mixed(seed + number, 5, "abcdefgh") for number in range(chance.choice([3, 40, 2000]))]
    words = chance.choices(vocabulary, k=count)
    other: list[str] = []
    for word in words:
        other += [word] if chance.random() > change else chance.choice([[], [word, word], [chance.choice(vocabulary)], ["new"]])
    return " ".join(words), " ".join(other)


@pytest.mark.parametrize("stray", [0, 20_000])
@pytest.mark.parametrize("change", [0.005, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(1, 5))
def test_enough_of_long_texts_is_what_their_words_say(monkeypatch, seed, change, stray):
    monkeypatch.setattr(similarity, "_MAX_STRAY", stray)
    left, right = changed_words(seed * 1000, change)
    exact = ratio(left.split(), right.split())
    assert [similarity.reaches.__wrapped__(left, right, t) for t in (exact, exact + 1e-9, exact - 1e-9)] == [
        True,
        False,
        True,
    ]
    for threshold in (0.6, 0.9, 0.99):
        assert similarity.reaches.__wrapped__(right, left, threshold) == (ratio(right.split(), left.split()) >= threshold)


def test_long_texts_that_have_nothing_in_order_are_told_apart_by_their_beginnings(monkeypatch):
    monkeypatch.setattr(similarity, "_tokens", None)
    left, right = (" ".join(random.Random(seed).choices(["alpha", "beta", "gamma", "delta"], k=2000)) for seed in (1, 2))
    assert not similarity.reaches(left, right, 0.95)


@given(letters, letters)
def test_the_longest_piece_is_difflibs_longest_match(one, other):
    assert similarity.longest_piece(one, other) == SequenceMatcher(None, one, other, False).find_longest_match().size


def test_after_much_work_the_order_of_what_is_left_is_no_longer_regarded(monkeypatch):
    monkeypatch.setattr(similarity, "WORK", -1)
    left, right = "ab" * 200 + "c" * 100, "c" * 100 + "ba" * 200
    assert similarity.ratio(left, right) == 1.0
    assert ratio(left, right) < 0.9


def test_nothing_is_like_nothing():
    assert similarity.ratio("", "") == 1.0
    assert similarity.reaches("", "", 1.0)


def test_nothing_is_not_like_something():
    assert not similarity.reaches("", "a", 0.1)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 0.8, 0.85, 0.9, 0.95, 1.0])
def test_what_is_needed_is_the_least_that_reaches_the_threshold(threshold):
    for total in range(1, 400):
        least = similarity.needed(threshold, total)
        assert 2.0 * least / total >= threshold
        assert least == 0 or 2.0 * (least - 1) / total < threshold


def test_trigrams_fold_and_mark_the_ends():
    assert similarity.trigrams("Hi  You") == {" hi", "hi ", "i y", " yo", "you", "ou "}


@given(letters, letters, letters, letters, st.sampled_from([0.5, 0.7, 0.8, 0.9, 0.95]))
@settings(max_examples=300)
def test_enough_of_texts_with_the_same_ends_is_what_the_ratio_says(start, one, other, end, threshold):
    left, right = start + one[:3] + end, start + other[:3] + end
    assert similarity.reaches(left, right, threshold) == (ratio(left, right) >= threshold)


@given(st.text("ab\u00e9", max_size=12), st.text("ab\u00e9", max_size=12))
def test_the_common_ends_are_those_of_a_comparison_of_characters(one, other):
    def same(left, right):
        return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))

    ends = same(one, other), same(one[::-1], other[::-1])
    assert similarity._ends(one, other) == ends
    assert similarity.common_ends(one, other) == min(sum(ends), len(one), len(other))

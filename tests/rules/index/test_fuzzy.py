from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.rules.index.fuzzy import Fuzzy
from openaimock.text.similarity import LONG, fold, reaches

texts = st.text("abcdeé ", max_size=14)
thresholds = st.sampled_from([0.2, 0.5, 0.75, 0.8, 0.9, 1.0]) | st.floats(0.01, 1)


#: Twice the changes of a message that is compared with the neighbours of an expected text, and what rounding adds.
_NEAR = 12


def found(table: Fuzzy, text: str) -> list[int]:
    numbers: list[int] = []
    table.find(text, numbers)
    return numbers


def table(*expected: tuple[str, float], case_sensitive: bool = False) -> Fuzzy:
    index = Fuzzy(case_sensitive)
    for number, (text, threshold) in enumerate(expected):
        index.add(text, threshold, number)
    return index


def check(expected: list[tuple[str, float]], text: str, numbers: list[int], more: float) -> None:
    """All that reach their thresholds, and only those that difflib's quick_ratio lets pass with so many more shared letters."""

    def passes(other: str, threshold: float) -> bool:
        shared = (Counter(fold(text)) & Counter(fold(other))).total() + more
        total = len(fold(text)) + len(fold(other))
        return 2.0 * shared / total >= threshold if total else True

    surely = {number for number, (other, threshold) in enumerate(expected) if reaches(fold(text), fold(other), threshold)}
    perhaps = {number for number, pair in enumerate(expected) if passes(*pair)}
    assert surely <= set(numbers) <= perhaps
    assert len(set(numbers)) == len(numbers)


@given(st.lists(st.tuples(texts, thresholds), max_size=8), texts)
@settings(max_examples=150)
def test_texts_that_may_be_similar_enough_are_found_and_few_others(expected, text):
    index = table(*expected)
    # What must be shared is rounded off by less than a thirtieth of a letter.
    check(expected, text, index._similar(fold(text), 0), 1 / 30)
    check(expected, text, found(index, text), _NEAR)


@st.composite
def edited(draw: st.DrawFn) -> tuple[list[tuple[str, float]], str]:
    """Expected texts, most of which differ in few letters, and a message that differs from one of them in few letters."""
    letters = st.text("abcdé", max_size=2)

    def edit(text: str) -> str:
        at = draw(st.integers(0, len(text)))
        return text[:at] + draw(letters) + text[at + draw(st.integers(0, 2)) :]

    words = [draw(st.text("abcde ", min_size=5, max_size=45))]
    for _ in range(draw(st.integers(0, 7))):
        words.append(edit(draw(st.sampled_from(words))))
    return [(text, draw(thresholds)) for text in words], edit(edit(draw(st.sampled_from(words))))


@given(edited(), st.integers(0, 2))
@settings(max_examples=300)
def test_the_neighbours_of_an_expected_text_are_all_that_may_accept_a_message_like_it(case, most):
    expected, text = case
    index = table(*expected)
    for _ in range(2):
        check(expected, text, found(index, text), _NEAR)
    # With few neighbours allowed, all texts are looked at.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("openaimock.rules.index.neighbours._MOST", most)
        check(expected, text, found(table(*expected), text), _NEAR)


def test_the_neighbours_are_cached_until_a_text_comes():
    index = table(("how is the weather in Paris today", 0.8), ("something that is not alike at all", 0.8))
    assert found(index, "how is the weather in Poris today") == [0]
    assert list(index._neighbours._cache.values()) == [[0]]
    assert found(index, "how is the weather in Peris today") == [0]
    assert len(index._neighbours._cache) == 1
    index.add("how is the weather in Parma today", 0.8, 2)
    assert sorted(found(index, "how is the weather in Paris today?")) == [0, 2]


def test_the_cache_of_neighbours_is_bounded(monkeypatch):
    monkeypatch.setattr("openaimock.rules.index.neighbours._CACHED", 3)
    index = table(*((f"{number} question about the weather of {number}", 0.9) for number in range(50)))
    for number in range(50):
        assert number in found(index, f"{number} question about the weather of {number}")
        assert len(index._neighbours._cache) <= 3


def test_case_counts_when_it_must():
    assert found(table(("HELLO", 0.9), case_sensitive=True), "hello") == []
    assert found(table(("HELLO", 0.9)), "hello") == [0]


@pytest.mark.parametrize("seed", range(5))
def test_long_texts_are_found_by_their_words(seed):
    chance = random.Random(seed)
    words = [f"word{number}" for number in range(60)]
    expected = [(" ".join(chance.choices(words, k=chance.choice([5, 300, 400, 420]))), 0.6) for _ in range(30)]
    index = table(*expected)
    for text in [expected[3][0], " ".join(chance.choices(words, k=410)), "word1 " * 400, "word1 word2"]:
        numbers = [number for number, (other, threshold) in enumerate(expected) if reaches(fold(text), fold(other), threshold)]
        assert set(numbers) <= set(found(index, text))


def test_short_texts_may_be_like_a_long_message():
    long = "a" * (LONG + 1)
    index = table((long[:-1], 0.1), ("a b", 0.1), (f"{long} b", 0.5))
    assert found(index, long) == [2]
    index.add(f"{long} c", 0.5, 3)
    index.add("b", 0.5, 4)
    assert sorted(found(index, long)) == [2, 3]
    assert found(index, f"b {'c ' * LONG}") == []


@pytest.mark.parametrize("count", [5, 100])
def test_all_of_many_that_are_alike_are_found(count):
    index = table(*((f"question number {number % 2}", 0.9) for number in range(count)), ("something else", 0.9))
    assert found(index, "question number 7") == list(range(count))


def test_texts_of_very_many_letters_are_found():
    every = [chr(0x4E00 + at) for at in range(3000)]
    expected = ["".join(random.Random(seed).sample(every, 60)) for seed in range(100)]
    index = table(*((text, 0.9) for text in expected))
    assert [found(index, f"{text[:30]}x{text[31:]}") for text in expected] == [[number] for number in range(100)]


def test_texts_may_come_between_searches():
    index = Fuzzy(False)
    for number in range(100):
        index.add(f"item number {number:02}", 0.99, number)
        assert number in found(index, f"item number {number:02}")


def test_what_is_found_does_not_depend_on_what_was_kept(monkeypatch):
    monkeypatch.setattr("openaimock.rules.index.fuzzy._CACHED_SUMS", 3)
    index = table(*((f"{number} question about the weather", 0.9) for number in range(50)))
    assert [number for number in range(50) if number not in found(index, f"{number} question about the weather")] == []

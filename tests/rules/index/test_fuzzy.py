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


def found(table: Fuzzy, text: str) -> list[int]:
    numbers: list[int] = []
    table.find(text, numbers)
    return numbers


def table(*expected: tuple[str, float], case_sensitive: bool = False) -> Fuzzy:
    index = Fuzzy(case_sensitive)
    for number, (text, threshold) in enumerate(expected):
        index.add(text, threshold, number)
    return index


@given(st.lists(st.tuples(texts, thresholds), max_size=8), texts)
@settings(max_examples=150)
def test_texts_that_share_enough_letters_are_found_and_no_others(expected, text):
    """Those that difflib's quick_ratio lets pass; what must be shared is rounded off by less than a thirtieth of a letter."""

    def passes(other: str, threshold: float, more: float) -> bool:
        shared = (Counter(fold(text)) & Counter(fold(other))).total()
        total = len(fold(text)) + len(fold(other))
        return 2.0 * (shared + more) / total >= threshold if total else True

    surely, perhaps = (
        [number for number, (other, threshold) in enumerate(expected) if passes(other, threshold, more)] for more in (0, 1 / 30)
    )
    assert set(surely) <= set(found(table(*expected), text)) <= set(perhaps)


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

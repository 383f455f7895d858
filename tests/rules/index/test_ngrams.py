from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.rules.index import ngrams
from openaimock.rules.index.ngrams import Grams, fold

from ...support.rulings import ODD

texts = st.text(st.sampled_from(f"aAsSiIkK 天{ODD}") | st.characters(), max_size=8)


def found(table: Grams, text: str) -> list[int]:
    numbers: list[int] = []
    table.find(fold(text), numbers)
    return sorted(set(numbers))


def table(*needles: tuple[str, ...] | str) -> Grams:
    grams = Grams()
    read = [ngrams.read([fold(text) for text in ([each] if isinstance(each, str) else each)]) for each in needles]
    for needs in read:
        grams.note(needs)
    for number, needs in enumerate(read):
        grams.add(needs, number)
    return grams


@given(texts, texts, texts)
def test_folding_keeps_what_stands_in_a_text(before, text, after):
    assert fold(text) in fold(before + text + after)


@given(texts, texts)
def test_folding_forgets_all_that_lower_forgets(needle, text):
    if needle.lower() in text.lower():
        assert fold(needle) in fold(text)


def test_ascii_is_folded_as_the_rest_is():
    text = "".join(map(chr, range(128)))
    assert fold(text) == fold(text + "é")[:-1]


@given(st.binary(max_size=30))
def test_pieces_are_all_that_stand_in_the_bytes(data):
    expected = {memoryview(data[at : at + 4]).cast("I")[0] for at in range(len(data) - 3)}
    assert ngrams.pieces(data) == expected


def test_lone_surrogates_are_bytes_too():
    assert found(table("ab\ud800cd"), "x ab\ud800cd y") == [0]


@pytest.mark.parametrize("few", [0, 24])
@given(needles=st.lists(st.text("ab ", min_size=1, max_size=7), min_size=1, max_size=40), text=st.text("ab ", max_size=30))
def test_all_needles_in_a_text_are_found(few, needles, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "FEW", few)
        inside = [number for number, needle in enumerate(needles) if needle.upper() in text.upper()]
        assert found(table(*needles), text) == inside


def test_one_long_text_and_many_needles_of_the_same_pieces():
    chance = random.Random(1)
    words = ["alpha", "beta", "gamma", "delta"]
    needles = [" ".join(chance.choices(words, k=5)) for _ in range(500)]
    text = "so " + needles[7] + " then " + needles[450]
    assert found(table(*needles), text) == [number for number, needle in enumerate(needles) if needle in text]


def test_of_several_texts_all_must_be_there():
    grams = table(*[(f"ticket {number:04}", "please", "b") for number in range(300)], ("x", "b"))
    assert found(grams, "b ticket 0123, please") == [123]
    assert found(grams, "ticket 0123, please") == []
    assert found(grams, "ticket 0123") == []
    assert found(grams, "x") == []
    assert found(grams, "x b") == [300]


def test_a_short_text_counts_when_the_long_ones_are_everywhere():
    grams = table(*[("question", f"{number:03}") for number in range(300)])
    assert found(grams, "question 123") == [123]


def test_needles_may_come_one_by_one():
    grams = Grams()
    for number in range(200):
        grams.add(ngrams.read([fold(f"item {number:03}")]), number)
        assert found(grams, f"an item {number:03}!") == [number]
    assert found(grams, "item 000 item 199") == [0, 199]


def test_short_needles_have_a_table_of_their_own():
    grams = table(*(f"{number:02}" for number in range(100)), "天", "x")
    assert found(grams, "17 天 X") == [17, 100, 101]


def test_long_needles_are_told_apart_by_their_ends():
    start = "the same words over and over " * 50
    grams = table(*(f"{start}{number:04}" for number in range(100)))
    assert found(grams, f"{start}0042") == [42]


def test_an_empty_table_finds_nothing():
    assert not Grams()
    assert found(Grams(), "text") == []

"""Vectors: the same everywhere, of length 1, alike for like texts."""

from __future__ import annotations

import base64
import math
import struct
from array import array
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.text import vectors

NEAR = [
    ("The cat sat on the mat.", "the cat sat on a mat"),
    ("How do I reset my password?", "How can I reset my password?"),
    ("The quick brown fox jumped over the lazy dog", "A quick brown fox jumps over the lazy dog"),
    ("Please send me the invoice for March", "please send the invoice for march"),
    ("hello", "Hello!"),
    ("我喜欢吃苹果和香蕉", "我喜欢吃苹果和葡萄"),
]
APART = [
    "The cat sat on the mat.",
    "Stock markets fell sharply on Monday.",
    "How do I reset my password?",
    "Photosynthesis turns light into chemical energy.",
    "Ich möchte ein Bier, bitte.",
    "今天天气很好",
    "She plays the violin in a city orchestra.",
]
#: Made once, and looked at ever since.
GOLDEN = [0.0453609228, -0.136082768, -0.952579319, -0.0453609228, 0.136082768, -0.226804599]
GOLDEN_TOKENS = [0.754829407, 0.107832775, 0.323498309, 0.539163888, -0.107832775, 0.107832775]


def of(text, dimensions=1536, key="k"):
    return vectors.of_text(text, dimensions, key).floats()


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_vector_is_what_it_was_on_every_machine_before():
    assert of("The quick brown fox", 6) == GOLDEN
    assert vectors.of_tokens([1, 2, 3], 6, "k").floats() == GOLDEN_TOKENS


@pytest.mark.parametrize("dimensions", [1, 2, 3, 8, 100, 1536, 3072])
def test_a_vector_has_as_many_dimensions_as_asked_for_and_length_one(dimensions):
    vector = of("some text", dimensions)
    assert len(vector) == dimensions
    assert math.sqrt(cosine(vector, vector)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("one", "other"), NEAR)
def test_near_duplicates_are_alike(one, other):
    assert cosine(of(one), of(other)) > 0.6


def test_unrelated_texts_are_not():
    likenesses = [cosine(of(one), of(other)) for one, other in combinations(APART, 2)]
    assert max(likenesses) < 0.3
    assert abs(sum(likenesses) / len(likenesses)) < 0.05


def test_the_right_passage_is_found():
    passages = [
        "Our refund policy allows returns within thirty days of purchase.",
        "The office is open from nine to five on weekdays.",
        "Passwords are reset on the account page.",
    ]
    question = of("what is the refund policy?")
    assert max(passages, key=lambda passage: cosine(question, of(passage))) == passages[0]


def test_texts_of_the_same_words_have_vectors_of_their_own():
    one, other = of("dog bites man"), of("man bites dog")
    assert one != other
    assert cosine(one, other) > 0.7


def test_a_shorter_vector_is_the_longer_ones_beginning():
    long, short = of("The quick brown fox", 1536)[:256], of("The quick brown fox", 256)
    length = math.sqrt(cosine(long, long))
    assert short == pytest.approx([value / length for value in long], abs=1e-6)


def test_keys_keep_vectors_apart():
    assert abs(cosine(of("The quick brown fox", key="a"), of("The quick brown fox", key="b"))) < 0.15


def test_like_token_lists_are_alike():
    one, like, other = (vectors.of_tokens(ids, 1536, "k").floats() for ids in ([1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [7, 8, 9]))
    assert cosine(one, like) > 0.5
    assert cosine(one, other) < 0.2


def test_long_texts_that_share_most_of_their_words_are_alike():
    words = [f"word{number * 7919}" for number in range(4000)]
    one, other = of(" ".join(words), 256), of(" ".join(words[:-50]), 256)
    assert cosine(one, other) > 0.9


@pytest.mark.parametrize("text", ["", " ", "\n", "!!!", "🙂", "a", "\ud800", "é", "\x00"])
def test_any_text_has_a_vector(text):
    assert any(of(text, 1))


def test_composed_and_decomposed_letters_are_the_same_letters():
    assert cosine(of("caf\u00e9 cr\u00e8me"), of("cafe\u0301 cre\u0300me")) > 0.7


@settings(max_examples=60, deadline=None)
@given(st.text(), st.integers(1, 70))
def test_no_component_is_zero_and_json_says_the_same(text, dimensions):
    vector = vectors.of_text(text, dimensions, "k")
    assert len(vector.floats()) == dimensions
    assert all(vector.floats())
    assert [float(number) for number in vector.json()[1:-1].split(",")] == vector.floats()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False)))
def test_base64_holds_little_endian_floats(numbers):
    decoded = base64.b64decode(vectors.base64(numbers))
    assert list(struct.unpack(f"<{len(numbers)}f", decoded)) == numbers


def test_base64_and_json_mean_the_same_floats():
    vector = vectors.of_text("The quick brown fox", 100, "k")
    assert list(array("f", vector.floats())) == list(struct.unpack("<100f", base64.b64decode(vectors.base64(vector.floats()))))


def plain(text, dimensions, key, longest):
    """The vector by arithmetic with one number at a time, without caches."""
    size, table = max(dimensions, longest), vectors._table(key)
    pieces = list(vectors._words(text))
    if len(pieces) > vectors.MAX_PIECES:
        pieces = sorted(pieces, key=vectors._checksum)[: vectors.MAX_PIECES]
    sums = list(vectors._direction(f"\x00{text}", table, size))
    weight = 1
    for piece in pieces:
        features = sorted(dict.fromkeys([piece, *vectors._ngrams(piece)]), key=vectors._checksum)[: vectors.MAX_DIRECTIONS]
        weight += 2 * len(features)
        for feature in features:
            sums = [one + 2 * up for one, up in zip(sums, vectors._direction(feature, table, size), strict=True)]
    distances = [one - (weight + 1) // 2 for one in sums]
    shift = 0
    while not all(-(128 << shift) <= distance < 128 << shift for distance in distances):
        shift += 1
    odds = [2 * (distance >> shift) + 1 for distance in distances[:dimensions]]
    length = math.sqrt(sum(odd * odd for odd in odds))
    return [odd / length for odd in odds]


SAMPLES = ["a", "the", "invoice", "invoices", "Stra\u00dfe", "\u82f9\u679c", "\U0001f600", "x" * 70]
WORDS = st.lists(st.sampled_from(SAMPLES) | st.text())


@settings(max_examples=60, deadline=None)
@given(WORDS.map(" ".join), st.integers(1, 40), st.sampled_from([0, 24]))
def test_a_vector_is_that_of_plain_arithmetic_whatever_is_cached(text, dimensions, longest):
    for _ in range(2):
        vector = vectors.of_text(text, dimensions, "k", longest)
        assert vector.floats() == pytest.approx(plain(text, dimensions, "k", longest), rel=1e-6)
        vectors._piece.cache_clear()


def test_a_text_of_many_words_is_that_of_plain_arithmetic():
    text = " ".join(f"{number * 7919:x}common" for number in range(1000))
    assert of(text, 8) == pytest.approx(plain(text, 8, "k", 0), rel=1e-6)


def test_words_with_one_direction_many_times_still_fit(monkeypatch):
    # The worst case for the room of a component: all directions of the most pieces agree.
    monkeypatch.setattr(vectors, "_direction", lambda feature, table, size: b"\x01" * size)
    vectors._piece.cache_clear()
    text = " ".join(f"{number}{'abcdefghijklmnopqrstuvwxyz'}" for number in range(600))
    try:
        assert of(text, 4) == [0.5] * 4
        monkeypatch.setattr(vectors, "_direction", lambda feature, table, size: bytes(size))
        vectors._piece.cache_clear()
        assert of(text, 4) == [-0.5] * 4
    finally:
        vectors._piece.cache_clear()


def test_the_cache_of_words_is_bounded():
    vectors._piece.cache_clear()
    of("short " + "x" * 100, 16)
    of("other", 5000)
    assert vectors._piece.cache_info().currsize == 1
    assert vectors._piece.cache_info().maxsize == vectors.CACHED


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(max_codepoint=127)))
def test_the_words_of_an_ascii_text_are_those_of_the_pattern(text):
    words = vectors._WORD.findall(text.casefold()) or [text.strip() or " "]
    assert list(vectors._words(text)) == list(dict.fromkeys(words))


@given(st.binary(max_size=2000) | st.integers(0, 600).map(lambda size: b"\xff" * size))
def test_a_sum_of_bytes_is_that_of_the_numbers(numbers):
    assert vectors._sum(numbers) == sum(numbers)


def test_base64_of_a_vector_is_that_of_its_floats():
    vector = vectors.of_text("The quick brown fox", 99, "k")
    assert vector.base64() == vectors.base64(vector.floats())


def test_a_shorter_vector_of_a_long_text_is_the_longer_ones_beginning():
    text = " ".join(f"word{number}" for number in range(900))
    long = vectors.of_text(text, 1536, "k").floats()[:256]
    length = math.sqrt(cosine(long, long))
    short = vectors.of_text(text, 256, "k", 1536).floats()
    assert short == pytest.approx([value / length for value in long], abs=1e-6)

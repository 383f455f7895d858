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
GOLDEN = [-0.058321184, 0.058321184, 0.40824829, 0.52489066, 0.52489066, -0.52489066]
GOLDEN_TOKENS = [-0.13608276, -0.68041382, 0.40824829, 0.40824829, -0.40824829, -0.13608276]


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


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=600))
def test_planes_count_the_bits_of_each_place(numbers):
    counts = vectors._counts(vectors._planes(list(numbers)), 64)
    assert list(counts) == [sum(number >> place & 1 for number in numbers) for place in range(64)]

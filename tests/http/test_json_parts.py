"""Parts of JSON bodies: a body is parsed to the same value, with or without parts that came before, and they are bounded."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.errors import APIError
from openaimock.http import json_parts
from openaimock.http.json import parse
from openaimock.types import parts

TEXTS = st.text(max_size=6) | st.sampled_from(["é", "\ud83d\ude00", "\\", '"', "a" * 80, "{", "]", ","])
SCALARS = st.none() | st.booleans() | st.integers(-20, 2000) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
ITEMS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3) | VALUES, max_size=4)
BODIES = st.dictionaries(st.sampled_from(["messages", "input", "tools", "model", "text"]), ITEMS | VALUES, max_size=4)
#: Changes of a text that make it invalid, or another value.
CUTS = ["", " ", "\n", "\t ", ",", "}", "]", '"', "0", "\\ud800", "NaN", "1e999", '"a":1,"a":2', "\x00"]


@pytest.fixture(autouse=True)
def no_limit(monkeypatch):
    monkeypatch.setattr(json_parts, "SHORT", 0)
    monkeypatch.setattr(json_parts, "_LEAST", 4)


def outcome(parser, raw):
    repeated: list[str] = []
    try:
        value = parser(raw, repeated)
        value = value.value if isinstance(value, json_parts.Parsed) else value
    except APIError as error:
        return error.status, error.message, []
    # Equality of Python's values takes 1, 1.0 and true for each other.
    return json.dumps(value), None, repeated


@given(BODIES, st.integers(0, 10**9), st.sampled_from(CUTS), st.booleans(), st.booleans())
def test_a_body_has_the_same_value_or_error(body, place, cut, escaped, spaced):
    text = json.dumps(body, ensure_ascii=escaped, indent=1 if spaced else None)
    at = place % (len(text) + 1)
    for changed in (text, text[:at] + cut + text[at:], text[:at] + text[at + 1 :]):
        raw = changed.encode("utf-8", "surrogatepass")
        expected = outcome(parse, raw)
        assert outcome(json_parts.parse_body, raw) == expected
        assert outcome(json_parts.parse_body, raw) == expected


def test_a_longer_number_is_no_part_that_came_before():
    for raw in (b'{"input": [{"a": 1}, 1, 2]}', b'{"input": [{"a": 1}, 12, 23]}'):
        assert json_parts.parse_body(raw).value == parse(raw)


def test_parts_are_the_same_objects():
    bodies = [
        json.dumps({"messages": [{"role": "user", "content": "hi" * 40}, {"n": number}], "tools": [{"a": "b"}]})
        for number in (1, 2)
    ]
    first, second = (json_parts.parse_body(body.encode()).value for body in bodies)
    assert first["messages"][0] is second["messages"][0]
    assert first["tools"] is second["tools"]
    assert first["messages"] is not second["messages"]


def test_commas_of_the_parts_are_counted():
    raw = json.dumps({"messages": [{"a": [1, 2, 3], "b": 2}] * 3, "tools": [1, 2, 3, 4], "n": 1}).encode()
    assert abs(json_parts.parse_body(raw).commas - raw.count(b",")) <= 4
    assert abs(json_parts.parse_body(raw).commas - raw.count(b",")) <= 4


@given(st.lists(st.integers(0, 40), max_size=200), st.integers(0, 9))
def test_parts_are_bounded_and_right(numbers, seed):
    chance = random.Random(seed)
    kept = parts.Parts(limit=40_000)
    for number in numbers:
        text = json.dumps({"number": number, "text": "x" * (number * 10)})
        part = kept.find(text, 0)
        if part is None:
            value = json.loads(text)
            kept.add(text, 0, len(text), value)
        else:
            assert (part.text, part.value) == (text, json.loads(text))
            assert kept.of(part.value) is part
            assert part.fact("double", lambda value: value["number"] * 2) == number * 2
        assert kept.of(json.loads(text)) is None
        # A generation ends with the part that fills it.
        assert kept.size <= kept.limit + 2 * (kept.limit // parts.SHARE + parts.PER_PART)
    for _ in range(100):
        kept.add(f'{{"one beginning": "{"x" * 80}{chance.random()}"}}', 0, 110, {})
        assert all(len(siblings) <= parts.PER_ANCHOR for siblings in kept._young.by_anchor.values())


def test_results_of_a_part_are_bounded():
    part = parts.Part("{}", {}, 0)
    assert [part.fact(number, lambda value, number=number: number) for number in range(100)] == list(range(100))
    assert len(part.facts) <= parts.MAX_FACTS


def test_a_large_part_is_not_kept():
    kept = parts.Parts(limit=10_000)
    text = json.dumps({"text": "x" * 10_000})
    kept.add(text, 0, len(text), json.loads(text))
    assert (kept.find(text, 0), kept.size) == (None, 0)

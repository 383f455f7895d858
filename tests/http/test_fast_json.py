"""Parsing with orjson: the values and errors are those of the standard library."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.http import fast_json, json_parts
from openaimock.http.json import parse

from .test_json_parts import BODIES, CUTS, VALUES, outcome

#: Numbers that parsers may take differently, and texts with escapes that are not needed.
ODD = [
    "1.0",
    "1e5",
    "-0",
    "-0.0",
    "1e-7",
    "0.00001",
    "18446744073709551616",
    "9007199254740993",
    '"\\u0061"',
    '"\\/"',
    '"\\ud83d"',
]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(json_parts, "SHORT", 0)
    monkeypatch.setattr(json_parts, "_LEAST", 4)


@pytest.fixture
def uses(monkeypatch) -> list[bytes]:
    """The texts that orjson parsed."""
    texts: list[bytes] = []
    parse_exact = fast_json.parse_exact

    def counted(raw: bytes) -> Any:
        exact = parse_exact(raw)
        if exact is not None:
            texts.append(raw)
        return exact

    monkeypatch.setattr(json_parts, "parse_exact", counted)
    monkeypatch.setattr("openaimock.http.json.parse_exact", counted)
    return texts


def expected_of(raw: bytes) -> Any:
    fast_json.enabled = False
    try:
        return outcome(parse, raw)
    finally:
        fast_json.enabled = True


@given(BODIES | VALUES, st.integers(0, 10**9), st.sampled_from(CUTS + ODD), st.booleans())
@pytest.mark.usefixtures("small")
def test_a_text_has_the_same_value_or_error(body, place, cut, escaped):
    text = json.dumps(body, ensure_ascii=escaped, separators=(",", ":"))
    at = place % (len(text) + 1)
    for changed in (text, text[:at] + cut + text[at:], text[:at] + text[at + 1 :]):
        raw = changed.encode("utf-8", "surrogatepass")
        expected = expected_of(raw)
        assert outcome(parse, raw) == expected
        for _ in range(2):
            assert outcome(json_parts.parse_body, raw) == expected


@pytest.mark.parametrize("number", ODD)
def test_odd_values_are_those_of_the_standard_library(number: str):
    raw = f'{{"a":{number}}}'.encode()
    assert outcome(parse, raw) == expected_of(raw)


def test_a_long_list_of_texts_is_parsed_by_orjson(uses):
    raw = json.dumps({"model": "m", "input": ["word " * 20] * 40}, separators=(",", ":")).encode()
    parsed = json_parts.parse_body(raw)
    assert parsed.value == json.loads(raw)
    assert parsed.commas == raw.count(b",")
    assert uses == [raw]


def test_messages_are_parsed_part_by_part(uses):
    raw = json.dumps({"messages": [{"role": "user", "content": "x" * 3000}]}, separators=(",", ":")).encode()
    first, second = (json_parts.parse_body(raw).value for _ in range(2))
    assert first["messages"][0] is second["messages"][0]
    assert not uses


def test_a_body_with_spaces_is_left_to_the_standard_library(uses):
    assert parse(b'{"a": 1}') == {"a": 1}
    assert not uses
    assert parse(b'{"a":1}') == {"a": 1}
    assert uses == [b'{"a":1}']


def test_deep_nesting_is_refused_the_same():
    for depth in (150, 199, 201, 300, 2000):
        raw = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        assert outcome(parse, raw) == expected_of(raw)
        assert outcome(json_parts.parse_body, raw) == expected_of(raw)


def test_without_orjson_the_standard_library_parses(monkeypatch):
    monkeypatch.setitem(sys.modules, "orjson", None)
    fast_json._module.cache_clear()
    try:
        assert fast_json.parse_exact(b"{}") is None
        assert parse(b'{"a":1}') == {"a": 1}
    finally:
        fast_json._module.cache_clear()

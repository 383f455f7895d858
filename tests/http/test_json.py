"""JSON bodies: repeated keys, and the limit of values."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given
from werkzeug.test import Client

from openaimock import create_app
from openaimock.errors import APIError
from openaimock.http import json as http_json
from openaimock.http.json import MAX_VALUES, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='",[]{}\\\n:a', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='",a\\', max_size=4), inner, max_size=4),
    max_leaves=20,
)


def count(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(count, inner))


def test_the_last_value_of_a_repeated_key_counts() -> None:
    repeated: list[str] = []
    assert parse(b'{"a": 1, "b": {"c": 2, "c": 3}, "a": 4}', repeated) == {"a": 4, "b": {"c": 3}}
    assert repeated == ["c", "a"]
    assert parse(b'{"a": 1, "b": {"a": 2}}', repeated) == {"a": 1, "b": {"a": 2}}
    assert repeated == ["c", "a"]


@given(VALUES)
def test_the_limit_of_values_is_exact_but_for_empty_containers(value: object) -> None:
    raw = json.dumps(value).encode()
    total = count(value)
    empty = raw.count(b"[]") + raw.count(b"{}")
    before = http_json.MAX_VALUES
    try:
        http_json.MAX_VALUES = total + empty
        assert not http_json._has_too_many_values(raw)
        http_json.MAX_VALUES = total - 1
        assert http_json._has_too_many_values(raw) or len(raw) <= total - 1
    finally:
        http_json.MAX_VALUES = before


@pytest.mark.parametrize("raw", [b"[" + b"1," * MAX_VALUES + b"1]", b'["' + b'","' * MAX_VALUES + b'"]', b"[" * (MAX_VALUES + 1)])
def test_too_many_values_are_refused(raw: bytes) -> None:
    with pytest.raises(APIError, match="more than 1,000,000 JSON values"):
        parse(raw)


def test_commas_in_a_text_are_not_values() -> None:
    text = ',[{\\"' * MAX_VALUES
    assert parse(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize(("level", "header"), [("off", None), ("warn", "repeated_key"), ("error", "repeated_key")])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/chat/completions",
            b'{"model": "x", "messages": [{"role": "user", "content": "a", "content": "Hello"}], "model": "gpt-4o"}',
        ),
        ("/v1/responses", b'{"model": "x", "input": "Hello", "model": "gpt-4o", "stream": true, "stream": false}'),
        ("/v1/embeddings", b'{"model": "x", "input": "Hello", "model": "text-embedding-3-small"}'),
    ],
)
def test_a_repeated_key_is_noted_and_answered(level: str, header: str | None, path: str, body: bytes) -> None:
    app = create_app({"responses": [], "unmatched": "echo", "lint": level})
    for _ in range(2):
        response = Client(app).post(path, data=body, content_type="application/json")
        assert (response.status_code, response.headers.get("x-openaimock-lint")) == (200, header)
        assert response.json is not None and response.json["model"] != "x"


def test_too_many_values_are_a_400() -> None:
    app = create_app({"responses": []})
    response = Client(app).post("/v1/chat/completions", data=b"[" + b"1," * MAX_VALUES + b"1]", content_type="application/json")
    assert response.status_code == 400
    assert "more than 1,000,000 JSON values" in response.text

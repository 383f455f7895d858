from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openaimock.schema import validate as schemas_module
from openaimock.schema.validate import Mismatch, check, resolve, written

slowly = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

# Small alphabets, so that schemas and values meet: the same few names, numbers and texts everywhere.
names = st.sampled_from(["a", "b", "c d", ""])
numbers = st.sampled_from([0, 1, 2, 3, 10, -1, 1.0, 1.5, 0.25, -2.5])
scalars = st.none() | st.booleans() | numbers | st.sampled_from(["", "a", "ab", "abc", "b1", "1"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
sizes = st.integers(0, 3)
types = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
patterns = st.sampled_from(["^a", "b$", "^[a-z]+$", "[0-9]", "^$", "a|b", "(?:ab)?c"])


def words(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Every keyword of the check, with what it may say."""
    some = st.lists(inner, min_size=1, max_size=3)
    return {
        "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
        "enum": st.lists(values, min_size=1, max_size=3),
        "const": values,
        "properties": st.dictionaries(names, inner, max_size=3),
        "required": st.lists(names, max_size=2, unique=True),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(patterns, inner, max_size=2),
        "propertyNames": inner,
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2),
        "dependentSchemas": st.dictionaries(names, inner, max_size=2),
        "items": inner,
        "prefixItems": some,
        "contains": inner,
        "minContains": sizes,
        "maxContains": sizes,
        "uniqueItems": st.booleans(),
        "pattern": patterns,
        "multipleOf": st.sampled_from([1, 2, 0.5, 0.25]),
        **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"), sizes),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), numbers),
        **dict.fromkeys(("anyOf", "oneOf", "allOf"), some),
        **dict.fromkeys(("not", "if", "then", "else"), inner),
        "$ref": st.sampled_from(["#/$defs/one", "#/$defs/two"]),
    }


def objects(inner: st.SearchStrategy[Any], at_most: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    every = words(inner)
    chosen = st.lists(st.sampled_from(sorted(every)), max_size=at_most, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: every[key] for key in keys}))


nested = st.recursive(st.booleans() | objects(st.booleans(), 2), objects, max_leaves=6)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A schema with two definitions, which may refer to each other through a step into the value (or else without end)."""
    one, two = draw(nested), draw(nested)
    return {**draw(objects(nested)), "$defs": {"one": one, "two": two}}


def endless(schema: Any, value: Any) -> bool:
    try:
        jsonschema.Draft202012Validator(schema).is_valid(value)
    except RecursionError:
        return True
    return False


@slowly
@given(schemas(), values)
def test_it_says_of_any_schema_and_value_what_jsonschema_says(schema: Any, value: Any) -> None:
    if endless(schema, value):
        return
    assert (check(schema, value) is None) == jsonschema.Draft202012Validator(schema).is_valid(value)


@slowly
@given(schemas(), values)
def test_a_mismatch_names_a_path_that_is_in_the_value(schema: Any, value: Any) -> None:
    miss = check(schema, value)
    if miss is not None:
        assert miss.reason
        assert miss.path in {written(path) for path in paths(value)}


def paths(value: Any, start: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [start, *(path for key, item in inner for path in paths(item, (*start, key)))]


junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(sorted(words(scalars))), inner, max_size=3),
)


@slowly
@given(junk, values)
def test_a_malformed_schema_is_no_crash(schema: Any, value: Any) -> None:
    assert isinstance(check(schema, value), Mismatch | None)


CITY = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/stop"}}},
    "required": ["items"],
    "$defs": {"stop": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}},
}


@pytest.mark.parametrize(
    ("schema", "value", "path", "reason"),
    [
        (CITY, {"items": [{}, {}, {"city": 3}]}, "items[2].city", "expected a string, got the number 3"),
        (CITY, {"items": [{"town": "x"}]}, "items[0]", 'the property "town" is not in the schema'),
        (CITY, {}, "", 'the property "items" is missing'),
        (CITY, [], "", "expected an object, got an array"),
        ({"properties": {"a b": {"type": "null"}}}, {"a b": ""}, '["a b"]', 'expected null, got the text ""'),
        ({"type": ["string", "null"]}, True, "", "expected a string or null, got true"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 3, "", "expected a string or null, got the number 3"),
        ({"anyOf": [CITY, {"type": "null"}]}, {"items": 1}, "items", "expected an array, got the number 1"),
        ({"anyOf": [{"minLength": 2}, {"type": "null"}]}, "x", "", "expected at least 2 characters, got 1"),
        ({"anyOf": []}, 1, "", "there is no alternative that could fit"),
        (
            {"anyOf": [{"type": "null"}, {"required": ["a"]}, {"maxProperties": 1}]},
            {"x": 1, "y": 2},
            "",
            'fits none of 3 alternatives: the property "a" is missing; expected at most 1 key, got 2',
        ),
        ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 3, "", "fits alternatives 0 and 1, where only one may fit"),
        ({"enum": ["a", 1]}, "b", "", 'expected one of "a", 1, got the text "b"'),
        ({"const": "a"}, None, "", 'expected "a", got null'),
        ({"minLength": 2}, "x", "", "expected at least 2 characters, got 1"),
        ({"maxItems": 1}, [1, 2], "", "expected at most 1 item, got 2"),
        ({"exclusiveMaximum": 3}, 3, "", "expected less than 3, got 3"),
        ({"multipleOf": 0.5}, 0.3, "", "expected a multiple of 0.5, got the number 0.3"),
        ({"pattern": "^a+$"}, "b", "", 'expected text that matches ^a+$, got the text "b"'),
        ({"format": "email"}, "x", "", 'expected an email address, got the text "x"'),
        ({"uniqueItems": True}, [1, 2, 1.0], "", "items 0 and 2 are the same"),
        ({"not": {"type": "string"}}, "x", "", 'the text "x" is what the schema\'s not rules out'),
        ({"items": False}, [1], "", "expected at most 0 items, got 1"),
        (
            {"propertyNames": {"maxLength": 1}},
            {"ab": 1},
            "",
            'the property name "ab" does not fit: expected at most 1 character, got 2',
        ),
        (False, 1, "", "nothing is allowed here"),
    ],
)
def test_a_mismatch_speaks_the_users_words(schema: Any, value: Any, path: str, reason: str) -> None:
    assert check(schema, value) == Mismatch(path, reason)


def test_a_mismatch_reads_as_one_line() -> None:
    assert str(Mismatch("a.b", "no")) == "a.b: no"
    assert str(Mismatch("", "no")) == "no"


@pytest.mark.parametrize(
    ("of", "good", "bad"),
    [
        (
            "date-time",
            ["2024-05-17T09:30:00Z", "2024-02-29t23:59:60.5+01:00"],
            ["2024-05-17 09:30:00Z", "2023-02-29T00:00:00Z", "2024-05-17T09:30:00"],
        ),
        ("date", ["2024-05-17"], ["2024-13-01", "17.5.2024", "2024-5-1", "٢٠٢٤-01-01"]),
        ("time", ["09:30:00Z", "23:59:59.123-05:30"], ["9:30:00Z", "24:00:00Z", "09:30:00"]),
        ("duration", ["P3DT4H", "PT0.5S", "P2W", "P1Y"], ["P", "PT", "3D", "P1H"]),
        ("email", ["ada@example.com", "a+b@c"], ["ada", "a@b@c", "a b@c.de", "@x"]),
        ("hostname", ["example.com", "a-b", "x" * 63], ["-a.com", "a..b", "x" * 64, "a_b", "a.b\n"]),
        ("ipv4", ["192.0.2.1", "0.0.0.0"], ["256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4\n"]),
        ("ipv6", ["2001:db8::1", "::"], ["1.2.3.4", "fe80::1%eth0", ":::"]),
        ("uuid", ["2EB8AA08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08aa9811eab4aa73b441d16380", "x"]),
        ("uri", ["https://example.com/a?b=%20#c", "urn:isbn:1", "mailto:a@b.c"], ["example.com", "http://a b", "http://a/%zz"]),
        ("phone", ["anything"], []),
    ],
)
def test_formats_are_checked(of: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if check({"format": of}, text)] == []
    assert [text for text in bad if check({"format": of}, text) is None] == []


def test_a_format_says_nothing_of_other_kinds() -> None:
    assert check({"format": "date"}, 3) is None


def test_booleans_are_no_numbers_and_whole_floats_are_integers() -> None:
    assert check({"type": "integer"}, True) is not None
    assert check({"type": "integer"}, 1.0) is None
    assert check({"const": [1]}, [True]) is not None
    assert check({"enum": [{"a": 1}]}, {"a": 1.0}) is None


def test_multiples_are_decimal() -> None:
    assert check({"multipleOf": 0.1}, 0.3) is None
    assert check({"multipleOf": 0.01}, 19.99) is None
    assert check({"multipleOf": 0.01}, 1e308) is None
    assert check({"multipleOf": 0.01}, 0.001) is not None


def test_nullable_allows_null() -> None:
    assert check({"type": "string", "nullable": True}, None) is None
    assert check({"type": "string", "nullable": False}, None) is not None


def test_tuples_of_older_drafts_are_understood() -> None:
    schema = {"items": [{"type": "string"}, {"type": "integer"}]}
    assert check(schema, ["a", 1, None]) is None
    assert check(schema, ["a", "b"]) == Mismatch("[1]", 'expected an integer, got the text "b"')


@pytest.mark.parametrize("ref", ["#", "#/definitions/a~1b%25~0", "#/properties/x", "#/allOf/0"])
def test_references_are_json_pointers(ref: str) -> None:
    root = {"definitions": {"a/b%~": {"type": "null"}}, "properties": {"x": {}}, "allOf": [True]}
    assert resolve(root, ref) in (root, {"type": "null"}, {}, True)


@pytest.mark.parametrize("ref", ["#/nowhere", "#/allOf/1", "#/allOf/x", "#/type", "other.json", "#name", ""])
def test_a_reference_to_nowhere_is_a_mismatch(ref: str) -> None:
    schema = {"properties": {"a": {"$ref": ref}}, "allOf": [True], "type": "object"}
    assert check(schema, {"a": 1}) == Mismatch("a", f"the schema's $ref {ref} points nowhere")


def test_words_beside_a_reference_count() -> None:
    schema = {"$defs": {"s": {"type": "string"}}, "$ref": "#/$defs/s", "minLength": 2}
    assert check(schema, "x") == Mismatch("", "expected at least 2 characters, got 1")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
    ],
)
def test_a_reference_to_itself_is_a_mismatch(schema: Any) -> None:
    miss = check(schema, 1)
    assert miss is not None
    assert "leads back to itself without end" in miss.reason


def test_a_recursive_schema_follows_the_value() -> None:
    tree = {"properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"], "type": "object"}
    assert check(tree, {"next": {"next": {"next": None}}}) is None
    assert check(tree, {"next": {"next": {}}}) == Mismatch("next.next", 'the property "next" is missing')


def test_a_value_too_deep_is_a_mismatch() -> None:
    value: list[Any] = []
    for _ in range(900):
        value = [value]
    assert check({"items": {"$ref": "#"}}, value) == Mismatch("", "too deeply nested to be checked")


def test_a_schema_that_asks_for_endless_work_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas_module, "WORK", 1000)
    schema: dict[str, Any] = {"const": 1}
    for _ in range(60):
        schema = {"anyOf": [schema, schema]}
    assert check(schema, 2) == Mismatch("", "too deeply nested to be checked")


def test_shared_definitions_are_checked_once() -> None:
    defs: dict[str, Any] = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    schema = {"$defs": {**defs, "d60": {"type": "null"}}, "$ref": "#/$defs/d0"}
    assert check(schema, 1) == Mismatch("", "expected null, got the number 1")


def test_a_pattern_that_is_not_pythons_is_passed_over() -> None:
    assert check({"pattern": r"^\p{L}+$"}, "1") is None
    assert check({"patternProperties": {"(": False}}, {"(": 1}) is None


def test_a_pattern_with_odd_style_gives_no_warning() -> None:
    assert check({"pattern": "[[a]"}, "a") is None


def test_references_may_point_into_another_root() -> None:
    assert check({"$ref": "#/$defs/n"}, 1, root={"$defs": {"n": {"type": "null"}}}) is not None


def test_a_lone_surrogate_does_not_break_the_message() -> None:
    miss = check({"type": "null"}, json.loads(r'"\ud800"'))
    assert miss is not None
    assert str(miss).encode() == rb'expected null, got the text "\ud800"'

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, ConfigDict, Field

from openaimock.schema import strict
from openaimock.schema.strict import Refusal, loose_problem, strict_problem


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


TEXT = {"type": "string"}
REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."
FEWER = "Consider reducing the number of enums, or opt out of structured outputs by setting 'strict: false'."


class Stop(BaseModel):
    city: str
    zip: int | None = None


class Trip(BaseModel):
    stops: list[Stop]
    home: Stop = Field(description="where it starts")
    back: Trip | None = None


class Wrapped(BaseModel):
    trip: Trip


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(
            a=TEXT, b={"type": ["string", "null"], "format": "date"}, c={"type": "array", "items": closed(x=TEXT), "minItems": 1}
        ),
        closed(a={"anyOf": [closed(x=TEXT), {"type": "null"}]}, b={"type": "number", "multipleOf": 2, "minimum": 0}),
        closed(a={"type": "string", "default": "x", "minLength": 1, "title": "A", "description": "b", "pattern": "^a"}),
        closed(a={"type": "string", "enum": ["x", "y"]}, b={"type": "string", "const": "z"}),
        {**closed(next={"anyOf": [{"$ref": "#"}, {"type": "null"}]}), "$schema": "https://json-schema.org/draft/2020-12/schema"},
        {**closed(a={"$ref": "#/$defs/n"}), "$defs": {"n": closed(n={"$ref": "#/$defs/n"})}},
        to_strict_json_schema(Stop),
        to_strict_json_schema(Wrapped),
    ],
)
def test_strict_mode_takes_what_its_guide_shows(schema: Any) -> None:
    assert strict_problem(schema) is None


@pytest.mark.parametrize(
    ("inner", "context", "reason"),
    [
        ({"type": "object", "properties": {}}, (), "'additionalProperties' is required to be supplied and to be false."),
        (
            {**closed(x=TEXT), "additionalProperties": True},
            (),
            "'additionalProperties' is required to be supplied and to be false.",
        ),
        ({**closed(x=TEXT, y=TEXT), "required": ["x"]}, (), f"{REQUIRED} Missing 'y'."),
        ({**closed(x=TEXT), "required": ["x", "z"]}, (), f"{REQUIRED} Extra required key 'z' supplied."),
        (closed(m={"type": "object", "additionalProperties": TEXT}), (), f"{REQUIRED} Extra required key 'm' supplied."),
        ({}, (), "schema must have a 'type' key."),
        ({"const": 1}, (), "schema must have a 'type' key."),
        ({"anyOf": [TEXT, {}]}, ("anyOf", "1"), "schema must have a 'type' key."),
        ({"type": ["string", "array"]}, ("type", "1"), "array schema missing items."),
        ({"type": "array", "prefixItems": [TEXT]}, (), "array schema missing items."),
        ({"type": "array", "prefixItems": [TEXT], "items": TEXT}, (), "'prefixItems' is not permitted."),
        ({"type": "array", "items": TEXT, "uniqueItems": True}, (), "'uniqueItems' is not permitted."),
        ({"type": "array", "items": {"oneOf": [TEXT]}}, ("items",), "'oneOf' is not permitted."),
        ({"allOf": [TEXT]}, (), "'allOf' is not permitted."),
        ({"type": "string", "not": {}}, (), "Unsupported keywords ('not',)."),
        ({"type": "object", "propertyNames": TEXT, "additionalProperties": TEXT}, (), "'propertyNames' is not permitted."),
        ({"type": "string", "format": "uri"}, (), "'uri' is not a valid format."),
        ({"type": ["string", "null"], "format": "uri"}, ("type", "0"), "'uri' is not a valid format."),
        ({"$ref": "#/$defs/n", "description": "x"}, (), "$ref cannot have keywords {'description'}."),
        ({"$ref": "#/$defs/m"}, (), "reference to component '#/$defs/m' which was not found in the schema."),
        ({"$ref": "#/properties/a"}, (), "reference can only point to definitions defined at the top level of the schema."),
    ],
)
def test_strict_mode_refuses_in_the_apis_words(inner: Any, context: tuple[str, ...], reason: str) -> None:
    schema = {**closed(a=inner), "$defs": {"n": closed()}}
    assert strict_problem(schema) == Refusal(("properties", "a", *context), reason)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "array", "items": TEXT}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'."),
        ({"anyOf": [closed()]}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
        (
            {**closed(), "anyOf": [closed()]},
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
        ),
        ({**closed(), "allOf": []}, "In context=(), 'allOf' is not permitted."),
        ({"type": "object", "additionalProperties": False}, "In context=(), object schema missing properties."),
        ({**closed(x=TEXT), "required": None}, "None is not of type 'array'."),
        ([], "[] is not of type 'object', 'boolean'."),
        (closed(a={"type": "text"}), "'text' is not valid under any of the given schemas."),
        (closed(a={"type": "string", "pattern": "("}), "'(' is not a 'regex'."),
        (closed(a={"type": "array", "items": []}), "[] is not of type 'object', 'boolean'."),
        (closed(a={"enum": 3}), "3 is not of type 'array'."),
        (
            {**closed(), "$defs": {"n": {"type": "object"}}},
            "In context=('$defs', 'n'), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (closed(**{f"p{n}": TEXT for n in range(5001)}), "5001 parameters exceeds limit of 5000."),
        (
            closed(a={"type": "integer", "enum": list(range(1001))}),
            "Expected at most 1000 enum values in total within a single schema when using structured outputs, "
            f"but received 1001. {FEWER}",
        ),
        (
            closed(a={"type": "string", "enum": [f"{n:060}" for n in range(251)]}),
            "Expected at most 15000 total characters across enum values when there are more than 250 enum values, "
            f"but received 15060. {FEWER}",
        ),
    ],
)
def test_strict_mode_refuses_a_whole_schema(schema: Any, message: str) -> None:
    assert str(strict_problem(schema)) == message


def deep(levels: int) -> dict[str, Any]:
    return reduce(lambda inner, _: closed(a=inner), range(levels), TEXT)


def test_ten_levels_are_as_deep_as_it_goes() -> None:
    assert strict_problem(deep(10)) is None
    assert str(strict_problem(deep(11))) == "11 levels of nesting exceeds limit of 10."


def test_arrays_are_levels_and_alternatives_are_none() -> None:
    inner = {"type": "array", "items": {"anyOf": [deep(8), {"type": "null"}]}}
    assert strict_problem(closed(a=inner)) is None
    assert str(strict_problem(closed(a={"type": "array", "items": inner}))) == "11 levels of nesting exceeds limit of 10."


def test_a_schema_without_end_is_refused_not_a_crash() -> None:
    assert str(strict_problem(deep(3000))) == "3000 levels of nesting exceeds limit of 10."
    assert loose_problem(deep(3000)) is None


def test_the_name_makes_it_the_apis_message() -> None:
    schema = closed(x={"type": "object", "properties": {}})
    assert str(strict_problem(schema, name="response_format 'trip'")) == (
        "Invalid schema for response_format 'trip': In context=('properties', 'x'), "
        "'additionalProperties' is required to be supplied and to be false."
    )
    assert str(strict_problem({**closed(x=TEXT), "required": []}, name="function 'f'")) == (
        f"Invalid schema for function 'f': In context=(), {REQUIRED} Missing 'x'."
    )


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Tagged(BaseModel):
    tags: dict[str, str]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Open, "In context=(), 'additionalProperties' is required to be supplied and to be false."),
        (Tagged, f"In context=(), {REQUIRED} Extra required key 'tags' supplied."),
    ],
)
def test_models_that_the_sdk_cannot_make_strict_are_refused(model: type[BaseModel], message: str) -> None:
    assert str(strict_problem(to_strict_json_schema(model))) == message


def test_pydantics_own_schema_is_not_strict() -> None:
    assert str(strict_problem(Stop.model_json_schema())) == (
        "In context=(), 'additionalProperties' is required to be supplied and to be false."
    )


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
        ({"type": "object"}, "In context=(), object schema missing properties."),
        (
            {"type": "object", "properties": {}, "oneOf": []},
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
        ),
        (
            {"type": "object", "properties": {"a": {"anyOf": [{"type": "array"}]}}},
            "In context=('properties', 'a', 'anyOf', '0'), array schema missing items.",
        ),
        (
            {"type": "object", "properties": {"a": {"type": ["null", "array"]}}},
            "In context=('properties', 'a', 'type', '1'), array schema missing items.",
        ),
    ],
)
def test_some_things_no_function_may_have(schema: Any, message: str) -> None:
    assert str(loose_problem(schema)) == message


def test_a_function_that_is_not_strict_is_free_otherwise() -> None:
    schema = {"type": "object", "properties": {"a": {"oneOf": [TEXT]}, "b": {}, "c": {"type": "string", "format": "uri"}}}
    assert loose_problem(schema) is None
    assert strict_problem(schema) is not None


words = st.sampled_from(
    [
        "type",
        "properties",
        "required",
        "items",
        "anyOf",
        "allOf",
        "$ref",
        "$defs",
        "enum",
        "pattern",
        "format",
        "additionalProperties",
    ]
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["object", "array", "string", "a", "#", "#/$defs/a", "("]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words | st.just("a"), inner, max_size=4),
)


@settings(deadline=None, max_examples=150)
@given(junk | st.dictionaries(words, junk, max_size=5).map(lambda schema: {**schema, "type": "object"}))
def test_no_junk_crashes_it(schema: Any) -> None:
    for problem in (strict_problem(schema), loose_problem(schema)):
        assert problem is None or problem.reason


@settings(deadline=None, max_examples=300)
@given(
    junk | st.dictionaries(words, junk, max_size=5).map(lambda schema: {"properties": {"a": schema}, **schema, "type": "object"})
)
def test_the_short_way_for_simple_schemas_changes_nothing(schema: Any) -> None:
    assert loose_problem(schema) == next(strict._loose_refusals(schema), None)

"""Tokens of tools and schemas."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.text import definitions, tokens

WEATHER = {
    "name": "get_current_weather",
    "description": "Get the current weather in a given location",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
            "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["location"],
    },
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "anyOf", "enum", "$ref", "$defs", "a", "default"]), inner
        )
    ),
    max_leaves=12,
)


def own(*tools: Any) -> int:
    return definitions.count_tools(list(tools), "o200k_base", thinking=False).own


def function(properties: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": properties, **more}}}


def written(properties: Any, **more: Any) -> str:
    return definitions._function(function(properties, **more)["function"])


def test_a_function_is_written_as_typescript() -> None:
    assert definitions._function(WEATHER) == (
        "// Get the current weather in a given location\n"
        "type get_current_weather = (_: {\n"
        "// The city and state, e.g. San Francisco, CA\n"
        "location: string,\n"
        "// The unit of temperature to return\n"
        'unit?: "celsius" | "fahrenheit",\n'
        "}) => any;\n\n"
    )


@pytest.mark.parametrize(
    ("schema", "type"),
    [
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": "array", "items": {"type": "number"}}, "number[]"),
        ({"type": "array"}, "any[]"),
        ({"type": "object"}, "object"),
        ({"const": 3}, "3"),
        ({"anyOf": [{"type": "string"}, {"enum": ["a", 1]}]}, 'string | "a" | 1'),
        ({"type": "object", "properties": {"b": {"type": "string"}}}, "{ b?: string }"),
        ({"$ref": "#/$defs/Pet"}, "{ name?: string }"),
        ({"$ref": "#/$defs/Nobody"}, "any"),
        ({}, "any"),
    ],
)
def test_types_of_a_schema(schema: dict[str, Any], type: str) -> None:
    pets = {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}}
    assert written({"a": schema}, **{"$defs": pets}) == f"type f = (_: {{ a?: {type} }}) => any;\n\n"


def test_titles_descriptions_and_defaults_are_comments() -> None:
    schema = {"type": "integer", "title": "Count", "description": " How many. ", "default": 3}
    assert written({"count": schema}, title="Args") == (
        "type f = (_: \n// Args\n{\n// Count\n// How many.\ncount?: number, // default: 3\n}) => any;\n\n"
    )


@pytest.mark.parametrize("parameters", [None, {}, {"properties": {}}, {"properties": 3}, 3])
def test_a_function_without_parameters_takes_nothing(parameters: Any) -> None:
    assert definitions._function({"name": "f", "parameters": parameters}) == "type f = () => any;\n\n"


def test_no_tools_cost_nothing() -> None:
    assert definitions.count_tools([], "o200k_base", thinking=False) == (0, 0)


def test_tools_of_either_api_cost_the_same() -> None:
    assert own({"type": "function", **WEATHER}) == own({"type": "function", "function": WEATHER}) == own(WEATHER)


def test_a_custom_tools_grammar_is_counted() -> None:
    grammar = "start: NUMBER"
    chat = {"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "grammar": {"definition": grammar}}}}
    responses = {"type": "custom", "name": "f", "format": {"type": "grammar", "definition": grammar}}
    assert own(chat) == own(responses) == own({"type": "custom", "name": "f"}) + tokens.count(grammar)


def test_functions_of_a_namespace_are_counted() -> None:
    assert own({"type": "namespace", "name": "n", "tools": [{"type": "function", **WEATHER}]}) == own(WEATHER)


@pytest.mark.parametrize("kind", [*definitions.HOSTED, "web_search_preview_2025_03_11", "not_known_yet"])
def test_a_hosted_tool_costs_the_prompt_that_comes_with_it(kind: str) -> None:
    counted = definitions.count_tools([{"type": kind}], "o200k_base", thinking=True)
    assert counted.own == 0 and counted.hosted >= 100


def test_a_function_that_is_searched_for_costs_its_description() -> None:
    counted = definitions.count_tools([{"type": "function", "defer_loading": True, **WEATHER}], "o200k_base", thinking=True)
    about = f"{WEATHER['name']}: {WEATHER['description']}"
    assert counted == (0, definitions.DEFERRED + tokens.count(about))


def test_a_schema_is_shown_without_what_every_strict_one_has() -> None:
    schema = {"type": "object", "properties": {"required": {"type": "string"}}}
    strict = {**schema, "required": ["required"], "additionalProperties": False}
    counts = [definitions.count_schema({"name": "a", "schema": each}, "o200k_base") for each in (schema, strict)]
    assert counts[0] == counts[1] > tokens.count('{"type":"object"}')


def test_a_schemas_name_and_description_are_counted() -> None:
    plain = definitions.count_schema({"name": "a", "schema": {}}, "o200k_base")
    assert definitions.count_schema({"name": "a", "description": "A pet", "schema": {}}, "o200k_base") > plain + 2


def test_a_schema_may_nest_deeper_than_python_does() -> None:
    schema: dict[str, Any] = {}
    for _ in range(sys.getrecursionlimit() * 2):
        schema = {"type": "array", "items": schema}
    assert own(function({"x": schema})) < 200
    assert definitions.count_schema({"name": "a", "schema": schema}, "o200k_base") < 1000


def test_references_that_multiply_are_bounded() -> None:
    defs = {f"d{at}": {"type": "object", "properties": {key: {"$ref": f"#/$defs/d{at + 1}"} for key in "ab"}} for at in range(60)}
    assert own(function({"x": {"$ref": "#/$defs/d0"}}, **{"$defs": defs})) < 200_000


@given(schema=VALUES)
def test_any_value_in_the_place_of_a_schema_has_a_count(schema: Any) -> None:
    assert own(function({"x": schema}, **{"$defs": {"a": schema}})) > 0
    assert definitions.count_schema({"name": "a", "schema": schema}, "cl100k_base") > 0


def test_counts_are_remembered_by_content_and_bounded() -> None:
    for number in range(1100):
        own({**WEATHER, "description": str(number)})
    assert len(definitions._counts) <= 1024
    many = [{**WEATHER, "name": f"f{number}"} for number in range(200)]
    own(*many)
    before = dict(definitions._counts)
    own(*[dict(tool) for tool in many])
    assert definitions._counts == before

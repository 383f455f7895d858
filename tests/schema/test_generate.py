from __future__ import annotations

import datetime
import enum
import json
import random
import re
import uuid
from functools import reduce
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from openaimock.schema import regex
from openaimock.schema.generate import STEPS, make
from openaimock.schema.strict import strict_problem
from openaimock.schema.validate import check
from openaimock.schema.values import FORMATS, TAKES

slowly = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**32)
names = st.sampled_from(["name", "city", "email", "description", "a", "b c"])


def bounded(word: str, low: st.SearchStrategy[Any], extra: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[Any]:
    """Bounds that leave room: a lower one, an upper one above it, or only one of them, or none."""
    both = st.tuples(low, extra).map(lambda pair: {f"min{word}": pair[0], f"max{word}": pair[0] + pair[1]})
    return both.flatmap(
        lambda bounds: st.sets(st.sampled_from(sorted(bounds))).map(lambda keys: {key: bounds[key] for key in keys})
    )


texts = st.one_of(
    bounded("Length", st.integers(0, 40), st.integers(0, 40)),
    st.sampled_from(sorted(FORMATS)).map(lambda of: {"format": of}),
    st.sampled_from([r"^\d{3}-\d{4}$", "^[a-z0-9_-]+$", r"^(red|green)\w*!?$", r"^[A-Z]{2,}[^a-z\s]\.$", r"x+|y{2,3}"]).map(
        lambda of: {"pattern": of}
    ),
).map(lambda more: {"type": "string", **more})
steps = st.sampled_from([{}, {"multipleOf": 1}, {"multipleOf": 7}, {"multipleOf": 0.25}, {"multipleOf": 0.5}])
numbers = st.one_of(
    st.tuples(st.just({"type": "integer"}), bounded("imum", st.integers(-1000, 1000), st.integers(7, 50)), steps),
    st.tuples(st.just({"type": "number"}), bounded("imum", st.floats(-1e6, 1e6), st.floats(7, 1e9)), steps),
    st.tuples(
        st.just({"type": "number"}), st.floats(-1e6, 1e6).map(lambda low: {"exclusiveMinimum": low, "exclusiveMaximum": low + 1})
    ),
).map(lambda parts: reduce(lambda one, two: {**one, **two}, parts))
leaves = st.one_of(
    texts,
    numbers,
    st.sampled_from(
        [{"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}, {}, True, {"type": ["integer", "string"]}]
    ),
    st.lists(st.integers() | st.text(max_size=3) | st.none(), min_size=1, max_size=4).map(lambda items: {"enum": items}),
    st.lists(st.integers(), max_size=2).map(lambda item: {"const": item}),
    st.sampled_from([{"$ref": "#/$defs/tree"}, {"$ref": "#/$defs/list"}]),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(names, inner, max_size=3)
    objects = st.builds(
        lambda properties, required, closed: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
            **({"additionalProperties": False} if closed else {}),
        },
        properties,
        st.sets(names),
        st.booleans(),
    )
    maps = inner.map(lambda of: {"type": "object", "additionalProperties": of, "minProperties": 1})
    keyed = inner.map(lambda of: {"type": "object", "patternProperties": {"^k[0-9]{4}$": of}, "additionalProperties": False})
    arrays = st.tuples(inner, bounded("Items", st.integers(0, 3), st.integers(0, 3))).map(
        lambda pair: {"type": "array", "items": pair[0], **pair[1]}
    )
    tuples = st.lists(inner, min_size=1, max_size=3).map(
        lambda items: {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    )
    joined = st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches})
    merged = st.lists(objects, min_size=1, max_size=1).map(
        lambda parts: {"allOf": [*parts, {"type": "object"}], "description": "x"}
    )
    return st.one_of(objects, maps, keyed, arrays, tuples, joined, merged)


DEFS = {
    "tree": {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
        "required": ["value", "children"],
        "additionalProperties": False,
    },
    "list": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/list"}, {"type": "null"}]}},
        "required": ["next"],
    },
}
schemas = st.recursive(leaves, nested, max_leaves=8).map(lambda schema: {"allOf": [schema], "$defs": DEFS})


@slowly
@given(schemas, seeds)
def test_what_is_made_fits_and_can_be_sent(schema: Any, seed: int) -> None:
    value = make(schema, random.Random(seed))
    sent = json.loads(json.dumps(value, allow_nan=False))
    assert jsonschema.Draft202012Validator(schema).is_valid(sent)
    assert check(schema, sent) is None


@slowly
@given(schemas, seeds)
def test_the_same_seed_makes_the_same_value(schema: Any, seed: int) -> None:
    twice = [json.dumps(make(schema, random.Random(seed))) for _ in range(2)]
    assert twice[0] == twice[1]


def test_seeds_make_different_values() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    assert len({json.dumps(make(schema, random.Random(seed))) for seed in range(20)}) > 10


def test_the_schema_is_left_as_it_is() -> None:
    schema = {"type": "object", "properties": {"a": {"const": {"x": [1]}}}, "required": ["a"]}
    make(schema, random.Random(0))["a"]["x"].append(2)
    assert schema["properties"] == {"a": {"const": {"x": [1]}}}


class Kind(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Stop(BaseModel):
    city: str
    zip: int | None = None


class Trip(BaseModel):
    stops: Annotated[list[Stop], Field(min_length=1, max_length=3)]
    kind: Kind
    home: Stop = Field(description="where it starts")
    mode: Literal["car", "train", 3]
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{4}$")]
    price: Annotated[float, Field(gt=0, le=1)]
    seats: Annotated[int, Field(ge=10, lt=20, multiple_of=5)]
    note: Annotated[str, Field(min_length=30, max_length=35)]
    at: datetime.datetime
    day: datetime.date
    clock: datetime.time
    lasts: datetime.timedelta
    ident: uuid.UUID
    back: Trip | None = None
    parts: list[Trip] = []


class Loose(BaseModel):
    pair: tuple[int, str]
    many: set[int]
    tags: dict[str, int]
    either: Annotated[Stop | int, Field(union_mode="left_to_right")]


@pytest.mark.parametrize("model", [Trip, Loose, Stop])
@pytest.mark.parametrize("seed", range(8))
def test_pydantic_takes_what_is_made_for_its_schema(model: type[BaseModel], seed: int) -> None:
    for schema in (model.model_json_schema(), to_strict_json_schema(model)):
        model.model_validate_json(json.dumps(make(schema, random.Random(seed))))


def test_a_strict_schema_gets_all_its_properties() -> None:
    schema = to_strict_json_schema(Stop)
    assert strict_problem(schema) is None
    assert make(schema, random.Random(1)).keys() == {"city", "zip"}


def test_optional_properties_are_made_too() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}}
    assert list(make(schema, random.Random(1))) == ["a", "b"]


def test_texts_suit_their_names() -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in ("email", "home_url", "description")}}
    value = make(schema, random.Random(1))
    assert value["email"].endswith("@example.com")
    assert value["home_url"].startswith("https://example.com/")
    assert value["description"].endswith(".")


@pytest.mark.parametrize("of", sorted(FORMATS))
def test_formats_are_kept(of: str) -> None:
    schema = {"type": "string", "format": of}
    assert [value for seed in range(50) if check(schema, value := make(schema, random.Random(seed)))] == []


HARD: dict[str, Any] = {
    "not a kind": {"not": {"type": ["string", "null", "boolean"]}},
    "not a value": {"type": "integer", "minimum": 0, "maximum": 3, "not": {"enum": [0, 1, 2]}},
    "one of two": {"type": "object", "properties": {"a": True, "b": True}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "one of overlapping": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 3}]},
    "condition": {
        "type": "object",
        "properties": {"land": {"enum": ["US", "CA"]}, "zip": {"type": "string"}},
        "required": ["land", "zip"],
        "if": {"properties": {"land": {"const": "US"}}},
        "then": {"properties": {"zip": {"pattern": "^[0-9]{5}$"}}},
        "else": {"properties": {"zip": {"pattern": "^[A-Z][0-9][A-Z]$"}}},
    },
    "all of": {"allOf": [{"type": "number", "minimum": 3}, {"type": "integer", "maximum": 5}, {"enum": [1, 4, 9]}]},
    "closed with more": {
        "allOf": [
            {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
            {"properties": {"a": {"minLength": 30}, "b": {"type": "string"}}},
        ],
        "required": ["a"],
    },
    "reference with more": {"$defs": {"s": {"type": "string"}}, "$ref": "#/$defs/s", "maxLength": 2},
    "pattern with length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 5, "maxLength": 5},
    "pattern that looks ahead": {"type": "string", "pattern": r"^(?=.*\d)[a-z\d]{8,}$"},
    "unique": {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True},
    "many unique words": {"type": "array", "items": {"type": "string"}, "minItems": 100, "uniqueItems": True},
    "many unique numbers": {"type": "array", "items": {"type": "integer"}, "minItems": 200, "uniqueItems": True},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 1000}, "maxItems": 2},
    "dependent": {"type": "object", "properties": {"a": {"type": "null"}}, "dependentRequired": {"a": ["b"]}},
    "dependent schema": {"type": "object", "properties": {"a": True}, "dependentSchemas": {"a": {"required": ["b"]}}},
    "property names": {"type": "object", "propertyNames": {"pattern": "^x[0-9]$"}, "minProperties": 3},
    "few properties": {"type": "object", "properties": {"a": True, "b": True, "c": True}, "required": ["c"], "maxProperties": 2},
    "tiny interval": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-12},
    "huge": {"type": "number", "minimum": 10**400},
    "great integers": {"type": "integer", "minimum": 10**20, "multipleOf": 0.3},
    "deep": reduce(
        lambda inner, _: {"type": "object", "properties": {"a": inner}, "required": ["a"]}, range(30), {"type": "integer"}
    ),
    "two ways round": {
        "$defs": {
            "a": {"type": "object", "properties": {"b": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]}}, "required": ["b"]},
            "b": {"type": "array", "items": {"$ref": "#/$defs/a"}, "minItems": 1},
        },
        "$ref": "#/$defs/a",
    },
    "shared alternatives": {
        "$defs": {**{f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}, "d40": {"type": "null"}},
        "$ref": "#/$defs/d0",
    },
}


@pytest.mark.parametrize("name", HARD)
def test_hard_schemas_are_met(name: str) -> None:
    assert [miss for seed in range(10) if (miss := check(HARD[name], make(HARD[name], random.Random(seed))))] == []


HOPELESS: dict[str, Any] = {
    "nothing fits": {"type": "object", "properties": {"a": False}, "required": ["a"]},
    "no type": {"allOf": [{"type": "string"}, {"type": "integer"}]},
    "itself": {"$ref": "#"},
    "nowhere": {"$ref": "#/$defs/x"},
    "no end": {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    "too many": {"type": "array", "minItems": 10**9, "items": {"type": "string"}},
    "too long": {"type": "string", "minLength": 10**9},
    "too wide": {
        "$defs": {
            **{
                f"d{n}": {
                    "type": "object",
                    "properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "xy"},
                    "required": ["x", "y"],
                }
                for n in range(40)
            },
            "d40": {"type": "null"},
        },
        "$ref": "#/$defs/d0",
    },
    "empty range": {"type": "integer", "minimum": 3, "maximum": 1},
    "infinite": {"type": "number", "minimum": float("inf")},
    "malformed": {"type": ["x", {}], "properties": [1], "required": "x", "enum": 3, "anyOf": {}, "pattern": 1, "$ref": 2},
    "no schema": "x",
}


@pytest.mark.parametrize("name", HOPELESS)
def test_hopeless_schemas_end_with_something_that_can_be_sent(name: str) -> None:
    source = random.Random(1)
    value = make(HOPELESS[name], source)
    assert len(json.dumps(value, allow_nan=False)) < 20 * STEPS


words = st.sampled_from([*TAKES, "$defs"])
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.floats()
    | st.sampled_from(["object", "array", "string", "a", "#", "#/$defs/a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words | st.just("a"), inner, max_size=4),
)


@slowly
@given(junk | st.dictionaries(words, junk, max_size=5), seeds)
def test_no_junk_crashes_it(schema: Any, seed: int) -> None:
    json.dumps(make(schema, random.Random(seed)))


PATTERNS = [
    *(r"^[a-z0-9_-]+$", r"^\d{3}-\d{4}$", r"^(foo|bar)?x*$", r"(a)\1+", r"^[^\"]{2,4}$", r"^\w+@\w+\.(com|org)$", "(?i)^abc$"),
    *(r"^\S\s\D\W$", r"[^\d\s]", r"^(?:a{2,}b?)*?$", ".", "(?P<x>a|b)(?(x)c|d)", "^[^a-z]$", r"^[\w.-]+$", r"^\x41\u0042$"),
    *("", "^[\ud000-\ue000]$", r"^[^\w\s]$", r"^\t\n$", "a{0}b", "^(|a)$", "[]a]", r"^[\s\S]{3}$", "^(a{2}){3}$"),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_matches_its_pattern(pattern: str) -> None:
    for seed in range(30):
        text = regex.text(pattern, random.Random(seed))
        assert text is not None
        assert re.search(pattern, text)
        text.encode()


@settings(deadline=None, max_examples=200)
@given(st.text("ab[](){}|*+?.^$\\d-,12:=!<>P", max_size=12), seeds)
def test_no_pattern_crashes_the_writer(pattern: str, seed: int) -> None:
    text = regex.text(pattern, random.Random(seed))
    assume(text is not None)
    assert len(text or "") <= 2 * regex.MAX_LENGTH


def test_a_pattern_that_python_cannot_read_has_no_text() -> None:
    assert regex.text(r"\p{L}", random.Random(0)) is None
    assert regex.text("(", random.Random(0)) is None


def test_a_pattern_without_measure_is_cut_off() -> None:
    assert len(regex.text("((a{100}){100}){100}", random.Random(0)) or "") <= regex.MAX_LENGTH + 1

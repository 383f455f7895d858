"""The engine: every shape, its words, and what goes around tables."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.errors import APIError
from openaimock.params.table import (
    Also,
    Anything,
    Array,
    Boolean,
    Either,
    Integer,
    Map,
    Number,
    Object,
    OneOf,
    String,
    Union,
    plain,
    table,
    unknown,
)

TEXT = Object({"text": String()}, required=["text"])
PART = Union("type", {"text": TEXT, "image": Object({"url": String()}, required=["url"])})


def caught(checked, body):
    """The APIError of a check, None when it takes the body."""
    try:
        checked.check(body)
    except APIError as error:
        return error
    return None


def refusal(shape, value, required=()):
    """What a table whose one parameter is ``x`` says of a value: message, param and code; None when it takes it."""
    error = caught(table({"x": shape}, required), {"x": value})
    return error and (error.message, error.param, error.code)


def wrong(expected, got, at="x"):
    return f"Invalid type for '{at}': expected {expected}, but got {got} instead.", at, "invalid_type"


FITTING = [
    (Anything(), [[], {}, "", 0, 1.5, True]),
    (Boolean(), [True, False]),
    (Integer(min=1, max=3), [1, 2, 3]),
    (Integer(), [-(10**30), 0, 10**30]),
    (Number(min=-2, max=2), [-2, -2.0, 0, 1.5, 2]),
    (Number(), [1e300, -5]),
    (String(), ["", "text", "\ud800\0"]),
    (String(min_length=2, max_length=3), ["ab", "abc"]),
    (String(pattern="^[a-z]+$"), ["abc"]),
    (OneOf(["a", "b"], also=["c"]), ["a", "b", "c"]),
    (Array(Integer(), min=1, max=2), [[1], [1, 2]]),
    (Array(Anything()), [[None, 1, {}]]),
    (Array(PART), [[], [{"type": "text", "text": ""}, {"type": "image", "url": "u", "more": 1}]]),
    (TEXT, [{"text": "a"}, {"text": "a", "more": {}}]),
    (Object({"a": Integer()}), [{}, {"a": None}, {"a": 1}, {"b": "?"}]),
    (Union("type", {"text": TEXT}, default="text"), [{"text": "a"}, {"type": None, "text": "a"}, {"type": "text", "text": "a"}]),
    (Map(String(max_length=2), max=2, max_key=2), [{}, {"ab": "cd", "e": ""}]),
    (Either(String(), Array(String())), ["a", [], ["a"]]),
    (Either(Array(String()), Array(Integer()), Array(Array(Integer()))), [[], ["a"], [1, 2], [[1], []]]),
    (Also(Integer(), lambda value: None), [1]),
]


@pytest.mark.parametrize(("shape", "value"), [(shape, value) for shape, values in FITTING for value in values])
def test_what_fits_is_taken(shape, value):
    assert refusal(shape, value) is None
    assert refusal(shape, value, required=["x"]) is None


REFUSED = [
    (Boolean(), "yes", wrong("a boolean", "a string")),
    (Boolean(), 1, wrong("a boolean", "an integer")),
    (Integer(), "2", wrong("an integer", "a string")),
    (Integer(), 1.0, wrong("an integer", "a decimal number")),
    (Integer(), True, wrong("an integer", "a boolean")),
    (Number(), [], wrong("a decimal", "an array")),
    (Number(), False, wrong("a decimal", "a boolean")),
    (String(), {}, wrong("a string", "an object")),
    (Array(String()), "a", wrong("an array of strings", "a string")),
    (Array(Integer()), {}, wrong("an array of integers", "an object")),
    (Array(TEXT), 1.5, wrong("an array of objects", "a decimal number")),
    (Array(TEXT, called="an array of texts"), 1, wrong("an array of texts", "an integer")),
    (Array(TEXT), [1], wrong("an object", "an integer", "x[0]")),
    (Array(TEXT), [{"text": ""}, None], wrong("an object", "null", "x[1]")),
    (Array(String()), ["a"] * 9 + [None], wrong("a string", "null", "x[9]")),
    (Array(Array(Integer())), [[1], [2, "3"]], wrong("an integer", "a string", "x[1][1]")),
    (OneOf(["a", "b"]), {}, wrong("one of 'a' or 'b'", "an object")),
    (OneOf(["a", "b", "c"]), 1, wrong("one of 'a', 'b', or 'c'", "an integer")),
    (OneOf(["a", "reasoning.encrypted_content"]), [], wrong("one of 'a' or 'rea...ent'", "an array")),
    (TEXT, "a", wrong("an object", "a string")),
    (Map(String(), called="a metadata object"), "a", wrong("a metadata object", "a string")),
    (Map(String()), {"k": None}, wrong("a string", "null", "x.k")),
    (Either(String(), Array(TEXT)), 7, wrong("one of a string or array of objects", "an integer")),
    (Either(OneOf(["a", "b", "c"]), TEXT), 7, wrong("one of one of 'a', 'b', or 'c' or object", "an integer")),
    (
        Either(String(), Array(String()), Array(Integer())),
        {},
        wrong("one of a string, array of strings, or array of integers", "an object"),
    ),
    (Either(Array(String()), Array(Integer())), [1, "a"], wrong("an integer", "a string", "x[1]")),
    (Either(Array(String()), Array(Integer())), [{}], wrong("a string", "an object", "x[0]")),
    (PART, [], wrong("an object", "an array")),
    (PART, {"type": 5}, wrong("one of 'text' or 'image'", "an integer", "x.type")),
    (PART, {"type": None}, wrong("one of 'text' or 'image'", "null", "x.type")),
    (PART, {"type": ["text"]}, wrong("one of 'text' or 'image'", "an array", "x.type")),
    (PART, {"type": "text", "text": None}, wrong("a string", "null", "x.text")),
    (Also(Integer(), lambda value: None), "a", wrong("an integer", "a string")),
    (
        Integer(min=1),
        0,
        ("Invalid 'x': integer below minimum value. Expected a value >= 1, but got 0 instead.", "x", "integer_below_min_value"),
    ),
    (
        Integer(max=128),
        500,
        (
            "Invalid 'x': integer above maximum value. Expected a value <= 128, but got 500 instead.",
            "x",
            "integer_above_max_value",
        ),
    ),
    (
        Number(max=2),
        3,
        ("Invalid 'x': decimal above maximum value. Expected a value <= 2, but got 3 instead.", "x", "decimal_above_max_value"),
    ),
    (
        Number(min=-2),
        -2.5,
        (
            "Invalid 'x': decimal below minimum value. Expected a value >= -2, but got -2.5 instead.",
            "x",
            "decimal_below_min_value",
        ),
    ),
    (
        String(min_length=1),
        "",
        (
            "Invalid 'x': empty string. Expected a string with minimum length 1, but got an empty string instead.",
            "x",
            "empty_string",
        ),
    ),
    (
        String(min_length=3),
        "ab",
        (
            "Invalid 'x': string too short. Expected a string with minimum length 3, but got a string with length 2 instead.",
            "x",
            "string_below_min_length",
        ),
    ),
    (
        String(max_length=3),
        "abcd",
        (
            "Invalid 'x': string too long. Expected a string with maximum length 3, but got a string with length 4 instead.",
            "x",
            "string_above_max_length",
        ),
    ),
    (
        String(pattern="^[a-z]+$"),
        "abc\n",
        (
            "Invalid 'x': string does not match pattern. Expected a string that matches the pattern '^[a-z]+$'.",
            "x",
            "invalid_value",
        ),
    ),
    (OneOf(["a", "b", "c"]), "d", ("Invalid value: 'd'. Supported values are: 'a', 'b', and 'c'.", "x", "invalid_value")),
    (OneOf(["a", "b"], also=["c"]), "d", ("Invalid value: 'd'. Supported values are: 'a' and 'b'.", "x", "invalid_value")),
    (OneOf(["a"]), "d", ("Invalid value: 'd'. Value must be 'a'.", "x", "invalid_value")),
    (
        Array(String(), min=1),
        [],
        (
            "Invalid 'x': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "x",
            "empty_array",
        ),
    ),
    (
        Array(String(), min=2),
        ["a"],
        (
            "Invalid 'x': array too short. Expected an array with minimum length 2, but got an array with length 1 instead.",
            "x",
            "array_below_min_length",
        ),
    ),
    (
        Array(String(), max=4),
        ["a"] * 5,
        (
            "Invalid 'x': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
            "x",
            "array_above_max_length",
        ),
    ),
    (TEXT, {}, ("Missing required parameter: 'x.text'.", "x.text", "missing_required_parameter")),
    (Array(PART), [{"text": "a"}], ("Missing required parameter: 'x[0].type'.", "x[0].type", "missing_required_parameter")),
    (
        Array(PART),
        [{"type": "sound"}],
        ("Invalid value: 'sound'. Supported values are: 'text' and 'image'.", "x[0].type", "invalid_value"),
    ),
    (
        Union("type", {"text": TEXT}, other=TEXT),
        {"type": "odd"},
        ("Missing required parameter: 'x.text'.", "x.text", "missing_required_parameter"),
    ),
    (
        Union("type", {"text": TEXT}, other=TEXT),
        {"type": "odd", "text": ""},
        ("Invalid value: 'odd'. Value must be 'text'.", "x.type", "invalid_value"),
    ),
    (
        Map(String(), max=2),
        dict.fromkeys("abc", ""),
        (
            "Invalid 'x': too many properties. Expected an object with at most 2 properties, "
            "but got an object with 3 properties instead.",
            "x",
            "object_above_max_properties",
        ),
    ),
    (
        Map(String(), max_key=64),
        {"k" * 70: ""},
        (
            "Invalid property name in 'x': 'kkk...kkk' is too long. Expected a string with maximum length 64, "
            "but got a string with length 70 instead.",
            "x." + "k" * 70,
            "property_name_above_max_length",
        ),
    ),
]


@pytest.mark.parametrize(("shape", "value", "words"), REFUSED)
def test_what_does_not_fit_is_refused_in_the_apis_words(shape, value, words):
    assert refusal(shape, value) == words


@pytest.mark.parametrize("shape", [shape for shape, _ in FITTING])
def test_null_is_absent_where_nothing_is_required(shape):
    assert refusal(shape, None) is None


@pytest.mark.parametrize(
    ("shape", "expected"), [(String(), "a string"), (Array(TEXT), "an array of objects"), (TEXT, "an object")]
)
def test_null_is_no_value_where_one_is_required(shape, expected):
    assert refusal(shape, None, required=["x"]) == wrong(expected, "null")


def test_numbers_that_are_none_are_in_no_range():
    assert refusal(Number(min=0, max=2), float("nan"))[2] == "decimal_below_min_value"


def test_a_rule_sees_only_what_has_the_right_shape():
    def odd(value):
        if value % 2 == 0:
            raise plain("No even numbers.")

    assert refusal(Also(Integer(), odd), 2) == ("No even numbers.", "x", None)
    assert refusal(Also(Integer(), odd), 3) is None
    assert refusal(Also(Integer(), odd), "2") == wrong("an integer", "a string")


def test_values_in_messages_are_short_and_printable():
    message, _, _ = refusal(OneOf(["a"]), "x\n\0\ud800" + "y" * 1000)
    assert "x\\n\\x00\\ud800yyy" in message
    assert len(message) < 300
    assert message.encode()


def test_names_in_paths_are_printable():
    message, param, _ = refusal(Map(String()), {"a\n\ud800": 1})
    assert param == "x.a\\n\\ud800"
    assert message.encode()


def test_a_refusal_is_a_bad_request():
    error = caught(TWO, {"third": "a"})
    assert (error.status, error.type, error.headers, error.more) == (400, "invalid_request_error", {}, {})


def test_a_body_that_is_no_object_is_refused():
    for body in ([], "a", 1, None, True):
        with pytest.raises(APIError, match="expected an object") as caught:
            table({}).check(body)
        assert (caught.value.status, caught.value.param) == (400, None)


TWO = table({"first": Integer(), "second": Integer(), "third": Integer()}, required=["third"])


def test_what_is_missing_is_said_first():
    with pytest.raises(APIError, match="Missing required parameter: 'third'"):
        TWO.check({"second": "a"})


def test_the_first_in_the_tables_order_is_said_whatever_the_bodys():
    with pytest.raises(APIError, match="'first'"):
        TWO.check({"third": 1, "second": "a", "first": "a"})


def test_rules_come_last():
    def never(body):
        raise plain("A rule.", "first")

    ruled = table({"first": Integer()}, rules=[never])
    with pytest.raises(APIError, match="Invalid type for 'first'"):
        ruled.check({"first": "a"})
    with pytest.raises(APIError, match="A rule") as caught:
        ruled.check({"first": 1})
    assert caught.value.param == "first"


def test_what_is_absent_can_have_a_sentence_of_its_own():
    message = table({"model": String()}, ["model"], absent={"model": lambda: plain("No model.", param=lambda names: None)})
    for body in ({}, {"model": None}):
        with pytest.raises(APIError, match=r"No model\.") as caught:
            message.check(body)
        assert caught.value.param is None


def test_unknown_members_pass_and_can_be_listed():
    params = table(
        {
            "parts": Array(PART),
            "either": Either(String(), TEXT),
            "map": Map(TEXT),
            "schema": Object({}, open=True),
            "any": Anything(),
            "also": Also(TEXT, lambda value: None),
        }
    )
    body = {
        "odd": 1,
        "parts": [{"type": "text", "text": "", "url": ""}, {"type": "image", "url": ""}],
        "either": {"text": "", "b": None},
        "map": {"k": {"text": "", "c": 1}},
        "schema": {"type": "object"},
        "any": {"d": 1},
        "also": {"text": "", "e": 1},
    }
    params.check(body)
    assert unknown(body, params) == ["odd", "parts[0].url", "either.b", "map.k.c", "also.e"]
    assert unknown({"parts": "not a list", "map": [], "either": 5}, params) == []


def test_of_several_lists_the_first_item_tells_which():
    params = table({"x": Either(Array(String()), Array(TEXT))})
    assert unknown({"x": [{"text": "", "odd": 1}]}, params) == ["x[0].odd"]
    assert unknown({"x": ["a"]}, params) == []


FORM = table(
    {
        "n": Integer(),
        "temperature": Number(),
        "stream": Boolean(),
        "prompt": String(),
        "include": Array(OneOf(["logprobs"])),
        "input": Either(String(), Array(Integer())),
        "chunking": Either(OneOf(["auto"]), Object({"threshold": Number()})),
        "count": Either(Integer(), Boolean()),
        "expires": Object({"seconds": Integer(), "anchor": String()}),
        "metadata": Map(String()),
        "checked": Also(Integer(), lambda value: None),
        "part": PART,
    }
)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"n": "2"}, {"n": 2}),
        ({"n": "2.5"}, {"n": 2.5}),
        ({"n": "-3"}, {"n": -3}),
        ({"n": "two"}, {"n": "two"}),
        ({"n": ""}, {"n": ""}),
        ({"n": "٣"}, {"n": "٣"}),
        ({"n": "9" * 5000}, {"n": "9" * 5000}),
        ({"temperature": "0.2"}, {"temperature": 0.2}),
        ({"temperature": "1e999"}, {"temperature": "1e999"}),
        ({"temperature": "nan"}, {"temperature": "nan"}),
        ({"stream": "true"}, {"stream": True}),
        ({"stream": "false"}, {"stream": False}),
        ({"stream": "1"}, {"stream": "1"}),
        ({"prompt": "2"}, {"prompt": "2"}),
        ({"include": "logprobs"}, {"include": ["logprobs"]}),
        ({"include": ["logprobs"]}, {"include": ["logprobs"]}),
        ({"input": "2"}, {"input": "2"}),
        ({"input": ["1", "2"]}, {"input": [1, 2]}),
        ({"chunking": "auto"}, {"chunking": "auto"}),
        ({"chunking": {"threshold": "0.5"}}, {"chunking": {"threshold": 0.5}}),
        ({"count": "true"}, {"count": True}),
        ({"count": "many"}, {"count": "many"}),
        ({"expires": {"seconds": "3600", "anchor": "1"}}, {"expires": {"seconds": 3600, "anchor": "1"}}),
        ({"expires": '{"seconds": 3600}'}, {"expires": {"seconds": 3600}}),
        ({"expires": "[1"}, {"expires": "[1"}),
        ({"expires": '{"seconds": NaN}'}, {"expires": '{"seconds": NaN}'}),
        ({"metadata": {"k": "1"}}, {"metadata": {"k": "1"}}),
        ({"checked": "1"}, {"checked": 1}),
        ({"part": {"type": "text", "text": "1"}}, {"part": {"type": "text", "text": "1"}}),
        ({"odd": "1"}, {"odd": "1"}),
    ],
)
def test_a_forms_texts_become_the_json_they_stand_for(fields, value):
    assert FORM.coerce(fields) == value


def test_a_form_is_checked_like_json():
    with pytest.raises(APIError, match="expected an integer, but got a string instead"):
        FORM.check(FORM.coerce({"n": "two"}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["type", "text", "url", "k"]), inner, max_size=4),
    max_leaves=12,
)
SHAPES = [*{id(shape): shape for shape, _ in FITTING}.values(), *FORM.shape.keys.values()]


@settings(deadline=None)
@given(st.sampled_from(SHAPES), JSON)
def test_any_json_is_taken_or_refused_and_breaks_nothing(shape, value):
    whole = table({"x": shape})
    error = caught(whole, {"x": value})
    if error is not None:
        assert (error.status, error.type) == (400, "invalid_request_error")
        assert error.param.startswith("x")
        assert error.code
        assert json.dumps(error.body(), ensure_ascii=False).encode()
    assert isinstance(unknown({"x": value}, whole), list)
    assert set(whole.coerce({"x": value})) == {"x"}


@settings(deadline=None)
@given(st.sampled_from(SHAPES), JSON)
def test_an_array_judges_its_items_as_they_would_be_alone(shape, value):
    alone = table({"x": shape}, required=["x"])
    many = table({"x": Array(shape)})

    assert (caught(alone, {"x": value}) is None) == (caught(many, {"x": [value]}) is None)

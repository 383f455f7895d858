"""Filters: which attributes fit, and what the API refuses."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.api.vector_stores.filters import fits
from openaimock.errors import APIError
from openaimock.params.common import DEPTH, FILTER
from openaimock.params.table import table

TABLE = table({"filters": FILTER})
ATTRIBUTES = {"color": "red", "year": 2020, "price": 9.5, "sold": True, "one": 1}


def compare(kind, key, value):
    return {"type": kind, "key": key, "value": value}


def refusal(filter):
    with pytest.raises(APIError) as error:
        TABLE.check({"filters": filter})
    return error.value


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (compare("eq", "color", "red"), True),
        (compare("eq", "color", "Red"), False),
        (compare("eq", "year", 2020.0), True),
        (compare("eq", "sold", True), True),
        (compare("eq", "sold", 1), False),
        (compare("eq", "one", True), False),
        (compare("eq", "absent", "red"), False),
        (compare("ne", "color", "blue"), True),
        (compare("ne", "color", "red"), False),
        (compare("ne", "absent", "red"), True),
        (compare("gt", "year", 2019), True),
        (compare("gt", "year", 2020), False),
        (compare("gte", "year", 2020), True),
        (compare("lt", "price", 10), True),
        (compare("lte", "price", 9.5), True),
        (compare("lte", "price", 9), False),
        (compare("gt", "color", "green"), True),
        (compare("gt", "color", 1), False),
        (compare("gt", "sold", False), False),
        (compare("gt", "absent", 1), False),
        (compare("in", "color", ["blue", "red"]), True),
        (compare("in", "color", []), False),
        (compare("in", "year", ["2020"]), False),
        (compare("nin", "color", ["blue"]), True),
        (compare("nin", "color", ["red"]), False),
        (compare("nin", "absent", ["red"]), True),
    ],
)
def test_comparisons(filter, expected):
    TABLE.check({"filters": filter})
    assert fits(filter, ATTRIBUTES) is expected


def test_every_file_fits_no_filter():
    assert fits(None, {})


def test_combinations():
    red, old = compare("eq", "color", "red"), compare("lt", "year", 2000)
    assert fits({"type": "or", "filters": [red, old]}, ATTRIBUTES)
    assert not fits({"type": "and", "filters": [red, old]}, ATTRIBUTES)
    nested = {"type": "and", "filters": [red, {"type": "or", "filters": [old, compare("gt", "price", 1)]}]}
    TABLE.check({"filters": nested})
    assert fits(nested, ATTRIBUTES)
    assert fits({"type": "and", "filters": []}, ATTRIBUTES)
    assert not fits({"type": "or", "filters": []}, ATTRIBUTES)


ORDER = {"eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


@given(st.sampled_from(sorted(ORDER)), st.integers(-3, 3), st.integers(-3, 3) | st.floats(-3, 3))
def test_numbers_are_compared_as_python_compares_them(kind, value, operand):
    assert fits(compare(kind, "n", operand), {"n": value}) == ORDER[kind](value, operand)


def test_an_unknown_type_is_refused():
    error = refusal(compare("like", "color", "r"))
    assert (error.param, error.code) == ("filters.type", "invalid_value")


@pytest.mark.parametrize(
    ("filter", "param"),
    [
        ({"type": "eq", "value": 1}, "filters.key"),
        ({"type": "eq", "key": "a"}, "filters.value"),
        ({"key": "a", "value": 1}, "filters.type"),
        (compare("eq", "a", {}), "filters.value"),
        (compare("eq", 1, "a"), "filters.key"),
        (compare("in", "a", "b"), "filters.value"),
        (compare("in", "a", [{}]), "filters.value[0]"),
        ({"type": "and"}, "filters.filters"),
        ({"type": "and", "filters": [compare("eq", "a", 1), compare("eq", "a", None)]}, "filters.filters[1].value"),
        ({"type": "or", "filters": [{"type": "and", "filters": [{"type": "x"}]}]}, "filters.filters[0].filters[0].type"),
        ([], "filters"),
    ],
)
def test_the_problem_of_a_filter_has_its_place(filter, param):
    assert refusal(filter).param == param


def deep(levels):
    filter = compare("eq", "a", 1)
    for _ in range(levels - 1):
        filter = {"type": "and", "filters": [filter]}
    return filter


def test_the_depth_of_filters_is_limited():
    TABLE.check({"filters": deep(DEPTH)})
    assert "nested" in refusal(deep(DEPTH + 1)).message

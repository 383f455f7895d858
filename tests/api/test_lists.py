"""Pages of list objects and the lookup of stored objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openaimock.api import lists
from openaimock.errors import APIError
from openaimock.state.memory import MemoryState

QUERIES = st.fixed_dictionaries({}, optional={"limit": st.integers(1, 4), "order": st.sampled_from(["asc", "desc"])})


def objects(length):
    return [{"id": f"id_{number}"} for number in range(length)]


@given(st.integers(0, 9), QUERIES)
def test_pages_together_are_the_whole_list(length, query):
    items, listed, page = objects(length), [], {"has_more": True, "last_id": ""}
    while page["has_more"]:
        page = lists.page_of(items, {**query, **({"after": page["last_id"]} if listed else {})}, length=3)
        listed += page["data"]
    assert listed == (items if query.get("order") == "asc" else items[::-1])


@given(st.integers(1, 6), QUERIES, st.data())
def test_a_stored_page_is_the_page_of_its_values(length, query, data):
    items, store = objects(length), MemoryState("n")
    for item in items:
        store.put("things", item["id"], item)
    for name in data.draw(st.sets(st.sampled_from(["after", "before"]))):
        query = {**query, name: data.draw(st.sampled_from(items))["id"]}
    try:
        expected = lists.page_of(items, query)
    except APIError:
        return
    assert lists.stored_page(store, "things", query) == expected


def test_before_ends_the_page():
    page = lists.page_of(objects(4), {"order": "asc", "after": "id_0", "before": "id_3"})
    assert (page["first_id"], page["last_id"], page["has_more"]) == ("id_1", "id_2", False)


@pytest.mark.parametrize("param", ["after", "before"])
def test_an_unknown_place_is_refused(param):
    store = MemoryState("n")
    for page in (lambda: lists.page_of([], {param: "x"}), lambda: lists.stored_page(store, "things", {param: "x"})):
        with pytest.raises(APIError, match="Item with id 'x' not found") as raised:
            page()
        assert (raised.value.status, raised.value.param) == (400, param)


def test_an_empty_list():
    assert lists.list_object([]) == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}
    assert lists.list_object([], no_id=None)["first_id"] is None


def test_what_is_not_stored_is_not_found():
    with pytest.raises(APIError, match="not there") as raised:
        lists.lookup(MemoryState("n"), "things", "x{}", "{id} is not there", param="id", code="not_found")
    assert (raised.value.status, raised.value.param, raised.value.code) == (404, "id", "not_found")


def test_an_empty_place_is_none():
    store = MemoryState("n")
    store.put("things", "id_0", {"id": "id_0"})
    assert lists.stored_page(store, "things", {"after": "", "before": ""})["data"] == [{"id": "id_0"}]

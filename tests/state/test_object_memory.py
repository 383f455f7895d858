"""Stored objects of all namespaces together take a limited number of bytes."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import openaimock
from openaimock.state import object_memory
from openaimock.state.memory import MemoryState
from openaimock.state.object_memory import ObjectMemory


def states(limit: int) -> tuple[ObjectMemory, MemoryState, MemoryState]:
    memory = ObjectMemory(limit)
    return memory, MemoryState("a", objects=memory), MemoryState("b", objects=memory)


def test_the_oldest_object_of_any_namespace_makes_room():
    memory, a, b = states(100)
    a.put("responses", "1", {}, size=40)
    b.put("responses", "2", {}, size=40)
    b.put("responses", "3", {}, size=40)
    assert a.get("responses", "1") is None
    assert b.get("responses", "2") == b.get("responses", "3") == {}
    assert memory.used == 80


def test_objects_without_a_size_stay():
    _, a, b = states(10)
    a.put("files", "1", {})
    b.put("responses", "2", {}, size=50)
    b.put("responses", "3", {}, size=50)
    assert a.get("files", "1") == {}
    assert b.get("responses", "2") is None


def test_an_object_larger_than_the_limit_is_kept_while_it_is_the_newest():
    _, a, _ = states(10)
    a.put("responses", "1", {}, size=50)
    assert a.get("responses", "1") == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "replace", "delete", "reset"]), st.integers(0, 1), st.integers(0, 5), st.integers(1, 60)
        )
    )
)
def test_the_count_is_that_of_the_objects_that_are_there(steps: list[tuple[str, int, int, int]]):
    memory, *both = states(100)
    sizes: dict[tuple[int, str], int] = {}
    for step, which, number, size in steps:
        state, id = both[which], str(number)
        if step == "put":
            state.put("c", id, {}, size=size)
            sizes[which, id] = size
        elif step == "replace" and state.get("c", id) is not None:
            state.put("c", id, {"again": True})
        elif step == "delete":
            state.delete("c", id)
        elif step == "reset":
            state.reset()
        sizes = {key: size for key, size in sizes.items() if both[key[0]].get("c", key[1]) is not None}
        assert memory.used == sum(sizes.values())
        assert memory.used <= 100


def call(app: Any, method: str, path: str, namespace: str, body: Any = None) -> tuple[int, Any]:
    raw = b"" if body is None else json.dumps(body).encode()
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
        "HTTP_X_OPENAIMOCK_NAMESPACE": namespace,
    }
    answer = app(environ, lambda status, headers, error=None: statuses.append(status))
    content = json.loads(b"".join(answer))
    return int(statuses[0][:3]), content


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"model": "gpt-4o", "input": "x" * 10_000}),
        ("/v1/responses", {"model": "gpt-4o", "input": "x" * 10_000, "max_output_tokens": 100}),
        ("/v1/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 10_000}], "store": True}),
    ],
)
def test_old_answers_are_deleted_when_all_take_too_many_bytes(monkeypatch, path: str, body: Any):
    monkeypatch.setattr(object_memory, "LIMIT", 115_000)
    app = openaimock.create_app({"responses": [{"when": {}, "reply": "hi"}]})
    ids = [(call(app, "POST", path, f"n{number}", body)[1]["id"], f"n{number}") for number in range(6)]
    statuses = [call(app, "GET", f"{path}/{id}", namespace)[0] for id, namespace in ids]
    assert statuses == [404, 404, 200, 200, 200, 200]


def test_the_items_of_conversations_count():
    app = openaimock.create_app({"responses": [{"when": {}, "reply": "hi"}]})
    items = [{"role": "user", "content": "x" * 1000}]
    conversation = call(app, "POST", "/v1/conversations", "default", {"items": items})[1]
    assert conversation["object"] == "conversation"
    memory = app.api.namespaces["default"]._objects
    assert memory.used > 2 * 1000
    app.api.namespaces.reset()
    assert memory.used == 0

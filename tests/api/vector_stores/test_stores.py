"""Vector stores: create, retrieve, update, list and delete them, and their expiry."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai import AzureOpenAI
from openai.types import VectorStore, VectorStoreDeleted

from openaimock.api.vector_stores import store as stored

from ...support.wire import post, strictly
from .conftest import PARIS

DAY = 86_400


def get(mock, path):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.get(mock.url + path)


def checked(body):
    """The body of a vector store, which has one member that the SDK's type does not list."""
    strictly(VectorStore, {name: value for name, value in body.items() if name != "description"})
    return body


def refused(error):
    return error.status_code, error.body["message"], error.body["param"], error.body["code"]


def test_an_empty_store(mock):
    body = checked(post(mock, {}, "/vector_stores").json())
    assert body["id"].startswith("vs_")
    assert (body["status"], body["usage_bytes"], body["metadata"], body["description"]) == ("completed", 0, {}, None)
    assert body["file_counts"] == {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}


def test_create_without_a_body(mock):
    with httpx.Client(trust_env=False, verify=False) as http:
        checked(http.post(f"{mock.url}/vector_stores").json())


def test_the_parameters_come_back(mock):
    parameters = {"name": "facts", "description": "What we know", "metadata": {"a": "b"}}
    body = checked(post(mock, parameters, "/vector_stores").json())
    assert {name: body[name] for name in parameters} == parameters
    assert get(mock, f"/vector_stores/{body['id']}").json() == body


def test_files_are_in_progress_at_first_and_then_counted(mock, sdk, upload):
    files = [upload(), upload("empty.txt", b""), upload("picture.txt", b"\x89PNG\0")]
    created = checked(post(mock, {"file_ids": files}, "/vector_stores").json())
    assert (created["status"], created["file_counts"]["in_progress"], created["file_counts"]["total"]) == ("in_progress", 3, 3)
    done = checked(get(mock, f"/vector_stores/{created['id']}").json())
    assert done["status"] == "completed"
    assert done["file_counts"] == {"in_progress": 0, "completed": 1, "failed": 2, "cancelled": 0, "total": 3}
    assert done["usage_bytes"] == len(PARIS)


def test_update(sdk):
    created = sdk.vector_stores.create(name="one", metadata={"a": "1"}, expires_after={"anchor": "last_active_at", "days": 1})
    updated = sdk.vector_stores.update(created.id, name="two", metadata={"b": "2"})
    assert (updated.name, updated.metadata, updated.expires_at) == ("two", {"b": "2"}, created.last_active_at + DAY)
    cleared = sdk.vector_stores.update(created.id, name=None, metadata=None, expires_after=None)
    assert (cleared.name, cleared.metadata, cleared.expires_after, cleared.expires_at) == ("", {}, None, None)
    assert sdk.vector_stores.retrieve(created.id) == cleared
    longer = sdk.vector_stores.update(created.id, expires_after={"anchor": "last_active_at", "days": 2})
    assert longer.expires_at == longer.last_active_at + 2 * DAY


def test_delete(mock, sdk, store, upload):
    batch = sdk.vector_stores.file_batches.create(store.id, file_ids=[upload()])
    deletion = sdk.vector_stores.delete(store.id)
    strictly(VectorStoreDeleted, deletion.to_dict())
    for call in (
        lambda: sdk.vector_stores.retrieve(store.id),
        lambda: sdk.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    state = mock.app.api.namespaces["default"]
    assert not any(state.count(collection) for collection in (stored.files_of(store.id), stored.batches_of(store.id)))
    assert state.open_blob(stored.chunks_id(store.id, batch.id)) is None


def test_pages(sdk):
    ids = [sdk.vector_stores.create(name=str(number)).id for number in range(5)]
    assert [each.id for each in sdk.vector_stores.list()] == ids[::-1]
    assert [each.id for each in sdk.vector_stores.list(order="asc", limit=2)] == ids
    page = sdk.vector_stores.list(order="asc", limit=2, after=ids[0])
    assert ([each.id for each in page.data], page.has_more) == (ids[1:3], True)
    assert [each.id for each in sdk.vector_stores.list(order="asc", before=ids[2]).data] == ids[:2]


@pytest.mark.parametrize(("query", "param"), [("limit=0", "limit"), ("limit=101", "limit"), ("order=up", "order")])
def test_a_wrong_query(mock, query, param):
    answer = get(mock, f"/vector_stores?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_an_unknown_cursor(sdk):
    with pytest.raises(openai.BadRequestError, match="vs_none"):
        sdk.vector_stores.list(after="vs_none")


@pytest.mark.parametrize("operation", ["retrieve", "update", "delete"])
def test_an_unknown_id(sdk, operation):
    with pytest.raises(openai.NotFoundError) as error:
        getattr(sdk.vector_stores, operation)("vs_none")
    assert refused(error.value) == (404, "No vector store found with id 'vs_none'.", "vector_store_id", None)


def test_a_store_of_another_namespace_is_unknown(mock, client, sdk):
    created = sdk.vector_stores.create()
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    with pytest.raises(openai.NotFoundError):
        other.vector_stores.retrieve(created.id)
    assert other.vector_stores.list().data == []


def test_an_unknown_file_creates_no_store(sdk, upload):
    with pytest.raises(openai.NotFoundError) as error:
        sdk.vector_stores.create(file_ids=[upload(), "file-none"])
    assert refused(error.value)[:2] == (404, "No such File object: file-none")
    assert sdk.vector_stores.list().data == []


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"file_ids": "file-1"}, "file_ids"),
        ({"file_ids": ["file-1"] * 501}, "file_ids"),
        ({"name": 1}, "name"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"expires_after": {"days": 1}}, "expires_after.anchor"),
        ({"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ({"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ({"chunking_strategy": {"type": "semantic"}}, "chunking_strategy.type"),
        ({"chunking_strategy": {"type": "static"}}, "chunking_strategy.static"),
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0}}},
            "chunking_strategy.static.max_chunk_size_tokens",
        ),
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}},
            "chunking_strategy.static.chunk_overlap_tokens",
        ),
        (
            {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": -1}}},
            "chunking_strategy.static.chunk_overlap_tokens",
        ),
    ],
)
def test_wrong_parameters(mock, parameters, param):
    answer = post(mock, parameters, "/vector_stores")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_store_expires_after_its_last_use(serve, client):
    mock = serve({"clock": "2026-01-01T00:00:00Z", "responses": []})
    sdk = client(mock)
    file = sdk.files.create(file=("paris.txt", PARIS), purpose="assistants").id
    created = sdk.vector_stores.create(file_ids=[file], expires_after={"anchor": "last_active_at", "days": 1})
    assert created.expires_at == created.created_at + DAY
    clock = mock.app.api.sender.clock
    clock.advance(DAY - 1)
    sdk.vector_stores.search(created.id, query="Paris")
    used = sdk.vector_stores.retrieve(created.id)
    assert (used.status, used.last_active_at, used.expires_at) == (
        "completed",
        created.created_at + DAY - 1,
        created.created_at + 2 * DAY - 1,
    )
    clock.advance(DAY)
    assert sdk.vector_stores.retrieve(created.id).status == "expired"
    for call in (
        lambda: sdk.vector_stores.search(created.id, query="Paris"),
        lambda: sdk.vector_stores.files.create(created.id, file_id=file),
        lambda: sdk.vector_stores.file_batches.create(created.id, file_ids=[file]),
    ):
        with pytest.raises(openai.BadRequestError, match="has expired"):
            call()


def test_the_number_of_stores_is_limited(sdk, monkeypatch):
    monkeypatch.setattr(stored, "MAX_STORES", 1)
    sdk.vector_stores.create()
    with pytest.raises(openai.BadRequestError, match="at most 1 vector stores"):
        sdk.vector_stores.create()


def test_reset_deletes_stores_and_chunks(mock, sdk, store):
    sdk.vector_stores.retrieve(store.id)
    state = mock.app.api.namespaces["default"]
    (entry, _) = stored.entries(state, store.id)
    blob = stored.chunks_id(store.id, entry["id"])
    state.open_blob(blob).close()
    mock.reset()
    state = mock.app.api.namespaces["default"]
    assert state.count(stored.STORES) == 0
    assert state.open_blob(blob) is None


def test_over_azure(mock):
    with AzureOpenAI(azure_endpoint=mock.url.removesuffix("/v1"), api_key="x", api_version="2025-04-01-preview") as azure:
        created = azure.vector_stores.create(name="facts")
        assert azure.vector_stores.retrieve(created.id).name == "facts"
        assert [each.id for each in azure.vector_stores.list()] == [created.id]


def test_over_azure_v1(mock, client):
    azure = client(mock, base_url=mock.url.replace("/v1", "/openai/v1/"))
    assert azure.vector_stores.search(azure.vector_stores.create().id, query="x").data == []


def test_a_rule_without_a_body_leaves_the_answer(serve, client):
    rule = {"when": {"endpoint": "vector_stores.*"}, "reply": {"latency": 1, "headers": {"x-late": "yes"}}}
    sdk = client(serve([rule]))
    answer = sdk.vector_stores.with_raw_response.create(name="facts")
    assert (answer.headers["x-late"], answer.parse().name) == ("yes", "facts")


def test_a_rule_makes_an_operation_fail(serve, client):
    rules = [
        {"when": {"endpoint": "vector_stores.create"}, "reply": {"error": 429}},
        {"when": {"endpoint": "vector_stores.list"}, "reply": {"status": 200, "body": {"object": "list", "data": []}}},
        {"when": {"endpoint": "vector_stores.search", "text": {"contains": "secret"}}, "reply": {"error": 403}},
    ]
    sdk = client(serve(rules))
    with pytest.raises(openai.RateLimitError):
        sdk.vector_stores.create()
    assert sdk.vector_stores.list().data == []
    with pytest.raises(openai.PermissionDeniedError):
        sdk.vector_stores.search("vs_none", query="a secret")
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.search("vs_none", query="a fact")

"""Files of a vector store, alone and in batches."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai.types.vector_stores import FileContentResponse, VectorStoreFile, VectorStoreFileBatch, VectorStoreFileDeleted

from openaimock.api.vector_stores import store as stored
from openaimock.state import blobs

from ...support.wire import post, strictly
from .conftest import BANANA, PARIS

STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0}}


@pytest.fixture
def empty(sdk):
    return sdk.vector_stores.create().id


def get(mock, path):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.get(mock.url + path).json()


def test_attach_and_retrieve(mock, empty, upload):
    file = upload()
    created = strictly(VectorStoreFile, post(mock, {"file_id": file}, f"/vector_stores/{empty}/files").json())
    assert (created.id, created.status, created.usage_bytes, created.attributes) == (file, "in_progress", 0, {})
    assert created.chunking_strategy.static.max_chunk_size_tokens == 800
    retrieved = strictly(VectorStoreFile, get(mock, f"/vector_stores/{empty}/files/{file}"))
    assert (retrieved.status, retrieved.usage_bytes, retrieved.last_error) == ("completed", len(PARIS), None)


def test_the_helpers_of_the_client(sdk, empty, upload):
    assert sdk.vector_stores.files.create_and_poll(upload(), vector_store_id=empty).status == "completed"
    added = sdk.vector_stores.files.upload_and_poll(vector_store_id=empty, file=("banana.md", BANANA))
    assert added.status == "completed"
    assert sdk.vector_stores.retrieve(empty).file_counts.completed == 2


@pytest.mark.parametrize(("name", "data", "code"), [("a.txt", b"", "invalid_file"), ("a.txt", b"\x89PNG\0", "unsupported_file")])
def test_a_file_that_cannot_be_read_fails(mock, sdk, empty, upload, name, data, code):
    file = sdk.vector_stores.files.create_and_poll(upload(name, data), vector_store_id=empty)
    strictly(VectorStoreFile, file.to_dict())
    assert (file.status, file.last_error.code) == ("failed", code)
    assert sdk.vector_stores.files.content(file.id, vector_store_id=empty).data == []


def test_a_file_with_an_unsupported_extension_is_refused_at_once(mock, empty, upload):
    file, table = upload("a.png", b"\x89PNG\0"), upload("table.csv", b"a,b")
    message = "Files with extensions [{}] are not supported for retrieval. See https://platform.openai.com/docs/assistants/tools/"
    for path, body, extensions in (
        (f"/vector_stores/{empty}/files", {"file_id": file}, ".png"),
        (f"/vector_stores/{empty}/file_batches", {"file_ids": [file, upload(), table]}, ".png, .csv"),
        ("/vector_stores", {"file_ids": [table]}, ".csv"),
    ):
        answer = post(mock, body, path)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"], error["code"]) == (400, "file_ids", "unsupported_file")
        assert error["message"].startswith(message.format(extensions))
    assert get(mock, f"/vector_stores/{empty}/files")["data"] == []


def test_content_has_the_chunks(mock, sdk, empty, upload):
    words = " ".join(f"word{number}" for number in range(300))
    file = upload("words.txt", words.encode())
    sdk.vector_stores.files.create(empty, file_id=file, chunking_strategy=STATIC)
    body = get(mock, f"/vector_stores/{empty}/files/{file}/content")
    assert (body["object"], body["has_more"], body["next_page"]) == ("vector_store.file_content.page", False, None)
    chunks = [strictly(FileContentResponse, each) for each in body["data"]]
    assert len(chunks) > 1
    assert "".join(chunk.text for chunk in chunks) == words


def test_update_replaces_the_attributes(mock, sdk, empty, upload):
    file = upload()
    sdk.vector_stores.files.create(empty, file_id=file, attributes={"a": 1, "b": "x"})
    updated = sdk.vector_stores.files.update(file, vector_store_id=empty, attributes={"c": True, "d": 1.5})
    assert updated.attributes == {"c": True, "d": 1.5}
    assert sdk.vector_stores.files.retrieve(file, vector_store_id=empty) == updated
    assert sdk.vector_stores.files.update(file, vector_store_id=empty, attributes=None).attributes == {}
    answer = post(mock, {}, f"/vector_stores/{empty}/files/{file}")
    assert answer.json()["error"]["message"] == "Missing required parameter: 'attributes'."


@pytest.mark.parametrize(
    ("attributes", "param"),
    [
        ({"a": "x" * 513}, "attributes.a"),
        ({"a": []}, "attributes.a"),
        ({"k" * 65: 1}, f"attributes.{'k' * 65}"),
        ({f"k{number}": 1 for number in range(17)}, "attributes"),
    ],
)
def test_the_limits_of_attributes(mock, empty, upload, attributes, param):
    answer = post(mock, {"file_id": upload(), "attributes": attributes}, f"/vector_stores/{empty}/files")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_pages_and_filter(sdk, empty, upload):
    files = [upload(f"{number}.txt", b"" if number == 1 else PARIS) for number in range(4)]
    for file in files:
        sdk.vector_stores.files.create(empty, file_id=file)
    listing = sdk.vector_stores.files.list
    assert [each.id for each in listing(empty)] == files[::-1]
    assert [each.id for each in listing(empty, order="asc", limit=1)] == files
    assert [each.id for each in listing(empty, order="asc", after=files[0], before=files[3]).data] == files[1:3]
    assert [each.id for each in listing(empty, filter="failed")] == [files[1]]
    assert listing(empty, filter="in_progress").data == []


def test_delete_leaves_the_upload(mock, sdk, store):
    file = sdk.vector_stores.files.list(store.id).data[0].id
    deletion = sdk.vector_stores.files.delete(file, vector_store_id=store.id)
    strictly(VectorStoreFileDeleted, deletion.to_dict())
    assert sdk.vector_stores.retrieve(store.id).file_counts.total == 1
    assert sdk.files.retrieve(file).id == file
    assert mock.app.api.namespaces["default"].open_blob(stored.chunks_id(store.id, file)) is None


def test_a_deleted_upload_leaves_its_stores(sdk, store):
    one, other = sdk.vector_stores.files.list(store.id).data
    sdk.files.delete(one.id)
    assert [each.id for each in sdk.vector_stores.files.list(store.id)] == [other.id]
    sdk.files.delete(other.id)
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.files.retrieve(other.id, vector_store_id=store.id)


def test_a_file_that_is_attached_again_is_processed_again(sdk, store, upload):
    file = sdk.vector_stores.files.list(store.id).data[0].id
    again = sdk.vector_stores.files.create(store.id, file_id=file, chunking_strategy=STATIC)
    assert again.status == "in_progress"
    done = sdk.vector_stores.files.retrieve(file, vector_store_id=store.id)
    assert (done.status, done.chunking_strategy.static.max_chunk_size_tokens) == ("completed", 100)
    assert sdk.vector_stores.retrieve(store.id).file_counts.total == 2


@pytest.mark.parametrize("operation", ["retrieve", "delete", "content", "update"])
def test_unknown_ids(sdk, empty, upload, operation):
    more = {"attributes": {}} if operation == "update" else {}
    call = getattr(sdk.vector_stores.files, operation)
    with pytest.raises(openai.NotFoundError) as error:
        call("file-none", vector_store_id=empty, **more)
    assert error.value.body["message"] == f"No file found with id 'file-none' in vector store '{empty}'."
    with pytest.raises(openai.NotFoundError, match="No vector store found with id 'vs_none'"):
        call(upload(), vector_store_id="vs_none", **more)


def test_a_file_of_another_namespace_cannot_be_attached(mock, client, upload):
    file = upload()
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        other.vector_stores.files.create(other.vector_stores.create().id, file_id=file)


def test_the_number_of_files_is_limited(sdk, empty, upload, monkeypatch):
    monkeypatch.setattr(stored, "MAX_FILES", 1)
    sdk.vector_stores.files.create(empty, file_id=upload())
    with pytest.raises(openai.BadRequestError, match="at most 1 files"):
        sdk.vector_stores.files.create(empty, file_id=upload())


def test_the_number_of_files_in_all_stores_is_limited(sdk, store, empty, upload, monkeypatch):
    monkeypatch.setattr(stored, "MAX_ATTACHED", 2)
    with pytest.raises(openai.BadRequestError, match="at most 2 files in the vector stores"):
        sdk.vector_stores.files.create(empty, file_id=upload())


def test_old_batches_are_forgotten(sdk, empty, upload, monkeypatch):
    monkeypatch.setattr(stored, "MAX_BATCHES", 1)
    file = upload()
    old, new = (sdk.vector_stores.file_batches.create(empty, file_ids=[file]).id for _ in range(2))
    assert sdk.vector_stores.file_batches.retrieve(new, vector_store_id=empty).id == new
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.file_batches.retrieve(old, vector_store_id=empty)


def test_chunks_that_do_not_fit_fail(sdk, empty, upload, monkeypatch):
    file = sdk.vector_stores.files.create(empty, file_id=upload())
    monkeypatch.setattr(blobs, "NUMBER", 0)
    failed = sdk.vector_stores.files.retrieve(file.id, vector_store_id=empty)
    assert (failed.status, failed.last_error.code) == ("failed", "server_error")


# Batches


def test_a_batch(mock, sdk, empty, upload):
    files = [upload(), upload("empty.txt", b"")]
    body = {"file_ids": files, "attributes": {"a": 1}, "chunking_strategy": STATIC}
    created = strictly(VectorStoreFileBatch, post(mock, body, f"/vector_stores/{empty}/file_batches").json())
    assert (created.status, created.file_counts.in_progress, created.file_counts.total) == ("in_progress", 2, 2)
    done = strictly(VectorStoreFileBatch, get(mock, f"/vector_stores/{empty}/file_batches/{created.id}"))
    assert (done.status, done.file_counts.completed, done.file_counts.failed) == ("completed", 1, 1)
    listed = sdk.vector_stores.file_batches.list_files(created.id, vector_store_id=empty, order="asc")
    assert [each.id for each in listed] == files
    assert {(each.attributes["a"], each.chunking_strategy.static.max_chunk_size_tokens) for each in listed} == {(1, 100)}
    failed = sdk.vector_stores.file_batches.list_files(created.id, vector_store_id=empty, filter="failed")
    assert [each.id for each in failed] == files[1:]


def test_files_of_a_batch_have_settings_of_their_own(sdk, empty, upload):
    files = [{"file_id": upload(), "attributes": {"n": 1}}, {"file_id": upload(), "chunking_strategy": STATIC}]
    batch = sdk.vector_stores.file_batches.create_and_poll(empty, files=files)
    assert batch.file_counts.completed == 2
    one, other = sdk.vector_stores.file_batches.list_files(batch.id, vector_store_id=empty, order="asc")
    assert (one.attributes, one.chunking_strategy.static.max_chunk_size_tokens) == ({"n": 1}, 800)
    assert (other.attributes, other.chunking_strategy.static.max_chunk_size_tokens) == ({}, 100)


def test_a_file_counts_once_in_a_batch(sdk, empty, upload):
    file = upload()
    created = sdk.vector_stores.file_batches.create(empty, file_ids=[file, file])
    assert created.file_counts.total == 1
    assert sdk.vector_stores.file_batches.retrieve(created.id, vector_store_id=empty).file_counts.total == 1


def test_upload_and_poll(sdk, empty):
    batch = sdk.vector_stores.file_batches.upload_and_poll(empty, files=[("a.txt", PARIS), ("b.txt", BANANA)])
    assert (batch.status, batch.file_counts.completed) == ("completed", 2)


def test_cancel(mock, sdk, empty, upload):
    created = sdk.vector_stores.file_batches.create(empty, file_ids=[upload(), upload()])
    cancelled = sdk.vector_stores.file_batches.cancel(created.id, vector_store_id=empty)
    strictly(VectorStoreFileBatch, cancelled.to_dict())
    assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 2)
    assert sdk.vector_stores.file_batches.retrieve(created.id, vector_store_id=empty) == cancelled
    assert sdk.vector_stores.retrieve(empty).file_counts.cancelled == 2
    assert not list(sdk.vector_stores.search(empty, query="Paris"))


def test_a_finished_batch_is_not_cancelled(sdk, empty, upload):
    created = sdk.vector_stores.file_batches.create_and_poll(empty, file_ids=[upload()])
    assert sdk.vector_stores.file_batches.cancel(created.id, vector_store_id=empty) == created


@pytest.mark.parametrize("operation", ["retrieve", "cancel", "list_files"])
def test_an_unknown_batch(sdk, empty, operation):
    with pytest.raises(openai.NotFoundError) as error:
        getattr(sdk.vector_stores.file_batches, operation)("vsfb_none", vector_store_id=empty)
    assert error.value.body["message"] == f"No file batch found with id 'vsfb_none' in vector store '{empty}'."
    assert error.value.body["param"] == "batch_id"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "file_ids"),
        ({"file_ids": []}, "file_ids"),
        ({"file_ids": ["file-1"], "files": [{"file_id": "file-1"}]}, "files"),
        ({"files": [{}]}, "files[0].file_id"),
        ({"files": [{"file_id": "a", "attributes": {"a": None}}]}, "files[0].attributes.a"),
    ],
)
def test_wrong_parameters_of_a_batch(mock, empty, body, param):
    answer = post(mock, body, f"/vector_stores/{empty}/file_batches")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)

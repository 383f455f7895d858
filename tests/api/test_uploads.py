"""Uploads in parts, through the official client."""

from __future__ import annotations

import asyncio
import hashlib

import httpx
import openai
import pytest
from openai.types import Upload
from openai.types.uploads import UploadPart

from openaimock.api import uploads
from openaimock.state import blobs

from ..support.wire import post, strictly

CREATE = {"bytes": 6, "filename": "a.jsonl", "mime_type": "application/jsonl", "purpose": "batch"}


@pytest.fixture
def mock(serve):
    return serve({"clock": "2026-01-01T00:00:00Z", "responses": []})


def add(sdk, upload, *contents):
    return [sdk.uploads.parts.create(upload.id, data=content).id for content in contents]


def refused(call, *arguments, status=openai.BadRequestError, **options):
    with pytest.raises(status) as caught:
        call(*arguments, **options)
    return caught.value


def test_create(mock):
    upload = post(mock, CREATE, "/uploads").json()
    strictly(Upload, upload)
    assert (upload["id"][:7], upload["status"], upload["file"]) == ("upload_", "pending", None)
    assert upload["expires_at"] == upload["created_at"] + 3600


def test_parts_are_joined_in_the_order_of_completion(mock, sdk):
    upload = sdk.uploads.create(**CREATE)
    first, second = add(sdk, upload, b"one", b"two")
    answer = post(mock, {"part_ids": [second, first]}, f"/uploads/{upload.id}/complete").json()
    strictly(Upload, answer)
    assert (answer["status"], answer["file"]["bytes"], answer["file"]["filename"]) == ("completed", 6, "a.jsonl")
    assert sdk.files.content(answer["file"]["id"]).content == b"twoone"


def test_a_part(mock, sdk):
    upload = sdk.uploads.create(**CREATE)
    answer = httpx.post(f"{mock.url}/uploads/{upload.id}/parts", files={"data": b"one"}, trust_env=False).json()
    strictly(UploadPart, answer)
    assert (answer["object"], answer["upload_id"]) == ("upload.part", upload.id)


@pytest.mark.parametrize("change", [str, str.upper])
def test_the_right_md5(sdk, change):
    upload = sdk.uploads.create(**CREATE)
    md5 = change(hashlib.md5(b"onetwo").hexdigest())
    done = sdk.uploads.complete(upload.id, part_ids=add(sdk, upload, b"one", b"two"), md5=md5)
    assert done.status == "completed"


def test_the_wrong_md5_leaves_the_upload_pending(sdk):
    upload = sdk.uploads.create(**CREATE)
    parts = add(sdk, upload, b"one", b"two")
    assert refused(sdk.uploads.complete, upload.id, part_ids=parts, md5="0" * 32).param == "md5"
    assert sdk.uploads.complete(upload.id, part_ids=parts).status == "completed"


def test_the_file_expires_as_asked(sdk):
    upload = sdk.uploads.create(**CREATE, expires_after={"anchor": "created_at", "seconds": 7200})
    done = sdk.uploads.complete(upload.id, part_ids=add(sdk, upload, b"onetwo"))
    assert done.file.expires_at == done.file.created_at + 7200


def test_cancel(mock, sdk):
    upload = sdk.uploads.create(**CREATE)
    part = add(sdk, upload, b"one")
    cancelled = sdk.uploads.cancel(upload.id)
    strictly(Upload, cancelled.to_dict())
    assert cancelled.status == "cancelled"
    assert "cancelled" in refused(sdk.uploads.complete, upload.id, part_ids=part).message
    assert mock.app.api.namespaces["default"].open_blob(part[0]) is None


def test_an_upload_expires(mock, sdk):
    upload = sdk.uploads.create(**CREATE)
    part = add(sdk, upload, b"one")
    mock.advance(3600)
    assert "'expired'" in refused(sdk.uploads.parts.create, upload.id, data=b"two").message
    assert mock.app.api.namespaces["default"].open_blob(part[0]) is None


@pytest.mark.parametrize("after", ["complete", "cancel"])
def test_an_upload_ends_once(sdk, after):
    upload = sdk.uploads.create(**CREATE)
    parts = add(sdk, upload, b"onetwo")
    sdk.uploads.complete(upload.id, part_ids=parts) if after == "complete" else sdk.uploads.cancel(upload.id)
    for call, options in (
        (sdk.uploads.complete, {"part_ids": parts}),
        (sdk.uploads.cancel, {}),
        (sdk.uploads.parts.create, {"data": b"x"}),
    ):
        assert "only a pending upload can" in refused(call, upload.id, **options).message


def test_wrong_parts(sdk):
    upload, other = sdk.uploads.create(**CREATE), sdk.uploads.create(**CREATE)
    first, second = add(sdk, upload, b"one", b"two")
    foreign = add(sdk, other, b"two")[0]
    assert refused(sdk.uploads.complete, upload.id, part_ids=[first, foreign]).param == "part_ids[1]"
    assert "named twice" in refused(sdk.uploads.complete, upload.id, part_ids=[first, first]).message
    assert "3 bytes together" in refused(sdk.uploads.complete, upload.id, part_ids=[first]).message
    assert sdk.uploads.complete(upload.id, part_ids=[first, second]).status == "completed"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"bytes": None}, "bytes"),
        ({"bytes": 0}, "bytes"),
        ({"bytes": "6"}, "bytes"),
        ({"bytes": 8 * 1024**3 + 1}, "bytes"),
        ({"purpose": "nothing"}, "purpose"),
        ({"filename": 1}, "filename"),
        ({"expires_after": {"anchor": "created_at", "seconds": 1}}, "expires_after.seconds"),
    ],
)
def test_a_wrong_upload_is_400(mock, change, param):
    answer = post(mock, {**CREATE, **change}, "/uploads")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_part_without_data_is_400(mock, sdk):
    upload = sdk.uploads.create(**CREATE)
    answer = httpx.post(f"{mock.url}/uploads/{upload.id}/parts", files={"other": b"one"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "missing_required_parameter")


def test_a_part_past_the_limit_is_413(sdk, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PART", 2)
    upload = sdk.uploads.create(**CREATE)
    assert refused(sdk.uploads.parts.create, upload.id, data=b"one", status=openai.APIStatusError).status_code == 413


def test_too_many_parts_are_400(sdk, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PARTS", 1)
    upload = sdk.uploads.create(**CREATE)
    add(sdk, upload, b"one")
    assert "at most 1 parts" in refused(sdk.uploads.parts.create, upload.id, data=b"two").message


def test_the_oldest_upload_makes_room(sdk, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)
    first = sdk.uploads.create(**CREATE)
    add(sdk, first, b"one")
    sdk.uploads.create(**CREATE)
    refused(sdk.uploads.cancel, first.id, status=openai.NotFoundError)


def test_a_full_namespace_leaves_the_upload_pending(sdk, monkeypatch):
    upload = sdk.uploads.create(**CREATE)
    parts = add(sdk, upload, b"one", b"two")
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "TOTAL", 8)
        assert refused(sdk.uploads.complete, upload.id, part_ids=parts).code == "storage_full"
    assert sdk.uploads.complete(upload.id, part_ids=parts).status == "completed"


def test_an_unknown_upload_is_404(mock, sdk, client):
    upload = sdk.uploads.create(**CREATE)
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    assert (
        refused(sdk.uploads.cancel, "upload_none", status=openai.NotFoundError).body["message"]
        == "No such Upload object: upload_none"
    )
    refused(other.uploads.complete, upload.id, part_ids=[], status=openai.NotFoundError)
    refused(other.uploads.parts.create, upload.id, data=b"x", status=openai.NotFoundError)


def test_the_helper_of_the_sdk(sdk, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"0123456789" * 1000)
    done = sdk.uploads.upload_file_chunked(file=path, mime_type="application/jsonl", purpose="batch", part_size=3000)
    assert sdk.files.content(done.file.id).content == path.read_bytes()


def test_the_asynchronous_client(mock, async_client):
    async def run():
        async with async_client(mock) as sdk:
            upload = await sdk.uploads.create(**CREATE)
            part = await sdk.uploads.parts.create(upload.id, data=b"onetwo")
            assert (await sdk.uploads.complete(upload.id, part_ids=[part.id])).status == "completed"
            assert (await sdk.uploads.cancel((await sdk.uploads.create(**CREATE)).id)).status == "cancelled"

    asyncio.run(run())


def test_a_rule_turns_an_operation_into_an_error(serve, client):
    sdk = client(serve([{"when": {"endpoint": "uploads"}, "reply": {"error": 503}}]))
    refused(sdk.uploads.create, **CREATE, status=openai.InternalServerError)

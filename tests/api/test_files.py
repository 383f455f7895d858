"""Files, through the official client and as curl and browsers send them."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess

import httpx
import openai
import pytest
from openai.types import FileDeleted, FileObject

from openaimock.http import forms
from openaimock.state import blobs

from ..support.wire import strictly

CLOCK = "2026-01-01T00:00:00Z"
LINE = b'{"custom_id": "1"}\n'


@pytest.fixture
def mock(serve):
    return serve({"clock": CLOCK, "responses": []})


def upload(mock, *, path="/files", **form):
    return httpx.post(mock.url + path, trust_env=False, **form)


def get(mock, path, **options):
    return httpx.get(mock.url + path, trust_env=False, **options)


def error_of(answer):
    error = answer.json()["error"]
    return answer.status_code, error["message"], error["param"], error["code"]


def test_an_upload(mock):
    answer = upload(mock, data={"purpose": "user_data"}, files={"file": ("a.txt", b"hello")})
    file = answer.json()
    strictly(FileObject, file)
    assert list(file) == [
        "object", "id", "purpose", "filename", "bytes", "created_at", "expires_at", "status", "status_details",
    ]  # fmt: skip
    assert (file["id"][:5], file["bytes"], file["filename"]) == ("file-", 5, "a.txt")
    assert (file["status"], file["expires_at"], file["created_at"]) == ("processed", None, 1767225600)


@pytest.mark.parametrize("purpose", ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"])
def test_every_purpose(sdk, purpose):
    file = sdk.files.create(file=("a.jsonl", LINE), purpose=purpose)
    assert sdk.files.retrieve(file.id) == file
    assert file.purpose == purpose


def test_files_for_batches_expire_after_thirty_days(sdk, mock):
    batch = sdk.files.create(file=("a.jsonl", LINE), purpose="batch")
    kept = sdk.files.create(file=("a.jsonl", LINE), purpose="evals")
    assert batch.expires_at == batch.created_at + 30 * 24 * 3600
    mock.advance(30 * 24 * 3600)
    assert [file.id for file in sdk.files.list()] == [kept.id]
    with pytest.raises(openai.NotFoundError):
        sdk.files.content(batch.id)


def test_expires_after(sdk, mock):
    policy = {"anchor": "created_at", "seconds": 3600}
    file = sdk.files.create(file=("a.txt", b"x"), purpose="user_data", expires_after=policy)
    assert file.expires_at == file.created_at + 3600
    mock.advance(3599)
    assert sdk.files.retrieve(file.id) == file
    mock.advance(1)
    with pytest.raises(openai.NotFoundError):
        sdk.files.retrieve(file.id)


def test_content(sdk):
    file = sdk.files.create(file=("results.jsonl", LINE), purpose="batch")
    content = sdk.files.content(file.id)
    assert content.content == LINE
    assert content.response.headers["content-type"] == "application/octet-stream"
    assert content.response.headers["content-disposition"] == 'attachment; filename="results.jsonl"'


def test_the_content_of_a_large_file_arrives_whole(sdk):
    content = bytes(range(256)) * 16384
    file = sdk.files.create(file=("large.bin", content), purpose="vision")
    assert file.bytes == len(content)
    assert sdk.files.content(file.id).content == content


def test_the_content_of_a_large_file_with_a_delay(serve, client):
    sdk = client(serve([]))
    file = sdk.files.create(file=("large.bin", b"x" * 2_000_000), purpose="vision")
    content = sdk.files.content(file.id, extra_headers={"x-openaimock-latency": "1"})
    assert len(content.content) == 2_000_000


def test_a_file_name_that_is_not_ascii(sdk):
    file = sdk.files.create(file=('naïve "x".txt', b"x"), purpose="vision")
    assert file.filename in ('naïve "x".txt', "naïve %22x%22.txt")
    assert "filename*=UTF-8''na%C3%AFve" in sdk.files.content(file.id).response.headers["content-disposition"]


@pytest.mark.parametrize("purpose", ["assistants", "user_data"])
def test_the_api_does_not_give_back_some_files(mock, sdk, purpose):
    file = sdk.files.create(file=("a.txt", b"x"), purpose=purpose)
    answer = get(mock, f"/files/{file.id}/content")
    assert error_of(answer) == (400, f"Not allowed to download files of purpose: {purpose}", None, None)


def test_delete(mock, sdk):
    file = sdk.files.create(file=("a.txt", b"x"), purpose="vision")
    deleted = httpx.delete(f"{mock.url}/files/{file.id}", trust_env=False).json()
    strictly(FileDeleted, deleted)
    assert deleted == {"id": file.id, "object": "file", "deleted": True}
    assert list(sdk.files.list()) == []


def test_an_empty_file(sdk):
    file = sdk.files.create(file=("empty.txt", b""), purpose="vision")
    assert file.bytes == 0
    assert sdk.files.content(file.id).content == b""


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("GET", "/content")])
def test_an_unknown_file_is_404(mock, method, path):
    answer = httpx.request(method, f"{mock.url}/files/file-none{path}", trust_env=False)
    assert error_of(answer) == (404, "No such File object: file-none", "id", None)
    assert answer.json()["detail"] == {"message": "No such File object: file-none", "code": None}


def test_files_of_other_namespaces_are_404(mock, sdk, client):
    file = sdk.files.create(file=("a.txt", b"x"), purpose="vision")
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    with pytest.raises(openai.NotFoundError):
        other.files.retrieve(file.id)
    assert list(other.files.list()) == []


def test_reset_forgets_files(mock, sdk):
    file = sdk.files.create(file=("a.txt", b"x" * 1_000_000), purpose="vision")
    mock.reset()
    with pytest.raises(openai.NotFoundError):
        sdk.files.content(file.id)


# Lists


def test_lists(sdk):
    names = [f"{number}.jsonl" for number in range(5)]
    for number, name in enumerate(names):
        sdk.files.create(file=(name, LINE), purpose="batch" if number % 2 else "evals")
    assert [file.filename for file in sdk.files.list()] == names[::-1]
    assert [file.filename for file in sdk.files.list(order="asc")] == names
    assert [file.filename for file in sdk.files.list(purpose="batch", order="asc")] == ["1.jsonl", "3.jsonl"]
    page = sdk.files.list(limit=2, order="asc")
    assert ([file.filename for file in page.data], page.has_more) == (names[:2], True)
    assert [file.filename for file in sdk.files.list(after=page.data[-1].id, order="asc")] == names[2:]
    assert [file.filename for page in sdk.files.list(limit=2).iter_pages() for file in page.data] == names[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "order=up", "after=file-none"])
def test_a_wrong_query_is_400(mock, query):
    assert get(mock, f"/files?{query}").status_code == 400


# Refusals


def test_an_unknown_purpose(mock):
    answer = upload(mock, data={"purpose": "world_domination"}, files={"file": ("a", b"x")})
    message = "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'"
    assert error_of(answer) == (400, message, "purpose", None)
    assert answer.json()["detail"] == {"message": message, "code": None}


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({"files": {"file": ("a", b"x")}}, "purpose"),
        ({"data": {"purpose": "batch"}, "files": {"other": ("a", b"x")}}, "file"),
        ({"data": {"purpose": "batch", "file": "text"}, "files": {"other": ("a", b"x")}}, "file"),
        ({"data": {"purpose": "batch"}, "files": {"file": ("", b"")}}, "file"),
    ],
    ids=["no purpose", "no file", "a text", "no file chosen"],
)
def test_what_is_missing(mock, form, name):
    assert error_of(upload(mock, **form))[:3] == (400, f"'{name}' is a required property", name)


def test_several_files_at_once_are_refused(mock):
    answer = upload(mock, data={"purpose": "batch"}, files=[("file", ("a", b"x")), ("file", ("b", b"y"))])
    assert error_of(answer)[0::2] == (400, "file")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("anchor", "never", "invalid_value"), ("seconds", "10", "integer_below_min_value"), ("seconds", "x", "invalid_type")],
)
def test_a_wrong_expiry(mock, field, value, code):
    policy = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600", f"expires_after[{field}]": value}
    answer = upload(mock, data={"purpose": "batch", **policy}, files={"file": ("a.jsonl", LINE)})
    assert error_of(answer)[0::3] == (400, code)


@pytest.mark.parametrize(("purpose", "reader"), [("batch", "Batch API"), ("fine-tune", "Fine-Tuning API")])
def test_json_lines_are_needed_where_the_api_reads_them(mock, purpose, reader):
    answer = upload(mock, data={"purpose": purpose}, files={"file": ("notes.txt", b"some notes")})
    assert error_of(answer)[:2] == (400, f"Invalid file format for {reader}. Must be .jsonl")
    assert upload(mock, data={"purpose": purpose}, files={"file": ("upload", LINE)}).status_code == 200


def test_json_instead_of_a_form_is_415(mock):
    assert upload(mock, json={"purpose": "batch"}).status_code == 415


def test_a_file_past_the_limit_is_413(mock, monkeypatch):
    monkeypatch.setattr(forms, "MAX_FILE", 10)
    assert upload(mock, data={"purpose": "vision"}, files={"file": ("a", b"x" * 11)}).status_code == 413


def test_a_file_may_be_larger_than_a_json_body(serve, client):
    sdk = client(serve({"max_body": 1000, "responses": []}))
    file = sdk.files.create(file=("a.bin", b"x" * 500_000), purpose="vision")
    assert file.bytes == 500_000


def test_a_full_namespace_is_400(mock, monkeypatch):
    monkeypatch.setattr(blobs, "TOTAL", 10)
    answer = upload(mock, data={"purpose": "vision"}, files={"file": ("a", b"x" * 11)})
    assert error_of(answer)[0::3] == (400, "storage_full")


# Other clients


def curl(mock, *arguments):
    return subprocess.run(
        ["curl", "-s", "--noproxy", "*", f"{mock.url}/files", *arguments], capture_output=True, text=True, timeout=30, check=True
    ).stdout


@pytest.mark.parametrize("more", [(), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")])
def test_curl(mock, tmp_path, more):
    path = tmp_path / "my data.jsonl"
    path.write_bytes(LINE * 30_000)
    file = json.loads(curl(mock, "-F", "purpose=batch", "-F", f"file=@{path}", "-F", "expires_after[anchor]=created_at",
                           "-F", "expires_after[seconds]=3600", *more))  # fmt: skip
    assert (file["filename"], file["bytes"]) == ("my data.jsonl", len(LINE) * 30_000)
    assert file["expires_at"] == file["created_at"] + 3600


def test_a_stream_without_a_length(mock):
    request = httpx.Request("POST", "http://host/", data={"purpose": "vision"}, files={"file": ("a", b"x" * 1000)})
    body = request.read()
    pieces = iter([body[:100], body[100:]])
    answer = upload(mock, content=pieces, headers={"content-type": request.headers["content-type"]})
    assert answer.json()["bytes"] == 1000


def test_a_truncated_form_is_400_and_stores_nothing(mock, sdk):
    request = httpx.Request("POST", "http://host/", data={"purpose": "vision"}, files={"file": ("a", b"x" * 1000)})
    answer = upload(mock, content=request.read()[:-20], headers={"content-type": request.headers["content-type"]})
    assert error_of(answer)[0] == 400
    assert error_of(answer)[1].startswith("Could not parse multipart form.")
    assert list(sdk.files.list()) == []


def test_the_asynchronous_client(mock, async_client):
    async def run():
        async with async_client(mock) as sdk:
            file = await sdk.files.create(file=io.BytesIO(LINE), purpose="batch")
            assert [each.id async for each in sdk.files.list()] == [file.id]
            assert await sdk.files.retrieve(file.id) == file
            assert (await sdk.files.content(file.id)).content == LINE
            assert (await sdk.files.wait_for_processing(file.id)).status == "processed"
            assert (await sdk.files.delete(file.id)).deleted

    asyncio.run(run())


def test_azure(mock):
    with openai.AzureOpenAI(
        azure_endpoint=mock.url.removesuffix("/v1"), api_key="k", api_version="2025-03-01-preview", max_retries=0
    ) as sdk:
        file = sdk.files.create(file=("a.jsonl", LINE), purpose="batch")
        assert sdk.files.content(file.id).content == LINE


# Rules and the journal


def test_a_rule_turns_an_operation_into_an_error(serve, client):
    sdk = client(serve([
        {"when": {"endpoint": "files.create", "body": {"purpose": "batch"}}, "reply": {"error": 429}},
        {"when": {"endpoint": "files.list"}, "reply": {"body": {"object": "list", "data": [], "has_more": False}}},
    ]))  # fmt: skip
    with pytest.raises(openai.RateLimitError):
        sdk.files.create(file=("a.jsonl", LINE), purpose="batch")
    sdk.files.create(file=("a.jsonl", LINE), purpose="vision")
    assert sdk.files.list().data == []


def test_the_journal_has_fields_and_file_names_without_bytes(mock, sdk):
    sdk.files.create(file=("a.txt", b"secret content"), purpose="vision")
    id = mock.exchanges[0].id
    entry = get(mock, f"/../__openaimock/exchanges/{id}").json()
    assert entry["request"]["body"] == {"purpose": "vision"}
    assert entry["request"]["files"] == {"file": {"filename": "a.txt", "content_type": "text/plain", "bytes": 14}}
    assert "secret content" not in str(entry)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("..\\secret.txt", 'attachment; filename="secret.txt"'),
        ("a\x00\r\nb.txt", 'attachment; filename="a___b.txt"'),
    ],
)
def test_the_name_for_a_saved_file_is_no_path_and_has_no_control_characters(mock, sdk, name, header):
    body = json.dumps({"filename": name, "bytes": 1, "mime_type": "text/plain", "purpose": "evals"})
    with httpx.Client(trust_env=False) as http:
        upload = http.post(f"{mock.url}/uploads", content=body, headers={"content-type": "application/json"}).json()["id"]
    part = sdk.uploads.parts.create(upload, data=b"x")
    file = sdk.uploads.complete(upload, part_ids=[part.id]).file
    assert file.filename == name
    assert sdk.files.content(file.id).response.headers["content-disposition"] == header

"""Stored files in a prompt count with their content, in chat and Responses, as the same content in the prompt does."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

import openaimock

from ..support.wire import events, post

TEXT = b"The quick brown fox jumps over the lazy dog. " * 50
PDF = b"%PDF-1.4\n1 0 obj <</Type /Page>> endobj\n2 0 obj << >> stream\nBT (Hello from a page) Tj ET\nendstream endobj"


def png(width, height):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def url(type, data):
    return f"data:{type};base64,{base64.b64encode(data).decode()}"


@pytest.fixture(scope="module")
def server():
    with openaimock.start_mock_server({"responses": [], "unmatched": "echo"}) as running:
        yield running


@pytest.fixture
def upload(sdk):
    return lambda name, data, purpose="user_data": sdk.files.create(file=(name, data), purpose=purpose).id


def chat(mock, part, **more):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "text", "text": "Read"}, part]}], **more}
    return post(mock, body)


def chat_tokens(mock, **file):
    part = {"type": "file", "file": file}
    usage = chat(mock, part).json()["usage"]
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = events(chat(mock, part, **options).text)
    assert streamed[-2]["usage"] == usage
    return usage["prompt_tokens"]


def tokens(mock, part):
    body = {"model": "gpt-4o", "input": [{"role": "user", "content": [part]}]}
    counted = post(mock, body, "/responses/input_tokens").json()["input_tokens"]
    usage = post(mock, body, "/responses").json()["usage"]
    assert usage["input_tokens"] == counted
    return counted


@pytest.mark.parametrize(("name", "type", "data"), [("a.txt", "text/plain", TEXT), ("a.pdf", "application/pdf", PDF)])
def test_a_file(mock, upload, name, type, data):
    id = upload(name, data)
    assert chat_tokens(mock, file_id=id) == chat_tokens(mock, file_data=url(type, data), filename=name)
    inline = {"type": "input_file", "file_data": url(type, data), "filename": name}
    assert tokens(mock, {"type": "input_file", "file_id": id}) == tokens(mock, inline)


@pytest.mark.parametrize("size", [(32, 32), (2000, 1000)])
@pytest.mark.parametrize("detail", ["low", "high"])
def test_an_image(mock, upload, size, detail):
    data = png(*size)
    part = {"type": "input_image", "detail": detail}
    stored = tokens(mock, {**part, "file_id": upload("a.png", data, "vision")})
    assert stored == tokens(mock, {**part, "image_url": url("image/png", data)})


def test_an_earlier_turn_counts_too(mock, upload):
    parts = [{"type": "input_file", "file_id": upload("a.txt", TEXT)}, {"type": "input_text", "text": "Read"}]
    body = {"model": "gpt-4o", "input": [{"role": "user", "content": parts}]}
    first = post(mock, body, "/responses").json()
    body = {"model": "gpt-4o", "input": "Again", "previous_response_id": first["id"]}
    second = post(mock, body, "/responses").json()
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"] > 500


def test_a_deleted_file_counts_as_an_unknown_one(mock, sdk, upload):
    id = upload("a.txt", TEXT)
    large = chat_tokens(mock, file_id=id)
    sdk.files.delete(id)
    unknown = chat_tokens(mock, file_id="file-none")
    assert chat_tokens(mock, file_id=id) == unknown < large


def test_a_file_without_a_known_content(mock, upload):
    id = upload("a.bin", b"\0\1\2")
    assert chat_tokens(mock, file_id=id) == chat_tokens(mock, file_id="file-none")
    part = {"type": "input_image"}
    assert tokens(mock, {**part, "file_id": id}) == tokens(mock, {**part, "file_id": "file-none"})

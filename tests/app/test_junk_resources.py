"""Junk for the operations with resources of their own and with forms: always a clear 4xx, never a failure of the mock."""

from __future__ import annotations

import io
import wave

import pytest
from PIL import Image
from werkzeug.datastructures import MultiDict
from werkzeug.test import Client

import openaimock
from openaimock.api import FILES, operations_of
from openaimock.types.operations import OPERATIONS

from .test_junk import QUIET, VALUES

#: The endpoints whose operations ``test_junk`` covers.
ELSEWHERE = ("chat", "responses", "conversations", "completions", "embeddings", "moderations", "models")
PNG_URL = {"image_url": "https://127.0.0.1/x.png"}
#: A good body for each operation with a JSON body. Names in braces are ids of stored objects.
JSON = {
    "uploads.create": {"bytes": 1, "filename": "a", "mime_type": "text/plain", "purpose": "assistants"},
    "uploads.complete": {"part_ids": ["part_x"]},
    "batches.create": {"input_file_id": "file-x", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    "images.generate": {"model": "gpt-image-1", "prompt": "x"},
    "images.edit": {"model": "gpt-image-1", "prompt": "x", "images": [PNG_URL]},
    "audio.speech.create": {"model": "tts-1", "input": "x", "voice": "alloy"},
    "audio.voices.create": {"name": "x", "type": "prompt", "prompt": "x"},
    "audio.voice_consents.update": {"name": "x"},
    "vector_stores.create": {"name": "x"},
    "vector_stores.update": {"name": "x"},
    "vector_stores.search": {"query": "x"},
    "vector_stores.files.create": {"file_id": "{file_id}"},
    "vector_stores.files.update": {"attributes": {"a": 1}},
    "vector_stores.file_batches.create": {"file_ids": ["{file_id}"]},
    "webhooks.create": {"name": "x", "url": "http://127.0.0.1:9/", "event_types": ["batch.completed"]},
    "webhooks.update": {"name": "x"},
    "webhooks.rotate_secret": {},
    "webhooks.test": {"event_type": "batch.completed"},
}
#: For each operation with a form its good fields, and the name of its file.
FORMS = {
    "files.create": ({"purpose": "assistants"}, "file"),
    "uploads.parts.create": ({}, "data"),
    "images.edit": ({"model": "gpt-image-1", "prompt": "x"}, "image"),
    "images.create_variation": ({}, "image"),
    "audio.transcriptions.create": ({"model": "whisper-1"}, "file"),
    "audio.translations.create": ({"model": "whisper-1"}, "file"),
    "audio.voices.create": ({"name": "x", "consent": "cons_x"}, "audio_sample"),
    "audio.voice_consents.create": ({"name": "x", "language": "en-US"}, "recording"),
}
TEXTS = ["", "x", "0", "-1", "9" * 400, "null", "[]", '{"a":[]}', "\0", "nan"]
#: Names of fields that are no names, or whose brackets do not fit.
NAMES = ["nonsense", "a[b", "[", "[]", "a[][]", "expires_after[seconds][x]", "chunking_strategy[type]", "model[]", "purpose[x]"]
FILE_NAMES = ["a.png", "a.wav", "../../etc/passwd", "a\0b", 'q"u\\o.wav', "x" * 5000, "é.jsonl", "."]


def png():
    buffer = io.BytesIO()
    Image.new("RGBA", (64, 64)).save(buffer, "PNG")
    return buffer.getvalue()


def wav():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))
    return buffer.getvalue()


PNG, WAV = png(), wav()
BROKEN = [
    b"", b"\0", b"RIFF", WAV[:20], WAV[:44], WAV[:24] + bytes(8) + WAV[32:], PNG[:20], PNG[:33], b"ID3", b"\xff\xd8\xff", b"fLaC",
    b"OggS", b"\xff\xfb", b"PK\x03\x04", b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff", b"GIF89a", b"RIFF0000WEBP", b"%PDF-1.4",
    b"\0\0\0\x20ftypM4A ", b"\x1a\x45\xdf\xa3", b"x" * 5000,
]  # fmt: skip
MULTIPART = "multipart/form-data; boundary=B"
GOOD = (
    b'--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--B--\r\n'
)


@pytest.fixture(scope="module")
def http():
    # A picture of a rule, because drawing one takes its time.
    rules = [{"when": {"endpoint": "images.*"}, "reply": {"image": {"b64": "aGk="}}}]
    return Client(openaimock.create_app({"responses": rules, "unmatched": "auto"}, QUIET))


@pytest.fixture(scope="module")
def ids(http):
    """The ids of stored objects by the names that paths have for them."""
    file = http.post("/v1/files", data={"purpose": "assistants", "file": (io.BytesIO(b"hello"), "a.txt")}).json["id"]
    recording = {"name": "x", "language": "en-US", "recording": (io.BytesIO(WAV), "a.wav")}
    return {
        "file_id": file,
        "upload_id": http.post("/v1/uploads", json=JSON["uploads.create"]).json["id"],
        "consent_id": http.post("/v1/audio/voice_consents", data=recording).json["id"],
        "vector_store_id": http.post("/v1/vector_stores", json={"file_ids": [file]}).json["id"],
        "webhook_endpoint_id": http.post("/v1/webhook_endpoints", json=JSON["webhooks.create"]).json["id"],
    }


def operations():
    """The operations that take a body, by id."""
    table = [operation for word in FILES for operation in operations_of(word) if OPERATIONS[operation.id] not in ELSEWHERE]
    return {operation.id: operation for operation in table if operation.params is not None}


def path_of(operation, ids):
    path = operation.path
    for name, id in ids.items():
        path = path.replace(f"<{name}>", id)
    return f"/v1{path}"


def check(answer, *facts):
    data = answer.get_data()
    assert answer.status_code < 500, (*facts, data[:300])
    if answer.status_code >= 400:
        error = answer.get_json()["error"]
        assert error["message"], facts
        assert error.keys() >= {"message", "type", "param", "code"}, facts


def test_every_operation_with_a_body_is_covered():
    assert operations().keys() == JSON.keys() | FORMS.keys()


@pytest.mark.parametrize("id", JSON)
def test_no_parameter_of_any_type_makes_a_json_operation_fail(http, ids, id):
    operation = operations()[id]
    path = path_of(operation, ids)
    body = {
        name: value.format(**ids) if isinstance(value, str) else value for name, value in JSON[id].items() if name != "file_ids"
    }
    body |= {"file_ids": [ids["file_id"]]} if "file_ids" in JSON[id] else {}
    for name in [*operation.params.shape.keys, "nonsense", "stream"]:
        for value in VALUES:
            check(http.post(path, json={**body, name: value}), name, value)
    for data in (b"", b"[]", b"null", b'"x"', b"{", b'{"a":1}x', b"\xff", b"[" * 100_000):
        check(http.post(path, data=data, content_type="application/json"), data[:9])


def send(http, path, fields, *files):
    form = MultiDict(fields)
    for name, data, filename in files:
        form.add(name, (io.BytesIO(data), filename))
    return http.post(path, data=form)


@pytest.mark.parametrize("id", FORMS)
def test_no_field_of_any_text_makes_a_form_fail(http, ids, id):
    operation = operations()[id]
    path = path_of(operation, ids)
    fields, file = FORMS[id]
    data = PNG if file == "image" else WAV
    for name in [*operation.params.shape.keys, *NAMES]:
        others = [(key, value) for key, value in fields.items() if key != name]
        for text in TEXTS:
            check(send(http, path, [*others, (name, text)], (file, data, "a.png")), name, text)
        check(send(http, path, [*fields.items(), (name, "x"), (name, "x")], (file, data, "a.png")), name, "twice")
        check(send(http, path, others, (file, data, "a.png"), (name, data, "b.png")), name, "as a file")


@pytest.mark.parametrize("id", FORMS)
def test_no_file_makes_a_form_fail(http, ids, id):
    path = path_of(operations()[id], ids)
    fields, name = FORMS[id]
    for number, data in enumerate(BROKEN):
        check(send(http, path, fields.items(), (name, data, FILE_NAMES[number % len(FILE_NAMES)])), data[:12])
    for filename in FILE_NAMES:
        check(send(http, path, fields.items(), (name, PNG if name == "image" else WAV, filename)), filename[:20])


@pytest.mark.parametrize("id", FORMS)
def test_a_form_that_is_cut_off_or_has_another_boundary_is_400(http, ids, id):
    path = path_of(operations()[id], ids)
    for end in (0, 1, 5, 20, 60, len(GOOD) - 8, len(GOOD) - 4):
        assert http.post(path, data=GOOD[:end], content_type=MULTIPART).status_code == 400, end
    for boundary in ("; boundary=X", "", "; boundary=", "; boundary=" + "B" * 100):
        assert http.post(path, data=GOOD, content_type=f"multipart/form-data{boundary}").status_code == 400, boundary
    many = b"".join(b'--B\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % number for number in range(10_000))
    assert http.post(path, data=many + GOOD, content_type=MULTIPART).status_code == 413


@pytest.mark.parametrize("path", ["files", "batches", "vector_stores", "audio/voice_consents", "webhook_endpoints"])
@pytest.mark.parametrize(
    "query", ["limit=9" + "9" * 30, "limit=-1", "limit=x", "order=x", "after=x", "before=x", "limit=1&limit=2"]
)
def test_no_query_makes_a_list_fail(http, path, query):
    check(http.get(f"/v1/{path}?{query}"), query)


@pytest.mark.parametrize("path", ["files", "files/{}/content", "batches", "uploads", "vector_stores", "vector_stores/{}/files"])
@pytest.mark.parametrize("id", ["a%00b", "x" * 5000, "%2e%2e%2fetc", "é", "batch_1", "vs_1", "{file_id}", "%ff"])
def test_ids_of_another_kind_are_unknown(http, path, id):
    url = f"/v1/{path}".format(id) if "{}" in path else f"/v1/{path}/{id}"
    answer = http.get(url)
    assert answer.status_code in (404, 405)
    check(answer, url)

"""Images, speech, transcriptions and uploads in cassettes and HARs: each request gets its recorded answer."""

from __future__ import annotations

import base64
import json
import wave
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from openaimock.convert.files import convert

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
FORM = "multipart/form-data; boundary=BOUND"


class Call(NamedTuple):
    """One recorded exchange."""

    path: str
    kind: str
    body: bytes
    answer_kind: str
    answer: bytes


def sound() -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(range(256)) * 10)
    return file.getvalue()


def form(file: tuple[str, str, bytes], **fields: str) -> bytes:
    parts = [f'--BOUND\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    name, file_name, data = file
    head = f'--BOUND\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\nContent-Type: a/b\r\n\r\n'
    return "".join(parts).encode() + head.encode() + data + b"\r\n--BOUND--\r\n"


def of_json(path: str, request: dict[str, Any], answer: dict[str, Any] | bytes, kind: str = "application/json") -> Call:
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return Call(path, "application/json", json.dumps(request).encode(), kind, data)


def of_form(path: str, body: bytes, answer: dict[str, Any]) -> Call:
    return Call(path, FORM, body, "application/json", json.dumps(answer).encode())


IMAGE = {"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode()}]}
LINK = {"created": 1, "data": [{"url": "https://example.com/dog.png", "revised_prompt": "a nice dog"}]}
VERBOSE = {"task": "transcribe", "language": "english", "duration": 1.5, "text": "Verbose.", "segments": []}
FILE = {"object": "file", "id": "file-abc123", "purpose": "assistants", "filename": "n.txt", "bytes": 5, "created_at": 1}
MP3 = b"ID3\x04\xff\xfb" + bytes(range(256))
WAV = sound()
CALLS = [
    of_json("images/generations", {"model": "gpt-image-1", "prompt": "a cat"}, IMAGE),
    of_json("images/generations", {"model": "dall-e-3", "prompt": "a dog"}, LINK),
    of_json("audio/speech", {"model": "tts-1", "voice": "alloy", "input": "say this"}, MP3, "audio/mpeg"),
    of_form("audio/transcriptions", form(("file", "a.wav", WAV), model="whisper-1", prompt="names"), {"text": "Good morning."}),
    of_form("audio/transcriptions", form(("file", "b.wav", WAV), model="whisper-1", response_format="verbose_json"), VERBOSE),
    of_form("images/edits", form(("image", "a.png", PNG), model="gpt-image-1", prompt="edit it"), IMAGE),
    of_form("files", form(("file", "n.txt", b"hello"), purpose="assistants"), FILE),
]


def cassette() -> str:
    interactions = [
        {
            "request": {"method": "POST", "uri": url(call), "headers": {"content-type": [call.kind]}, "body": call.body},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"content-type": [call.answer_kind]},
                "body": {"string": call.answer},
            },
        }
        for call in CALLS
    ]
    return yaml.safe_dump({"interactions": interactions, "version": 1})


def url(call: Call) -> str:
    return f"https://api.openai.com/v1/{call.path}"


def har(posted: Any) -> str:
    """A HAR whose forms are written by ``posted``."""
    entries = []
    for call in CALLS:
        binary = call.answer_kind.startswith("audio/")
        text = base64.b64encode(call.answer).decode() if binary else call.answer.decode()
        content = {"mimeType": call.answer_kind, "text": text, **({"encoding": "base64"} if binary else {})}
        data = posted(call.body) if call.kind == FORM else {"text": call.body.decode()}
        request = {"method": "POST", "url": url(call), "headers": [{"name": "Content-Type", "value": call.kind}]}
        entries.append({"request": {**request, "postData": data}, "response": {"status": 200, "content": content}})
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def in_base64(body: bytes) -> dict[str, Any]:
    return {"mimeType": FORM, "encoding": "base64", "text": base64.b64encode(body).decode()}


def as_characters(body: bytes) -> dict[str, Any]:
    return {"mimeType": FORM, "text": body.decode("latin-1")}


def as_fields(body: bytes, value: bool = True) -> dict[str, Any]:
    fields = []
    for part in body.split(b"--BOUND")[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        names = head.decode().split('"')
        field = {"name": names[1], **({"fileName": names[3], "contentType": "a/b"} if len(names) > 3 else {})}
        fields.append(field if len(names) > 3 and not value else {**field, "value": data[:-2].decode("latin-1")})
    return {"mimeType": FORM, "params": fields}


@pytest.mark.parametrize(
    "text", [cassette(), har(in_base64), har(as_characters), har(as_fields)], ids=["cassette", "base64", "characters", "fields"]
)
def test_each_request_gets_its_recorded_answer(serve, tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    result = convert([path])
    assert (result.omissions, result.converted) == ([], len(CALLS))
    with httpx.Client(base_url=serve(result.text()).url, trust_env=False) as http:
        for call in CALLS:
            answer = http.post(f"/{call.path}", content=call.body, headers={"content-type": call.kind})
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].split(";")[0] == call.answer_kind
            if call.answer_kind.startswith("audio/"):
                assert answer.content == call.answer
            else:
                expected, got = json.loads(call.answer), answer.json()
                names = expected.keys() & {"data", "text", "segments", "filename"}
                assert {name: got[name] for name in names} == {name: expected[name] for name in names}


@pytest.mark.parametrize(
    "posted",
    [
        lambda body: as_fields(body, value=False),
        lambda body: {"mimeType": FORM, "text": body.replace(b"hello", b"\xff").decode("utf-8", "replace")},
        lambda body: None,
        lambda body: {"mimeType": FORM, "params": []},
    ],
)
def test_a_form_whose_files_are_not_in_the_har_is_left_out(tmp_path: Path, posted: Any) -> None:
    path = tmp_path / "file.har"
    path.write_text(har(posted))
    result = convert([path])
    assert result.converted == 3
    reason = "the HAR does not hold the form of the request with the bytes of its files"
    assert [omission.reason for omission in result.omissions] == [reason] * 4


DAMAGED = {
    "empty": b"",
    "blank": b" \n",
    "truncated HAR": har(in_base64).encode()[:3000],
    "binary": bytes(range(256)) * 9,
    "image": PNG,
    "zip": b"PK\x03\x04" + bytes(range(200)),
    "gzip": b"\x1f\x8b\x08garbage",
    "nested": b"[" * 100_000,
    "object of Python": b'!!python/object/apply:os.system ["id"]',
    "cycle": b"&a {interactions: [*a], request: *a, response: *a}",
    "cycle in a body": b"interactions:\n- &a {request: {body: *a}, response: {status: 200}}\n",
    "null": b"interactions: [null]",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_gives_a_reason(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(DAMAGED[name])
    result = convert([path])
    assert result.rules == []
    assert [bool(omission.reason) for omission in result.omissions] == [True]


def test_a_truncated_cassette_keeps_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(cassette()[: cassette().index("v1/audio/speech")])
    result = convert([path])
    assert result.converted == 2
    assert len(result.omissions) == 1


def test_a_damaged_exchange_does_not_hide_the_others(tmp_path: Path) -> None:
    document = json.loads(har(in_base64))
    document["log"]["entries"][0]["response"]["content"] = "text"
    document["log"]["entries"][1]["request"]["url"] = "https://[bad/v1/images/generations"
    path = tmp_path / "file.har"
    # As PowerShell writes text.
    path.write_bytes(json.dumps(document).encode("utf-16"))
    result = convert([path])
    assert result.converted == len(CALLS) - 2
    assert [omission.place.rpartition(": ")[2] for omission in result.omissions] == ["entry 1", "entry 2"]
    assert "damaged" in result.omissions[0].reason

"""No secret reaches the files of a recording from forms, uploads, encoded texts, images and sounds."""

from __future__ import annotations

import base64
import gzip
import json
import wave
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from openaimock.recording.redactor import Redactor

KEY, TOKEN, TICKET = "client-key-0123456789", "sk-proj-abcdefghijklmnop123456", "TICKET-123456"
COOKIE, ORGANIZATION, PROJECT = "c00kie-value-12", "acme-organization", "acme-project-x"
SECRETS = [KEY, TOKEN, TICKET, COOKIE, ORGANIZATION, PROJECT, "hunter2secret"]
ALL = " ".join([KEY, TOKEN, TICKET, COOKIE, ORGANIZATION, PROJECT, "password=hunter2secret"])
#: An image whose bytes hold no secret, and which is so large that it goes to a file of its own.
PLAIN = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10
ACCOUNT_HEADERS = {"openai-organization": ORGANIZATION, "openai-project": PROJECT, "set-cookie": f"session={COOKIE}; Path=/"}


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


#: The body that the upstream answers with, by what the request asks for.
TEXTS = {
    "shifted base64": f"see {packed(b'x' + ALL.encode())}.",
    "base64 for URLs": base64.urlsafe_b64encode(b"??>>xy" + ALL.encode()).decode(),
    "in a URL": f"https://example.com/?q={quote(ALL, safe='')}",
    "plain": ALL,
}
UPSTREAM: dict[str, Any] = {
    "lint": "off",
    "responses": [
        {"when": {"endpoint": "images.generations"}, "reply": {"image": {"b64": packed(PLAIN), "revised_prompt": ALL}}},
        {"when": {"text": "plain speech"}, "reply": {"speech": {"b64": packed(b"ID3" + bytes(3000))}}},
        {"when": {"endpoint": "audio.speech"}, "reply": {"speech": {"b64": packed(b"ID3\0" + ALL.encode() + bytes(3000))}}},
        {"when": {"endpoint": "audio.transcriptions"}, "reply": ALL},
        *({"when": {"user": user}, "reply": {"content": text, "headers": ACCOUNT_HEADERS}} for user, text in TEXTS.items()),
        {"when": {}, "reply": f"the answer with {TOKEN}"},
    ],
}


def sound() -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(1600))
    return file.getvalue()


def chat(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}], **more}


def send_all(http: httpx.Client) -> list[int]:
    """Send a request for each place of a secret; the statuses."""
    form = {"model": "whisper-1", "prompt": ALL, "language": "en"}
    document = {"filename": f"{TICKET}.pdf", "file_data": "data:application/pdf;base64," + packed(b"%PDF " + ALL.encode())}
    zipped = {"content-encoding": "gzip", "content-type": "application/json"}
    answers = [
        *(http.post("/chat/completions", json=chat(user)) for user in TEXTS),
        *(http.post("/chat/completions", json=chat(user, stream=True)) for user in TEXTS),
        http.post(f"/chat/completions?api_key={KEY}&q={TOKEN}", json=chat("query")),
        http.post("/chat/completions", content=gzip.compress(json.dumps(chat(f"zipped {ALL}")).encode()), headers=zipped),
        http.post("/chat/completions", json=chat([{"type": "text", "text": "f"}, {"type": "file", "file": document}])),
        http.post("/chat/completions", json=chat(f"encoded {packed(b'xy' + ALL.encode())}")),
        http.post("/images/generations", json={"model": "gpt-image-1", "prompt": ALL, "user": TOKEN}),
        http.post("/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": "plain speech"}),
        http.post("/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": ALL}),
        http.post("/audio/transcriptions", data=form, files={"file": (f"{TOKEN} {TICKET}.wav", sound(), "audio/wav")}),
        http.post("/audio/transcriptions", data=form, files={"file": (f"{KEY}.wav", sound(), "audio/wav")}),
        http.post("/files", data={"purpose": "assistants"}, files={"file": (f"{TOKEN} {TICKET}.txt", ALL.encode())}),
    ]
    return [answer.status_code for answer in answers]


def decoded(text: str) -> str:
    """The base64 of a text, decoded from each of four characters."""
    runs = "".join(character if character.isalnum() or character in "+/-_" else " " for character in text).split()
    results = []
    for run in runs:
        encoded = run.replace("-", "+").replace("_", "/")
        for start in range(4):
            data = encoded[start : len(encoded) - (len(encoded) - start) % 4]
            results.append(base64.b64decode(data).decode("latin-1"))
    return "\n".join(results)


def test_no_secret_reaches_the_file_or_the_files_beside_it(serve, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    settings: dict[str, Any] = {
        "lint": "off",
        "upstream": {"url": serve(UPSTREAM).url},
        "record": {"file": str(file), "redact": [{"regex": r"TICKET-\d+"}]},
    }
    mock = serve(settings)
    headers = {"authorization": f"Bearer {KEY}", "cookie": f"a=b; session={COOKIE}", **ACCOUNT_HEADERS}
    with httpx.Client(base_url=mock.url, trust_env=False, headers=headers) as http:
        assert set(send_all(http)) == {200}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".yaml", ".png", ".mp3"}
    for path in files:
        text = path.read_bytes().decode("latin-1")
        places = {"name": path.name, "text": text, "base64": decoded(text) if path == file else ""}
        leaks = [(secret, place) for secret in SECRETS for place, content in places.items() if secret in content]
        assert leaks == [], path.name
    # The sound whose bytes hold a secret is left out.
    recorder = mock.app.api.upstream.recorder
    assert recorder.skipped == 1
    with httpx.Client(base_url=serve({"lint": "off", "record": {"file": str(file)}}).url, trust_env=False) as http:
        assert send_all(http).count(200) == 17


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("prefix", ["", "n", "a/b"])
def test_base64_with_a_secret_is_masked_wherever_the_secret_stands_in_it(before: str, prefix: str) -> None:
    redactor = Redactor(["my-own-secret-key"], regexes=[r"TICKET-\d+"])
    for secret in ("my-own-secret-key", TOKEN, TICKET):
        text = prefix + packed(f"{before} {secret}".encode())
        assert redactor.finds({"a": [text]})
        assert redactor.text(f"see {text}") in ("see ***", "see ***=", "see ***==")


def test_base64_without_a_secret_is_left_as_it_is() -> None:
    redactor = Redactor(["my-own-secret-key"], regexes=[r"\d{3}"])
    text = packed(PLAIN) + " " + packed(b"some harmless words of a text")
    assert redactor.value({"image": text}) == {"image": text}

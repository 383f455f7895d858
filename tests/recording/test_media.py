"""Images, speech and transcriptions in a chain of two mocks: recorded, and answered the same when the first is gone."""

from __future__ import annotations

import base64
import io
import wave
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from openaimock.cli import main

RULES = """
seed: 5
responses:
  - {id: url, when: {text: far}, reply: {image: {url: 'https://example.com/a.png', revised_prompt: A far land}}}
  - {id: said, when: {endpoint: audio.transcriptions, text: call.wav}, reply: Hello from the call.}
  - {id: translated, when: {endpoint: audio.translations}, reply: Good morning.}
"""


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16_000))
    return file.getvalue()


def image(client: OpenAI) -> Any:
    answer = client.images.generate(model="gpt-image-1.5", prompt="a fox", n=2, quality="low")
    return answer.data, answer.usage, answer.quality, answer.size, answer.background, answer.output_format


def image_url(client: OpenAI) -> Any:
    return client.images.generate(model="dall-e-3", prompt="far").data


def image_stream(client: OpenAI) -> Any:
    last = list(client.images.generate(model="gpt-image-1.5", prompt="a hare", stream=True, partial_images=1))[-1]
    return last.type, last.b64_json, last.usage, last.size


def edits(client: OpenAI) -> Any:
    first, second = (
        ("cat.png", base64.b64decode(image.b64_json))
        for image in client.images.generate(model="dall-e-2", prompt="cat", n=2, size="256x256", response_format="b64_json").data
    )
    return [client.images.edit(model="gpt-image-1.5", prompt="hat", image=file).data for file in (first, ("dog.png", second[1]))]


def speech(client: OpenAI) -> Any:
    formats = ("mp3", "wav")
    make = client.audio.speech.create
    return [make(model="gpt-4o-mini-tts", voice="alloy", input="Hello!", response_format=name).content for name in formats]


def speech_events(client: OpenAI) -> Any:
    make = client.audio.speech.create
    return make(model="gpt-4o-mini-tts", voice="alloy", input="Good evening!", stream_format="sse").content


def transcriptions(client: OpenAI) -> Any:
    create: Any = client.audio.transcriptions.create
    whole = create(model="gpt-4o-transcribe", file=("call.wav", sound()))
    verbose = create(model="whisper-1", file=("call.wav", sound()), response_format="verbose_json")
    captions = create(model="whisper-1", file=("call.wav", sound()), response_format="srt")
    return whole, verbose, captions


def transcription_stream(client: OpenAI) -> Any:
    stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("call.wav", sound()), stream=True)
    return [event.to_dict() for event in stream]


def translation(client: OpenAI) -> Any:
    with pytest.deprecated_call():
        return client.audio.translations.create(model="whisper-1", file=("call.wav", sound()))


SESSIONS = [image, image_url, image_stream, edits, speech, speech_events, transcriptions, transcription_stream, translation]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.__name__)
def test_a_replay_answers_as_the_upstream_did(serve, client, tmp_path: Path, session: Any) -> None:
    file = tmp_path / "recorded.yaml"
    first = serve(RULES)
    second = serve({"upstream": {"url": first.url}, "record": {"file": str(file)}})
    recorded = session(client(second))
    for mock in (second, first):
        mock.stop()
    assert second.app.api.upstream.recorder.skipped == 0
    replaying = serve({"record": {"file": str(file)}, "seed": 9})
    assert session(client(replaying)) == recorded
    assert replaying.unmatched == []
    assert main(["check", str(file)]) == 0


def test_large_pictures_go_to_files_beside_the_recording(serve, client, tmp_path: Path) -> None:
    file = tmp_path / "recorded.yaml"
    mock = serve({"upstream": {"url": serve(RULES).url}, "record": {"file": str(file)}})
    image(client(mock))
    assert sorted(path.name for path in (tmp_path / "recorded-files").iterdir()) == ["a-fox-1.png", "a-fox-2.png"]
    assert len(file.read_text("utf-8")) < 2000


def files(client: OpenAI) -> Any:
    create = client.files.create
    text = create(file=("a.txt", b"Hello world"), purpose="user_data")
    lines = create(file=("b.jsonl", b'{"custom_id": "1"}\n'), purpose="batch")
    upload = client.uploads.create(bytes=3, filename="c.txt", mime_type="text/plain", purpose="user_data")
    part = client.uploads.parts.create(upload.id, data=b"abc")
    return [
        [client.files.retrieve(file.id) for file in (lines, text)],
        client.files.content(lines.id).text,
        [file.filename for file in client.files.list()],
        client.uploads.complete(upload.id, part_ids=[part.id]).status,
        client.files.delete(text.id),
        [file.filename for file in client.files.list()],
    ]


def batches(client: OpenAI) -> Any:
    lines = client.files.create(file=("b.jsonl", b'{"custom_id": "1"}\n'), purpose="batch")
    batch = client.batches.create(input_file_id=lines.id, endpoint="/v1/chat/completions", completion_window="24h")
    return batch, client.batches.retrieve(batch.id)


@pytest.mark.parametrize("session", [files, batches], ids=lambda session: session.__name__)
def test_objects_are_replayed_with_their_ids(serve, client, tmp_path: Path, session: Any) -> None:
    test_a_replay_answers_as_the_upstream_did(serve, client, tmp_path, session)

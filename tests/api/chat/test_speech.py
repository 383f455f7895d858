"""Chat completions with ``modalities: [text, audio]``, whole and streamed."""

from __future__ import annotations

import asyncio
import base64

import pytest
from openai.types.chat import ChatCompletion

import openaimock
from openaimock.media.duration import audio_info

from ...support.wire import events, post, strictly, user

MODEL = "gpt-audio"
TEXT = "Hello! How can I help you today?"
RULES = [
    {"when": {"user": "file"}, "reply": {"content": "beep", "speech": {"b64": "QUJD"}}},
    {"when": {"user": "own"}, "reply": {"content": "la", "audio": {"id": "audio_1", "data": "QUJD", "expires_at": 5}}},
    {"when": {"user": "call"}, "reply": {"tool_calls": [{"name": "f"}]}},
    {"when": {}, "reply": TEXT},
]


@pytest.fixture(scope="module")
def shared():
    with openaimock.start_mock_server({"responses": RULES}) as mock:
        yield mock


def spoken(text, format="wav", **more):
    return {**user(text), "model": MODEL, "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": format}, **more}


def test_a_whole_answer_has_audio_and_its_transcript(shared):
    answer = strictly(ChatCompletion, post(shared, spoken("hi")).json())
    message = answer.choices[0].message
    assert (message.content, message.audio.transcript, message.audio.id[:6]) == (None, TEXT, "audio_")
    assert message.audio.expires_at == answer.created + 3600
    info = audio_info(base64.b64decode(message.audio.data))
    assert (info.format, info.seconds) == ("wav", pytest.approx(2.1, abs=0.3))
    details = answer.usage.completion_tokens_details
    assert details.audio_tokens == pytest.approx(20 * info.seconds, abs=1)
    assert answer.usage.completion_tokens == details.audio_tokens + details.to_dict()["text_tokens"]


@pytest.mark.parametrize("format", ["mp3", "flac", "pcm16"])
def test_formats(shared, format):
    data = base64.b64decode(post(shared, spoken("hi", format)).json()["choices"][0]["message"]["audio"]["data"])
    assert (audio_info(data).format if format != "pcm16" else "pcm16") == format


def test_audio_of_the_prompt_is_counted(shared):
    sound = base64.b64encode(
        base64.b64decode("UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQQAAAA=") + bytes(16_000)
    ).decode()
    content = [{"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}]
    body = spoken("hi", messages=[{"role": "user", "content": content}])
    usage = post(shared, body).json()["usage"]
    assert usage["prompt_tokens_details"]["audio_tokens"] == 20
    assert usage["prompt_tokens_details"]["text_tokens"] == usage["prompt_tokens"] - 20


def test_a_stream_has_deltas_of_transcript_and_data(shared):
    *chunks, end = events(post(shared, spoken("hi", "pcm16", stream=True)).text)
    assert end == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": None, "refusal": None}
    sounds = [delta["audio"] for delta in deltas if "audio" in delta]
    assert "".join(delta.get("transcript", "") for delta in sounds) == TEXT
    whole = post(shared, spoken("hi", "pcm16")).json()["choices"][0]["message"]["audio"]["data"]
    assert "".join(delta.get("data", "") for delta in sounds) == whole
    assert b"".join(base64.b64decode(delta["data"]) for delta in sounds if "data" in delta) == base64.b64decode(whole)
    assert (sounds[0]["id"][:6], list(sounds[-1])) == ("audio_", ["expires_at"])
    assert [delta for delta in sounds if "id" in delta] == sounds[:1]
    assert (deltas[-1], chunks[-1]["choices"][0]["finish_reason"]) == ({}, "stop")


def test_the_clients_get_audio(shared, client, async_client):
    message = client(shared).chat.completions.create(**spoken("hi")).choices[0].message
    assert message.audio.transcript == TEXT

    async def stream():
        async with async_client(shared) as sdk:
            chunks = [chunk async for chunk in await sdk.chat.completions.create(**spoken("hi", "pcm16", stream=True))]
            sounds = [chunk.choices[0].delta.to_dict().get("audio", {}) for chunk in chunks]
            return "".join(delta.get("transcript", "") for delta in sounds)

    assert asyncio.run(stream()) == TEXT


def test_a_stored_stream_has_the_audio_of_the_stream(shared, client):
    sdk = client(shared)
    chunks = list(sdk.chat.completions.create(**spoken("hi", "pcm16", stream=True, store=True)))
    stored = sdk.chat.completions.retrieve(chunks[0].id).choices[0].message.audio
    assert stored.id == next(sound["id"] for chunk in chunks if (sound := chunk.choices[0].delta.to_dict().get("audio")))


def test_a_rule_gives_the_audio(shared):
    assert post(shared, spoken("file")).json()["choices"][0]["message"]["audio"]["data"] == "QUJD"
    audio = post(shared, spoken("own")).json()["choices"][0]["message"]["audio"]
    assert audio == {"id": "audio_1", "data": "QUJD", "expires_at": 5, "transcript": "la"}
    *chunks, _ = events(post(shared, spoken("own", "pcm16", stream=True)).text)
    assert {"audio": {"data": "QUJD"}} in [chunk["choices"][0]["delta"] for chunk in chunks]


def test_calls_and_requests_for_text_have_no_audio(shared):
    assert "audio" not in post(shared, spoken("call")).json()["choices"][0]["message"]
    message = post(shared, spoken("hi", modalities=["text"])).json()["choices"][0]["message"]
    assert (message["content"], "audio" in message) == (TEXT, False)


def test_what_is_refused(shared):
    error = post(shared, spoken("hi", "wav", stream=True)).json()["error"]
    assert error == {
        "message": "Unsupported value: 'audio.format' does not support 'wav' when stream=true. Supported values are: 'pcm16'.",
        "type": "invalid_request_error",
        "param": "audio.format",
        "code": "unsupported_value",
    }
    error = post(shared, spoken("hi", "opus")).json()["error"]
    assert (error["param"], error["code"]) == ("audio.format", "unsupported_audio_format")

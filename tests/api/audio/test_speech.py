"""Speech through the official client, and as the wire has it."""

from __future__ import annotations

import asyncio
import base64

import httpx
import openai
import pytest
from openai import AzureOpenAI

from openaimock.media.duration import audio_info

from ...support.wire import events, post

TTS = "gpt-4o-mini-tts"
TEXT = "The quick brown fox jumps over the lazy dog."


def say(mock, **body):
    response = post(mock, {"model": TTS, "input": TEXT, "voice": "alloy", **body}, "/audio/speech")
    assert response.status_code == 200, response.text
    return response


def refusal(mock, **body):
    response = post(mock, {"model": TTS, "input": TEXT, "voice": "alloy", **body}, "/audio/speech")
    assert response.status_code == 400, response.text
    return response.json()["error"]


# What it makes


@pytest.mark.parametrize(
    ("format", "content_type"), [(None, "audio/mpeg"), ("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("flac", "audio/flac")]
)
def test_speech_lasts_as_long_as_the_text_takes_to_say(serve, format, content_type):
    response = say(serve([]), response_format=format)
    info = audio_info(response.content)
    assert response.headers["content-type"] == content_type
    assert int(response.headers["content-length"]) == len(response.content)
    assert (info.format, info.rate, info.channels) == (format or "mp3", 24_000, 1)
    assert info.seconds == pytest.approx(2.93, abs=0.03)


def test_pcm_is_raw(serve):
    response = say(serve([]), response_format="pcm")
    assert response.headers["content-type"] == "audio/pcm"
    assert len(response.content) == pytest.approx(2.93 * 48_000, rel=0.01)


def test_speed_shortens_the_speech(serve):
    mock = serve([])
    seconds = [audio_info(say(mock, response_format="wav", speed=speed).content).seconds for speed in (0.5, 1, 2)]
    assert seconds[0] == pytest.approx(2 * seconds[1], rel=0.01)
    assert seconds[1] == pytest.approx(2 * seconds[2], rel=0.01)


def test_voices_differ_and_custom_voices_are_accepted(serve):
    mock = serve([])
    voices = ("alloy", "onyx", "marin", {"id": "voice_1234"}, "voice_5678")
    assert len({say(mock, voice=voice, response_format="pcm").content for voice in voices}) == len(voices)


@pytest.mark.parametrize("format", ["opus", "aac"])
def test_other_formats_need_a_file(serve, format):
    error = refusal(serve([]), response_format=format)
    assert (error["param"], error["code"]) == ("response_format", "unsupported_audio_format")
    assert "speech: {file: PATH" in error["message"]


# Streams


def test_events_have_the_audio_and_then_the_usage(serve):
    mock = serve([])
    response = say(mock, stream_format="sse")
    *deltas, done = events(response.text)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(event["audio"]) for event in deltas) == say(mock).content
    usage = done["usage"]
    assert done == {"type": "speech.audio.done", "usage": usage}
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens"] == pytest.approx(20 * audio_info(say(mock).content).seconds, abs=1)
    assert mock.exchanges[0].ask.stream


def test_pace_delays_audio_and_events(serve):
    mock = serve([{"when": {}, "reply": {"pace": {"ttft": 1, "tps": 1_000_000}}}])
    for more in ({}, {"stream_format": "sse"}):
        response = say(mock, response_format="wav", **more)
        assert response.headers.get("transfer-encoding") == "chunked"
        chunks = mock.exchanges[-1].chunks
        assert chunks[0] == pytest.approx(0.001)
        assert len(chunks) > 5
        assert chunks == sorted(chunks)
    assert audio_info(say(mock, response_format="wav").content).seconds > 2.9


def test_the_clients_make_speech(serve, client, async_client, tmp_path):
    mock = serve([])
    sdk = client(mock)
    whole = sdk.audio.speech.create(model=TTS, voice="alloy", input=TEXT).content
    with sdk.audio.speech.with_streaming_response.create(model=TTS, voice="alloy", input=TEXT) as response:
        response.stream_to_file(tmp_path / "speech.mp3")
    assert (tmp_path / "speech.mp3").read_bytes() == whole

    async def make():
        async with async_client(mock) as sdk:
            return (await sdk.audio.speech.create(model=TTS, voice="alloy", input=TEXT)).content

    assert asyncio.run(make()) == whole


def test_the_azure_client_makes_speech(serve):
    mock = serve([])
    with AzureOpenAI(azure_endpoint=mock.url.removesuffix("/v1"), api_key="k", api_version="2024-10-21", max_retries=0) as azure:
        content = azure.audio.speech.create(model="my-voice", voice="anything", input=TEXT).content
    assert audio_info(content).format == "mp3"
    assert mock.exchanges[-1].ask.model == "my-voice"


# Rules


def test_a_rule_gives_a_file_or_base64(serve, tmp_path):
    (tmp_path / "hello.aac").write_bytes(b"\xff\xf1 not really")
    config = tmp_path / "mock.yaml"
    config.write_text(
        "responses:\n"
        "  - {when: {text: hello}, reply: {speech: {file: hello.aac}}}\n"
        "  - {when: {text: opus}, reply: {speech: {b64: T2dnUw==, format: opus}}}\n"
        "  - {when: {text: raw}, reply: {speech: {b64: QUJD}}}\n"
    )
    mock = serve(config)
    hello = say(mock, input="hello", response_format="aac")
    assert (hello.headers["content-type"], hello.content) == ("audio/aac", b"\xff\xf1 not really")
    opus = say(mock, input="opus")
    assert (opus.headers["content-type"], opus.content) == ("audio/ogg", b"OggS")
    assert say(mock, input="raw").headers["content-type"] == "audio/mpeg"
    *deltas, _ = events(say(mock, input="raw", stream_format="sse").text)
    assert [event["audio"] for event in deltas] == ["QUJD"]
    (tmp_path / "hello.aac").unlink()
    assert post(mock, {"model": TTS, "voice": "alloy", "input": "hello"}, "/audio/speech").status_code == 500


def test_the_format_of_a_file_is_read_from_its_header(serve):
    made = serve([])
    wav = base64.b64encode(say(made, response_format="wav").content).decode()
    mock = serve([{"when": {}, "reply": {"speech": {"b64": wav}}}])
    assert say(mock).headers["content-type"] == "audio/wav"


@pytest.mark.parametrize("reply", [{"error": 429}, {"fail": {"error": 500}}, {"status": 503, "body": "no"}])
def test_errors_of_rules_reach_speech(serve, reply):
    mock = serve([{"when": {"endpoint": "audio.speech", "text": {"contains": "fox"}}, "reply": reply}])
    body = {"model": TTS, "input": TEXT, "voice": "alloy"}
    assert post(mock, body, "/audio/speech").status_code >= 400


def test_headers_status_and_usage_of_a_rule_are_sent(serve):
    reply = {"headers": {"x-mine": "1"}, "status": 201, "usage": {"output_tokens": 7}}
    mock = serve([{"when": {"endpoint": "audio.*"}, "reply": {**reply, "content": ""}}])
    response = say_any(mock)
    assert (response.status_code, response.headers["x-mine"]) == (201, "1")
    assert audio_info(response.content).format == "mp3"
    assert events(say_any(mock, stream_format="sse").text)[-1]["usage"]["output_tokens"] == 7


def say_any(mock, **body):
    return post(mock, {"model": TTS, "input": TEXT, "voice": "alloy", **body}, "/audio/speech")


def test_faults_cut_binary_and_streamed_answers(serve):
    mock = serve([{"when": {}, "reply": {"fault": {"kind": "truncate", "after": 2}}}])
    assert len(say(mock).content) == 2
    assert len(events(say(mock, response_format="wav", stream_format="sse").text)) == 2
    mock = serve([{"when": {}, "reply": {"fault": {"kind": "disconnect", "after": 100}}}])
    with pytest.raises(httpx.RemoteProtocolError):
        say(mock)
    mock = serve([{"when": {}, "reply": {"pace": {"tps": 1e6}, "fault": {"kind": "error_event", "after": 1}}}])
    assert len(say(mock, response_format="wav").content) == 12_288


# What is refused


def enum(name, *values):
    *first, last = map(repr, values)
    expected = f"{', '.join(first)} or {last}"
    return [{"type": "enum", "loc": ("body", name), "msg": f"Input should be {expected}", "ctx": {"expected": expected}}]


def missing(name):
    return {"type": "missing", "loc": ("body", name), "msg": "Field required"}


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"response_format": "ogg"}, enum("response_format", "mp3", "opus", "aac", "flac", "wav", "pcm")),
        ({"voice": None}, [missing("voice")]),
        ({"voice": None, "input": None}, [missing("input"), missing("voice")]),
        ({"model": "tts-1", "voice": "ballad"}, enum(
            "voice", "nova", "shimmer", "echo", "onyx", "fable", "alloy", "ash", "sage", "coral")),
        ({"input": "x" * 4097}, [{"type": "string_too_long", "loc": ("body", "input"),
                                  "msg": "String should have at most 4096 characters", "ctx": {"max_length": 4096}}]),
        ({"input": ""}, [{"type": "string_too_short", "loc": ("body", "input"),
                          "msg": "String should have at least 1 character", "ctx": {"min_length": 1}}]),
        ({"speed": 5}, [{"type": "less_than_equal", "loc": ("body", "speed"), "msg": "Input should be less than or equal to 4",
                         "ctx": {"le": 4.0}}]),
        ({"speed": 0.1}, [{"type": "greater_than_equal", "loc": ("body", "speed"),
                           "msg": "Input should be greater than or equal to 0.25", "ctx": {"ge": 0.25}}]),
        ({"speed": "fast"}, [{"type": "float_parsing", "loc": ("body", "speed"),
                              "msg": "Input should be a valid number, unable to parse string as a number"}]),
        ({"speed": True}, [{"type": "float_type", "loc": ("body", "speed"), "msg": "Input should be a valid number"}]),
        ({"input": 7}, [{"type": "string_type", "loc": ("body", "input"), "msg": "Input should be a valid string"}]),
        ({"voice": {}}, [{"type": "missing", "loc": ("body", "voice", "id"), "msg": "Field required"}]),
        ({"voice": 7}, [{"type": "string_type", "loc": ("body", "voice"), "msg": "Input should be a valid string"}]),
    ],
)  # fmt: skip
def test_what_the_api_refuses(serve, body, problems):
    error = refusal(serve([]), **body)
    assert error == {"message": str(problems), "type": "invalid_request_error", "param": None, "code": None}


def test_a_request_without_a_model_is_refused(serve, client):
    with pytest.raises(openai.BadRequestError, match="you must provide a model parameter"):
        client(serve([])).audio.speech.create(model="", voice="alloy", input="x")

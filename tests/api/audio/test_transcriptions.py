"""Transcriptions and translations through the official client, other clients' forms, and as the wire has them."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import wave

import httpx
import openai
import pytest
import requests
from openai import AzureOpenAI
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)

from openaimock.media import audio

from ...support.wire import events, strictly

WHISPER, GPT, DIARIZE = "whisper-1", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize"
TEXT = "Ruby is a programming language designed for developer happiness."
RULES = [{"id": "ruby", "when": {"endpoint": "audio.*"}, "reply": TEXT}]


def recording(seconds=3.7):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(round(seconds * 8000) * 2))
    return file.getvalue()


WAV = recording()


def send(mock, path="/audio/transcriptions", file=("ruby.wav", WAV, "audio/wav"), **fields):
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.post(mock.url + path, data={"model": WHISPER, **fields}, files={"file": file} if file else None)


def ask(mock, **fields):
    response = send(mock, **fields)
    assert response.status_code == 200, response.text
    return response


def verbose_body(kind, mock, task="transcribe", **fields):
    """A ``verbose_json`` answer as the SDK's type, which lacks the member ``task`` that the API sends."""
    body = ask(mock, **{"response_format": "verbose_json", **fields}).json()
    assert body.pop("task") == task
    return strictly(kind, body)


def refusal(mock, status=400, **fields):
    response = send(mock, **fields)
    assert response.status_code == status, response.text
    return response.json()["error"]


@pytest.fixture(scope="module")
def shared():
    import openaimock

    with openaimock.start_mock_server({"responses": RULES}) as mock:
        yield mock


# Formats


def test_whisper_counts_seconds(shared):
    answer = ask(shared).json()
    strictly(Transcription, answer)
    assert answer == {"text": TEXT, "usage": {"type": "duration", "seconds": 4}}


def test_a_gpt_model_counts_tokens(shared):
    answer = strictly(Transcription, ask(shared, model=GPT, prompt="Ruby").json())
    usage = answer.usage
    assert (usage.type, usage.input_token_details.audio_tokens, usage.input_token_details.text_tokens) == ("tokens", 37, 1)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens == 38 + usage.output_tokens
    assert answer.logprobs is None


def test_text_is_plain(shared):
    response = ask(shared, response_format="text")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == TEXT + "\n"


def test_captions_span_the_audio(shared):
    assert ask(shared, response_format="srt").text == f"1\n00:00:00,000 --> 00:00:03,700\n{TEXT}\n\n"
    assert ask(shared, response_format="vtt").text == f"WEBVTT\n\n00:00:00.000 --> 00:00:03.700\n{TEXT}\n\n"


def test_verbose_json_has_segments(shared):
    answer = verbose_body(TranscriptionVerbose, shared, language="de", temperature="0.5")
    (segment,) = answer.segments
    assert (segment.text, segment.start, segment.end, segment.temperature) == (f" {TEXT}", 0, 3.7, 0.5)
    assert (answer.duration, answer.language, answer.words, answer.usage.seconds) == (3.7, "german", None, 4)


@pytest.mark.parametrize(("names", "has_segments"), [(["word"], False), (["word", "segment"], True)])
def test_verbose_json_has_words(shared, names, has_segments):
    answer = verbose_body(TranscriptionVerbose, shared, **{"timestamp_granularities[]": names})
    assert [word.word for word in answer.words] == TEXT.removesuffix(".").split()
    assert (answer.words[0].start, answer.words[-1].end) == (0, 3.7)
    assert (answer.segments is not None) == has_segments


def test_diarized_json_has_speakers(serve):
    mock = serve([{"when": {}, "reply": "Agent: Hello there.\nCustomer: Hi!\nAgent: How can I help?"}])
    fields = {"known_speaker_names[]": ["agent", "customer"], "chunking_strategy": "auto"}
    response = ask(mock, model=DIARIZE, response_format="diarized_json", **fields)
    answer = strictly(TranscriptionDiarized, response.json())
    assert [segment.speaker for segment in answer.segments] == ["agent", "customer", "agent"]
    assert (answer.text, answer.duration, answer.segments[-1].end) == ("Hello there. Hi! How can I help?", 3.7, 3.7)
    assert ask(mock, model=DIARIZE).json()["text"] == answer.text


def test_log_probabilities_are_those_of_the_tokens(shared):
    answer = strictly(Transcription, ask(shared, model=GPT, **{"include[]": "logprobs"}).json())
    assert "".join(entry.token for entry in answer.logprobs) == TEXT
    assert "logprobs" not in ask(shared, **{"include[]": "logprobs"}).json()


def test_gpt_transcribe_names_the_languages(shared):
    answer = strictly(Transcription, ask(shared, model="gpt-transcribe", **{"languages[]": ["fr", "en"]}).json())
    assert [language.code for language in answer.languages] == ["fr"]


# Streams


def test_a_stream_has_deltas_and_then_the_text(shared):
    response = ask(shared, model=GPT, stream="true")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    *items, end = events(response.text)
    *deltas, done = [strictly(TranscriptionStreamEvent, item) for item in items]
    assert end == "[DONE]"
    assert "".join(event.delta for event in deltas) == done.text == TEXT
    assert done.usage.input_token_details.audio_tokens == 37
    assert len(deltas) > 5


def test_a_stream_has_the_log_probabilities_of_each_delta(shared):
    *items, _ = events(ask(shared, model=GPT, stream="true", **{"include[]": "logprobs"}).text)
    *deltas, done = [strictly(TranscriptionStreamEvent, item) for item in items]
    assert all("".join(entry.token for entry in event.logprobs) == event.delta for event in deltas)
    assert [entry.to_dict() for event in deltas for entry in event.logprobs] == [entry.to_dict() for entry in done.logprobs]


def test_a_stream_of_a_diarizing_model_has_segments(shared):
    fields = {"response_format": "diarized_json", "chunking_strategy": "auto", "stream": "true"}
    *items, _ = events(ask(shared, model=DIARIZE, **fields).text)
    assert [strictly(TranscriptionStreamEvent, item).type for item in items] == [
        "transcript.text.segment",
        "transcript.text.done",
    ]


def test_whisper_ignores_stream(shared):
    assert ask(shared, stream="true").json()["text"] == TEXT
    assert not shared.exchanges[-1].ask.stream


def test_pace_and_faults_work_on_streams_and_whole_answers(serve):
    mock = serve([{"when": {}, "reply": {"content": TEXT, "pace": {"ttft": 1, "tps": 1e6, "chunk": "word"}}}])
    *items, _ = events(ask(mock, model=GPT, stream="true").text)
    assert [item["delta"] for item in items[:2]] == ["Ruby", " is"]
    assert len(mock.exchanges[-1].chunks) == len(items) + 1
    mock = serve([{"when": {}, "reply": {"content": TEXT, "fault": {"kind": "truncate", "after": 3}}}])
    assert len(events(ask(mock, model=GPT, stream="true").text)) == 3
    assert len(ask(mock, response_format="text").content) == 3


# Clients


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client says that translations will go
def test_the_clients_transcribe_and_translate(shared, client, async_client):
    sdk = client(shared)
    assert sdk.audio.transcriptions.create(model=WHISPER, file=("a.wav", WAV)).text == TEXT
    verbose = sdk.audio.transcriptions.create(
        model=WHISPER, file=("a.wav", WAV), response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert (len(verbose.words), len(verbose.segments)) == (9, 1)
    assert sdk.audio.transcriptions.create(model=WHISPER, file=("a.wav", WAV), response_format="srt").startswith("1\n")
    stream = sdk.audio.transcriptions.create(model=GPT, file=("a.wav", WAV), stream=True, include=["logprobs"])
    assert list(stream)[-1].text == TEXT
    diarized = sdk.audio.transcriptions.create(
        model=DIARIZE,
        file=("a.wav", WAV),
        response_format="diarized_json",
        chunking_strategy={"type": "server_vad", "threshold": 0.5},
        known_speaker_names=["me"],
    )
    assert diarized.segments[0].speaker == "me"
    assert sdk.audio.translations.create(model=WHISPER, file=("a.wav", WAV)).text == TEXT

    async def all_of_them():
        async with async_client(shared) as sdk:
            text = (await sdk.audio.transcriptions.create(model=WHISPER, file=("a.wav", WAV))).text
            stream = await sdk.audio.transcriptions.create(model=GPT, file=("a.wav", WAV), stream=True)
            last = [event async for event in stream][-1]
            translated = await sdk.audio.translations.create(model=WHISPER, file=("a.wav", WAV))
            return {text, last.text, translated.text}

    assert asyncio.run(all_of_them()) == {TEXT}


def test_the_azure_client_transcribes(shared):
    with AzureOpenAI(
        azure_endpoint=shared.url.removesuffix("/v1"), api_key="k", api_version="2024-10-21", max_retries=0
    ) as azure:
        assert azure.audio.transcriptions.create(model="my-whisper", file=("a.wav", WAV)).text == TEXT
    assert shared.exchanges[-1].ask.model == "my-whisper"


def test_requests_and_curl_send_forms(shared, tmp_path):
    session = requests.Session()
    session.trust_env = False
    form = {"model": WHISPER, "timestamp_granularities[]": ["word", "segment"], "response_format": "verbose_json"}
    answer = session.post(f"{shared.url}/audio/transcriptions", data=form, files={"file": ("größe.wav", WAV)}).json()
    assert (len(answer["words"]), len(answer["segments"])) == (9, 1)
    assert shared.exchanges[-1].ask.files["file"].filename == "größe.wav"
    path = tmp_path / "speech.wav"
    path.write_bytes(WAV)
    command = ["curl", "-s", "--noproxy", "*", f"{shared.url}/audio/transcriptions", "-F", f"model={GPT}", "-F", f"file=@{path}"]
    assert json.loads(subprocess.run([*command, "-F", "stream=false"], capture_output=True, check=True).stdout)["text"] == TEXT


# Translations


def test_a_translation_is_text_alone_or_english_segments(shared):
    path = "/audio/translations"
    assert ask(shared, path=path).json() == {"text": TEXT}
    strictly(Translation, ask(shared, path=path).json())
    verbose = verbose_body(TranslationVerbose, shared, task="translate", path=path)
    assert (verbose.language, verbose.duration, len(verbose.segments)) == ("english", 3.7, 1)
    assert ask(shared, path=path, response_format="text").text == TEXT + "\n"


# Rules


def test_rules_match_the_prompt_and_the_name_of_the_file(serve):
    mock = serve(
        [
            {"id": "prompt", "when": {"endpoint": "audio.transcriptions", "text": {"contains": "meeting"}}, "reply": "one"},
            {"id": "name", "when": {"endpoint": "audio.transcriptions", "text": "call.wav"}, "reply": "two"},
            {"id": "file", "when": {"body": {"file": {"regex": "^x"}}}, "reply": "three"},
            {"id": "language", "when": {"body": {"language": "fr"}}, "reply": "quatre"},
        ]
    )
    assert ask(mock, prompt="the meeting of today").json()["text"] == "one"
    assert ask(mock, file=("call.wav", WAV)).json()["text"] == "two"
    assert ask(mock, file=("x.wav", WAV), prompt="no").json()["text"] == "three"
    assert ask(mock, language="fr").json()["text"] == "quatre"


def test_a_recording_that_no_rule_matches_is_a_400(serve):
    mock = serve([{"id": "other", "when": {"text": "other.wav"}, "reply": "x"}])
    error = refusal(mock)
    assert error["code"] == "no_match"
    assert "other" in error["message"]


def test_unmatched_auto_makes_a_text(serve):
    mock = serve({"unmatched": "auto"})
    assert ask(mock).json()["text"] == ask(mock, response_format="text").text.strip() != ""
    mock = serve({"unmatched": "echo"})
    assert ask(mock, prompt="hello").json()["text"] == "hello"


def test_errors_and_usage_of_rules(serve):
    mock = serve(
        [
            {"when": {"text": "slow.wav"}, "reply": {"error": 429}},
            {"when": {"text": "use.wav"}, "reply": {"content": "x", "usage": {"output_tokens": 7}}},
            {"when": {"text": "extra.wav"}, "reply": {"content": "x", "extra": {"language": "en"}}},
        ]
    )
    assert send(mock, file=("slow.wav", WAV)).status_code == 429
    usage = ask(mock, model=GPT, file=("use.wav", WAV)).json()["usage"]
    assert (usage["output_tokens"], usage["total_tokens"]) == (7, 44)
    assert ask(mock, file=("extra.wav", WAV)).json()["language"] == "en"


# What is refused


def test_a_form_without_file_or_model(shared):
    problem = {"type": "missing", "loc": ("body", "file"), "msg": "Field required"}
    with httpx.Client(trust_env=False, verify=False) as http:
        response = http.post(f"{shared.url}/audio/transcriptions", files={"model": (None, WHISPER)})
        assert response.json()["error"]["message"] == str([problem])
        assert http.post(f"{shared.url}/audio/transcriptions", json={"model": WHISPER}).status_code == 415
    assert refusal(shared, model="")["message"] == "you must provide a model parameter"


@pytest.mark.parametrize(
    ("fields", "message", "param", "code"),
    [
        ({"model": GPT, "response_format": "verbose_json"},
         "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'. Use 'json' or 'text' instead.",
         "response_format", "unsupported_value"),
        ({"language": "this should cause an error"},
         "Invalid language 'this should cause an error'. Language parameter must be specified in ISO-639-1 format.",
         "language", "invalid_language_format"),
        ({"language": "xx"}, "Language 'xx' is not supported.", "language", "unsupported_language"),
        ({"file": ("a.txt", b"hello")}, "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', "
         "'oga', 'ogg', 'wav', 'webm']", None, None),
        ({"file": ("a.mp3", b"hello")}, "The audio file could not be decoded or its format is not supported.", None, None),
        ({"file": ("a.mp3", b"hello"), "model": GPT}, "Audio file might be corrupted or unsupported", "file", "invalid_value"),
        ({"file": ("a.wav", b"")}, "Audio file is too short. Minimum audio length is 0.1 seconds.", "file", "audio_too_short"),
        ({"file": ("a.wav", recording(0.05))}, "Audio file is too short. Minimum audio length is 0.1 seconds.", "file",
         "audio_too_short"),
        ({"file": ("a.wav", WAV[:20])}, "The audio file could not be decoded or its format is not supported. (The wav file is "
         "broken: its 'fmt ' chunk has 0 bytes, fewer than 16.)", None, None),
        ({"file": ("a.wav", recording(31)), "model": DIARIZE}, "chunking_strategy is required for diarization models",
         "chunking_strategy", "invalid_value"),
        ({"file": ("a.wav", recording(1401)), "model": GPT},
         "audio duration 1401 seconds is longer than 1400 seconds which is the maximum for this model", None, "invalid_value"),
    ],
)  # fmt: skip
def test_what_the_api_refuses(shared, fields, message, param, code):
    assert refusal(shared, **fields) == {"message": message, "type": "invalid_request_error", "param": param, "code": code}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"response_format": "diarized_json"}, "Input should be 'json', 'text', 'vtt', 'srt' or 'verbose_json'"),
        ({"response_format": "xml"}, "Input should be 'json', 'text', 'vtt', 'srt' or 'verbose_json'"),
        ({"temperature": "hot"}, "Input should be a valid number, unable to parse string as a number"),
        ({"stream": "perhaps"}, "Input should be a valid boolean, unable to interpret input"),
        ({"timestamp_granularities[]": "letter"}, "Input should be 'word' or 'segment'"),
        ({"known_speaker_names[]": list("abcde")}, "List should have at most 4 items after validation, not 5"),
        ({"chunking_strategy": '{"threshold": 1}'}, "Field required"),
        ({"chunking_strategy": "manual"}, "Input should be 'auto'"),
    ],
)
def test_the_problems_of_parameters(shared, fields, problem):
    assert f'"msg": {problem!r}' in refusal(shared, **fields)["message"].replace("'msg'", '"msg"')


def test_a_file_that_is_too_large(shared):
    error = refusal(shared, status=413, file=("a.wav", WAV + bytes(26_214_400)))
    assert error["message"].startswith("Maximum content size limit (26214400) exceeded")


def test_a_truncated_form(shared):
    content = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x\r\nContent-Disposition: form-da'
    with httpx.Client(trust_env=False, verify=False) as http:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        response = http.post(f"{shared.url}/audio/transcriptions", content=content, headers=headers)
    assert response.status_code == 400
    assert "Could not parse multipart form" in response.json()["error"]["message"]


def test_a_recording_that_does_not_tell_its_length_lasts_as_long_as_its_text(shared):
    webm = b"\x1a\x45\xdf\xa3\x84\x42\x82\x81\x77\x18\x53\x80\x67\x80"
    answer = ask(shared, file=("a.webm", webm)).json()
    assert answer["usage"]["seconds"] >= 3


@pytest.mark.parametrize("format", ["mp3", "flac", "wav"])
def test_speech_of_the_mock_can_be_transcribed(shared, format):
    speech = audio.speech(TEXT, format)
    answer = ask(shared, file=(f"a.{format}", speech.data()), response_format="verbose_json").json()
    assert answer["duration"] == pytest.approx(speech.seconds, abs=0.03)


def test_the_sdk_raises_for_a_broken_file(shared, client):
    with pytest.raises(openai.BadRequestError, match="could not be decoded"):
        client(shared).audio.transcriptions.create(model=WHISPER, file=("a.mp3", b"nothing"))

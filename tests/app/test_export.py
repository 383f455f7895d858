"""Exported exchanges: rules that give the same answers to the same requests."""

from __future__ import annotations

import base64
import wave
from io import BytesIO

import httpx
import openai
import pytest
import yaml

RULES = [
    {"id": "hello", "when": {"user": "Hello"}, "reply": {"content": "Hi {{ user }}!", "latency": 1}},
    {"id": "turns", "when": {"user": "next"}, "replies": ["one", "two"]},
    {"id": "tool", "when": {"user": "weather"}, "reply": {"tool_calls": [{"name": "get", "arguments": {"city": "SF"}}]}},
    {"id": "error", "when": {"user": "limit"}, "reply": {"error": {"code": "rate_limit_exceeded", "retry_after": 3}}},
    {"id": "raw", "when": {"user": "raw"}, "reply": {"status": 418, "body": "a teapot"}},
    {"id": "vector", "when": {"endpoint": "embeddings"}, "reply": {"embedding": [0.5, 0.25]}},
]
TOOLS = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object", "properties": {}}}}]


def chat(api, text, **options):
    return api.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}], **options)


def exported(mock, **query):
    with httpx.Client(trust_env=False) as http:
        answer = http.get(mock.url.replace("/v1", "/__openaimock/export"), params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/yaml; charset=utf-8"
    return answer.text


def error_of(api, text):
    with pytest.raises(openai.APIStatusError) as raised:
        chat(api, text)
    return raised.value.status_code, raised.value.body, raised.value.response.headers.get("retry-after")


def conversation(api):
    """What a client gets in a session of several kinds of requests."""
    return [
        chat(api, "Hello").choices[0].message.content,
        [chat(api, "next").choices[0].message.content for _ in range(2)],
        chat(api, "weather", tools=TOOLS).choices[0].message.tool_calls[0].function.arguments,
        "".join(chunk.choices[0].delta.content or "" for chunk in chat(api, "Hello", stream=True)),
        error_of(api, "limit"),
        error_of(api, "raw")[0],
        api.embeddings.create(model="text-embedding-3-small", input="x").data[0].embedding,
    ]


def test_a_mock_with_the_exported_rules_gives_the_same_answers(serve, client):
    mock = serve(RULES)
    expected = conversation(client(mock))
    twin = serve(exported(mock))
    assert conversation(client(twin)) == expected


def test_a_chain_of_responses_is_exported_as_a_conversation(serve, client):
    mock = serve([{"when": {}, "reply": "answer to {{ user }}"}])

    def chain(api):
        first = api.responses.create(model="gpt-4o", input="one")
        second = api.responses.create(model="gpt-4o", input="two", previous_response_id=first.id)
        return [first.output_text, second.output_text]

    expected = chain(client(mock))
    assert chain(client(serve(exported(mock)))) == expected


def test_one_exchange_is_exported_by_its_id(serve, client):
    mock = serve(RULES)
    api = client(mock)
    chat(api, "Hello")
    chat(api, "weather", tools=TOOLS)
    (rule,) = yaml.safe_load(exported(mock, id=mock.exchanges[0].id))["responses"]
    assert [message["content"] for message in rule["messages"]] == ["Hello", "Hi Hello!"]


def test_the_filters_select_what_is_exported(serve, client):
    mock = serve(RULES)
    conversation(client(mock))
    assert len(yaml.safe_load(exported(mock, endpoint="embeddings"))["responses"]) == 1


def test_exchanges_without_a_rule_are_named_in_comments(serve, client):
    mock = serve(RULES)
    with pytest.raises(openai.BadRequestError):
        chat(client(mock), "unknown")
    client(mock).models.list()
    text = exported(mock)
    assert yaml.safe_load(text) == {"responses": []}
    assert "# left out: #1 POST /v1/chat/completions: no rule answered" in text
    assert "# left out: #2 GET /v1/models: " in text


def test_an_export_changes_nothing(serve, client):
    mock = serve(RULES)
    assert chat(client(mock), "next").choices[0].message.content == "one"
    assert exported(mock) == exported(mock)
    assert chat(client(mock), "next").choices[0].message.content == "two"


def test_no_secret_is_exported(serve, client):
    secret = "sk-" + "a1" * 20
    mock = serve([{"when": {}, "reply": {"content": f"the key is {secret}", "headers": {"set-cookie": "c=12345678"}}}])
    chat(client(mock, api_key="my-own-secret-key"), f"{secret} my-own-secret-key")
    text = exported(mock)
    assert secret not in text
    assert "my-own-secret-key" not in text
    assert "12345678" not in text


def test_answers_of_the_upstream_are_exported(serve, client):
    upstream = serve(RULES)
    mock = serve({"upstream": {"url": upstream.url}, "unmatched": "proxy"})
    expected = conversation(client(mock))
    assert conversation(client(serve(exported(mock)))) == expected


def test_an_answer_of_the_upstream_that_is_too_long_for_the_journal_is_left_out(serve, client):
    upstream = serve([{"when": {}, "reply": "x" * 2000}])
    mock = serve({"upstream": {"url": upstream.url}, "unmatched": "proxy", "journal": {"body_limit": 1000}})
    chat(client(mock), "Hello")
    assert "raise 'journal: {body_limit: ...}'" in exported(mock)


PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
MEDIA_RULES = [
    {"when": {"endpoint": "images.generations"}, "reply": {"image": {"b64": base64.b64encode(PNG).decode()}}},
    {"when": {"endpoint": "audio.speech"}, "reply": {"speech": {"b64": base64.b64encode(b"ID3" + b"x" * 3000).decode()}}},
    {"when": {"endpoint": "moderations"}, "reply": {"moderation": {"flagged": True, "categories": {"violence": True}}}},
    {"when": {"endpoint": "completions"}, "reply": {"content": " a time", "finish_reason": "length"}},
]


def media(api):
    images = [
        api.images.generate(model="gpt-image-1", prompt="cat").data,
        api.images.generate(model="dall-e-3", prompt="dog", response_format="b64_json").data,
        api.images.generate(model="dall-e-2", prompt="two dogs", n=2, response_format="b64_json").data,
    ]
    results = api.moderations.create(model="omni-moderation-latest", input=["one", "two"]).results
    complete = api.completions.create
    choices = [
        *complete(model="gpt-3.5-turbo-instruct", prompt="Once").choices,
        *complete(model="gpt-3.5-turbo-instruct", prompt=["a", "b"]).choices,
        *complete(model="gpt-3.5-turbo-instruct", prompt=[1, 2, 3]).choices,
        *complete(model="gpt-3.5-turbo-instruct", prompt="echo", n=2, echo=True).choices,
    ]
    return [
        [(image.b64_json, image.url) for listed in images for image in listed],
        [event.b64_json for event in api.images.generate(model="gpt-image-1", prompt="s", stream=True) if event.b64_json],
        api.audio.speech.create(model="tts-1", voice="alloy", input="say").content,
        [(result.flagged, result.categories.violence) for result in results],
        [(choice.text, choice.finish_reason) for choice in choices],
        [
            chunk.choices[0].text
            for chunk in complete(model="gpt-3.5-turbo-instruct", prompt="Once", stream=True)
            if chunk.choices
        ],
    ]


def test_images_speech_moderations_and_completions_are_exported(serve, client):
    mock = serve(MEDIA_RULES)
    expected = media(client(mock))
    text = exported(mock)
    assert "left out" not in text
    assert media(client(serve(text))) == expected


def test_a_picture_at_an_address_is_exported_with_its_bytes(serve, client):
    mock = serve(MEDIA_RULES)
    client(mock).images.generate(model="dall-e-3", prompt="dog")
    text = exported(mock)
    assert mock.url.removesuffix("/v1") not in text
    twin = serve(text)
    url = client(twin).images.generate(model="dall-e-3", prompt="dog").data[0].url
    with httpx.Client(trust_env=False) as http:
        assert http.get(url).content == PNG


def test_what_the_mock_stores_is_left_out_with_a_reason(serve, client):
    mock = serve(RULES)
    api = client(mock)
    file = api.files.create(purpose="batch", file=("b", b"{}\n"))
    store = api.vector_stores.create(name="store", file_ids=[file.id])
    api.vector_stores.search(store.id, query="x")
    api.vector_stores.list()
    api.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    api.batches.list()
    api.uploads.create(purpose="batch", bytes=3, filename="x.jsonl", mime_type="text/plain")
    api.files.content(file.id)
    with pytest.raises(openai.NotFoundError):
        api.vector_stores.retrieve("vs_0")
    api.files.delete(file.id)
    text = exported(mock)
    assert yaml.safe_load(text) == {"responses": []}
    reasons = [line for line in text.splitlines() if line.startswith("# left out: #")]
    assert len(reasons) == 10
    assert all(line.endswith("the mock answers this operation by itself, from what it stores") for line in reasons)


def test_names_of_accounts_are_not_exported(serve, client):
    mock = serve([{"when": {}, "reply": "acme and mine-1"}])
    chat(client(mock), "acme says hello", extra_headers={"OpenAI-Organization": "acme", "OpenAI-Project": "mine-1"})
    text = exported(mock)
    assert "hello" in text
    assert [name for name in ("acme", "mine-1") if name in text] == []


def test_forms_that_were_passed_on_are_exported_without_their_files(serve, client):
    spoken = {"when": {"endpoint": "audio.transcriptions"}, "reply": "The openaimock speaks."}
    upstream = serve([spoken])
    mock = serve({"upstream": {"url": upstream.url}, "unmatched": "proxy"})

    def session(api):
        file = api.files.create(file=("a.jsonl", b"{}"), purpose="user_data")
        upload = api.uploads.create(bytes=5, filename="b.txt", mime_type="text/plain", purpose="user_data")
        part = api.uploads.parts.create(upload.id, data=b"hello")
        complete = api.uploads.complete(upload.id, part_ids=[part.id])
        words = api.audio.transcriptions.create(model="whisper-1", file=("a.wav", silence())).text
        return file.id, upload.id, part.id, complete.file.id, words

    recorded = session(client(mock))
    twin = client(serve(exported(mock)))
    assert session(twin) == recorded


def test_an_answer_that_was_made_from_a_file_is_left_out(serve, client):
    mock = serve([{"when": {"endpoint": "audio.transcriptions"}, "reply": "The openaimock speaks."}])
    client(mock).audio.transcriptions.create(model="whisper-1", file=("a.wav", silence()))
    assert "its answer depends on the bytes of files, which the journal does not keep" in exported(mock)


def silence():
    file = BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(8000))
    return file.getvalue()

"""Custom voices and the consents to them."""

from __future__ import annotations

import asyncio

import openai
import pytest
from openai.types.audio import Voice, VoiceConsent, VoiceConsentDeleted, VoiceDeleted

from openaimock.api.audio import voices
from openaimock.media.audio import speech

from ...support.wire import post, strictly

SAMPLE = ("sample.wav", speech("Hello there, this is my voice.", "wav").data(), "audio/wav")


@pytest.fixture
def consent(sdk):
    return sdk.audio.voice_consents.create(name="Ann", recording=SAMPLE, language="en-US")


def test_consents(sdk, consent):
    consents = sdk.audio.voice_consents
    strictly(VoiceConsent, consent.to_dict())
    assert (consent.id[:5], consent.name, consent.language) == ("cons_", "Ann", "en-US")
    assert consents.retrieve(consent.id) == consent
    changed = consents.update(consent.id, name="Anna")
    assert (changed.name, consents.retrieve(consent.id)) == ("Anna", changed)
    other = consents.create(name="Bob", recording=SAMPLE, language="de")
    assert [each.id for each in consents.list()] == [other.id, consent.id]
    assert [each.id for each in consents.list(limit=1)] == [other.id, consent.id]
    strictly(VoiceConsentDeleted, consents.delete(consent.id).to_dict())
    assert [each.id for each in consents.list()] == [other.id]


def test_a_voice_from_a_sample(sdk, consent):
    voice = sdk.audio.voices.create(name="mine", audio_sample=SAMPLE, consent=consent.id)
    strictly(Voice, voice.to_dict())
    assert (voice.id[:6], voice.name, voice.type) == ("voice_", "mine", "audio_sample")
    assert sdk.audio.speech.create(model="gpt-4o-mini-tts", voice={"id": voice.id}, input="Hi", response_format="wav").content
    strictly(VoiceDeleted, sdk.audio.voices.delete(voice.id).to_dict())
    with pytest.raises(openai.NotFoundError, match="No voice found"):
        sdk.audio.voices.delete(voice.id)


def test_a_voice_from_a_prompt(mock, sdk):
    voice = sdk.audio.voices.create(name="calm", type="prompt", prompt="a calm voice")
    strictly(Voice, voice.to_dict())
    assert (voice.type, voice.prompt) == ("prompt", "a calm voice")
    body = {"name": "calm", "type": "prompt", "prompt": "a calm voice"}
    assert strictly(Voice, post(mock, body, "/audio/voices").json()).prompt == "a calm voice"


def test_a_voice_needs_a_consent_of_its_namespace(mock, sdk, consent, client):
    other = client(mock, base_url=mock.url.replace("/v1", "/t/other/v1"))
    for who, id in ((sdk, "cons_none"), (other, consent.id)):
        with pytest.raises(openai.NotFoundError) as error:
            who.audio.voices.create(name="mine", audio_sample=SAMPLE, consent=id)
        assert error.value.body["param"] == "consent"


@pytest.mark.parametrize("operation", ["retrieve", "update", "delete"])
def test_an_unknown_consent(sdk, operation):
    more = {"name": "x"} if operation == "update" else {}
    with pytest.raises(openai.NotFoundError) as error:
        getattr(sdk.audio.voice_consents, operation)("cons_none", **more)
    assert error.value.body["message"] == "No voice consent found with id 'cons_none'."


@pytest.mark.parametrize("recording", [("a.wav", b""), ("a.wav", b"no audio"), ("a.wav", SAMPLE[1][:20])])
def test_a_recording_that_is_no_audio(sdk, recording):
    with pytest.raises(openai.BadRequestError) as error:
        sdk.audio.voice_consents.create(name="Ann", recording=recording, language="en")
    assert error.value.body["param"] == "recording"


def test_a_large_recording(sdk, monkeypatch):
    monkeypatch.setattr(voices, "LARGEST", 100)
    with pytest.raises(openai.BadRequestError, match="the maximum is 100"):
        sdk.audio.voice_consents.create(name="Ann", recording=SAMPLE, language="en")


def test_missing_and_wrong_parameters(mock, sdk, consent):
    with pytest.raises(openai.BadRequestError, match="'audio_sample'"):
        sdk.audio.voices.create(name="mine", type="audio_sample", prompt="x")
    assert post(mock, {"name": 1}, f"/audio/voice_consents/{consent.id}").json()["error"]["param"] == "name"
    with pytest.raises(openai.BadRequestError, match="limit"):
        sdk.audio.voice_consents.list(limit=0)


def test_the_asynchronous_client(mock, async_client):
    async def run():
        async with async_client(mock) as sdk:
            consents = sdk.audio.voice_consents
            consent = await consents.create(name="Ann", recording=SAMPLE, language="en")
            assert await consents.retrieve(consent.id) == consent
            assert (await consents.update(consent.id, name="Anna")).name == "Anna"
            assert [each.id async for each in consents.list()] == [consent.id]
            voice = await sdk.audio.voices.create(name="mine", audio_sample=SAMPLE, consent=consent.id)
            assert (await sdk.audio.voices.delete(voice.id)).deleted
            assert (await consents.delete(consent.id)).deleted

    asyncio.run(run())


def test_a_rule_makes_it_fail(serve, client):
    sdk = client(serve([{"when": {"endpoint": "audio.voices"}, "reply": {"error": 429}}]))
    with pytest.raises(openai.RateLimitError):
        sdk.audio.voices.create(name="calm", type="prompt", prompt="a calm voice")

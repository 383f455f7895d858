"""Parameters of the audio API: the generated tables and what the description lacks."""

from __future__ import annotations

from .compile import compiled
from .generated import audio as generated
from .shapes import Object, OneOf, String, Union
from .table import adapted

#: What newer versions of the API take instead of a sample (SDK type VoiceCreateParams).
_PROMPT = {"prompt": String(), "model": String(), "script_hint": String()}
_VOICE = Union(
    "type",
    {
        "audio_sample": Object({}, required=["audio_sample", "consent"]),
        "prompt": Object({}, required=["prompt"]),
    },
    default="audio_sample",
)

SPEECH_CREATE = adapted(generated.SPEECH_CREATE, {"input": String(min_length=1, max_length=4096)})
#: In the order of the API's message. Which of them a model has is checked later.
_FORMATS = ["json", "text", "vtt", "srt", "verbose_json"]
TRANSCRIPTIONS_CREATE = adapted(generated.TRANSCRIPTIONS_CREATE, {"response_format": OneOf(_FORMATS, also=["diarized_json"])})
TRANSLATIONS_CREATE = adapted(generated.TRANSLATIONS_CREATE, {"response_format": OneOf(_FORMATS)})
VOICE_CONSENTS_CREATE = adapted(generated.VOICE_CONSENTS_CREATE)
VOICE_CONSENTS_LIST = adapted(generated.VOICE_CONSENTS_LIST)
VOICE_CONSENTS_UPDATE = adapted(generated.VOICE_CONSENTS_UPDATE)
VOICES_CREATE = adapted(
    generated.VOICES_CREATE,
    {"type": OneOf(["audio_sample", "prompt"]), **_PROMPT},
    required=["name"],
    rules=[compiled(_VOICE)],
)

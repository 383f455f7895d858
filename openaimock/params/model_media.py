"""Families of models that do not answer prompts with text: vectors, moderation, images, speech, video and realtime.

Sources: the API description (which endpoint names which model), recorded answers, and OpenAI's model pages (limits).
"""

from __future__ import annotations

from .model_facts import Family, ImageOutput, Listening, Model

_IMAGES = frozenset(["images.generations", "images.edits"])
_VARIATIONS = frozenset([*_IMAGES, "images.variations"])
_GENERATIONS = frozenset(["images.generations"])
_LISTEN = frozenset(["audio.transcriptions"])

_EMBEDDING = Model(
    endpoints=frozenset(["embeddings"]),
    context_window=8192,
    dimensions=1536,
    shortens=True,
    encoding="cl100k_base",
    schemas=False,
)
_MODERATION = Model(endpoints=frozenset(["moderations"]), schemas=False, encoding="cl100k_base")
_SQUARE_AND_HALF = ("1024x1024", "1024x1536", "1536x1024")
_GPT_IMAGE = ImageOutput(
    sizes=_SQUARE_AND_HALF, qualities=("low", "medium", "high", "auto"), unknown=("response_format", "style")
)
_FLEXIBLE = _GPT_IMAGE._replace(sizes=(), grid=14, input_base=0, input_tile=64)
_LATEST = _FLEXIBLE._replace(qualities=("low", "medium", "high", "xhigh", "max", "auto"))
_NEWER = ("background", "moderation", "output_format", "output_compression", "stream", "partial_images", "input_fidelity")
_DALL_E_3 = ImageOutput(
    sizes=("1024x1024", "1024x1792", "1792x1024"), qualities=("standard", "hd"), max_prompt=4000, max_images=1, unknown=_NEWER,
    legacy=True, revises=True,
)  # fmt: skip
_DALL_E_2 = ImageOutput(
    sizes=("256x256", "512x512", "1024x1024"), qualities=("standard",), max_prompt=1000, unknown=(*_NEWER, "quality", "style"),
    legacy=True,
)  # fmt: skip
_IMAGE = Model(endpoints=_IMAGES, schemas=False, pictures=_GPT_IMAGE)
_VOICES = ("nova", "shimmer", "echo", "onyx", "fable", "alloy", "ash", "sage", "coral")
_SPEECH = Model(endpoints=frozenset(["audio.speech"]), schemas=False, voices=_VOICES)
_WHISPER = Listening(("json", "text", "srt", "verbose_json", "vtt"), streams=False, logprobs=False)
_GPT_LISTENING = Listening(("json", "text"), max_seconds=1400)
_DIARIZING = _GPT_LISTENING._replace(formats=("json", "text", "diarized_json"), logprobs=False, diarizes=True)
_TRANSCRIPTION = Model(
    endpoints=_LISTEN, context_window=16_000, max_output_tokens=2000, schemas=False, listening=_GPT_LISTENING
)  # fmt: skip
_REALTIME = Model(
    endpoints=frozenset(["realtime"]), context_window=32_000, max_output_tokens=4096, audio=True, schemas=False
)  # fmt: skip

FAMILIES = (
    Family(_EMBEDDING, "text-embedding-3-small"),
    Family(_EMBEDDING._replace(dimensions=3072), "text-embedding-3-large"),
    Family(_EMBEDDING._replace(shortens=False), "text-embedding-ada-002=text-embedding-ada-002-v2"),
    # Lengths of the first generation, from the announcement of text-embedding-ada-002.
    Family(_EMBEDDING._replace(context_window=2046, dimensions=1024, shortens=False),
           "text-similarity-ada-001 text-search-ada-doc-001 text-search-ada-query-001"),
    # The newest moderation answers with its alias; the older ones answer with their number.
    Family(_MODERATION, "omni-moderation-latest omni-moderation-2024-09-26", "omni-moderation"),
    Family(_MODERATION._replace(text_only=True),
           "text-moderation-latest=text-moderation-007 text-moderation-stable=text-moderation-007 "
           "text-moderation-006", "text-moderation"),
    Family(_IMAGE, "gpt-image-1 gpt-image-1.5 gpt-image-1.5-2025-12-16 gpt-image-1-mini chatgpt-image-latest",
           "gpt-image chatgpt-image"),
    Family(_IMAGE._replace(pictures=_FLEXIBLE), "gpt-image-2 gpt-image-2-2026-04-21"),
    Family(_IMAGE._replace(pictures=_LATEST),
           "gpt-image-2.6-sunburst gpt-image-2.6-flare gpt-image-2.5-sunburst gpt-image-2.5-sunburst-2026-09-08 "
           "gpt-image-2.5-flare gpt-image-2.5-flare-2026-09-08", "gpt-image-2."),
    Family(_IMAGE._replace(endpoints=_GENERATIONS, pictures=_DALL_E_3), "dall-e-3"),
    Family(_IMAGE._replace(endpoints=_VARIATIONS, pictures=_DALL_E_2), "dall-e-2"),
    Family(_SPEECH, "tts-1 tts-1-1106 tts-1-hd tts-1-hd-1106", "tts"),
    Family(_SPEECH._replace(context_window=2000, voices=(*_VOICES, "ballad", "verse", "marin", "cedar")),
           "gpt-4o-mini-tts gpt-4o-mini-tts-2025-12-15 gpt-4o-mini-tts-2025-03-20"),
    Family(_TRANSCRIPTION._replace(endpoints=frozenset([*_LISTEN, "audio.translations"]), context_window=None,
                   max_output_tokens=None, listening=_WHISPER), "whisper-1", "whisper"),
    Family(_TRANSCRIPTION, "gpt-4o-transcribe gpt-4o-mini-transcribe gpt-4o-mini-transcribe-2025-12-15 "
                           "gpt-4o-mini-transcribe-2025-03-20"),
    Family(_TRANSCRIPTION._replace(listening=_DIARIZING), "gpt-4o-transcribe-diarize"),
    Family(_TRANSCRIPTION._replace(listening=_GPT_LISTENING._replace(logprobs=False, languages=True)), "gpt-transcribe"),
    # These transcribe within a realtime session.
    Family(_TRANSCRIPTION._replace(endpoints=frozenset(["realtime"])),
           "gpt-live-transcribe gpt-realtime-whisper gpt-realtime-translate"),
    Family(_REALTIME, "gpt-realtime gpt-realtime-2025-08-28 gpt-realtime-1.5 gpt-realtime-mini gpt-realtime-mini-2025-12-15 "
                      "gpt-realtime-mini-2025-10-06 gpt-4o-realtime-preview gpt-4o-realtime-preview-2025-06-03 "
                      "gpt-4o-realtime-preview-2024-12-17 gpt-4o-realtime-preview-2024-10-01 gpt-4o-mini-realtime-preview "
                      "gpt-4o-mini-realtime-preview-2024-12-17"),
    Family(_REALTIME._replace(context_window=128_000, max_output_tokens=32_000),
           "gpt-realtime-2 gpt-realtime-2.1 gpt-realtime-2.1-mini gpt-live-1 gpt-live-1.1", "gpt-live"),
    Family(Model(endpoints=frozenset(["videos"]), schemas=False),
           "sora-2 sora-2-2025-12-08 sora-2-2025-10-06 sora-2-pro sora-2-pro-2025-10-06", "sora"),
)  # fmt: skip

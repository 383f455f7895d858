"""Transcriptions and translations: the text of a recording, from the rule's content.

(API reference: Create transcription, Create translation; SDK types Transcription, TranscriptionVerbose, TranscriptionDiarized,
TranscriptionStreamEvent, Translation, TranslationVerbose.)
"""

from __future__ import annotations

import re
from typing import Any

from ...errors import APIError
from ...http import payloads
from ...http.catalog import printable
from ...http.json import parse
from ...http.request import Request
from ...media.languages import language_name
from ...params import audio_rules
from ...params.audio import TRANSCRIPTIONS_CREATE, TRANSLATIONS_CREATE
from ...params.models import family
from ...params.table import Table
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ..operation import Operation
from .errors import check_model
from .recordings import seconds_of, uploaded
from .transcript_answer import Heard, streamed, whole

#: A diarizing model needs a ``chunking_strategy`` for audio that is longer than this many seconds.
_UNCHUNKED = 30.0
#: The formats of whisper in the order of the API's message.
_OF_WHISPER = ("json", "text", "vtt", "srt", "verbose_json")


def _read(request: Request, endpoint: str, table: Table) -> Ask:
    texts, files = request.form()
    strategy = texts.get("chunking_strategy")
    if isinstance(strategy, str) and strategy.lstrip().startswith("{"):
        texts["chunking_strategy"] = parse(strategy.encode("utf-8", "surrogatepass"))
    body = table.coerce(texts)
    model = check_model(body)
    file = uploaded(files)
    audio_rules.check(table.shape, {**body, "file": file})
    assert file is not None
    _check_format(body.get("response_format"), model)
    _check_language(body.get("language"))
    seconds = seconds_of(file, model)
    listening = family(model).listening
    if listening.diarizes and body.get("chunking_strategy") is None and (seconds or 0) > _UNCHUNKED:
        message = "chunking_strategy is required for diarization models"
        raise APIError(400, message, param="chunking_strategy", code="invalid_value")
    body["file"] = file.filename
    stream = bool(body.get("stream")) and listening.streams
    text = body.get("prompt") or file.filename
    format = body.get("response_format") or ""
    return Ask(endpoint, body, text=text, model=model, stream=stream, response_format=format, files={"file": file})


def read_transcription(request: Request) -> Ask:
    """The Ask of POST /audio/transcriptions: its text is the prompt, or the name of the file when there is none."""
    return _read(request, "audio.transcriptions", TRANSCRIPTIONS_CREATE)


def read_translation(request: Request) -> Ask:
    """The Ask of POST /audio/translations, as that of a transcription."""
    return _read(request, "audio.translations", TRANSLATIONS_CREATE)


def _check_format(format: str | None, model: str) -> None:
    """APIError 400 for a format that the model does not have."""
    listening = family(model).listening
    if format is None or format in listening.formats:
        return
    if not listening.streams:
        raise audio_rules.refusal([audio_rules.not_one_of(_OF_WHISPER, ("body", "response_format"))])
    message = f"response_format '{format}' is not compatible with model '{printable(model)}'. Use 'json' or 'text' instead."
    raise APIError(400, message, param="response_format", code="unsupported_value")


def _check_language(language: str | None) -> None:
    if not language or language_name(language) is not None:
        return
    quoted = printable(language)
    if re.fullmatch(r"[A-Za-z]{2,3}", language):
        raise APIError(400, f"Language '{quoted}' is not supported.", param="language", code="unsupported_language")
    message = f"Invalid language '{quoted}'. Language parameter must be specified in ISO-639-1 format."
    raise APIError(400, message, param="language", code="invalid_language_format")


def write(ask: Ask, reply: Reply, context: Context) -> payloads.JSON | payloads.Raw | payloads.Events:
    """The answer: the rule's text in the requested format, laid over the duration of the uploaded audio."""
    body: dict[str, Any] = ask.body
    listening = context.model(ask.model).listening
    heard = Heard.of(ask, reply, listening, seconds_of(ask.files["file"], ask.model))
    if ask.stream:
        return streamed(ask, reply, heard)
    return whole(ask, heard, body.get("response_format") or "json")


ENDPOINTS = (
    Operation(
        "audio.transcriptions.create",
        "POST",
        "/audio/transcriptions",
        read_transcription,
        write,
        params=TRANSCRIPTIONS_CREATE,
        blocking=True,
    ),
    Operation(
        "audio.translations.create",
        "POST",
        "/audio/translations",
        read_translation,
        write,
        params=TRANSLATIONS_CREATE,
        blocking=True,
    ),
)

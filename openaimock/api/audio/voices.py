"""Custom voices: recordings of consents, and voices made from a sample with a consent, or from a prompt.

(API reference: Voices, Voice consents; SDK types Voice, VoiceDeleted, VoiceConsent, VoiceConsentDeleted.)
"""

from __future__ import annotations

from typing import Any

from ...errors import APIError
from ...http import payloads
from ...http.forms import is_form
from ...http.request import Request
from ...media.audio_header import BrokenAudio
from ...media.duration import audio_info
from ...params import audio as params
from ...params.table import Table
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..files import single_file
from ..operation import Operation
from ..reading import body_of, no_body, query_of

_VOICES, _CONSENTS = "audio.voices", "audio.voice_consents"
#: The API's limit of a recording, in bytes.
LARGEST = 10 * 1024 * 1024
_NO_CONSENT = "No voice consent found with id '{id}'."


def _read_consent(request: Request) -> Ask:
    return Ask(_CONSENTS, _form(request, params.VOICE_CONSENTS_CREATE, "recording"))


def _read_voice(request: Request) -> Ask:
    """The Ask of POST /audio/voices: a form, or JSON for a voice from a prompt."""
    if is_form(request.environ.get("CONTENT_TYPE") or ""):
        body = _form(request, params.VOICES_CREATE, "audio_sample")
    else:
        body = request.object()
        params.VOICES_CREATE.check(body)
    return Ask(_VOICES, body, text=body.get("prompt") or "")


def _form(request: Request, table: Table, name: str) -> dict[str, Any]:
    """The checked fields of a form, with the name of its audio file. APIError 400 when the file is no audio or too large."""
    texts, files = request.form()
    body = table.coerce(texts)
    body.pop(name, None)
    file = single_file(files, name)
    table.check(body if file is None else {**body, name: file})
    if file is None:
        return body
    if file.size > LARGEST:
        raise APIError(400, f"Invalid '{name}': the file has {file.size} bytes, the maximum is {LARGEST}.", param=name)
    info = audio_info(file.read()) if file.size else None
    if info is None or isinstance(info, BrokenAudio):
        raise APIError(400, f"Invalid '{name}': the file is not valid audio.", param=name, code="invalid_value")
    return {**body, name: file.filename}


# Consents


def _create_consent(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    consent = {
        "object": "audio.voice_consent",
        "id": context.ids.id("cons_"),
        "name": ask.body["name"],
        "language": ask.body["language"],
        "created_at": context.created,
    }
    context.store.put(_CONSENTS, consent["id"], consent)
    return payloads.JSON(consent)


def _consent(id: str, context: Context, param: str = "consent_id") -> dict[str, Any]:
    stored: dict[str, Any] = lists.lookup(context.store, _CONSENTS, id, _NO_CONSENT, param=param)
    return stored


def _retrieve_consent(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_consent(ask.params["consent_id"], context))


def _list_consents(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(lists.stored_page(context.store, _CONSENTS, ask.query))


def _update_consent(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    consent = _consent(ask.params["consent_id"], context)
    changed = context.store.update(_CONSENTS, consent["id"], {"name": ask.body["name"]})
    return payloads.JSON(changed or {**consent, "name": ask.body["name"]})


def _delete_consent(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = _consent(ask.params["consent_id"], context)["id"]
    context.store.delete(_CONSENTS, id)
    return payloads.JSON(lists.deleted(id, "audio.voice_consent"))


# Voices


def _create_voice(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    kind = ask.body.get("type") or "audio_sample"
    if kind == "audio_sample":
        _consent(ask.body["consent"], context, "consent")
    voice: dict[str, Any] = {
        "object": "audio.voice",
        "id": context.ids.id("voice_"),
        "name": ask.body["name"],
        "created_at": context.created,
        "type": kind,
    }
    if kind == "prompt":
        voice["prompt"] = ask.body["prompt"]
    context.store.put(_VOICES, voice["id"], voice)
    return payloads.JSON(voice)


def _delete_voice(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["voice_id"]
    lists.lookup(context.store, _VOICES, id, "No voice found with id '{id}'.", param="voice_id")
    context.store.delete(_VOICES, id)
    return payloads.JSON(lists.deleted(id, "audio.voice.deleted"))


_ONE = "/audio/voice_consents/<consent_id>"
_read, _read_list = no_body(_CONSENTS), query_of(_CONSENTS, params.VOICE_CONSENTS_LIST)
_read_update = body_of(_CONSENTS, params.VOICE_CONSENTS_UPDATE)
ENDPOINTS = (
    Operation(
        "audio.voice_consents.create", "POST", "/audio/voice_consents", _read_consent, _create_consent, own=True,
        params=params.VOICE_CONSENTS_CREATE,
    ),
    Operation("audio.voice_consents.list", "GET", "/audio/voice_consents", _read_list, _list_consents, own=True),
    Operation("audio.voice_consents.retrieve", "GET", _ONE, _read, _retrieve_consent, own=True),
    Operation(
        "audio.voice_consents.update", "POST", _ONE, _read_update, _update_consent, own=True, params=params.VOICE_CONSENTS_UPDATE
    ),
    Operation("audio.voice_consents.delete", "DELETE", _ONE, _read, _delete_consent, own=True),
    Operation("audio.voices.create", "POST", "/audio/voices", _read_voice, _create_voice, own=True, params=params.VOICES_CREATE),
    Operation("audio.voices.delete", "DELETE", "/audio/voices/<voice_id>", no_body(_VOICES), _delete_voice, own=True),
)  # fmt: skip

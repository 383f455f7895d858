"""Recordings: the audio that a client uploads to be transcribed, and what the API refuses of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ...errors import APIError
from ...http.catalog import api_error
from ...http.forms import UploadedFile
from ...media.audio_header import BrokenAudio
from ...media.duration import audio_info
from ...params.models import family
from ..files import single_file

#: The largest file in bytes, and the shortest audio in seconds.
LARGEST, SHORTEST = 26_214_400, 0.1
#: The endings of files, as the API lists them.
_ENDINGS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")


def uploaded(files: Mapping[str, Any]) -> UploadedFile | None:
    """The uploaded file, or None. APIError 413 for one that is too large, 400 for several."""
    file = single_file(files, "file")
    if file is not None and file.size > LARGEST:
        raise api_error(413, limit=LARGEST, used=file.size)
    return file


def seconds_of(file: UploadedFile, model: str) -> float | None:
    """How long an uploaded file lasts; None when it does not tell. APIError 400 when it is no audio, too short or too long."""
    listening = family(model).listening
    info = audio_info(file.read()) if file.size else None
    if info is None or isinstance(info, BrokenAudio):
        if not file.size:
            raise _too_short()
        raise _undecodable(file, info, is_whisper=not listening.streams)
    if info.seconds is None:
        return None
    if info.seconds < SHORTEST:
        raise _too_short()
    longest = listening.max_seconds
    if longest is not None and info.seconds > longest:
        message = (
            f"audio duration {info.seconds:g} seconds is longer than {longest:g} seconds which is the maximum for this model"
        )
        raise APIError(400, message, code="invalid_value")
    return info.seconds


def _too_short() -> APIError:
    message = f"Audio file is too short. Minimum audio length is {SHORTEST} seconds."
    return APIError(400, message, param="file", code="audio_too_short")


def _undecodable(file: UploadedFile, broken: BrokenAudio | None, *, is_whisper: bool) -> APIError:
    reason = f" (The {broken.format} file is broken: {broken.reason}.)" if broken else ""
    if broken is None and PurePath(file.filename).suffix[1:].lower() not in _ENDINGS:
        return APIError(400, f"Invalid file format. Supported formats: {list(_ENDINGS)}")
    if is_whisper:
        return APIError(400, f"The audio file could not be decoded or its format is not supported.{reason}")
    return APIError(400, f"Audio file might be corrupted or unsupported{reason}", param="file", code="invalid_value")

"""Files: upload, list, retrieve, delete, content.

(API reference: Files; SDK types FileObject, FileDeleted.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..errors import APIError
from ..http import payloads
from ..http.forms import UploadedFile, several_files
from ..http.json import parse
from ..http.request import Request
from ..params.files import CREATE, LIST
from ..state.namespace import Context
from ..types.ask import Ask
from ..types.reply import Reply
from . import lists, stored_files
from .operation import Operation
from .reading import no_body, query_of

#: Purposes whose files the API does not give back.
_NOT_GIVEN_BACK = ("assistants", "user_data")
#: Purposes whose files are lists of JSON objects, with the name of the API that reads them.
_JSON_LINES = {"batch": "Batch API", "fine-tune": "Fine-Tuning API"}
#: A file of more bytes is sent piece by piece.
_LARGE = 1024 * 1024
#: The most bytes of the first line that are read to see whether it is JSON.
_LINE = 1024 * 1024


def single_file(files: Mapping[str, Any], name: str) -> UploadedFile | None:
    """The file of a form under a name; None when there is none. APIError 400 when there are several."""
    file = files.get(name)
    if isinstance(file, (list, dict)):
        raise several_files(name)
    # A form of a browser has a nameless, empty file when none was chosen.
    return file if file is not None and (file.filename or file.size) else None


def _read_create(request: Request) -> Ask:
    fields, files = request.form()
    body = CREATE.coerce(fields)
    try:
        file = single_file(files, "file")
        CREATE.check({**body, "file": file})
        assert file is not None
        _check_format(file, body["purpose"])
    except APIError as error:
        raise stored_files.detailed(error) from None
    return Ask("files", body, files=files)


def _check_format(file: UploadedFile, purpose: str) -> None:
    """APIError 400 when a file that must be JSON lines is neither named nor written like that."""
    reader = _JSON_LINES.get(purpose)
    if reader is None or file.filename.lower().endswith(".jsonl") or not file.size:
        return
    try:
        is_object = isinstance(parse(file.open().readline(_LINE)), dict)
    except APIError:
        is_object = False
    if not is_object:
        raise APIError(400, f"Invalid file format for {reader}. Must be .jsonl")


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    purpose, file = ask.body["purpose"], ask.files["file"]
    default = stored_files.BATCH_EXPIRY if purpose == "batch" else None
    expires_at = stored_files.expires_at(ask.body, context.created, default)
    return payloads.JSON(stored_files.add(context, file.filename, purpose, file.chunks(), expires_at))


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored_files.page(context, ask.query))


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(stored_files.lookup(context, ask.params["file_id"]))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = stored_files.lookup(context, ask.params["file_id"])["id"]
    stored_files.delete(context.store, id)
    return payloads.JSON(lists.deleted(id, "file"))


def _content(ask: Ask, reply: Reply | None, context: Context) -> payloads.Raw | payloads.Stored:
    file = stored_files.lookup(context, ask.params["file_id"])
    if file["purpose"] in _NOT_GIVEN_BACK:
        raise stored_files.detailed(APIError(400, f"Not allowed to download files of purpose: {file['purpose']}"))
    content = stored_files.open_bytes(context.store, file["id"])
    if content is None:  # deleted in the meantime
        raise stored_files.no_such_object("File", file["id"])
    stored = payloads.Stored(content, file["bytes"], headers=(("content-disposition", _disposition(file["filename"])),))
    return stored if file["bytes"] > _LARGE else stored.whole()


def _disposition(filename: str) -> str:
    """The header with the name under which a client saves the file: the last part of a path, without control characters."""
    filename = "".join(sign if sign.isprintable() else "_" for sign in filename.replace("\\", "/").rpartition("/")[2])
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\' else "_" for sign in filename)
    encoded = "" if plain == filename else f"; filename*=UTF-8''{quote(filename, safe='')}"
    return f'attachment; filename="{plain}"{encoded}'


_ONE = "/files/<file_id>"
_read = no_body("files")
ENDPOINTS = (
    Operation("files.create", "POST", "/files", _read_create, _create, own=True, params=CREATE),
    Operation("files.list", "GET", "/files", query_of("files", LIST), _list, own=True),
    Operation("files.retrieve", "GET", _ONE, _read, _retrieve, own=True),
    Operation("files.delete", "DELETE", _ONE, _read, _delete, own=True),
    Operation("files.content", "GET", f"{_ONE}/content", _read, _content, own=True),
)

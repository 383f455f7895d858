"""Parameters of the vector stores API: the generated tables and what the API says differently."""

from __future__ import annotations

from typing import Any

from .errors import missing, plain
from .generated import vector_stores as generated
from .shapes import Array, Either, String
from .table import adapted


def _check_attributes(body: dict[str, Any]) -> None:
    if "attributes" not in body:
        raise missing("attributes")


def _check_files(body: dict[str, Any]) -> None:
    """A batch has either ``file_ids`` or ``files``."""
    ids, files = body.get("file_ids"), body.get("files")
    if ids is None and files is None:
        raise missing("file_ids")
    if ids is not None and files is not None:
        message = "Mutually exclusive parameters: 'files'. Ensure you are only providing one of: 'file_ids' or 'files'."
        raise plain(message, "files", code="mutually_exclusive_parameters")


#: The longest query, in characters, and the most queries of a search: they bound its time.
QUERY = String(min_length=1, max_length=4096)

CREATE = adapted(generated.CREATE)
LIST = adapted(generated.LIST)
UPDATE = adapted(generated.UPDATE)
SEARCH = adapted(generated.SEARCH, {"query": Either(QUERY, Array(QUERY, min=1, max=32))})
FILES_CREATE = adapted(generated.FILES_CREATE)
FILES_LIST = adapted(generated.FILES_LIST)
#: Null removes the attributes.
FILES_UPDATE = adapted(generated.FILES_UPDATE, required=(), rules=[_check_attributes])
FILE_BATCHES_CREATE = adapted(generated.FILE_BATCHES_CREATE, rules=[_check_files])
FILE_BATCHES_LIST_FILES = adapted(generated.FILE_BATCHES_LIST_FILES)

"""Parameters of the vector stores API: the generated tables and what the API says differently."""

from __future__ import annotations

from typing import Any

from .common import ATTRIBUTES
from .errors import invalid, missing, plain
from .generated import vector_stores as generated
from .shapes import Also, Array, Either, Integer, Object, Shape, String, Union
from .table import adapted


def _check_overlap(sizes: dict[str, Any]) -> None:
    """Refuse chunks that overlap by more than half of their size."""
    most = sizes["max_chunk_size_tokens"] // 2
    if sizes["chunk_overlap_tokens"] > most:
        problem = (
            f"integer above maximum value. Expected a value <= {most} (half of 'max_chunk_size_tokens'), but got "
            f"{sizes['chunk_overlap_tokens']} instead."
        )
        error = invalid(problem, "integer_above_max_value")
        error.names.append("chunk_overlap_tokens")
        raise error


_SIZES = Object(
    {"max_chunk_size_tokens": Integer(min=100, max=4096), "chunk_overlap_tokens": Integer(min=0)},
    required=["max_chunk_size_tokens", "chunk_overlap_tokens"],
)
CHUNKING = Union("type", {"auto": Object({}), "static": Object({"static": Also(_SIZES, _check_overlap)}, required=["static"])})


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


_BATCH_FILE = Object({"file_id": String(), "chunking_strategy": CHUNKING, "attributes": ATTRIBUTES}, required=["file_id"])
#: The longest query, in characters, and the most queries of a search: they bound its time.
QUERY = String(min_length=1, max_length=4096)
_CHUNKED: dict[str, Shape] = {"chunking_strategy": CHUNKING}

CREATE = adapted(generated.CREATE, _CHUNKED)
LIST = adapted(generated.LIST)
UPDATE = adapted(generated.UPDATE)
SEARCH = adapted(generated.SEARCH, {"query": Either(QUERY, Array(QUERY, min=1, max=32))})
FILES_CREATE = adapted(generated.FILES_CREATE, _CHUNKED)
FILES_LIST = adapted(generated.FILES_LIST)
#: Null removes the attributes.
FILES_UPDATE = adapted(generated.FILES_UPDATE, required=(), rules=[_check_attributes])
FILE_BATCHES_CREATE = adapted(
    generated.FILE_BATCHES_CREATE, {"files": Array(_BATCH_FILE, min=1, max=2000), **_CHUNKED}, rules=[_check_files]
)
FILE_BATCHES_LIST_FILES = adapted(generated.FILE_BATCHES_LIST_FILES)

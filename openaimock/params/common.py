"""Shapes by hand that several resources share: metadata, attributes of files, filters on them, and chunks of files."""

from __future__ import annotations

from functools import cache
from typing import Any

from .compile import compiled
from .errors import ParamError, invalid
from .shapes import Also, Array, Boolean, Either, Integer, Map, Number, Object, String, Union

METADATA = Map(String(max_length=512), max=16, max_key=64, called="a metadata object")
#: What a file of a vector store is filtered by.
ATTRIBUTES = Map(Either(String(max_length=512), Number(), Boolean()), max=16, max_key=64)


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
#: How the file of a vector store is cut into chunks.
CHUNKING = Union("type", {"auto": Object({}), "static": Object({"static": Also(_SIZES, _check_overlap)}, required=["static"])})

#: How deep filters may be nested, which bounds the time and the stack that a filter needs.
DEPTH = 32
_VALUE = Either(String(), Number(), Boolean())
_LIST = Array(Either(String(), Number()))
_COMPARISON = Object({"key": String(), "value": _VALUE}, required=["key", "value"])
_MEMBERSHIP = Object({"key": String(), "value": _LIST}, required=["key", "value"])
_COMBINATION = Object({"filters": Array(Object({}, open=True))}, required=["filters"])
_FILTER = Union(
    "type",
    {
        **dict.fromkeys(["eq", "ne", "gt", "gte", "lt", "lte"], _COMPARISON),
        **dict.fromkeys(["in", "nin"], _MEMBERSHIP),
        **dict.fromkeys(["and", "or"], _COMBINATION),
    },
)
#: Compiled for the first filter: most mocks never get one.
_check_one = cache(lambda: compiled(_FILTER))


def _check_filter(value: Any, depth: int = 1) -> None:
    """Check a filter and those within it."""
    _check_one()(value)
    if value["type"] not in ("and", "or"):
        return
    if depth == DEPTH:
        raise ParamError(lambda at: f"Invalid '{at}': filters are nested more than {DEPTH} deep.", "invalid_value")
    for place, inner in enumerate(value["filters"]):
        try:
            _check_filter(inner, depth + 1)
        except ParamError as error:
            error.names += [place, "filters"]
            raise


#: A comparison, or a combination of filters by ``and`` and ``or``.
FILTER = Also(_FILTER, _check_filter)

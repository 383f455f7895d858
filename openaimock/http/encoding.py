"""Content encodings: the bytes of a compressed request body, decompressed piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import APIError

#: The most bytes that one step of decompression makes.
PIECE = 65536


class NotDecodable(ValueError):
    """The bytes are not what their content encoding says."""


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces of a body without their encoding. APIError 415 for an unknown encoding, NotDecodable for wrong bytes."""
    if encoding == "identity":
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise APIError(415, f"Unsupported content encoding: '{encoding}'. This server reads gzip and deflate.")
    inflate: Any = None
    try:
        for piece in pieces:
            inflate = inflate or _decompressor(piece, encoding)
            while piece and not inflate.eof:
                yield inflate.decompress(piece, PIECE)
                piece = inflate.unconsumed_tail
        if inflate is not None:
            yield inflate.flush()
    except zlib.error:
        inflate = None
    if inflate is None or not inflate.eof:
        raise NotDecodable(f"The body is not valid {encoding}.")


def _decompressor(start: bytes, encoding: str) -> Any:
    """A decompressor for a body that starts with these bytes."""
    # 32 + 15 accepts a gzip or zlib header; some clients send deflate without a header.
    if encoding == "deflate":
        try:
            zlib.decompressobj(47).decompress(start, 1)
        except zlib.error:
            return zlib.decompressobj(-15)
    return zlib.decompressobj(47)

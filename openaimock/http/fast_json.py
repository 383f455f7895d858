"""Parse JSON with orjson, if the extra ``speed`` has installed it, where the value is certainly that of the standard library.

orjson accepts repeated keys and rounds large integers. So a value counts only if orjson writes it as the very bytes that were
read: compact JSON without repeated keys, odd numbers or needless escapes, as the SDKs send it. Everything else is left to the
standard library, which also finds the errors.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

#: Whether orjson may be used; tests parse both ways.
enabled = True
#: The place of the first key, after which a space shows that the text is not compact.
_HEAD = 256


class Exact(NamedTuple):
    """A value that was parsed."""

    value: Any


@cache
def _module() -> Any:
    try:
        import orjson
    except ImportError:
        return None
    return orjson


def parse_exact(raw: bytes) -> Exact | None:
    """The value of a JSON text; None when the standard library must decide."""
    orjson = _module() if enabled else None
    if orjson is None:
        return None
    colon = raw.find(b'":', 0, _HEAD)
    if colon >= 0 and raw[colon + 2 : colon + 3] in (b" ", b"\n"):
        return None
    try:
        value = orjson.loads(raw)
        return Exact(value) if orjson.dumps(value) == raw else None
    except (ValueError, TypeError):  # orjson's errors are of these classes; it writes no deep nesting
        return None

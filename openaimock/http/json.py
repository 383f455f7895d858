"""JSON on the wire: parse as strictly as the API does, write as compactly as the API does."""

from __future__ import annotations

import json
import json.encoder
import re
from collections.abc import Callable
from typing import Any

from .catalog import not_json

#: The deepest nesting that is accepted; Python's own parser fails a little later.
_MAX_DEPTH = 200


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _InvalidJSON(ValueError):
    """JSON that Python's parser accepts and the API refuses."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys: set[str] = set()
        twice = next(key for key, _ in pairs if key in keys or keys.add(key))  # type: ignore[func-returns-value]
        raise _InvalidJSON(f"The key {twice!r} stands twice in one object.")
    return value


def _constant(name: str) -> None:
    raise _InvalidJSON(f"{name} is not JSON.")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _InvalidJSON(f"The number {text[:40]} is too large.")
    return number


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number).decode


def parse(raw: bytes) -> Any:
    """Parse JSON from the wire as strictly as the API. APIError 400 in the API's words, with the reason."""
    try:
        text = raw.decode()
        value = _decode(text)
        if _SURROGATE.search(raw):
            # Half of a surrogate pair is not a character: no answer could contain it.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise not_json(f"The body is not valid UTF-8 (byte {error.start}).") from None
    except UnicodeEncodeError:
        raise not_json("The body has an escape of half a surrogate pair.") from None
    except RecursionError:
        raise not_json("The body is nested too deeply.") from None
    except _InvalidJSON as error:
        raise not_json(str(error)) from None
    except json.JSONDecodeError as error:
        raise not_json(f"{error.msg} at line {error.lineno}, column {error.colno}." if text else "The body is empty.") from None
    except ValueError:
        # Python's own limit on the digits of an integer.
        raise not_json("The body has a number of too many digits.") from None
    if raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise not_json("The body is nested too deeply.")
    return value


def _depth(value: Any) -> int:
    deepest = 0
    level = [value]
    while level:
        deepest += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return deepest


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


#: Compact, and raw UTF-8 as the API sends it; one encoder for every body and event.
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


#: A text as JSON, the same as ``dump`` writes it, but faster.
quote: Callable[[str], str] = json.encoder.encode_basestring

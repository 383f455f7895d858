"""JSON on the wire: parsed as strictly as the API parses it, written as compactly as the API writes it."""

from __future__ import annotations

import json
import json.encoder
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .catalog import not_json

if TYPE_CHECKING:
    pass


#: Past this depth nobody means it; Python's own parser gives up a little later.
_DEEPEST = 200


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _Refused(ValueError):
    """JSON that Python's parser takes and the API does not."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"The key {twice!r} stands twice in one object.")
    return made


def _constant(name: str) -> None:
    raise _Refused(f"{name} is not JSON.")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused(f"The number {text[:40]} is too large.")
    return number


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number).decode


def parse(raw: bytes) -> Any:
    """JSON from the wire, as strictly as the API reads it. APIError 400 in its words, with what is wrong."""
    try:
        text = raw.decode()
        value = _decode(text)
        if _SURROGATE.search(raw):
            # Half of a surrogate pair is no character: it could not be sent back, or to anybody else.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise not_json(f"The body is not valid UTF-8 (byte {error.start}).") from None
    except UnicodeEncodeError:
        raise not_json("The body has an escape of half a surrogate pair.") from None
    except RecursionError:
        raise not_json("The body is nested too deeply.") from None
    except _Refused as error:
        raise not_json(str(error)) from None
    except json.JSONDecodeError as error:
        raise not_json(f"{error.msg} at line {error.lineno}, column {error.colno}." if text else "The body is empty.") from None
    except ValueError:
        # Python's own limit on the digits of an integer.
        raise not_json("The body has a number of too many digits.") from None
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _depth(value) > _DEEPEST:
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


#: A text as JSON, as ``dump`` writes it, without the way there.
quote: Callable[[str], str] = json.encoder.encode_basestring

"""JSON on the wire: parse as strictly as the API does, write as compactly as the API does."""

from __future__ import annotations

import json
import json.encoder
import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from .catalog import not_json
from .fast_json import parse_exact

#: The deepest nesting that is accepted; Python's own parser fails a little later.
_MAX_DEPTH = 200
#: The most values of a body: lists, objects, texts, numbers, true, false and null.
MAX_VALUES = 1_000_000
#: The most repeated keys that are recorded.
_MAX_REPEATED = 20
_STRING = re.compile(rb'"[^"]*"?')


#: An escape of half a surrogate pair.
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _InvalidJSON(ValueError):
    """JSON that Python's parser accepts and the API refuses."""


class RepeatedKey(Exception):
    """An object has a key twice: the body is decoded again, with a record of such keys."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise RepeatedKey
    return value


def _constant(name: str) -> None:
    raise _InvalidJSON(f"{name} is not JSON.")


def _number(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _InvalidJSON(f"The number {text[:40]} is too large.")
    return number


#: Raises RepeatedKey.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
_scan = DECODER.scan_once  # type: ignore[attr-defined]
_SPACES = " \t\n\r"


def _decode(text: str) -> Any:
    """The value of a text. Most texts begin with the value, for which no regular expression has to look for spaces."""
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        return DECODER.decode(text)
    # Where more follows than spaces, this raises the error that says so.
    return DECODER.decode(text) if text[end:].strip(_SPACES) else value


def _decode_repeated(text: str, names: list[str]) -> Any:
    """Decode a text with repeated keys, and append these to ``names``."""
    repeated: dict[str, None] = {}

    def last_value(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs) and len(repeated) < _MAX_REPEATED:
            counts = Counter(key for key, _ in pairs)
            repeated.update(dict.fromkeys(key for key, number in counts.items() if number > 1))
        return value

    value = json.JSONDecoder(object_pairs_hook=last_value, parse_constant=_constant, parse_float=_number).decode(text)
    names += islice(repeated, _MAX_REPEATED)
    return value


def _has_too_many_values(raw: bytes) -> bool:
    """Whether a text has more than ``MAX_VALUES`` values: counted before parsing, which takes far more memory per value."""
    if len(raw) <= MAX_VALUES or _count_values(raw) <= MAX_VALUES:
        return False
    # Count again without texts, which may contain any number of commas and brackets. Each value or key has two quotes.
    raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    return raw.count(b'"') > 4 * MAX_VALUES or _count_values(_STRING.sub(b"", raw)) > MAX_VALUES


def _count_values(raw: bytes) -> int:
    """The number of values of a JSON text without strings: one, one after each comma, and the first of each list or object."""
    return 1 + raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def parse(raw: bytes, repeated: list[str] | None = None) -> Any:
    """Parse JSON from the wire as strictly as the API. APIError 400 in the API's words, with the reason.

    The last value of a repeated key counts, as in the API; such keys are appended to ``repeated``.
    """
    if _has_too_many_values(raw):
        raise not_json(f"The body has more than {MAX_VALUES:,} JSON values.")
    exact = parse_exact(raw)
    if exact is not None:
        return _not_too_deep(raw, exact.value)
    try:
        text = raw.decode()
        try:
            value = _decode(text)
        except RepeatedKey:
            value = _decode_repeated(text, [] if repeated is None else repeated)
        if "\\u" in text and SURROGATE.search(text):
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
    return _not_too_deep(raw, value)


def _not_too_deep(raw: bytes, value: Any) -> Any:
    if raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH and depth(value) > _MAX_DEPTH:
        raise not_json("The body is nested too deeply.")
    return value


def depth(value: Any) -> int:
    """How deeply lists and objects nest."""
    deepest = 0
    level = [value]
    while level:
        deepest += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ is dict or inner.__class__ is list
        ]
    return deepest


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")


#: Compact, and raw UTF-8 as the API sends it; one encoder for every body and event.
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def dump_with(value: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """An object as JSON, the same as ``dump`` writes it; ``texts`` has the JSON of some of its members."""
    pieces: list[str] = []
    others: dict[str, Any] = {}
    for name, member in value.items():
        if name not in texts:
            others[name] = member
            continue
        if others:
            pieces.append(dump(others)[1:-1])
            others = {}
        pieces.append(f"{quote(name)}:{texts[name]}")
    if others:
        pieces.append(dump(others)[1:-1])
    return "{" + ",".join(pieces) + "}"


#: A text as JSON, the same as ``dump`` writes it, but faster.
quote: Callable[[str], str] = json.encoder.encode_basestring

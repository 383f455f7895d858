"""Redaction: secrets are masked in everything that is logged, kept or shown, in time that grows with the text only."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from .secret_names import HEADERS, MASK, is_secret

__all__ = ["HEADERS", "MASK", "clip", "headers", "holds", "is_secret", "text", "value"]

_SCHEMES = frozenset(["bearer", "basic", "digest", "token", "apikey", "negotiate"])
#: A configured secret shorter than this is only masked where it stands alone: else a key ``a`` would mask all of the alphabet.
_SHORT = 6
#: A value nested deeper than any request may be is not walked.
_DEEPEST = 250
#: The length that is searched beyond the visible text, so that a secret is recognized although its end is cut off.
_AHEAD = 4096
#: Keywords of JSON Schema whose value, under the name of a secret, may be that secret.
_SAMPLES = frozenset(["default", "const", "example", "examples", "enum"])
_SCHEMA_TYPES = frozenset(["string", "integer", "number", "boolean", "object", "array", "null"])


def value(content: Any, secrets: Iterable[str] = ()) -> Any:
    """A JSON value without its secrets. ``secrets`` are the configured keys; nothing is changed in place."""
    return _value(content, _configured(tuple(secrets)), _DEEPEST)


def text(content: str, secrets: Iterable[str] = ()) -> str:
    """A text without its secrets. Mask what is shown, after it is cut, or use ``clip``."""
    return _text(content, _configured(tuple(secrets)))


def clip(content: str, length: int, secrets: Iterable[str] = ()) -> str:
    """The first ``length`` characters of a text, without the secrets of the whole text."""
    return text(content[: length + _AHEAD], secrets)[:length]


def holds(content: str, secrets: Iterable[str] = ()) -> bool:
    """Whether a text holds a configured key, or a token of a known kind."""
    from .redaction_texts import holds_token

    keys = _configured(tuple(secrets))
    return (keys is not None and keys.search(content) is not None) or holds_token(content)


def headers(content: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Headers without their secrets: a bearer token keeps its scheme."""
    keys = _configured(tuple(secrets))
    return {_text(name, keys): _header(name, line, keys) for name, line in content.items()}


def _header(name: str, line: str, keys: re.Pattern[str] | None) -> str:
    if name.lower() in HEADERS or is_secret(name):
        scheme, _, rest = line.partition(" ")
        shows_scheme = rest and name.lower().endswith("authorization") and scheme.lower() in _SCHEMES
        return f"{scheme} {MASK}" if shows_scheme else MASK
    return _text(line, keys)


# Values


def _value(content: Any, keys: re.Pattern[str] | None, depth: int, in_schema: bool = False) -> Any:
    """``in_schema``: the members are the properties of a JSON Schema, which are named like secrets but hold none."""
    if isinstance(content, str):
        return _text(content, keys)
    if not depth:
        return content if isinstance(content, (int, float, bool, type(None))) else "..."
    if isinstance(content, Mapping):
        # A token with a probability is a piece of text, whatever its name is.
        is_piece = "logprob" in content
        result = {}
        for name, member in content.items():
            if not is_piece and is_secret(str(name)):
                result[_text(str(name), keys)] = _secret(member, keys, depth - 1, in_schema)
            else:
                result[_text(str(name), keys)] = _value(member, keys, depth - 1, name == "properties")
        return result
    if isinstance(content, (list, tuple)):
        return [_value(item, keys, depth - 1) for item in content]
    return content


def _secret(member: Any, keys: re.Pattern[str] | None, depth: int, in_schema: bool) -> Any:
    """What stands under the name of a secret."""
    if member is None or isinstance(member, (bool, float)) or member in ("", [], {}, ()):
        return member
    if isinstance(member, (list, tuple)):
        return [MASK] if all(isinstance(item, str) for item in member) else MASK
    if isinstance(member, Mapping) and (in_schema or _is_schema(member)):
        masked = {name: MASK if name in _SAMPLES else item for name, item in member.items()}
        return _value(masked, keys, depth)
    return MASK


def _is_schema(member: Mapping[Any, Any]) -> bool:
    kind = member.get("type")
    return kind in _SCHEMA_TYPES if isinstance(kind, str) else isinstance(kind, list) and _SCHEMA_TYPES.issuperset(map(str, kind))


def _text(content: str, keys: re.Pattern[str] | None) -> str:
    from .redaction_texts import masked  # its patterns take a fiftieth of a start, and most starts log nothing

    return masked(content, keys)


# Configured keys


@lru_cache(16)
def _configured(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds the configured keys in a text, in each of the forms in which they are written, the longest first."""
    forms = {form for secret in filter(None, secrets) for form in _forms(secret)}
    patterns = [
        rf"(?<![\w-]){re.escape(form)}(?![\w-])" if len(form) < _SHORT else re.escape(form)
        for form in sorted(forms, key=lambda form: (-len(form), form))
    ]
    return re.compile("|".join(patterns)) if patterns else None


def _forms(secret: str) -> set[str]:
    """A key as it is, in a URL, in base64, and in JSON that stands in JSON that stands in JSON."""
    forms = {secret}
    encoded = secret.encode("utf-8", "surrogatepass")
    for url in (quote(encoded, safe=""), quote_plus(encoded), quote(encoded)):
        forms |= {url, re.sub("%..", lambda match: match[0].lower(), url)}
    for ascii_only in (True, False):
        escaped = secret
        for _ in range(3):
            escaped = json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
            forms.add(escaped)
    if len(encoded) >= 2 * _SHORT:
        forms.add(base64.b64encode(encoded).decode()[: len(encoded) // 3 * 4])
    return forms

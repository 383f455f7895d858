"""Redaction: secrets are masked in everything that is logged, kept or shown, in time that grows with the text only."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

from .redaction_members import MASK, is_secret, mask_members

__all__ = ["HEADERS", "MASK", "clip", "headers", "holds", "is_secret", "text", "value"]

#: Headers whose values are secrets, whatever their names are.
HEADERS = frozenset(
    ["authorization", "proxy-authorization", "api-key", "x-api-key", "x-openaimock-admin-key", "cookie", "set-cookie"]
)
#: Before a secret: no character of a word, unless it is the end of an escape of JSON (``\n``, ``\u00e9``) or a URL (``%20``).
_IN_WORD = re.compile(r"[A-Za-z0-9_-]")
_ESCAPE = re.compile(r"(?:\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9A-Fa-f]{2})\Z")
#: Texts that are secrets wherever they stand. Each has a beginning of its own and one run of characters, so that the time
#: to search a text grows with its length only.
TOKENS = (
    r"[sr]k-[A-Za-z0-9_-]{8,}",
    r"sess-[A-Za-z0-9]{20,}",
    r"[srw]k_(?:live|test)_[A-Za-z0-9]{8,}",
    r"whsec_[A-Za-z0-9+/=]{8,}",
    r"AIza[A-Za-z0-9_-]{20,}",
    r"ya29\.[A-Za-z0-9_-]{16,}",
    r"GOCSPX-[A-Za-z0-9_-]{16,}",
    r"xox[a-z]-[A-Za-z0-9-]{8,}",
    r"xapp-[A-Za-z0-9-]{8,}",
    r"hf_[A-Za-z0-9]{16,}",
    r"gsk_[A-Za-z0-9]{16,}",
    r"xai-[A-Za-z0-9]{16,}",
    r"npm_[A-Za-z0-9]{16,}",
    r"pypi-[A-Za-z0-9_-]{16,}",
    r"gl[a-z]{2,5}-[A-Za-z0-9_-]{16,}",
    r"github_pat_[A-Za-z0-9_]{16,}",
    r"gh[opsur]_[A-Za-z0-9]{16,}",
    r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])",
    # A JSON web token, or the beginning of one that was cut. Inside a word none is looked for: it would have no end either.
    r"eyJ(?:(?<![A-Za-z0-9_-]eyJ)|(?<=\\[nrtbf]eyJ)|(?<=\\u[0-9a-fA-F]{4}eyJ)|(?<=%[0-9A-Fa-f]{2}eyJ))"
    r"[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*|\Z)(?:\.[A-Za-z0-9_-]*){0,3}",
)
_TOKEN = re.compile("|".join(TOKENS))
#: How many characters of a token still show which kind it is.
_KIND = 3
_SCHEME = re.compile(
    r"(?P<scheme>[Bb](?:[Ee][Aa][Rr][Ee][Rr]|[Aa][Ss][Ii][Cc]))(?P<space>[ +]|%20)(?P<rest>[A-Za-z0-9._~+/%-]{8,}=*)"
)
#: What follows "bearer" in ordinary English.
_BEARER_WORDS = frozenset(
    [
        *("authentication", "authorization", "token", "tokens", "certificate", "certificates", "credential", "credentials"),
        *("instrument", "instruments", "security", "securities", "channel", "channels", "services"),
    ]
)
#: The key of a browser's WebSocket to the API.
_SUBPROTOCOL = re.compile(r"openai-insecure-api-key\.[^\s,\"']+")
_URL_PASSWORD = re.compile(r"(:(?:\\*/){2}[^\s/?#@:\"'\\]*:)[^\s/\"'\\<>]*@")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----")
_QUOTE = re.compile("[\"']")
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
    keys = _configured(tuple(secrets))
    return (keys is not None and keys.search(content) is not None) or any(map(_begins, _TOKEN.finditer(content)))


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


# Texts


def _text(content: str, keys: re.Pattern[str] | None) -> str:
    # Members first: a configured key may be the name of one.
    content = mask_members(content)
    if keys is not None:
        content = keys.sub(MASK, content)
    if "-----BEGIN " in content:
        content = _mask_pem(content)
    content = _TOKEN.sub(lambda match: match[0][:_KIND] + MASK if _begins(match) else match[0], content)
    content = _URL_PASSWORD.sub(rf"\1{MASK}@", content)
    content = _SUBPROTOCOL.sub(f"openai-insecure-api-key.{MASK}", content)
    return _SCHEME.sub(lambda match: _mask_scheme(match, keys), content)


def _begins(match: re.Match[str]) -> bool:
    """Whether a match does not begin inside a word."""
    start = match.start()
    return (
        not start
        or not _IN_WORD.match(match.string, start - 1)
        or _ESCAPE.search(match.string[max(start - 6, 0) : start]) is not None
    )


def _mask_scheme(match: re.Match[str], keys: re.Pattern[str] | None) -> str:
    scheme, rest = match["scheme"], match["rest"]
    is_word = rest.strip(".").lower() in _BEARER_WORDS
    secret = _is_basic(rest, keys) if scheme.lower() == "basic" else not is_word
    return f"{scheme}{match['space']}{MASK}" if secret and _begins(match) else match[0]


def _is_basic(rest: str, keys: re.Pattern[str] | None) -> bool:
    """Whether a word is base64 of ``user:password``, or holds a configured key."""
    encoded = rest.replace("%3D", "=").replace("%3d", "=").rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(encoded[: len(encoded) // 4 * 4] + _padded(encoded), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return False
    return ":" in decoded or (keys is not None and keys.search(decoded) is not None)


def _padded(encoded: str) -> str:
    """The last, incomplete group of four characters, padded; a single character left by a cut is dropped."""
    rest = encoded[len(encoded) // 4 * 4 :]
    return "" if len(rest) < 2 else rest + "=" * (4 - len(rest))


def _mask_pem(content: str) -> str:
    """Keys and certificates. A block without its end reaches to the end of the string that holds it."""
    pieces: list[str] = []
    copied = 0
    end: re.Match[str] | None = None
    for begin in _PEM.finditer(content):
        if begin.start() < copied:
            continue
        # One search for each end: a text may have many beginnings and no end.
        if copied == 0 or (end is not None and end.start() < begin.end()):
            end = _PEM_END.search(content, begin.end())
        closing = len(content) if end is None else end.start()
        quote_mark = _QUOTE.search(content, begin.end(), closing)
        pieces += [content[copied : begin.end()], MASK]
        copied = quote_mark.start() if quote_mark else len(content) if end is None else end.end()
    return "".join(pieces) + content[copied:]


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

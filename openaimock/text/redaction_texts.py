"""Redaction of texts: tokens of known kinds, passwords in URLs, keys in PEM, and what stands behind a scheme."""

from __future__ import annotations

import base64
import binascii
import re

from .redaction_members import mask_members
from .secret_names import MASK

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


def masked(content: str, keys: re.Pattern[str] | None) -> str:
    """A text without its secrets; ``keys`` finds the configured ones."""
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


def holds_token(content: str) -> bool:
    """Whether a text holds a token of a known kind."""
    return any(map(_begins, _TOKEN.finditer(content)))


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

"""Redactor: takes secrets, names of accounts and what ``record.redact`` names out of everything that is recorded."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from ..http.api_headers import ORGANIZATION, PROJECT
from ..text import redaction
from ..text import regex as patterns
from ..text.redaction_members import mask_members
from ..text.secret_names import MASK

JSON = Any
#: Names of accounts, which the API writes into errors. They are no secrets in a journal, but a file is for many eyes.
_ACCOUNT = re.compile(r"\b(org-|proj_|user-)[A-Za-z0-9]{12,}")
ACCOUNT_HEADERS = ("openai-organization", "openai-project")
#: Masked texts that are cached, and the length up to which they are: conversations repeat their messages.
_CACHED, _CACHED_LENGTH = 1024, 65536
#: Secrets of requests that are remembered. A client has few keys.
_MAX_SECRETS = 100
#: Names of accounts shorter than this are masked in headers only: a text may hold them by chance.
_SHORTEST = 4
#: Values of cookies shorter than this say which of a few things a user chose, in words that a text may hold.
_SHORTEST_COOKIE = 10
#: Text that may be base64, of either alphabet, in one line or several, and long enough to hold a secret.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:(?:\s*\n\s*|(?:\\r)?\\n)[A-Za-z0-9+/_-]+)*")
#: What ends a line of base64, also in a JSON text.
_BREAK = re.compile(r"\s+|(?:\\r)?\\n")
#: Longer base64 is that of a file: it is decoded from its first character only.
_LONG_BASE64 = 65536


class Redactor:
    """Masks secrets in texts and JSON values.

    ``names`` are members whose values are masked as well, ``regexes`` match further parts of texts.
    """

    def __init__(self, secrets: Iterable[str] = (), names: Sequence[str] = (), regexes: Sequence[str] = ()) -> None:
        self._secrets = dict.fromkeys(secret for secret in secrets if secret)
        self._names = frozenset(map(_plain, names))
        self._regexes = [patterns.compile(pattern) for pattern in regexes]
        self._keys: tuple[str, ...] = tuple(self._secrets)
        self._cached = lru_cache(_CACHED)(self._masked)

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Mask these as well from now on."""
        fresh = [secret for secret in secrets if len(secret) >= _SHORTEST and secret not in self._secrets]
        if fresh and len(self._secrets) < _MAX_SECRETS:
            self._secrets.update(dict.fromkeys(fresh))
            self._keys = tuple(self._secrets)
            self._cached.cache_clear()

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self._cached(text) if len(text) <= _CACHED_LENGTH else self._masked(text)

    def _masked(self, text: str) -> str:
        return self._masked_plain(_BASE64.sub(lambda run: MASK if self._encodes_secret(run[0]) else run[0], text))

    def _masked_plain(self, text: str) -> str:
        masked = _ACCOUNT.sub(rf"\1{MASK}", redaction.text(text, self._keys))
        if self._names:
            masked = mask_members(masked, lambda name: _plain(name) in self._names)
        for pattern in self._regexes:
            masked = pattern.sub(lambda match: MASK if match[0] else "", masked)
        return masked

    def _encodes_secret(self, run: str) -> bool:
        """Whether base64 holds a secret. It need not begin with the run: an escaped line break or a path may precede it."""
        encoded = _BREAK.sub("", run).replace("-", "+").replace("_", "/")
        for start in range(4 if len(run) <= _LONG_BASE64 else 1):
            end = len(encoded) - (len(encoded) - start) % 4
            data = base64.b64decode(encoded[start:end]) + _last_bytes(encoded[end:])
            if redaction.holds(decoded := data.decode("latin-1"), self._keys):
                return True
            if decoded.isascii() and decoded.isprintable() and self._masked_plain(decoded) != decoded:
                return True
        return False

    def value(self, value: JSON) -> JSON:
        """A JSON value without secrets."""
        # Base64 goes first, while it can still be decoded.
        return redaction.value(self._walk(value), self._keys)

    def finds(self, value: JSON) -> bool:
        """Whether a value that should hold no secret holds one."""
        if isinstance(value, str):
            return (
                redaction.holds(value, self._keys)
                or any(pattern.search(value) for pattern in self._regexes)
                or any(self._encodes_secret(run[0]) for run in _BASE64.finditer(value))
            )
        if isinstance(value, dict):
            return any(self.finds(name) or self.finds(item) for name, item in value.items())
        return isinstance(value, list) and any(map(self.finds, value))

    def _walk(self, value: JSON) -> JSON:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                name: MASK
                if _plain(str(name)) in self._names and not isinstance(item, bool) and item is not None
                else self._walk(item)
                for name, item in value.items()
            }
        return [self._walk(item) for item in value] if isinstance(value, list) else value


def header_secrets(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Values of headers that must not reach a recording: keys, cookies, and names of accounts. Names are in lower case."""
    pairs = list(headers)
    values = [value for name, value in pairs if name in ACCOUNT_HEADERS or name in redaction.HEADERS or redaction.is_secret(name)]
    bare = [value.partition(" ")[2].strip() if value[:7].lower() == "bearer " else value for value in values]
    return [*bare, *cookies(pairs)]


def answer_secrets(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Values of headers of an answer that must not reach a recording. Names are in lower case."""
    pairs = list(headers)
    accounts = [value for name, value in pairs if name in ACCOUNT_HEADERS and value not in (ORGANIZATION, PROJECT)]
    return [*accounts, *cookies(pairs)]


def cookies(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The values of cookies without their attributes. A short value is no secret."""
    for name, line in headers:
        pairs = line.split(";") if name == "cookie" else line.split(";")[:1] if name == "set-cookie" else []
        for pair in pairs:
            value = pair.partition("=")[2].strip(' "')
            if len(value) >= _SHORTEST_COOKIE:
                yield value


def _last_bytes(group: str) -> bytes:
    """The whole bytes of an incomplete group of base64: none of one character."""
    return base64.b64decode(group + "=" * (4 - len(group))) if len(group) > 1 else b""


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()

"""Redaction: what is never shown or kept in clear, whoever asks: the one list of secrets, and what stands in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

#: What is shown instead.
MASK = "***"
#: Headers whose values are secrets.
HEADERS = frozenset(
    ["authorization", "proxy-authorization", "api-key", "x-api-key", "x-openaimock-admin-key", "cookie", "set-cookie"]
)
#: Members of a body, a query or a form whose values are secrets: names that end so, without regard to case, ``-`` and ``_``.
NAMES = ("apikey", "adminkey", "token", "password", "passwd", "secret", "authorization", "cookie", "privatekey", "credentials")
#: Texts that are secrets wherever they stand.
TEXTS = (
    r"\b[sr]k-[A-Za-z0-9_-]{8,}",
    r"(?i:\bbearer )[A-Za-z0-9._~+/-]{8,}=*",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    r"\bgh[opsu]_[A-Za-z0-9]{20,}",
    r"\bAKIA[A-Z0-9]{16}\b",
)
#: A member with such a name in JSON that stands in a text, such as a tool call's arguments.
_MEMBER = re.compile(
    r"""(\\?["'])([\w-]*?(?:api[-_]?key|admin[-_]?key|token|passw(?:or)?d|secret|private[-_]?key|credentials))\1(\s*:\s*)"""
    r"""(\\?["'])(?:\\.|(?!\4).)*?\4""",
    re.IGNORECASE,
)
_TEXT = re.compile("|".join(TEXTS))
#: A configured secret shorter than this is only masked where it stands alone: else a key ``a`` would mask all of the alphabet.
_SHORT = 6
#: A value nested deeper than any request may be is not walked.
_DEEPEST = 250


def value(given: Any, secrets: Iterable[str] = ()) -> Any:
    """A JSON value without its secrets. ``secrets`` are the configured keys; nothing is changed in place."""
    return _value(given, _configured(tuple(secrets)), _DEEPEST)


def text(given: str, secrets: Iterable[str] = ()) -> str:
    """A text without its secrets."""
    return _plain(given, _configured(tuple(secrets)))


def headers(given: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Headers without their secrets: a bearer token keeps its scheme."""
    known = _configured(tuple(secrets))
    return {name: _header(name, content, known) for name, content in given.items()}


def is_secret(name: str) -> bool:
    """Whether a member of this name holds a secret."""
    return name.lower().replace("-", "").replace("_", "").endswith(NAMES)


def _header(name: str, content: str, known: re.Pattern[str] | None) -> str:
    if name.lower() in HEADERS or is_secret(name):
        scheme, _, rest = content.partition(" ")
        return f"{scheme} {MASK}" if rest and name.lower().endswith("authorization") else MASK
    return _plain(content, known)


def _value(given: Any, known: re.Pattern[str] | None, deep: int) -> Any:
    if isinstance(given, str):
        return _plain(given, known)
    if not deep:
        return given if isinstance(given, (int, float, bool, type(None))) else "..."
    if isinstance(given, Mapping):
        # A token with a probability is a piece of text, whatever its name.
        said = "logprob" in given
        return {
            _plain(str(name), known): MASK
            if not said and isinstance(inner, (str, int)) and not isinstance(inner, bool) and inner != "" and is_secret(str(name))
            else _value(inner, known, deep - 1)
            for name, inner in given.items()
        }
    if isinstance(given, (list, tuple)):
        return [_value(inner, known, deep - 1) for inner in given]
    return given


def _plain(given: str, known: re.Pattern[str] | None) -> str:
    if known is not None:
        given = known.sub(MASK, given)
    given = _TEXT.sub(_masked, given)
    return _MEMBER.sub(rf"\1\2\1\3\4{MASK}\4", given) if ":" in given else given


def _masked(found: re.Match[str]) -> str:
    head, namespace, _ = found[0].partition(" ")
    return head + namespace + MASK if namespace else found[0][:3] + MASK


@lru_cache(16)
def _configured(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds the configured keys in a text, the longest first."""
    found = [
        rf"(?<![\w-]){re.escape(secret)}(?![\w-])" if len(secret) < _SHORT else re.escape(secret)
        for secret in sorted(filter(None, secrets), key=len, reverse=True)
    ]
    return re.compile("|".join(found)) if found else None

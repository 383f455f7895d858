"""Members with the name of a secret in a text: ``"password": "..."`` in JSON however often it is escaped, ``token=...`` in a URL.

Every function moves forward through the text and looks at a character a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from .secret_names import MASK, is_secret

#: What stands between a name and its value. Few texts have many, so that the search for them is fast.
_SEPARATOR = re.compile(r"(?P<sign>[:=]>?|%3[Dd]|\\u003d)(?P<space>[ \t\r\n]*)")
#: Names longer than this are not those of secrets.
_LONGEST_NAME = 100
_QUOTED = re.compile(r"(\\*)([\"'])")
_BACKSLASHES_OR_QUOTE = re.compile(r"\\+|[\"']")
_STRUCTURE = re.compile(r"\\+|[\"'{}\[\]]")
_WORD = re.compile(r"[^\s,;&\"'\\)\]}<>]+")
_LINE_WORD = re.compile(r"[^\s,;\"'\\)\]}<>]+")
_LINE = re.compile(r"[^\r\n\"']+")
#: Enough of a value to decide what it is. A longer look could be repeated for each name in it.
_BEGINNING = re.compile(r"[^\s,;\"'\\)\]}<>]{1,64}")
_SIGN = re.compile(r"[0-9+/=_!@#$%^&*-]")
_TYPES = frozenset(["bytes", "string", "integer", "none", "null", "true", "false", "required", "optional", "secretstr"])
_SCHEME = re.compile(r"(?:bearer|basic|digest|token|negotiate)[ ]+", re.IGNORECASE)
#: A token with a probability is a piece of text.
_PROBABILITY = re.compile(r"\s*,\s*(?:\\*[\"'])?logprob")
_CONSTANT = re.compile(r"(?:true|false|null|None|True|False)\b|\d+\.\d")


@cache
def _schema() -> re.Pattern[str]:
    """A JSON Schema of a member, not its value. Compiled on first use, because it takes as long as a module."""
    return re.compile(r"\{\s*\\*[\"']type\\*[\"']\s*:\s*\\*[\"'](?:string|integer|number|boolean|object|array|null)\\*[\"']")


class _Member(NamedTuple):
    """A name before a separator: its quote, with the backslashes before it, and where the value begins."""

    name: str
    escapes: str
    quote: str
    sign: str
    namespace: str
    value: int


def mask_members(text: str, is_secret: Callable[[str], bool] = is_secret) -> str:
    """A text with the values of its secret members masked. A value whose end is not in the text is masked to the end."""
    pieces: list[str] = []
    copied = position = 0
    while separator := _SEPARATOR.search(text, position):
        member = _member(text, separator, position)
        position = separator.end("sign")
        if not is_secret(member.name):
            continue
        begin, end = _value_span(text, member)
        if begin < end:
            # A number or a mapping of JSON becomes a string, so that the text is still JSON.
            quotes = member.escapes + member.quote if begin == member.value and member.quote else ""
            pieces += [text[copied:begin], quotes, MASK, quotes]
            copied = end
        position = max(position, end)
    return "".join(pieces) + text[copied:] if pieces else text


def _member(text: str, separator: re.Match[str], lowest: int) -> _Member:
    """What stands before a separator. Nothing before ``lowest`` is looked at: it belongs to the separator before."""
    end = separator.start()
    while end > lowest and text[end - 1] in " \t\r\n":
        end -= 1
    quote = text[end - 1] if end > lowest and text[end - 1] in "\"'`" else ""
    end -= len(quote)
    name_end = end
    while quote and name_end > lowest and text[name_end - 1] == "\\":
        name_end -= 1
    start = name_end
    lowest = max(name_end - _LONGEST_NAME, lowest)
    while start > lowest and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        start -= 1
    return _Member(text[start:name_end], text[name_end:end], quote, separator["sign"], separator["space"], separator.end())


def _value_span(text: str, member: _Member) -> tuple[int, int]:
    """Where the value begins and ends that is to be masked; nothing is masked where both are the same."""
    position = member.value
    quoted = _QUOTED.match(text, position)
    if quoted is not None:
        begin = quoted.end()
        end = _string_end(text, begin, quoted[2], len(quoted[1]))
        after = _QUOTED.match(text, end)
        harmless = _PROBABILITY.match(text, len(text) if after is None else after.end())
        return (end, end) if harmless else (begin, end)
    if text[position : position + 1] in ("{", "["):
        if _schema().match(text, position):
            return position, position
        return position, _structure_end(text, position)
    if _CONSTANT.match(text, position):
        return position, position
    return _bare_span(text, member)


def _bare_span(text: str, member: _Member) -> tuple[int, int]:
    """The span of a value without quotes: of a setting, a query, a header, a number of JSON, or a word of a sentence."""
    position, name = member.value, member.name
    nothing = (position, position)
    beginning = _BEGINNING.match(text, position)
    if beginning is None or "\n" in member.namespace or beginning[0] == name:
        return nothing
    if member.sign not in (":", "=>"):
        # ``a == b`` and ``a = f(x)`` are code; ``a=b`` and ``A = b`` are settings.
        return nothing if beginning[0][0] == "=" or "(" in beginning[0] else _span(_WORD, text, position)
    scheme = _SCHEME.match(text, position)
    if scheme is not None:
        return _span(_LINE_WORD, text, scheme.end())
    if name.lower().endswith("cookie") and "=" in beginning[0]:
        return _span(_LINE, text, position)
    return _span(_LINE_WORD, text, position) if member.quote or _looks_secret(name, beginning[0]) else nothing


def _looks_secret(name: str, beginning: str) -> bool:
    """Whether a word behind a name and a colon is a value, and not the next word of a sentence or a type in a program."""
    if "_" in name or "-" in name or not name[1:].islower():
        return len(beginning) >= 4 and beginning.lower() not in _TYPES
    return len(beginning) >= 6 and _SIGN.search(beginning.strip(".!?")) is not None


def _span(pattern: re.Pattern[str], text: str, position: int) -> tuple[int, int]:
    match = pattern.match(text, position)
    return (position, position) if match is None else match.span()


def _string_end(text: str, position: int, quote: str, escapes: int) -> int:
    """Where a string ends that began with so many backslashes and a quote.

    Each time that JSON is put into a string, the number of backslashes before a quote doubles and grows by one: 0, 1, 3, 7. A
    quote with fewer than those of the beginning ends a string around this one, and this one with it. One with more is part of
    the string, unless the rest are pairs, which are backslashes at its end.
    """
    backslashes = 0
    for token in _BACKSLASHES_OR_QUOTE.finditer(text, position):
        if token[0][0] == "\\":
            backslashes = len(token[0])
            run_end = token.end()
            continue
        before = backslashes if backslashes and run_end == token.start() else 0
        backslashes = 0
        if before < escapes and (token[0] == '"' or token[0] == quote):
            return token.start() - before
        if token[0] == quote and before % (2 * (escapes + 1)) == escapes:
            return token.start() - escapes
    return len(text)


def _structure_end(text: str, position: int) -> int:
    """Where a list or mapping ends, the end of the text when it does not."""
    depth = 0
    escapes = 0
    run_end = -1
    skip_to = position
    for token in _STRUCTURE.finditer(text, position):
        if token.start() < skip_to:
            continue
        mark = token[0][0]
        if mark == "\\":
            escapes, run_end = len(token[0]), token.end()
        elif mark in "\"'":
            before = escapes if run_end == token.start() else 0
            end = _string_end(text, token.end(), mark, before)
            skip_to = end + before + 1
        else:
            depth += 1 if mark in "{[" else -1
            if depth == 0:
                return token.end()
    return len(text)

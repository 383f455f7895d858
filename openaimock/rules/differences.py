"""Differences between an expected text and a request's text: where they begin, and characters that only look alike."""

from __future__ import annotations

import re
import unicodedata

#: Characters shown before and after the first difference.
_CONTEXT = 24
#: Longer texts are not searched for characters that look alike.
_MAX_LENGTH = 100_000
_SPACES = {"\u00a0": "no-break space", "\u2007": "figure space", "\u202f": "narrow no-break space"}
_INVISIBLE = {
    "\u00ad": "soft hyphen",
    "\u200b": "zero-width space",
    "\u200c": "zero-width non-joiner",
    "\u200d": "zero-width joiner",
    "\u2060": "word joiner",
    "\ufeff": "zero-width no-break space",
}
_SPECIAL = re.compile(f"[{''.join([*_SPACES, *_INVISIBLE])}]")
_REPLACEMENTS = str.maketrans({**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_INVISIBLE, "")})


def around_first(expected: str, got: str, case_sensitive: bool) -> tuple[str, str, int]:
    """The surroundings of the first difference in both texts, and its position, counted from 1."""
    texts = [expected.strip(), got.strip()]
    # Lower case may change the length of a few texts; then case counts.
    folded = texts if case_sensitive else [text.lower() for text in texts]
    if list(map(len, folded)) != list(map(len, texts)):
        folded = texts
    pairs = enumerate(zip(*folded, strict=False))
    at = next((at for at, (left, right) in pairs if left != right), min(map(len, folded)))
    return _excerpt(texts[0], at), _excerpt(texts[1], at), at + 1


def _excerpt(text: str, at: int) -> str:
    start, end = max(0, at - _CONTEXT), at + _CONTEXT
    return f"{'...' if start else ''}{text[start:end]!r}{'...' if end < len(text) else ''}"


def cleaned(text: str) -> str:
    """A text composed (NFC), with usual spaces and without invisible characters."""
    return unicodedata.normalize("NFC", text.translate(_REPLACEMENTS))


def look_alikes(expected: str, got: str) -> str:
    """What makes two texts differ that look the same: the normalization form and special spaces. "" when there is nothing.

    The caller knows that the texts are equal once they are cleaned.
    """
    if max(len(expected), len(got)) > _MAX_LENGTH:
        return ""
    reasons = []
    for text, other, owner in ((got, expected, "the request"), (expected, got, "the rule")):
        for character in dict.fromkeys(_SPECIAL.findall(text)):
            if text.count(character) != other.count(character):
                name = _SPACES.get(character) or _INVISIBLE[character]
                reasons.append(f"{owner} has a {name} (U+{ord(character):04X}) at character {text.index(character) + 1}")
    forms = [_form(expected), _form(got)]
    if forms[0] != forms[1]:
        reasons.append(f"the rule's text is in Unicode form {forms[0]}, the request's in {forms[1]}")
    return ", ".join(reasons)


def _form(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return "NFC"
    return "NFD" if unicodedata.is_normalized("NFD", text) else "neither NFC nor NFD"

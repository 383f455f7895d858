"""Matchers: an expectation becomes a function from a value to the reason why it does not fit, "" when it fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

#: What a match is worth when rules compete; an inverted matcher is worth as little as ``any``.
SCORES = {"exact": 1.0, "regex": 0.8, "contains": 0.6, "fuzzy": 0.4, "any": 0.1, "glob": 0.5, "equals": 1.0}
#: The matchers a user may write (``glob`` and ``equals`` are what a plain ``model:`` or ``body:`` value means).
NAMES = ("exact", "fuzzy", "regex", "contains", "any")
THRESHOLD = 0.8
#: Above this many characters fuzzy compares words: difflib's time grows with the square of the length.
LONG = 2000
_CLIP = 120


class Near(NamedTuple):
    """What a miss can be told from: the expectation, the value, and how alike they are (0 to 1, None when it means nothing)."""

    expected: str
    got: str
    alike: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """One expectation of a text (or, for ``equals``, of any JSON value). ``check(value)`` says why it does not fit.

    ``check`` takes None for a value that is not there at all: only an inverted matcher fits that.
    """

    kind: str
    value: Any
    threshold: float
    case_sensitive: bool
    invert: bool
    score: float
    check: Callable[[Any], str]

    def describe(self) -> str:
        """The expectation in words, for messages."""
        return describe(self.kind, self.value, self.threshold, self.invert)

    def near(self, value: Any) -> Near:
        """The data of a miss."""
        return Near(self.describe(), show(value), None if self.invert else self._alike(value))

    def groups(self, value: Any) -> dict[str, str]:
        """The groups of a regex's match, by name and by number; empty for other kinds."""
        if self.kind != "regex" or self.invert or not isinstance(value, str):
            return {}
        found = _pattern(self.value, self.case_sensitive).search(value)
        if found is None:
            return {}
        numbered = {str(number): text or "" for number, text in enumerate((found[0], *found.groups()))}
        return numbered | {name: text or "" for name, text in found.groupdict().items()}

    def _alike(self, value: Any) -> float | None:
        if not isinstance(value, str) or self.kind not in ("exact", "fuzzy", "contains", "glob"):
            return None
        left, right = fold(value), fold(self.value)
        if self.kind == "contains":
            # How much of the wanted text stands in the value: its longest common piece.
            block = SequenceMatcher(None, left[:LONG], right[:LONG], False).find_longest_match()
            return block.size / max(1, len(right))
        return likeness(left, right)


def compile(expected: Mapping[str, Any]) -> Matcher:
    """A Matcher from a checked mapping: ``kind``, ``value``, and perhaps ``threshold``, ``case_sensitive``, ``invert``."""
    kind, value = expected["kind"], expected.get("value", "")
    threshold = expected.get("threshold")
    threshold = THRESHOLD if threshold is None else threshold
    given = expected.get("case_sensitive")
    # Text that is typed by people is forgiven its case; what is compared whole is not.
    case_sensitive = kind in ("exact", "glob", "equals") if given is None else given
    invert = bool(expected.get("invert"))
    fits = _FITS[kind](value, threshold, case_sensitive)
    return Matcher(
        kind=kind,
        value=value,
        threshold=threshold,
        case_sensitive=case_sensitive,
        invert=invert,
        score=SCORES["any"] if invert else SCORES[kind],
        check=_check(kind, value, threshold, invert, fits),
    )


def _check(kind: str, value: Any, threshold: float, invert: bool, fits: Callable[[Any], bool]) -> Callable[[Any], str]:
    def check(got: Any) -> str:
        if (got is not None and fits(got)) is not invert:
            return ""
        return f"expected {describe(kind, value, threshold, invert)}, got {show(got)}"

    return check


def _exact(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    expected = value.strip()
    if case_sensitive:
        return lambda got: got.strip() == expected
    lowered = expected.lower()
    return lambda got: got.strip().lower() == lowered


def _contains(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    if case_sensitive:
        return lambda got: value in got
    lowered = value.lower()
    return lambda got: lowered in got.lower()


def _regex(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    search = _pattern(value, case_sensitive).search
    return lambda got: search(got) is not None


def _fuzzy(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    expected = fold(value, case_sensitive)
    return lambda got: alike_enough(fold(got, case_sensitive), expected, threshold)


def _any(value: Any, threshold: float, case_sensitive: bool) -> Callable[[Any], bool]:
    return lambda got: True


def _glob(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    if case_sensitive:
        return lambda got: fnmatchcase(got, value)
    return lambda got: fnmatchcase(got.lower(), value.lower())


def _equals(value: Any, threshold: float, case_sensitive: bool) -> Callable[[Any], bool]:
    # JSON tells true from 1, Python does not.
    return lambda got: got == value and isinstance(got, bool) is isinstance(value, bool)


_FITS: dict[str, Callable[[Any, float, bool], Callable[[Any], bool]]] = {
    "exact": _exact,
    "contains": _contains,
    "regex": _regex,
    "fuzzy": _fuzzy,
    "any": _any,
    "glob": _glob,
    "equals": _equals,
}


def _pattern(value: str, case_sensitive: bool) -> re.Pattern[str]:
    return re.compile(value, 0 if case_sensitive else re.IGNORECASE)


def fold(text: str, case_sensitive: bool = False) -> str:
    """A text as fuzzy compares it: trimmed, white space folded to single blanks, lower case unless case counts."""
    folded = " ".join(text.split())
    return folded if case_sensitive else folded.lower()


def sequences(left: str, right: str) -> tuple[Any, Any]:
    """What difflib compares: the texts themselves, or their words when either is long."""
    return (left.split(), right.split()) if len(left) > LONG or len(right) > LONG else (left, right)


def likeness(left: str, right: str) -> float:
    """difflib's ratio of two folded texts, without its junk heuristics (with them, long texts 92% alike score 0.07)."""
    return SequenceMatcher(None, *sequences(left, right), False).ratio()


def alike_enough(left: str, right: str, threshold: float) -> bool:
    """Whether the ratio reaches the threshold; its cheap upper bounds are asked first."""
    if left == right:
        return True
    comparison = SequenceMatcher(None, *sequences(left, right), False)
    return (
        comparison.real_quick_ratio() >= threshold and comparison.quick_ratio() >= threshold and comparison.ratio() >= threshold
    )


_WORDS = {
    "exact": "exactly {value}",
    "contains": "text containing {value}",
    "regex": "text matching {value}",
    "fuzzy": "text at least {threshold:.0%} like {value}",
    "any": "anything",
    "glob": "{value} (a pattern)",
    "equals": "exactly {value}",
}


def describe(kind: str, value: Any, threshold: float, invert: bool) -> str:
    """An expectation in words."""
    shown = f"/{value}/" if kind == "regex" else show(value)
    said = _WORDS[kind].format(value=shown, threshold=threshold)
    return f"anything but {said}" if invert else said


def show(value: Any) -> str:
    """A value for a message: quoted, on one line, clipped in the middle of the line's width."""
    if value is None:
        return "nothing"
    if isinstance(value, str) and len(value) > 2 * _CLIP:
        return f"{value[:_CLIP]!r}... ({len(value)} characters)"
    shown = repr(value)
    return shown if len(shown) <= 3 * _CLIP else shown[: 3 * _CLIP] + "..."

"""Matchers: an expectation becomes a test of a value, which can say why a value does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..text import regex
from ..text.similarity import fold, fold_cached, longest_piece, ratio, reaches, trigrams

#: What a match is worth when rules compete; an inverted matcher is worth as little as ``any``.
SCORES = {"exact": 1.0, "regex": 0.8, "contains": 0.6, "fuzzy": 0.4, "any": 0.1, "glob": 0.5, "equals": 1.0}
#: The matchers a user may write (``glob`` and ``equals`` are what a plain ``model:`` or ``body:`` value means).
NAMES = ("exact", "fuzzy", "regex", "contains", "any")
THRESHOLD = 0.8
#: How much of a text, and up to which length character by character, an explanation compares: a miss must not take seconds.
EXPLAINED = 2000
BRIEF = 200
#: So much of an expected text is looked at where rules are only put in order.
_SAMPLE = 500
_CLIP = 120
_SIGNS = re.compile(r"\\[A-Za-z]|\W+")

Search = Callable[[str], "re.Match[str] | None"]


class Near(NamedTuple):
    """What a miss can be told from: the expectation, the value, and how alike they are (0 to 1, None when it means nothing)."""

    expected: str
    got: str
    alike: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """One expectation of a text (or, for ``equals``, of any JSON value).

    ``fits`` takes None for a value that is not there at all: only an inverted matcher (or ``equals`` null) fits that.
    """

    kind: str
    value: Any
    threshold: float
    case_sensitive: bool
    invert: bool
    score: float
    fits: Callable[[Any], bool]
    search: Search | None = None

    def check(self, value: Any) -> str:
        """Why a value does not fit, "" when it does."""
        return "" if self.fits(value) else f"expected {self.describe()}, got {show(value)}"

    def describe(self) -> str:
        """The expectation in words, for messages."""
        return describe(self.kind, self.value, self.threshold, self.invert)

    def near(self, value: Any) -> Near:
        """The data of a miss."""
        return Near(self.describe(), show(value), self._alike(value))

    @property
    def words(self) -> str:
        """The expected text, of a regex what is no sign; "" where there is none."""
        if self.invert or not isinstance(self.value, str):
            return ""
        return _SIGNS.sub(" ", self.value) if self.kind == "regex" else self.value

    def kinship(self, value: Any) -> float:
        """From 0 to 1, how near a value comes: a quick estimate, to put many rules in order."""
        words = self.words
        if not words or not isinstance(value, str):
            return 0.0
        wanted = trigrams(words, _SAMPLE)
        if self.kind in ("contains", "regex"):
            return len(wanted & trigrams(value)) / len(wanted)
        given = trigrams(value, _SAMPLE)
        return 2 * len(wanted & given) / (len(wanted) + len(given))

    def groups(self, value: Any) -> dict[str, str]:
        """The groups of a regex's match, by name and by number; empty for other kinds."""
        if self.search is None or self.invert or not isinstance(value, str):
            return {}
        found = self.search(value)
        if found is None:
            return {}
        numbered = {str(number): text or "" for number, text in enumerate((found[0], *found.groups()))}
        return numbered | {name: text or "" for name, text in found.groupdict().items()}

    def _alike(self, value: Any) -> float | None:
        if self.invert or not isinstance(value, str) or self.kind not in ("exact", "fuzzy", "contains", "glob"):
            return None
        left, right = fold(value[:EXPLAINED]), fold(self.value[:EXPLAINED])
        if self.kind == "contains":
            # How much of the wanted text stands in the value: its longest common piece.
            return longest_piece(right[:BRIEF], left) / max(1, len(right))
        alike = ratio(left, right, BRIEF)
        # Texts may be alike in what is compared here and not in whole: then a figure would only confuse.
        return None if self.kind == "fuzzy" and alike >= self.threshold else alike


def compile(expected: Mapping[str, Any]) -> Matcher:
    """A Matcher from a checked mapping: ``kind``, ``value``, and perhaps ``threshold``, ``case_sensitive``, ``invert``."""
    kind, value = expected["kind"], expected.get("value", "")
    threshold = expected.get("threshold")
    threshold = THRESHOLD if threshold is None else threshold
    given = expected.get("case_sensitive")
    # Text that is typed by people is forgiven its case; what is compared whole is not.
    case_sensitive = kind in ("exact", "glob", "equals") if given is None else given
    invert = bool(expected.get("invert"))
    search = _search(value, case_sensitive) if kind == "regex" else None
    test = _TESTS[kind](value, threshold, case_sensitive) if search is None else _found(search)
    return Matcher(
        kind=kind,
        value=value,
        threshold=threshold,
        case_sensitive=case_sensitive,
        invert=invert,
        score=SCORES["any"] if invert else SCORES[kind],
        fits=_fits(test, invert, kind == "equals"),
        search=search,
    )


def _fits(test: Callable[[Any], bool], invert: bool, takes_none: bool) -> Callable[[Any], bool]:
    if invert:
        return lambda got: not ((takes_none or got is not None) and test(got))
    return test if takes_none else lambda got: got is not None and test(got)


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


def _search(value: str, case_sensitive: bool) -> Search:
    """The search for a regex, compiled when it is first needed: an index needs few of ten thousand, and each takes its time."""
    flags = 0 if case_sensitive else re.IGNORECASE
    compiled: re.Pattern[str] | None = None

    def search(text: str) -> re.Match[str] | None:
        nonlocal compiled
        if compiled is None:
            compiled = regex.compile(value, flags)
        return compiled.search(text)

    return search


def _found(search: Search) -> Callable[[str], bool]:
    return lambda got: search(got) is not None


def _fuzzy(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    expected = fold(value, case_sensitive)
    return lambda got: reaches(fold_cached(got, case_sensitive), expected, threshold)


def _any(value: Any, threshold: float, case_sensitive: bool) -> Callable[[Any], bool]:
    return lambda got: True


def _glob(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    if case_sensitive:
        return lambda got: fnmatchcase(got, value)
    lowered = value.lower()
    return lambda got: fnmatchcase(got.lower(), lowered)


def _equals(value: Any, threshold: float, case_sensitive: bool) -> Callable[[Any], bool]:
    return lambda got: same(got, value)


_TESTS: dict[str, Callable[[Any, float, bool], Callable[[Any], bool]]] = {
    "exact": _exact,
    "contains": _contains,
    "fuzzy": _fuzzy,
    "any": _any,
    "glob": _glob,
    "equals": _equals,
}


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal. JSON tells true from 1, Python does not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


# Words


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
    """A value for a message: quoted, on one line, clipped when it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, str) and len(value) > 2 * _CLIP:
        return f"{value[:_CLIP]!r}... ({len(value)} characters)"
    shown = repr(value)
    return shown if len(shown) <= 3 * _CLIP else shown[: 3 * _CLIP] + "..."

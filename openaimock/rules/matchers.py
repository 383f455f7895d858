"""Matchers: tests of a text or value that can report why they fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..text import regex
from ..text.similarity import fold, fold_cached, longest_piece, ratio, reaches, trigrams

#: The score of each matcher when rules compete; an inverted matcher scores as little as ``any``.
SCORES = {"exact": 1.0, "regex": 0.8, "contains": 0.6, "fuzzy": 0.4, "any": 0.1, "glob": 0.5, "equals": 1.0}
#: The matchers of the configuration. A plain ``model:`` means ``glob``, a plain ``body:`` value means ``equals``.
NAMES = ("exact", "fuzzy", "regex", "contains", "any")
THRESHOLD = 0.8
#: An explanation compares this many characters of a text, and by character only texts up to the second length, to stay fast.
COMPARED_LENGTH = 2000
BY_CHARACTER_LENGTH = 200
#: Characters of an expected text that a fast estimate reads.
_SAMPLE = 500
_CLIP = 120
#: The kinds that compare texts literally.
_COMPARED = ("exact", "contains", "fuzzy")
_SIGNS = re.compile(r"\\[A-Za-z]|\W+")

Search = Callable[[str], "re.Match[str] | None"]


class Comparison(NamedTuple):
    """The data of a mismatch: the expectation, the value and their similarity (0 to 1; None when it has no meaning)."""

    expected: str
    got: str
    similarity: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """One expectation of a text (or, for ``equals``, of any JSON value).

    ``fits(None)`` tests an absent value: only an inverted matcher (or ``equals`` null) accepts it.
    """

    kind: str
    value: Any
    threshold: float
    case_sensitive: bool
    invert: bool
    score: float
    fits: Callable[[Any], bool]
    search: Search | None = None
    #: The search runs in a helper process.
    unsafe: bool = False

    def check(self, value: Any) -> str:
        """Why a value does not fit; "" when it fits."""
        if self.fits(value):
            return ""
        return self._where_they_differ(value) or f"expected {self.describe()}, got {show(value)}{self._look_alikes(value)}"

    def _where_they_differ(self, value: Any) -> str:
        """The first difference of long texts, whose beginnings say little; "" for others."""
        if self.kind not in ("exact", "fuzzy") or self.invert or not isinstance(value, str):
            return ""
        if max(len(self.value), len(value)) <= 2 * _CLIP:
            return ""
        from .differences import around_first

        expected, got, at = around_first(self.value, value, self.case_sensitive)
        description = _DESCRIPTIONS[self.kind].format(value=expected, threshold=self.threshold)
        return f"expected {description}, got {got}{self._look_alikes(value)} (first difference at character {at})"

    def _look_alikes(self, value: Any) -> str:
        """What differs in texts that look the same; "" when nothing does."""
        if self.invert or not isinstance(value, str) or not isinstance(self.value, str) or self.kind not in _COMPARED:
            return ""
        if value.isascii() and self.value.isascii():
            return ""
        from .differences import cleaned, look_alikes

        plain = compile({**written(self), "value": cleaned(self.value)})
        reason = look_alikes(self.value, value) if plain.fits(cleaned(value)) else ""
        return f", which looks the same: {reason}" if reason else ""

    def describe(self) -> str:
        """The expectation as text, for messages."""
        return describe(self.kind, self.value, self.threshold, self.invert)

    def compare(self, value: Any) -> Comparison:
        """The data of a mismatch."""
        return Comparison(self.describe(), show(value), self._similarity(value))

    @property
    def plain_text(self) -> str:
        """The expected text (for a regex, its literal characters); "" where there is none."""
        if self.invert or not isinstance(self.value, str):
            return ""
        return _SIGNS.sub(" ", self.value) if self.kind == "regex" else self.value

    def quick_similarity(self, value: Any) -> float:
        """From 0 to 1: a fast estimate of the similarity of a value, to sort many rules."""
        words = self.plain_text
        if not words or not isinstance(value, str):
            return 0.0
        expected = trigrams(words, _SAMPLE)
        if self.kind in ("contains", "regex"):
            return len(expected & trigrams(value)) / len(expected)
        got = trigrams(value, _SAMPLE)
        return 2 * len(expected & got) / (len(expected) + len(got))

    def groups(self, value: Any) -> dict[str, str]:
        """The groups of a regex match, by name and by number; empty for other kinds."""
        if self.search is None or self.invert or not isinstance(value, str):
            return {}
        match = self.search(value)
        if match is None:
            return {}
        numbered = {str(number): text or "" for number, text in enumerate((match[0], *match.groups()))}
        return numbered | {name: text or "" for name, text in match.groupdict().items()}

    def _similarity(self, value: Any) -> float | None:
        if self.invert or not isinstance(value, str) or self.kind not in ("exact", "fuzzy", "contains", "glob"):
            return None
        left, right = fold(value[:COMPARED_LENGTH]), fold(self.value[:COMPARED_LENGTH])
        if self.kind == "contains":
            # The share of the expected text that the value contains: the longest common substring.
            return longest_piece(right[:BY_CHARACTER_LENGTH], left) / max(1, len(right))
        similarity = ratio(left, right, BY_CHARACTER_LENGTH)
        # The compared beginnings may be similar although the whole texts are not; then a figure would confuse.
        return None if self.kind == "fuzzy" and similarity >= self.threshold else similarity


def written(matcher: Matcher) -> dict[str, Any]:
    """The mapping that ``compile`` makes a matcher from."""
    return {
        "kind": matcher.kind,
        "value": matcher.value,
        "threshold": matcher.threshold,
        "case_sensitive": matcher.case_sensitive,
        "invert": matcher.invert,
        "unsafe": matcher.unsafe,
    }


def compile(expected: Mapping[str, Any]) -> Matcher:
    """A Matcher from a validated mapping: ``kind``, ``value``, and optionally ``threshold``, ``case_sensitive``, ``invert``."""
    kind, value = expected["kind"], expected.get("value", "")
    threshold = expected.get("threshold")
    threshold = THRESHOLD if threshold is None else threshold
    case_option = expected.get("case_sensitive")
    # Kinds that compare whole values are case-sensitive by default, searches in text are not.
    case_sensitive = kind in ("exact", "glob", "equals") if case_option is None else case_option
    invert = bool(expected.get("invert"))
    unsafe = kind == "regex" and bool(expected.get("unsafe"))
    search = _search(value, case_sensitive, unsafe) if kind == "regex" else None
    test = _TESTS[kind](value, threshold, case_sensitive) if search is None else _regex_test(search)
    return Matcher(
        kind=kind,
        value=value,
        threshold=threshold,
        case_sensitive=case_sensitive,
        invert=invert,
        score=SCORES["any"] if invert else SCORES[kind],
        fits=_fits(test, invert, kind in _TAKES_NONE),
        search=search,
        unsafe=unsafe,
    )


#: The kinds whose tests take None, which is no text.
_TAKES_NONE = ("equals", "exact", "contains")


def _fits(test: Callable[[Any], bool], invert: bool, takes_none: bool) -> Callable[[Any], bool]:
    if invert:
        return lambda got: not ((takes_none or got is not None) and test(got))
    return test if takes_none else lambda got: got is not None and test(got)


def _exact(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    expected = value.strip()
    if case_sensitive:
        return lambda got: got is not None and got.strip() == expected
    lowered = expected.lower()
    return lambda got: got is not None and got.strip().lower() == lowered


def _contains(value: str, threshold: float, case_sensitive: bool) -> Callable[[str], bool]:
    if case_sensitive:
        return lambda got: got is not None and value in got
    lowered = value.lower()
    # One text of two equal ones: there may be very many rules.
    lowered = value if lowered == value else lowered
    return lambda got: got is not None and lowered in got.lower()


def _search(value: str, case_sensitive: bool, unsafe: bool = False) -> Search:
    """The search of a regex. It is compiled on first use, because with an index only few of many rules ever run."""
    flags = 0 if case_sensitive else re.IGNORECASE
    if unsafe:
        from .separate import search_of

        return search_of(value, flags)  # type: ignore[no-any-return]
    compiled: re.Pattern[str] | None = None

    def search(text: str) -> re.Match[str] | None:
        nonlocal compiled
        if compiled is None:
            compiled = regex.compile(value, flags)
        return compiled.search(text)

    return search


def _regex_test(search: Search) -> Callable[[str], bool]:
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
    """Whether two JSON values are equal. Unlike in Python, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


# Descriptions


_DESCRIPTIONS = {
    "exact": "exactly {value}",
    "contains": "text containing {value}",
    "regex": "text matching {value}",
    "fuzzy": "text at least {threshold:.0%} similar to {value}",
    "any": "anything",
    "glob": "{value} (a pattern)",
    "equals": "exactly {value}",
}


def describe(kind: str, value: Any, threshold: float, invert: bool) -> str:
    """An expectation as text."""
    value_text = f"/{value}/" if kind == "regex" else show(value)
    words = _DESCRIPTIONS[kind].format(value=value_text, threshold=threshold)
    return f"anything but {words}" if invert else words


def show(value: Any) -> str:
    """A value for a message: quoted, on one line, cut when it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, str) and len(value) > 2 * _CLIP:
        return f"{value[:_CLIP]!r}... ({len(value)} characters)"
    text = repr(value)
    return text if len(text) <= 3 * _CLIP else text[: 3 * _CLIP] + "..."

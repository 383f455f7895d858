"""Regular expressions: read a pattern the same way everywhere, without warnings, and name the part of it that may be slow."""

from __future__ import annotations

import re
import threading
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import prod
from typing import Any, TypeVar

#: What `parse` and `compile` raise for a pattern that Python cannot read.
ERRORS = (re.error, OverflowError, RecursionError)
#: Longer patterns are not cached, so that the caches stay small.
_CACHED_LENGTH = 4096
_CACHE_SIZE = 512
#: The parser warns of sets that may mean something else one day, and (Python 3.10) of flags that stand behind other text.
_MAY_WARN = r"\[\[|--|&&|~~|\|\||\(\?[aiLmsux]+\)"
#: JavaScript's named groups and their references. A backslash takes the next character with it.
_JAVASCRIPT = r"(?s)\\k<(?P<reference>[^\W\d]\w*)>|\\.|\[\^?\]?|\]|\(\?<(?P<group>[^\W\d]\w*)>"
_REPEATS = r"(?<!\()[*+{?]"
#: The items of a pattern without groups, sets, alternatives and counted repeats: a place, or a character and its repeat.
_ITEM = r"[\^$]|\\[bB]|([^\\^$*+?{}\[\]|()]|\\[dDsSwW]|\\[^\w\s])([*+]\??)?"
#: Longer patterns may be too large to be analysed.
_SHORT_PATTERN = 500
#: As ``regex_ambiguity`` has it: the steps that a search may take in a text of so many characters, and the rounds of a loop.
_STEPS, _TEXT_LENGTH = 1e8, 1000
_ROUNDS = {"\\s": 30, "\\d": 100}
#: Optional characters up to this number cannot make a pattern slow.
_FEW_OPTIONS = 10

_Result = TypeVar("_Result")
#: The filters of warnings belong to the whole process: one thread at a time changes them.
_filters = threading.Lock()


def compile(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A compiled pattern; JavaScript's named groups are accepted. Raises one of ``ERRORS``; a position is that in ``pattern``."""
    return _compile(pattern, flags) if len(pattern) <= _CACHED_LENGTH else _compile.__wrapped__(pattern, flags)


def parse(pattern: str, flags: int = 0) -> Any:
    """The parse tree of a pattern: a sequence of (operation, argument) pairs of Python's own parser. Raises one of ``ERRORS``.

    The tree is shared with other callers: do not change it.
    """
    return _parse(pattern, flags) if len(pattern) <= _CACHED_LENGTH else _parse.__wrapped__(pattern, flags)


def slow_part(pattern: str, flags: int = 0) -> str | None:
    """The repeats that can make a search take exponential or at least cubic time; None when there are none.

    A pattern that is too large to be analysed is reported whole. A pattern that Python cannot read has no slow part.
    """
    if not _may_be_slow(pattern):
        return None
    return _slow_part(pattern, flags) if len(pattern) <= _CACHED_LENGTH else _slow_part.__wrapped__(pattern, flags)


def python_syntax(pattern: str) -> str:
    """A pattern with JavaScript's named groups, ``(?<name>...)`` and ``\\k<name>``, written as Python writes them."""
    return _translate(pattern)[0]


@lru_cache(_CACHE_SIZE)
def _compile(pattern: str, flags: int) -> re.Pattern[str]:
    return _read(pattern, lambda translated: re.compile(translated, flags))


@lru_cache(_CACHE_SIZE)
def _parse(pattern: str, flags: int) -> Any:
    try:
        from re import _parser as parser  # type: ignore[attr-defined]
    except ImportError:  # Python 3.10
        import sre_parse as parser
    return _read(pattern, lambda translated: parser.parse(translated, flags))


@lru_cache(_CACHE_SIZE)
def _slow_part(pattern: str, flags: int) -> str | None:
    try:
        tree = parse(pattern, flags)
    except ERRORS:
        return None
    from .regex_ambiguity import TooLarge, slow_nodes  # only a pattern with several repeats needs it
    from .regex_source import source

    try:
        slow = dict.fromkeys(map(source, slow_nodes(tree)))
        return ", ".join(_spelling(pattern, part) for part in slow) or None
    except (TooLarge, RecursionError):
        return pattern


def _spelling(pattern: str, part: str) -> str:
    """A part as the pattern spells it, where it can be located there."""
    from .regex_source import repeats, source

    for written in repeats(pattern):
        try:
            tree = parse(written)
        except ERRORS:
            continue
        if len(tree) == 1 and source(tree[0]) == part:
            return written
    return part


def _may_be_slow(pattern: str) -> bool:
    """Whether a look at the text alone leaves the question open: one repeat without alternatives is never slow."""
    repeats = re.findall(_REPEATS, pattern)
    if repeats.count("?") == len(repeats) < _FEW_OPTIONS:
        return False
    return "|" in pattern or (len(repeats) > 1 and not _has_few_loops(pattern))


def _has_few_loops(pattern: str) -> bool:
    """Whether a pattern consists of single characters of which so few are repeated that a search takes no more than its steps."""
    # Compiled on first use: most starts need neither.
    if len(pattern) > _SHORT_PATTERN or not re.fullmatch(f"(?:{_ITEM})*", pattern):
        return False
    loops = [item[1] for item in re.finditer(_ITEM, pattern) if item[2]]
    # The search itself moves over the text, too. Where more than one loop has no limit, only the analysis can tell.
    unlimited = sum(loop not in _ROUNDS for loop in loops)
    return unlimited < 2 and prod((_ROUNDS.get(loop, _TEXT_LENGTH) for loop in loops), start=_TEXT_LENGTH) < _STEPS


def _read(pattern: str, reader: Callable[[str], _Result]) -> _Result:
    translated, inserted = _translate(pattern)
    try:
        with _quiet(pattern):
            return reader(translated)
    except re.error as error:
        if error.pos is None or not inserted:
            raise
        # The user counts in the pattern as it was written.
        raise re.error(error.msg, pattern, error.pos - bisect_left(inserted, error.pos)) from None


@contextmanager
def _quiet(pattern: str) -> Iterator[None]:
    if not re.search(_MAY_WARN, pattern):
        yield
        return
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _translate(pattern: str) -> tuple[str, list[int]]:
    """The pattern in Python's syntax, and the places in it where one character was inserted."""
    if "(?<" not in pattern:
        return pattern, []
    pieces: list[str] = []
    inserted: list[int] = []
    copied = 0
    in_set = False
    for match in re.finditer(_JAVASCRIPT, pattern):
        if match[0][0] == "[" or match[0] == "]":
            in_set = match[0] != "]"
        elif not in_set and match.lastgroup:
            pieces.append(pattern[copied : match.start()])
            name = match[match.lastgroup]
            pieces.append(f"(?P<{name}>" if match.lastgroup == "group" else f"(?P={name})")
            copied = match.end()
            # Both forms become one character longer.
            inserted.append(match.start() + len(inserted) + 2)
    pieces.append(pattern[copied:])
    return "".join(pieces), inserted

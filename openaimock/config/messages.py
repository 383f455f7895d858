"""Messages: the words of problems, with values, paths and suggestions in the user's terms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from .kinds import AnyOf, Choice, Kind, Numeric, Shape, Struct, type_of
from .tree import Node, step
from .tree import Path as Path

#: Longer lists of words are left out of a message that has a suggestion.
MAX_LISTED = 12
#: The least similarity of a suggestion: 'worst' is not a misspelling of 'first'.
SUGGESTION_CUTOFF = 0.65


def render(path: Path) -> str:
    """A path as text, like ``responses[3].messages[0].matcher``."""
    keys: list[str | int] = []
    while path is not None:
        path, key = path
        keys.append(key)
    text = ""
    for key in reversed(keys):
        text = f"{text}[{key}]" if isinstance(key, int) else step(text, key)
    return text


@lru_cache(maxsize=1024)
def snake(key: str) -> str:
    """A key in snake_case: ``apiKey`` is ``api_key``."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda match: "_" + match[0], key).lower()


def suggest(word: str, words: Iterable[str], unlisted: Iterable[str] = ()) -> str:
    """``; did you mean 'fuzzy'? (exact, fuzzy, ...)`` for a word that is close to a known one; the list when it is short."""
    from difflib import get_close_matches  # only a mistake needs it

    candidates = list(words)
    known_words = [*candidates, *unlisted]
    close = get_close_matches(word, known_words, 1, SUGGESTION_CUTOFF)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return hint if close and len(known_words) > MAX_LISTED else f"{hint} ({', '.join(candidates)})"


def show(text: str) -> str:
    """A text in quotes, clipped."""
    clipped = text if len(text) <= 60 else text[:57] + "..."
    return f"'{clipped}'" if clipped.isprintable() and "'" not in clipped else repr(clipped)


def describe_value(value: Any) -> str:
    """A number or flag in a message."""
    return f"the number {value}" if not isinstance(value, bool) else "true" if value else "false"


def describe(node: Node) -> str:
    """A value in a message: ``the text 'abc'``, ``the number 12``, ``a list``."""
    kind = type_of(node)
    if kind == "text":
        return f"the text {show(node.value)}" if node.value else "an empty text"
    if kind == "number":
        return f"the number {node.raw}"
    if kind == "bool":
        word = "true" if node.value else "false"
        return word if node.raw.lower() == word else f"{word} (YAML's meaning of {node.raw})"
    return {"nothing": "nothing", "bytes": "bytes", "function": "a function"}.get(kind, f"a {kind}")


#: Milliseconds in the units of times.
_TIMES = {"ms": 1, "s": 1000, "sec": 1000, "seconds": 1000, "m": 60_000, "min": 60_000}


def _time_hint(kind: Kind, text: str) -> str:
    """The number to write for a text such as ``2s`` where a time is expected, "" for anything else."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([a-z]+)", text.strip())
    unit = _unit(kind)
    if match is None or match[2] not in _TIMES or not unit:
        return ""
    number = float(match[1]) * _TIMES[match[2]] / (1000 if unit == "seconds" else 1)
    return f"; write {number:g} ({unit})"


def _unit(kind: Kind) -> str:
    """The unit of the numbers that a kind accepts, "" without one."""
    if isinstance(kind, AnyOf):
        return next(filter(None, map(_unit, kind.options)), "")
    if isinstance(kind, Shape):
        return _unit(kind.kind)
    return kind.unit if isinstance(kind, Numeric) else ""


def quote_hint(kind: Kind, node: Node) -> str:
    """What to write instead of a value of the wrong type, "" when there is no advice."""
    type_name = type_of(node)
    if type_name in ("number", "bool") and "text" in kind.takes and not isinstance(kind, Choice):
        return "; put it in quotes" if node.plain else ""
    if type_name == "text" and "number" in kind.takes and not node.plain and re.fullmatch(r"-?\d+(\.\d+)?", node.value):
        return "; leave out the quotes" if node.line else ""
    if type_name == "text" and isinstance(kind, Struct) and kind.not_text:
        return f"; {kind.not_text}"
    return _time_hint(kind, node.value) if type_name == "text" else ""

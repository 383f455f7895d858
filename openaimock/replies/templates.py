"""Templates: ``{{ user }}`` and a few other placeholders in the texts of a reply. No logic, no evaluation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..http.json import dump
from ..types.ask import Ask

#: A placeholder, or ``{{{{ ... }}}}``, which writes the text ``{{ ... }}``.
_PLACEHOLDER = re.compile(r"\{\{\{\{(?P<literal>.*?)\}\}\}\}|\{\{\s*(?P<name>.*?)\s*\}\}", re.DOTALL)
#: Complete names; ``match.NAME`` and ``body.PATH`` are the other ones.
NAMES = ("user", "model", "turn", "count")
_ALL = (*NAMES, "match.NAME", "body.PATH")


def present(value: Any) -> bool:
    """Whether a text, or any text inside a list or mapping, has a placeholder."""
    if isinstance(value, str):
        return "{{" in value and _PLACEHOLDER.search(value) is not None
    if isinstance(value, Mapping):
        return any(present(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(present(item) for item in value)
    return False


def problems(text: str, groups: set[str]) -> list[str]:
    """The problems of the placeholders in a text; ``groups`` has the names and numbers of the groups of the rule's regexes."""
    problems_found = []
    for name in [match["name"] for match in _PLACEHOLDER.finditer(text) if match["name"] is not None]:
        head, _, rest = name.partition(".")
        if name in NAMES or (head == "body" and rest):
            continue
        if head == "match" and rest:
            if rest not in groups:
                names = ", ".join(sorted(groups)) or "this rule has no regex with groups"
                problems_found.append(f"'{{{{ {name} }}}}' names no group of the rule's regexes ({names})")
            continue
        from difflib import get_close_matches  # only a mistake needs it

        close = get_close_matches(name, _ALL, 1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        problems_found.append(f"'{name}' is not known in a template{hint} ({', '.join(_ALL)})")
    return problems_found


def fill(value: Any, ask: Ask, groups: Mapping[str, str], count: int) -> Any:
    """The value with every placeholder filled, in texts at any depth."""
    if isinstance(value, str):
        return _fill_text(value, lambda name: _look_up(name, ask, groups, count)) if "{{" in value else value
    if isinstance(value, Mapping):
        return {key: fill(item, ask, groups, count) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, ask, groups, count) for item in value]
    return value


def _fill_text(text: str, look_up: Callable[[str], str]) -> str:
    # In a JSON text placeholders stand inside strings, so the values are escaped.
    escape = (lambda value: dump(value)[1:-1]) if _is_json(text) else (lambda value: value)

    def replacement(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "{{" + match["literal"] + "}}"
        return escape(look_up(match["name"]))

    return _PLACEHOLDER.sub(replacement, text)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _look_up(name: str, ask: Ask, groups: Mapping[str, str], count: int) -> str:
    head, _, rest = name.partition(".")
    if head == "match":
        return groups.get(rest, "")
    if head == "body":
        return _as_text(reach(ask.body, rest))
    return _as_text({"user": ask.user, "model": ask.model, "turn": ask.turn, "count": count}[name])


def reach(value: Any, path: str) -> Any:
    """The value at a dotted path of keys and list positions (``messages.0.content``); None when there is none."""
    for key in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and re.fullmatch(r"-?\d+", key) and -len(value) <= int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dump(value)

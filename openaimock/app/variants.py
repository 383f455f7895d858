"""Variants: bodies that are an earlier body with another text in one place. Their Asks are made from the Ask of the earlier one.

Agents and load tests send the same system prompt, tools and parameters with a new text. To find such a body takes a comparison of
its bytes; to parse and check it again takes far longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import APIError
from ..http.json import parse
from ..types.ask import Ask

#: Characters of the longest text that is exchanged.
LONGEST = 8192
#: Bodies that are remembered to see whether a variant of them comes, and templates.
CANDIDATES, TEMPLATES = 32, 64
#: Bytes of all remembered bodies together, and of all templates.
MEMORY = 8 * 1024 * 1024


class Text(NamedTuple):
    """A text in a body, without its quotes; ``content`` is that of JSON and of the bytes: it has no escapes."""

    start: int
    end: int
    content: str


def find_text(raw: bytes, names: tuple[str, ...]) -> Text | None:
    """The value of the last member with one of these names; None when it is no text without escapes of up to LONGEST bytes."""
    start = -1
    # Clients write all members of a body in one way.
    for mark in _marks(names, raw.find(b'": ', 0, 64) > 0):
        at = raw.rfind(mark, max(start, 0))
        if at >= 0:
            start = at + len(mark)
    end = raw.find(b'"', start, start + LONGEST) if start > 0 else -1
    if end <= start:
        return None
    piece = raw[start:end]
    try:
        content = piece.decode()
    except UnicodeDecodeError:
        return None
    return Text(start, end, content) if content.isprintable() and "\\" not in content else None


@lru_cache(maxsize=16)
def _marks(names: tuple[str, ...], spaced: bool) -> tuple[bytes, ...]:
    return tuple(f'"{name}":{" " * spaced}"'.encode() for name in names)


class Template(NamedTuple):
    """A body around a text, and the members of its Ask."""

    prefix: bytes
    suffix: bytes
    kind: type[Ask]
    members: dict[str, Any]
    replace: Callable[[Any, str], None]
    #: Commas outside the text.
    commas: int

    def ask(self, text: str) -> Ask:
        """The Ask of the body with another text."""
        ask: Ask = object.__new__(self.kind)
        ask.__dict__.update(self.members)
        self.replace(ask, text)
        return ask


#: What else the Ask of a body depends on, the length of the body before the text, and that after it.
_Key = tuple[object, int, int]


class Variants:
    """The templates of recent bodies. A body becomes one when a variant of it comes."""

    def __init__(self) -> None:
        self._candidates: dict[_Key, tuple[bytes, bytes]] = {}
        self._templates: dict[_Key, Template] = {}

    def template(self, context: object, raw: bytes, text: Text) -> Template | None:
        """The template of which a body is a variant; ``context`` is what else its Ask depends on."""
        template = self._templates.get((context, text.start, len(raw) - text.end))
        if template is not None and raw.startswith(template.prefix) and raw.endswith(template.suffix):
            return template
        return None

    def learn(self, context: object, raw: bytes, text: Text, ask: Ask, replace: Callable[[Any, str], None]) -> None:
        """Remember a body that is no variant of a template, or make a template of it if it is a variant of one before."""
        key = (context, text.start, len(raw) - text.end)
        earlier = self._candidates.get(key)
        if earlier is None or not (raw.startswith(earlier[0]) and raw.endswith(earlier[1])):
            _keep(self._candidates, key, (raw[: text.start], raw[text.end :]), CANDIDATES)
            return
        del self._candidates[key]
        prefix, suffix = earlier
        commas = prefix.count(b",") + suffix.count(b",")
        template = Template(prefix, suffix, type(ask), dict(ask.__dict__), replace, commas)
        if _is_right(template, text.content):
            _keep(self._templates, key, template, TEMPLATES)


def _keep(entries: dict[_Key, Any], key: _Key, entry: Any, most: int) -> None:
    """Add an entry; the oldest ones make room for it."""
    size = key[1] + key[2]
    if size > MEMORY // 4:
        return
    entries.pop(key, None)
    entries[key] = entry
    while len(entries) > most or sum(prefix + suffix for _, prefix, suffix in entries) > MEMORY:
        del entries[next(iter(entries))]


def _is_right(template: Template, text: str) -> bool:
    """Whether the template makes the same of another text as parsing does: its text may be in another place."""
    other = f"{text}."
    try:
        return bool(template.ask(other).body == parse(template.prefix + other.encode() + template.suffix))
    except (APIError, LookupError, TypeError, AttributeError):
        return False

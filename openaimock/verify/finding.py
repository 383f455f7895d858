"""Finding: one difference between a rule and the API."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from ..config.entries import locate
from ..config.rules import Entry
from ..errors import Problem


class Finding(NamedTuple):
    """A difference with its place. ``works`` when the API still accepts it: it has a newer form, or an end."""

    problem: Problem
    works: bool = False


def at(entry: Entry, message: str, *keys: str | int, works: bool = False) -> Finding:
    """A finding at keys inside a rule."""
    place, path = locate(entry.node, entry.path, *keys)
    return Finding(Problem(place, path, message), works)


def similar(name: str, names: Sequence[str]) -> str:
    """The end of a message with the name that is probably meant; "" when none is similar."""
    close = get_close_matches(name, names, 1, 0.6)
    return f"; did you mean '{close[0]}'?" if close else ""

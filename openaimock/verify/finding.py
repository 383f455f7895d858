"""Finding: one difference between a rule and the API."""

from __future__ import annotations

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

"""The model table: what depends on the model, looked up by name, with a user's ``models:`` entries laid over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ..text.facts import Patches, Tiles
from . import model_families, model_media
from .model_facts import Family, Model

__all__ = ["Model", "ModelTable", "Patches", "Tiles", "family", "fine_tuned_from", "overlay"]

#: Longer names are taken for unknown ones without a search, and are not cached.
_LONGEST = 200
#: What separates the name of a family from what follows it in a longer name.
_SEPARATORS = "-_:@+"
#: Keys of a ``models:`` entry that are facts of the table; all others are sent as they are.
_FACTS = ("snapshot", "context_window", "max_output_tokens", "owned_by", "created")


class _Index(NamedTuple):
    """The rows by name: exact names with the name of the answer, and beginnings of longer names."""

    exact: dict[str, tuple[Family, str]]
    beginnings: dict[str, Family]
    longest: int


def _index(families: Iterable[Family]) -> _Index:
    exact: dict[str, tuple[Family, str]] = {}
    beginnings: dict[str, Family] = {}
    for row in families:
        for word in row.names.split():
            alias, _, snapshot = word.partition("=")
            exact[alias] = row, snapshot or alias
            beginnings[alias] = row
            if snapshot:
                exact.setdefault(snapshot, (row, snapshot))
        beginnings.update(dict.fromkeys(row.prefixes.split(), row))
    return _Index(exact, beginnings, max(map(len, beginnings)))


#: The end of the name of a snapshot.
_DATE = re.compile(r"-20\d\d-\d\d-\d\d$")
_TABLE = _index((*model_families.FAMILIES, *model_media.FAMILIES))


def fine_tuned_from(name: str) -> str:
    """The model that a fine-tuned one was made from (``ft:BASE:org::id``), or "" for any other name."""
    parts = name.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "ft" else ""


def _begins(name: str, end: int) -> bool:
    """Whether a family's name may end there in a longer name."""
    return end == len(name) or name[end] in _SEPARATORS or name[end - 1] == "."


def _row(name: str) -> Family | None:
    """The row of a name that is not in the table itself: that of the longest beginning that is a family's name."""
    for end in range(min(len(name), _TABLE.longest), 0, -1):
        row = _TABLE.beginnings.get(name[:end])
        if row is not None and _begins(name, end):
            return row
    return None


@lru_cache(maxsize=1024)
def _cached(name: str) -> Model:
    # Gateways write the provider before the name: ``openai/gpt-4o``. The answer has the whole name.
    bare = name.rpartition("/")[2]
    base = fine_tuned_from(bare) or bare
    row, snapshot = _TABLE.exact.get(base) or (_row(base), name)
    if row is None:
        return Model(id=name, snapshot=name)
    return row.model._replace(family=row.names.split()[0].partition("=")[0], id=name, snapshot=snapshot if base == name else name)


def is_listed(name: str) -> bool:
    """Whether the table has a model with just this name, or the model of which the name is a dated snapshot."""
    bare = name.rpartition("/")[2]
    return bare in _TABLE.exact or _DATE.sub("", bare) in _TABLE.exact


def family(name: str) -> Model:
    """What is known about a model, by the name that a request has.

    An alias or a snapshot in the table is answered with its snapshot. Any other name is answered with itself: one that begins
    with a family's name has the facts of that family, a fine-tuned one those of its base, and the rest those of an unknown model.
    """
    return _cached(name) if len(name) <= _LONGEST else Model(id=name, snapshot=name)


class ModelTable(NamedTuple):
    """The table as one mock sees it: the built-in facts under the user's own entries."""

    entries: Mapping[str, Model]

    def family(self, name: str) -> Model:
        """What is known about a model: the user's entry, else the entry of the base of a fine-tuned one, else the table."""
        if not self.entries:
            return family(name)
        model = self.entries.get(name)
        if model is None and (base := self.entries.get(fine_tuned_from(name))):
            return base._replace(id=name, snapshot=name)
        return model or family(name)


def overlay(entries: Iterable[str | Mapping[str, Any]]) -> ModelTable:
    """The table for one mock, from its checked ``models:`` entries: ids, or mappings with an ``id``.

    A mapping's ``snapshot``, ``context_window``, ``max_output_tokens``, ``owned_by`` and ``created`` replace the built-in facts;
    its further keys are kept in ``extra``. An unknown id with a known ``snapshot``, such as an Azure deployment, has the facts of
    the snapshot. An id alone changes nothing.
    """
    models: dict[str, Model] = {}
    for entry in entries:
        if isinstance(entry, str) or len(entry) == 1:
            continue
        facts = {key: entry[key] for key in _FACTS if entry.get(key) is not None}
        extra = {key: value for key, value in entry.items() if key not in _FACTS and key != "id"}
        name = str(entry["id"])
        model = family(name)
        if not model.known and "snapshot" in facts:
            model = family(str(facts["snapshot"]))._replace(id=name)
        models[name] = model._replace(**facts, extra=extra)
    return ModelTable(models)

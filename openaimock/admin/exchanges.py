"""Views of the journal: exchanges, listed, in full, deleted, and as rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..app.explain import why
from ..config.load import secrets
from ..state import journal
from ..text import redaction
from ..types.exchange import Exchange
from .request import AdminRequest, Text, bad, missing, whole_number

#: How many exchanges are listed by default.
DEFAULT_LIMIT = 100
#: The names in a query that select exchanges.
_FILTERS = (*journal.FILTERS, "namespace", "limit")


def exchanges(request: AdminRequest) -> dict[str, Any]:
    """The journal: the newest exchanges that pass the filters, oldest first."""
    _check(request.query, (*_FILTERS, "brief", "usage"))
    entries = request.exchanges
    selected = _selected(request, entries, DEFAULT_LIMIT)
    hidden, brief = secrets(request.app.config), _is_on(request, "brief")
    body_limit = request.app.config.body_limit
    rows = [journal.brief(entry, hidden) if brief else journal.render(entry, hidden, body_limit) for entry in selected]
    if _is_on(request, "usage"):
        _add_usage(request, rows, selected)
    return {"exchanges": rows, "last": max((entry.order for entry in entries), default=0), "kept": len(entries)}


def _is_on(request: AdminRequest, name: str) -> bool:
    return request.query.get(name, "false").lower() in ("true", "1", "yes")


def _add_usage(request: AdminRequest, rows: list[dict[str, Any]], selected: Sequence[Exchange]) -> None:
    """Give each row the tokens that its answer reports."""
    # Imported on first use: only the inspector asks for it.
    from ..app.rewrite import usage
    from ..state.namespace import Namespaces

    namespaces = Namespaces(request.app.config)
    for row, entry in zip(rows, selected, strict=True):
        row["usage"] = usage(request.app, entry, namespaces)


def _selected(request: AdminRequest, entries: Sequence[Exchange], limit: int | None) -> list[Exchange]:
    filters = {name: content for name, content in request.query.items() if name in journal.FILTERS}
    if "limit" in request.query:
        limit = whole_number(request.query, "limit", DEFAULT_LIMIT)
    return journal.pick(entries, filters, limit)


def _check(query: Mapping[str, str], names: Sequence[str]) -> None:
    """APIError 400 for an unknown filter or an invalid value."""
    for name, content in query.items():
        if name not in names:
            close = get_close_matches(name, names, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"the filters are {', '.join(names)}"
            raise bad(f"'{name}' is not a filter; {hint}", name)
        if name == "status" and not re.fullmatch(r"\d{3}|\dxx", content, re.IGNORECASE):
            raise bad(f"'status' must be a number or a class such as 4xx, not {content[:80]!r}", name)
        if name in ("matched", "brief", "usage") and content.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise bad(f"'{name}' must be true or false, not {content[:80]!r}", name)
    whole_number(query, "since", 0)


def exchange(request: AdminRequest) -> dict[str, Any]:
    """One exchange in full, with the verdicts of the present rules; with ``answer=true`` also what the client received."""
    entry = _exchange(request, request.rest)
    hidden = secrets(request.app.config)
    row = journal.render(entry, hidden, request.app.config.body_limit)
    row |= {"why": None if entry.ask is None else redaction.value(why(request.app, entry), hidden)}
    if not _is_on(request, "answer"):
        return row
    # Imported on first use: it needs the readers of recordings.
    from .answers import conversation, render

    return row | {"messages": conversation(entry, tuple(hidden)), "answer": render(request.app, entry)}


def _exchange(request: AdminRequest, name: str) -> Exchange:
    for entry in reversed(request.exchanges):
        if name in (str(entry.order), entry.id):
            return entry
    raise missing("exchange", name)


def export_rules(request: AdminRequest) -> Text:
    """The exchanges that pass the filters, or the one with an ``id``, as rules in YAML that give the same answers."""
    # Imported on first use: it needs the whole of recording.
    from ..app.export import export

    _check(request.query, (*_FILTERS, "id"))
    name = request.query.get("id")
    selected = _selected(request, request.exchanges, None) if name is None else [_exchange(request, name)]
    return Text(export(request.app, selected).text(), "application/yaml; charset=utf-8")


def delete_exchanges(request: AdminRequest) -> dict[str, Any]:
    """Empty the journal."""
    count = 0
    for namespace in request.namespaces:
        count += namespace.clear_exchanges()
    return {"deleted": count}

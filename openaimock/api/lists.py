"""List objects with pages, deletion objects, the values of a collection, and the lookup of stored objects with the API's 404."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import APIError
from ..params.table import Integer, OneOf, String
from ..state.store import State

#: The query parameters of most lists, for a ``table``.
PAGE = {"limit": Integer(min=1, max=100), "order": OneOf(["asc", "desc"]), "after": String()}
#: How many objects a page has when the query does not say.
PAGE_LENGTH = 20


def list_object(items: Sequence[Any], has_more: bool = False, *, no_id: str | None = "") -> dict[str, Any]:
    """A list object of these items; ``no_id`` stands for ``first_id`` and ``last_id`` of an empty one."""
    first, last = (items[0]["id"], items[-1]["id"]) if items else (no_id, no_id)
    return {"object": "list", "data": list(items), "first_id": first, "last_id": last, "has_more": has_more}


def page_of(items: Sequence[Any], query: Mapping[str, Any], *, order: str = "desc", length: int = PAGE_LENGTH) -> dict[str, Any]:
    """A page of items (oldest first) as a checked query asks for it; ``order`` and ``length`` are this list's defaults.

    APIError 400 when ``after`` or ``before`` is the id of none of them.
    """
    ordered = list(items) if (query.get("order") or order) == "asc" else list(reversed(items))
    if query.get("after"):
        ordered = ordered[_place(ordered, query["after"], "after") + 1 :]
    if query.get("before"):
        ordered = ordered[: _place(ordered, query["before"], "before")]
    limit = query.get("limit") or length
    return list_object(ordered[:limit], len(ordered) > limit)


def _place(items: Sequence[Any], id: str, param: str) -> int:
    for place, item in enumerate(items):
        if item["id"] == id:
            return place
    raise _no_such_item(id, param)


def stored_page(
    store: State,
    collection: str,
    query: Mapping[str, Any],
    *,
    order: str = "desc",
    length: int = PAGE_LENGTH,
    index: Mapping[str, str] | None = None,
    view: Callable[[Any], Any] = lambda value: value,
) -> dict[str, Any]:
    """A page of a collection, as ``page_of``; ``index`` selects stored values, ``view`` makes the listed object of one."""
    after, before = query.get("after") or None, query.get("before") or None
    newest_first = (query.get("order") or order) == "desc"
    limit = query.get("limit") or length
    page = store.page(collection, limit=limit, after=after, before=before, newest_first=newest_first, index=index)
    if page is None:
        param = "after" if after and store.get(collection, after) is None else "before"
        raise _no_such_item(str(query.get(param)), param)
    return list_object([view(value) for value in page.items], page.more)


def view(record: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the API shows it: without the members of the mock's own, whose names begin with ``_``."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def values(store: State, collection: str, limit: int) -> list[Any]:
    """The first ``limit`` values of a collection, oldest first."""
    page = store.page(collection, limit=limit)
    return page.items if page else []


def _no_such_item(id: str, param: str) -> APIError:
    return APIError(400, f"Item with id '{id}' not found.", param=param)


def deleted(id: str, kind: str) -> dict[str, Any]:
    """The answer to a deletion; ``kind`` is its ``object``."""
    return {"id": id, "object": kind, "deleted": True}


def lookup(store: State, collection: str, id: str, message: str, *, param: str | None = None, code: str | None = None) -> Any:
    """The stored value; when there is none APIError 404 with ``message``, in which ``{id}`` is filled in."""
    value = store.get(collection, id)
    if value is None:
        raise APIError(404, message.replace("{id}", id), param=param, code=code)
    return value

"""Vector stores: create, retrieve, update, list, delete and search them.

(API reference: Vector stores; SDK types VectorStore, VectorStoreDeleted, VectorStoreSearchResponse.)
"""

from __future__ import annotations

from typing import Any

from ...errors import APIError
from ...http import payloads
from ...http.request import Request
from ...params import vector_stores as params
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..operation import Operation
from ..reading import body_of, no_body, query_of
from . import store as stored
from .search import results, rewritten


def _read_search(request: Request) -> Ask:
    """The Ask of a search: its text has a line for each query."""
    body = request.object()
    params.SEARCH.check(body)
    return Ask("vector_stores", body, text="\n".join(_queries(body)))


def _queries(body: dict[str, Any]) -> list[str]:
    query = body["query"]
    return [query] if isinstance(query, str) else query


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    body, store = ask.body, context.store
    if store.count(stored.STORES) >= stored.MAX_STORES:
        raise APIError(400, f"This mock keeps at most {stored.MAX_STORES} vector stores in a namespace.")
    after = body.get("expires_after")
    vector_store: dict[str, Any] = {
        "id": context.ids.hex("vs_"),
        "object": "vector_store",
        "created_at": context.created,
        "name": body.get("name") or "",
        "description": body.get("description"),
        "usage_bytes": 0,
        "file_counts": {},
        "status": "",
        "expires_after": after,
        "expires_at": stored.expiry(after, context.created),
        "last_active_at": context.created,
        "metadata": body.get("metadata") or {},
    }
    files = [{"file_id": id, "chunking_strategy": body.get("chunking_strategy")} for id in body.get("file_ids") or ()]
    entries = stored.attach(vector_store["id"], files, context)
    store.put(stored.STORES, vector_store["id"], vector_store)
    return payloads.JSON(stored.view(vector_store, entries, context.now))


def _view(vector_store: dict[str, Any], context: Context) -> dict[str, Any]:
    return stored.view(vector_store, stored.settled(context, vector_store["id"]), context.now)


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(_view(stored.lookup(context.store, ask.params["vector_store_id"]), context))


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    page = lists.stored_page(context.store, stored.STORES, ask.query, view=lambda vector_store: _view(vector_store, context))
    return payloads.JSON(page)


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["vector_store_id"]
    vector_store = stored.lookup(context.store, id)
    change: dict[str, Any] = {}
    if "name" in ask.body:
        change["name"] = ask.body["name"] or ""
    if "metadata" in ask.body:
        change["metadata"] = ask.body["metadata"] or {}
    if "expires_after" in ask.body:
        after = ask.body["expires_after"]
        change |= {"expires_after": after, "expires_at": stored.expiry(after, vector_store["last_active_at"])}
    return payloads.JSON(_view(context.store.update(stored.STORES, id, change) or vector_store, context))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = ask.params["vector_store_id"]
    stored.lookup(context.store, id)
    stored.delete(context.store, id)
    return payloads.JSON(lists.deleted(id, "vector_store.deleted"))


def _search(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id, body = ask.params["vector_store_id"], ask.body
    stored.lookup_active(id, context)
    queries = [rewritten(query) for query in _queries(body)] if body.get("rewrite_query") else _queries(body)
    options = body.get("ranking_options") or {}
    best = results([id], queries, context, body.get("max_num_results") or 10, body.get("filters"), options)
    data = [
        {
            "file_id": result.entry["id"],
            "filename": result.entry["filename"],
            "score": result.score,
            "attributes": result.entry["attributes"],
            "content": [{"type": "text", "text": result.text}],
        }
        for result in best
    ]
    page = {"object": "vector_store.search_results.page", "search_query": queries, "data": data}
    return payloads.JSON({**page, "has_more": False, "next_page": None})


_ONE = "/vector_stores/<vector_store_id>"
_read, _read_list = no_body("vector_stores"), query_of("vector_stores", params.LIST)
_read_create = body_of("vector_stores", params.CREATE, optional=True)
_read_update = body_of("vector_stores", params.UPDATE)
ENDPOINTS = (
    Operation("vector_stores.create", "POST", "/vector_stores", _read_create, _create, own=True, params=params.CREATE),
    Operation("vector_stores.list", "GET", "/vector_stores", _read_list, _list, own=True, blocking=True),
    Operation("vector_stores.retrieve", "GET", _ONE, _read, _retrieve, own=True, blocking=True),
    Operation("vector_stores.update", "POST", _ONE, _read_update, _update, own=True, params=params.UPDATE, blocking=True),
    Operation("vector_stores.delete", "DELETE", _ONE, _read, _delete, own=True, blocking=True),
    Operation(
        "vector_stores.search", "POST", f"{_ONE}/search", _read_search, _search, own=True, params=params.SEARCH, blocking=True
    ),
)

"""Webhook endpoints: those of the configuration and those that clients created, and the events that they get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ...http.json import dump
from ...state.namespace import Context
from ...state.store import State
from .. import lists

#: The collections of endpoints that clients created, and of events that are to be delivered.
CREATED, DELIVERIES = "webhook_endpoints", "webhook_deliveries"
#: The most endpoints, and the most deliveries that wait, in one namespace.
MAX_ENDPOINTS, MAX_DELIVERIES = 100, 1000

Record = dict[str, Any]


class Target(NamedTuple):
    """Where an event goes, and the secrets that sign it: the new one, and the old one while it is valid."""

    url: str
    secrets: tuple[str, ...]


def configured(context: Context) -> list[Mapping[str, Any]]:
    """The endpoints of the configuration."""
    endpoints: list[Mapping[str, Any]] = (context.webhooks or {}).get("endpoints") or []
    return endpoints


def allowed_hosts(context: Context) -> list[str]:
    """The hosts that the configuration allows beside this machine."""
    hosts: list[str] = (context.webhooks or {}).get("allow") or []
    return hosts


def exist(context: Context) -> bool:
    """Whether the namespace has endpoints."""
    return bool(configured(context)) or context.store.count(CREATED) > 0


def _names(context: Context, event_type: str) -> Iterator[str]:
    """The names of the endpoints that get a type of event: the place in the configuration, or an id."""
    for place, endpoint in enumerate(configured(context)):
        if any(fnmatchcase(event_type, pattern) for pattern in endpoint.get("events") or ("*",)):
            yield f"{place}"
    for record in lists.values(context.store, CREATED, MAX_ENDPOINTS):
        if event_type in record["event_types"]:
            yield record["id"]


def target_of(context: Context, name: str) -> Target | None:
    """An endpoint by its name; None when it is gone."""
    if name.isdigit():
        endpoints = configured(context)
        return Target(endpoints[int(name)]["url"], (endpoints[int(name)]["secret"],)) if int(name) < len(endpoints) else None
    record: Record | None = context.store.get(CREATED, name)
    if record is None:
        return None
    old = [entry["secret"] for entry in record["_old_secrets"] if entry["until"] > context.now]
    return Target(record["url"], (record["_secret"], *old))


def event(context: Context, event_type: str, id: str) -> Record:
    """An event about an object."""
    new_id = context.ids.hex("evt_")
    return {"object": "event", "id": new_id, "type": event_type, "created_at": context.created, "data": {"id": id}}


def emit(context: Context, event_type: str, id: str) -> None:
    """Deliver an event about an object to every endpoint that gets its type."""
    names = list(_names(context, event_type))
    if not names:
        return
    payload = dump(event(context, event_type, id))
    for name in names:
        delivery: Record = {
            "id": context.ids.hex("wh_"),
            "endpoint": name,
            "payload": payload,
            "attempts": 0,
            "due": context.now,
        }
        _make_room(context.store)
        context.store.put(DELIVERIES, delivery["id"], delivery)
        context.jobs.schedule(context.store, job_of(delivery["id"]), context.now)


def job_of(delivery: str) -> str:
    """The job that delivers an event."""
    return f"webhook/{delivery}"


def _make_room(store: State) -> None:
    if store.count(DELIVERIES) >= MAX_DELIVERIES:
        for oldest in lists.values(store, DELIVERIES, 1):
            store.schedule(job_of(oldest["id"]), None)
            store.delete(DELIVERIES, oldest["id"])

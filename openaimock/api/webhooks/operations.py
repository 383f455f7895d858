"""Webhook endpoints: create, list, retrieve, update, delete, rotate the secret, send a sample.

(SDK resource ``client.webhooks``; SDK types WebhookEndpoint, WebhookEndpointWithSecret, WebhookEndpointTestResult.)
"""

from __future__ import annotations

import base64
from functools import partial

from ...errors import APIError
from ...http import payloads
from ...http.cancellation import Cancellation
from ...http.json import dump
from ...http.targets import refusal
from ...params.webhooks import CREATE, LIST, ROTATE_SECRET, TEST, UPDATE
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from .. import lists
from ..operation import Operation
from ..reading import body_of, no_body, query_of
from . import delivery, endpoints
from .endpoints import CREATED, MAX_ENDPOINTS, Record, Target

#: Seconds that an old secret stays valid when a client asks for that.
OVERLAP = 24 * 3600


def _with_secret(record: Record) -> Record:
    return {**lists.view(record), "signing_secret": record["_secret"]}


def _new_secret(context: Context) -> dict[str, str]:
    secret = "whsec_" + base64.b64encode(bytes.fromhex(context.ids.hex("", 64))).decode()
    return {"_secret": secret, "signing_secret_hint": f"whsec_...{secret[-5:]}"}


def _lookup(ask: Ask, context: Context) -> Record:
    id = ask.params["webhook_endpoint_id"]
    record: Record = lists.lookup(context.store, CREATED, id, "No webhook endpoint found with id '{id}'.")
    return record


def _check_url(url: str, context: Context) -> None:
    reason = refusal(url, endpoints.allowed_hosts(context))
    if reason:
        raise APIError(400, f"Invalid 'url': it {reason}.", param="url", code="invalid_value")


def _create(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    body = ask.body
    _check_url(body["url"], context)
    if context.store.count(CREATED) >= MAX_ENDPOINTS:
        raise APIError(400, f"A namespace has at most {MAX_ENDPOINTS} webhook endpoints.")
    secret = _new_secret(context)
    record: Record = {
        "id": context.ids.hex("whe_"),
        "object": "webhook_endpoint",
        "created_at": context.created,
        "updated_at": context.created,
        "name": body["name"],
        "url": body["url"],
        "event_types": list(dict.fromkeys(body["event_types"])),
        "signing_secret_hint": secret["signing_secret_hint"],
        "_secret": secret["_secret"],
        "_old_secrets": [],
    }
    context.store.put(CREATED, record["id"], record)
    return payloads.JSON(_with_secret(record))


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(lists.stored_page(context.store, CREATED, ask.query, view=lists.view))


def _retrieve(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON(lists.view(_lookup(ask, context)))


def _change(record: Record, context: Context, members: Record) -> Record:
    """The endpoint with other members. APIError 404 when it was deleted in the meantime."""
    changed = {name: value for name, value in members.items() if record.get(name) != value}
    if changed:
        changed["updated_at"] = context.created
        record = context.store.update(CREATED, record["id"], changed)
        if record is None:
            raise APIError(404, "The webhook endpoint was deleted.")
    return record


def _update(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = _lookup(ask, context)
    members = {name: ask.body[name] for name in ("name", "url", "event_types") if ask.body.get(name) is not None}
    if "url" in members:
        _check_url(members["url"], context)
    return payloads.JSON(lists.view(_change(record, context, members)))


def _rotate(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    record = _lookup(ask, context)
    keep = ask.body.get("keep_old_secret_active_for_24_hours")
    old = [{"secret": record["_secret"], "until": context.now + OVERLAP}] if keep else []
    return payloads.JSON(_with_secret(_change(record, context, {**_new_secret(context), "_old_secrets": old})))


def _delete(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    id = _lookup(ask, context)["id"]
    context.store.delete(CREATED, id)
    return payloads.JSON(lists.deleted(id, "webhook_endpoint.deleted"))


def _test(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """Send a sample now. APIError 400 when the receiver does not answer."""
    record, event_type = _lookup(ask, context), ask.body["event_type"]
    target = endpoints.target_of(context, record["id"]) or Target(record["url"], (record["_secret"],))
    sample = endpoints.event(context, event_type, context.ids.hex(f"{event_type.partition('.')[0]}_"))
    outcome = delivery.send(context, target, context.ids.hex("wh_"), dump(sample), Cancellation())
    if not outcome.status:
        raise APIError(400, f"The test event was not delivered: {outcome.reason}.", code="webhook_failed")
    return payloads.JSON(
        {
            "object": "webhook_endpoint.test",
            "webhook_endpoint_id": record["id"],
            "event_type": event_type,
            "success": True,
            "status_code": outcome.status,
        }
    )


_ALL, _ONE = "/webhook_endpoints", "/webhook_endpoints/<webhook_endpoint_id>"
_read = no_body("webhooks")
_reader = partial(body_of, "webhooks", optional=True)
ENDPOINTS = (
    Operation("webhooks.create", "POST", _ALL, _reader(CREATE), _create, own=True, params=CREATE),
    Operation("webhooks.list", "GET", _ALL, query_of("webhooks", LIST), _list, own=True),
    Operation("webhooks.retrieve", "GET", _ONE, _read, _retrieve, own=True),
    Operation("webhooks.update", "POST", _ONE, _reader(UPDATE), _update, own=True, params=UPDATE),
    Operation("webhooks.delete", "DELETE", _ONE, _read, _delete, own=True),
    Operation(
        "webhooks.rotate_secret", "POST", f"{_ONE}/rotate_secret", _reader(ROTATE_SECRET), _rotate, own=True, params=ROTATE_SECRET
    ),
    Operation("webhooks.test", "POST", f"{_ONE}/test", _reader(TEST), _test, own=True, params=TEST, blocking=True),
)

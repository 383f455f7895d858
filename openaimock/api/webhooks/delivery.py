"""Deliveries: signed POST requests with events (Standard Webhooks), repeated until the receiver accepts them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from ...errors import APIError
from ...http.cancellation import Cancellation
from ...http.json import parse
from ...http.targets import refusal
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.clock import monotonic
from ...types.exchange import Exchange
from ..jobs import Work
from . import endpoints
from .endpoints import DELIVERIES, Record, Target

#: Seconds of the clock between the attempts of a delivery: they end within the API's 72 hours.
DELAYS = (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 24 * 3600)
#: Seconds that a receiver has to connect and to answer.
TIMEOUT = 10.0
_AGENT = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"
#: The name of a delivery in the journal, beside the operations.
OPERATION = "webhooks.delivery"


class Outcome(NamedTuple):
    """The status of the receiver's answer; 0 and a ``reason`` when there was none."""

    status: int
    reason: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took the event."""
        return 200 <= self.status < 300


def signature(secret: str, message: bytes) -> str:
    """A signature of the Standard Webhooks. The key is what ``whsec_`` stands before, in base64, or else the secret itself."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    return "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def signed_headers(id: str, secrets: Iterable[str], payload: str) -> dict[str, str]:
    """The headers of a delivery. The time is the real one: receivers compare it with theirs."""
    timestamp = str(int(time.time()))
    message = f"{id}.{timestamp}.{payload}".encode()
    return {
        "user-agent": _AGENT,
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(secret, message) for secret in secrets),
    }


def send(context: Context, target: Target, id: str, payload: str, cancellation: Cancellation) -> Outcome:
    """Send an event once, and note it in the journal."""
    headers = signed_headers(id, target.secrets, payload)
    exchange = Exchange(context.number, context.now, context.store.name, "POST", target.url, endpoint="webhooks", id=id)
    exchange.operation = OPERATION
    exchange.ask = Ask("webhooks", parse(payload.encode()), method="POST", path=target.url, headers=headers)
    exchange.ask.operation, exchange.ask.answers_prompt = OPERATION, False
    started = monotonic()
    reason = refusal(target.url, endpoints.allowed_hosts(context))
    outcome = Outcome(0, f"it {reason}") if reason else _post(target.url, headers, payload.encode(), cancellation)
    exchange.duration = monotonic() - started
    exchange.status, exchange.ended = outcome.status, "complete" if outcome.status else "fault"
    if outcome.reason:
        exchange.error = APIError(502, f"The webhook was not delivered: {outcome.reason}.", code="webhook_failed")
    context.jobs.journal(context.store, exchange)
    return outcome


def _post(url: str, headers: dict[str, str], body: bytes, cancellation: Cancellation) -> Outcome:
    """The status of the answer to a request. Redirects are not followed, and proxies of the environment not used."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.connect()
        cancellation.attach(connection.sock)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, headers)
        return Outcome(connection.getresponse().status)
    except (OSError, HTTPException, ValueError) as error:
        stopped = "the mock stops" if cancellation.event.is_set() else ""
        return Outcome(0, stopped or getattr(error, "strerror", None) or str(error) or type(error).__name__)
    finally:
        cancellation.attach(None)
        with suppress(OSError):
            connection.close()


def run(id: str, work: Work) -> None:
    """Attempt a delivery that is due, and schedule the next attempt if this one fails."""
    context, job = work.context, endpoints.job_of(id)
    delivery: Record | None = context.store.get(DELIVERIES, id)
    target = None if delivery is None else endpoints.target_of(context, delivery["endpoint"])
    if delivery is None or target is None:
        context.store.delete(DELIVERIES, id)
        return context.store.schedule(job, None)
    if delivery["due"] > context.now:
        return context.jobs.schedule(context.store, job, delivery["due"])
    outcome = send(context, target, id, delivery["payload"], work.cancellation)
    attempts = delivery["attempts"] + 1
    if work.cancellation.event.is_set() and not outcome.is_accepted:
        return  # the mock stops; the delivery stays due
    if outcome.is_accepted or attempts > len(DELAYS):
        context.store.delete(DELIVERIES, id)
        return context.store.schedule(job, None)
    due = context.now + DELAYS[attempts - 1]
    context.store.update(DELIVERIES, id, {"attempts": attempts, "due": due})
    context.jobs.schedule(context.store, job, due)

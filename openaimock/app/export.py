"""Export: exchanges of the journal become rules that give the same answers to the same requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..api.operation import Operation
from ..api.router import ROUTER
from ..config.load import secrets
from ..config.write import write_rules
from ..errors import APIError
from ..http import payloads
from ..recording.exchange import Recording, Skipped
from ..recording.redactor import Redactor, answer_secrets, header_secrets
from ..recording.session import Session
from ..state.namespace import Namespaces
from ..types.ask import Ask
from ..types.exchange import Exchange
from . import App, rewrite
from .sender import raw_error

_JSON = {"content-type": "application/json"}


class Export(NamedTuple):
    """Rules in the words of a configuration; ``left_out`` has a place and a reason for each exchange without a rule."""

    rules: list[dict[str, Any]]
    left_out: list[tuple[str, str]]

    def text(self) -> str:
        """A configuration with these rules; comments at its end name what is left out."""
        comments = (f"# left out: {place}: {' '.join(reason.split())}\n" for place, reason in self.left_out)
        return write_rules(self.rules) + "".join(comments)


def export(app: App, exchanges: Iterable[Exchange]) -> Export:
    """The rules of exchanges, oldest first, without secrets. Requests that no rule answered are left out."""
    record = app.config.record
    redactor = Redactor(secrets(app.config), *((record.names, record.regexes) if record else ()))
    session = Session(redactor=redactor)
    #: What the answers store goes here: the state of the mock does not change.
    namespaces = Namespaces(app.config)
    entries: list[Any] = []
    left_out: list[tuple[str, str]] = []
    for exchange in exchanges:
        place = f"#{exchange.order} {exchange.method} {exchange.path}"
        try:
            redactor.add_secrets(_secrets(exchange))
            recording = _recording(app, exchange, namespaces, place)
            form = exchange.ask if exchange.ask is not None and exchange.ask.files else None
            entries += session.entries(recording, form=form)
        except Skipped as reason:
            left_out.append((place, str(reason)))
    used_ids = [rule.id for rule in app.ruleset.rules]
    rules = []
    for rule in session.rules(entries, lambda place, reason: left_out.append((place, reason)), used_ids):
        if redactor.finds(rule):
            left_out.append((f"rule {rule['id']}", "it would hold a secret"))
        else:
            rules.append(rule)
    return Export(rules, [(redactor.text(place), redactor.text(reason)) for place, reason in left_out])


def _secrets(exchange: Exchange) -> list[str]:
    """The secrets among the headers of a request and of an upstream's answer to it."""
    ask, received = exchange.ask, exchange.received
    of_request = [] if ask is None else header_secrets(ask.headers.items())
    answered = () if received is None else received.headers
    return [*of_request, *answer_secrets((name.lower(), value) for name, value in answered)]


def _recording(app: App, exchange: Exchange, namespaces: Namespaces, place: str) -> Recording:
    """An exchange as it was on the wire. Skipped when there is no answer to repeat."""
    ask, received = exchange.ask, exchange.received
    if ask is None:
        raise Skipped("the mock did not read the request")
    if exchange.ended == "running":
        raise Skipped("it has not ended")
    if not isinstance(ask.body, dict):
        raise Skipped("the journal does not keep the body of this request")
    if exchange.operation == "webhooks.delivery":
        raise Skipped("it is a delivery to a webhook")
    if exchange.reply is None and exchange.operation and received is None and _operation(exchange).reads_state:
        raise Skipped("the mock answers this operation by itself, from what it stores")
    body = ask.body
    if received is not None:
        status, (response, headers) = received.status, rewrite.decoded(received)
    elif exchange.unmatched:
        raise Skipped("no rule answered")
    else:
        body = {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
        status, response, headers = _response(app, exchange, ask, namespaces)
    request = payloads.encode(body) if exchange.method != "GET" else b""
    return Recording(exchange.method, exchange.path, request, status, response, _JSON, headers, place=place)


def _operation(exchange: Exchange) -> Operation:
    return ROUTER.find(exchange.method, exchange.path).operation


def _response(app: App, exchange: Exchange, ask: Ask, namespaces: Namespaces) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of the mock's own answer, made whole and once more: the journal does not keep its bytes."""
    error = exchange.error
    if error is not None:
        payload: Any = raw_error(error)
    else:
        ask = ask.copy()
        ask.stream = False
        if exchange.operation and _operation(exchange).id.startswith("images."):
            # The address of a picture ends with the mock that serves it.
            ask.body = {**ask.body, "response_format": "b64_json"}
        try:
            payload = rewrite.payload(exchange, ask, rewrite.context_of(app, exchange, namespaces))
        except APIError as failure:
            payload = raw_error(failure)
        except ValueError:
            if not ask.files:
                raise
            raise Skipped("its answer depends on the bytes of files, which the journal does not keep") from None
    if isinstance(payload, payloads.Raw):
        own = exchange.reply.headers if exchange.reply is not None else {}
        return payload.status, payload.body, {"content-type": payload.content_type, **dict(payload.headers), **own}
    if isinstance(payload, payloads.JSON):
        status = exchange.reply.status if exchange.reply is not None else None
        return status or 200, payload.encoded(), dict(_JSON)
    raise Skipped("its answer is a stream only")

"""Retries: with ``retries: same`` a retry gets the last reply to its request that was not an error, without its trouble."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..http.forms import is_form
from ..http.request import Request
from ..rules.rule import Rule
from ..seed import digest
from ..state.bounded import put_latest
from ..types.ask import Ask, Match
from ..types.reply import Reply
from .sources import Selection, selection

if TYPE_CHECKING:
    from . import App
    from .call import Call

#: The collection of the namespace, and how many requests are remembered there.
COLLECTION, MAX_REQUESTS = "retries", 10_000
#: How many replies of Python functions are kept.
MAX_REPLIES = 1000


class Retry(NamedTuple):
    """What is known of a request that may be a retry.

    ``names`` are those under which its reply is remembered; ``record`` is what an earlier attempt left there, if this is a retry.
    """

    names: Sequence[str]
    record: Mapping[str, Any] | None


class FunctionReplies:
    """The latest replies of Python functions by the exchange that they answered: the functions are not called again for a retry.

    They belong to the process, as the functions do. Which exchange a retry repeats is in the namespace.
    """

    def __init__(self) -> None:
        self._replies: OrderedDict[int, Reply] = OrderedDict()

    def get(self, order: int) -> Reply | None:
        """The reply to an exchange, if it is still kept."""
        return self._replies.get(order)

    def keep(self, order: int, reply: Reply) -> None:
        """Keep the reply to an exchange."""
        self._replies[order] = reply
        if len(self._replies) > MAX_REPLIES:
            self._replies.popitem(last=False)


def recognize(app: App, call: Call) -> None:
    """Stage: whether this is a retry, and what it repeats. A first attempt makes the mock forget earlier equal requests."""
    state, environ = call.context.namespace, call.request.environ
    by_body = digest(call.exchange.method, call.exchange.path, body_identity(call.request, call.ask), size=16).hex()
    names = [by_body]
    key = environ.get("HTTP_IDEMPOTENCY_KEY")
    record = None
    if key:
        names.append(digest(by_body, key, size=16).hex())
        record = state.get(COLLECTION, names[1])
    if record is None and call.ask.attempt > 0:
        record = state.get(COLLECTION, by_body)
    elif record is None:
        state.delete(COLLECTION, by_body)
    call.retry = Retry(names, record)


def body_identity(request: Request, ask: Ask) -> str:
    """A text that is the same for the same body. Each attempt at a form may have a boundary of its own."""
    content_type = request.environ.get("CONTENT_TYPE") or ""
    data = repr((ask.body, ask.files)).encode("utf-8", "replace") if is_form(content_type) else request.raw
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def repeat(app: App, call: Call) -> bool:
    """Set what answers the request to what answered the attempt before it; False when there is none."""
    record = call.retry.record if call.retry is not None else None
    asks = call.parts or [call.ask]
    if record is None or len(record["replies"]) != len(asks):
        return False
    rules = {rule.id: rule for rule in app.ruleset.rules}
    selections = [_selection(rules, entry) for entry in record["replies"]]
    if any(entry is None for entry in selections):
        return False
    call.selections = [entry for entry in selections if entry is not None]
    call.selection = call.selections[0]
    call.exchange.match = call.selection.match
    call.repeats = True
    return True


def _selection(rules: Mapping[str, Rule], entry: Sequence[Any]) -> Selection | None:
    id, score, answer, hit = entry
    rule = rules.get(id)
    return None if rule is None or answer >= len(rule.flow) else selection(Match(rule, score, answer), hit)


def remember(app: App, call: Call) -> None:
    """Remember what answers the request. The mock's own answers and those without a rule are the same for a retry anyway."""
    chosen = call.selections if call.parts else [call.selection]
    matches = [(entry.match, entry.number - 1) for entry in chosen if entry.match is not None]
    if call.retry is None or len(matches) != len(chosen):
        return
    replies = [[match.rule.id, match.score, match.answer, hit] for match, hit in matches]
    for name in call.retry.names:
        put_latest(call.context.namespace, COLLECTION, name, {"replies": replies, "order": call.exchange.order}, MAX_REQUESTS)
    call.remembered = True


def forget(call: Call) -> None:
    """Forget what ``remember`` noted: the reply is an error, so that a retry gets the next one."""
    for name in call.retry.names if call.remembered and call.retry is not None else ():
        call.context.namespace.delete(COLLECTION, name)


def content(app: App, call: Call, make: Callable[[Call], Reply | None]) -> Reply | None:
    """The Reply: to a retry the one of the attempt before it, without its trouble, else what ``make`` returns."""
    if call.repeats and call.retry is not None and call.retry.record is not None:
        earlier = app.function_replies.get(call.retry.record["order"]) or make(call)
        # Nothing delays or breaks it, and the state is not set again.
        return None if earlier is None else replace(earlier, fault=None, latency=None, hold=None, fail=None, set_state={})
    reply = make(call)
    if reply is None or reply.error is not None or (reply.status or 200) >= 400:
        forget(call)
    elif call.remembered and any(entry.source == "function" for entry in (*call.selections, call.selection)):
        app.function_replies.keep(call.exchange.order, reply)
    return reply

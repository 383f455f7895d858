"""Prepared answers: what is the same in the answers to requests with equal bodies, or with bodies that differ in one text.

The stages after ``claim`` come to the same for such requests, if nothing but the body decides about them: the same reply and the
same headers, and a payload that differs in its ids, its time and the tokens of the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..http import payloads
from ..replies.plan import Plan
from ..state.namespace import Context
from ..types.ask import Ask
from ..types.reply import Reply

if TYPE_CHECKING:
    from .call import Call

Write = Callable[[Ask, Reply, Context], payloads.JSON]
#: Rules whose answers are prepared for the same requests, about a kilobyte for each.
MAX_PLANS = 512


class Prepared(NamedTuple):
    """The answer that a plan makes for some requests. ``headers`` are those before the length of the body."""

    plan: Plan
    reply: Reply
    headers: Sequence[tuple[str, str]]
    write: Write


def prepared(call: Call) -> Prepared | None:
    """The prepared answer of a call whose reply is chosen; None when there is none, or its body does not decide alone."""
    plan = call.selection.plan
    answer: Prepared | None = (call.ask.prepared or {}).get(id(plan))
    return answer if answer is not None and answer.plan is plan and _depends_on_body_only(call) else None


def prepare(call: Call, write: Write, headers: Sequence[tuple[str, str]]) -> None:
    """Keep the answer of a call, sent at once and whole, for requests like it; ``write`` makes its payload."""
    plans, reply = call.ask.prepared, call.reply
    if plans is None or reply is None or not _depends_on_body_only(call):
        return
    has_effects = reply.fail is not None or reply.set_state or reply.latency is not None or reply.pace is not None
    plan = call.selection.plan
    if has_effects or reply is not plan.ready:
        return
    if len(plans) >= MAX_PLANS:
        plans.clear()
    plans[id(plan)] = Prepared(plan, reply, tuple(headers), write)


def _depends_on_body_only(call: Call) -> bool:
    """Whether no header of the request decides about the answer, and lint has found nothing (``Sender.prepares``: settings)."""
    return (
        call.fault is None
        and call.latency is None
        and call.chosen is None
        and not call.exchange.lint
        and "HTTP_ORIGIN" not in call.request.environ
    )

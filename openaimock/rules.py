"""Rules: what a rule asks of an Ask, what it answers, and the first thing that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import conditions, matchers, replies
from .conditions import Condition
from .matchers import Matcher, Near
from .nouns import Ask, Match, Message
from .replies import Plan

_SYSTEM = ("system", "developer")


class Miss(NamedTuple):
    """The first thing of a rule that does not fit: where in the request, and why.

    ``step`` of ``steps`` fitted before it. How near it was is worked out only when somebody asks.
    """

    where: str
    reason: str
    step: int
    steps: int
    matcher: Matcher | None = None
    value: Any = None

    @property
    def near(self) -> Near | None:
        """What was expected, what came, how alike they are."""
        return self.matcher.near(self.value) if self.matcher else None

    @property
    def nearness(self) -> float:
        """From 0 to 1, to put the nearest rules first."""
        near = self.near
        return (self.step + ((near.alike if near else None) or 0.0)) / max(1, self.steps)

    def __str__(self) -> str:
        near = self.near
        alike = near.alike if near else None
        return f"{self.where}: {self.reason}" + (f" ({alike:.0%} alike)" if alike is not None else "")


class Turn(NamedTuple):
    """One message of a rule written as a conversation; ``plan`` is what an assistant message answers."""

    role: str
    matcher: Matcher | None = None
    parts: tuple[str, ...] = ()
    tool_call_id: str | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One entry of ``responses:``. ``number`` is its place in file order; a rule has a ``flow`` or ``conditions``."""

    id: str
    number: int
    place: str
    flow: tuple[Turn, ...]
    conditions: tuple[Condition, ...]
    plans: tuple[Plan, ...]
    then: str
    times: int | None
    priority: float
    turns: str

    @property
    def opens_with_system(self) -> bool:
        """Whether the flow itself begins with a system message, so that the request's are not passed over."""
        return bool(self.flow) and self.flow[0].role in _SYSTEM

    @property
    def blocking(self) -> bool:
        """Whether a user's function answers, which may take its time."""
        return any(plan.function for plan in self.plans)


def build(rule: Mapping[str, Any], number: int, defaults: Mapping[str, Any] | None = None) -> Rule:
    """A Rule from its checked normal form. ``defaults`` are the file's own ``turns``, ``pace`` and ``latency``."""
    given = {**(defaults or {}), **{key: value for key, value in rule.items() if value is not None}}
    timing = {key: given[key] for key in ("latency", "pace", "fault", "fail") if given.get(key) is not None}
    return Rule(
        id=rule["id"],
        number=number,
        place=rule.get("place", ""),
        flow=tuple(_turn(message, timing) for message in rule.get("messages") or ()),
        conditions=conditions.compile(rule.get("when") or {}),
        plans=tuple(replies.plan(reply, timing) for reply in rule.get("replies") or ()),
        then=given.get("then", "last"),
        times=rule.get("times"),
        priority=rule.get("priority") or 0,
        turns=given.get("turns", "next"),
    )


def _turn(message: Mapping[str, Any], timing: Mapping[str, Any]) -> Turn:
    expected, answer = message.get("match"), message.get("reply")
    return Turn(
        role=message["role"],
        matcher=matchers.compile(expected) if expected else None,
        parts=tuple(message.get("parts") or ()),
        tool_call_id=message.get("tool_call_id"),
        plan=replies.plan(answer or {}, timing) if message["role"] == "assistant" else None,
    )


# What a rule asks


def fit(rule: Rule, ask: Ask) -> Match | Miss:
    """The Match of a rule that fits, or the first thing that does not."""
    if rule.flow:
        return _fit_flow(rule, ask)
    for step, condition in enumerate(rule.conditions):
        reason = condition.check(ask)
        if reason:
            value = condition.value(ask) if condition.value else None
            return Miss(condition.key, reason, step, len(rule.conditions), condition.matcher, value)
    scores = [score for condition in rule.conditions for score in condition.scores(ask)]
    return Match(rule, sum(scores) / len(scores) if scores else matchers.SCORES["any"])


def _fit_flow(rule: Rule, ask: Ask) -> Match | Miss:
    messages = ask.messages if rule.opens_with_system else ask.opening
    length = len(messages)
    total = 0.0
    counted = 0
    for step, (message, turn) in enumerate(zip(messages, rule.flow, strict=False)):
        role = message.role
        if role != turn.role and not (role in _SYSTEM and turn.role in _SYSTEM):
            return Miss(_place(ask, length, step), f"expected a message of role {turn.role}, got {role}", step, length)
        if role == "assistant":
            continue
        reason = _differs(turn, message)
        if reason:
            return Miss(f"{_place(ask, length, step)} ({role})", reason, step, length, turn.matcher, message.text)
        total += turn.matcher.score if turn.matcher else matchers.SCORES["exact"]
        counted += 1
    if length > len(rule.flow):
        reason = f"the request has {length} messages, this conversation ends after {len(rule.flow)}"
        return Miss("messages", reason, len(rule.flow), length + 1)
    if not counted:
        return Miss("messages", "there is no message but the assistant's to match", 0, 1)
    answer = _answer(rule, length)
    if answer is None:
        reason = f"no assistant message follows the {length} that fit (turns: last would answer with the last one)"
        return Miss("messages", reason, length, length + 1)
    return Match(rule, total / counted, answer)


def _place(ask: Ask, length: int, step: int) -> str:
    # Leading system messages may have been passed over: count from the request's own first message.
    return f"messages[{len(ask.messages) - length + step}]"


def _differs(turn: Turn, message: Message) -> str:
    """Why one message does not fit one turn of a flow, "" when it does."""
    for kind in turn.parts:
        if kind not in message.parts:
            return f"expected a part {kind}, got {', '.join(message.parts) or 'none'}"
    if turn.tool_call_id is not None and turn.tool_call_id != message.tool_call_id:
        return f"expected the result of tool call {turn.tool_call_id!r}, got one of {message.tool_call_id!r}"
    return turn.matcher.check(message.text) if turn.matcher else ""


def _answer(rule: Rule, matched: int) -> int | None:
    """Which message of the flow answers; -1 when the rule has replies of its own, None when none is left."""
    if rule.plans:
        return -1
    answers = [at for at, turn in enumerate(rule.flow) if turn.role == "assistant"]
    if rule.turns == "last":
        return answers[-1]
    return next((at for at in answers if at >= matched), None)


# What a rule answers


def take(rule: Rule, answer: int, used: int) -> Plan | None:
    """The plan that answers a rule's hit number ``used`` (from 0); None when ``then: error`` and all are said."""
    if answer >= 0:
        return rule.flow[answer].plan
    plans = rule.plans
    if used < len(plans):
        return plans[used]
    return {"last": plans[-1], "cycle": plans[used % len(plans)], "error": None}[rule.then]


def groups(rule: Rule, ask: Ask) -> dict[str, str]:
    """The regex groups that a rule's matchers found in an Ask."""
    found: dict[str, str] = {}
    if rule.flow:
        messages = ask.messages if rule.opens_with_system else ask.opening
        for message, turn in zip(messages, rule.flow, strict=False):
            if turn.matcher:
                found |= turn.matcher.groups(message.text)
    pending = list(rule.conditions)
    while pending:
        condition = pending.pop(0)
        pending += condition.parts
        if condition.matcher and condition.value:
            found |= condition.matcher.groups(condition.value(ask))
    return found

"""Rules: what a rule asks of an Ask, what it answers, and the first thing that does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from ..replies.plan import Plan, plan
from ..types.ask import Ask, Message
from . import conditions, matchers
from .conditions import Condition
from .matchers import Matcher

SYSTEM = ("system", "developer")


class Turn(NamedTuple):
    """One message of a rule written as a conversation; ``plan`` is what an assistant message answers.

    ``fits`` tests a message of the right role.
    """

    role: str
    fits: Callable[[Message], bool]
    matcher: Matcher | None = None
    parts: tuple[str, ...] = ()
    tool_call_id: str | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One entry of ``responses:``. ``number`` is its place in file order; a rule has a ``flow`` or ``conditions``.

    What a match needs is worked out when the rule is made: ``worth`` is the score of a flow by the number of messages that
    fit (None: none of them counts), ``answers`` the message that answers then; ``score`` is that of a rule without flow,
    None when it depends on the Ask; ``bound`` is the most that any Ask can score.
    """

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
    #: The flow itself begins with a system message, so that the request's are not passed over.
    opens_with_system: bool
    worth: tuple[float | None, ...]
    answers: tuple[int | None, ...]
    score: float | None
    bound: float

    @property
    def blocking(self) -> bool:
        """Whether a user's function answers, which may take its time."""
        return any(plan.function for plan in self.plans)

    @property
    def steady(self) -> bool:
        """Whether requests with the same body surely get the same from it, however often it has answered."""
        return self.times is None and all(map(conditions.of_body, self.conditions))


def build(rule: Mapping[str, Any], number: int, defaults: Mapping[str, Any] | None = None) -> Rule:
    """A Rule from its checked normal form. ``defaults`` are the file's own ``turns``, ``pace`` and ``latency``."""
    given = {**(defaults or {}), **{key: value for key, value in rule.items() if value is not None}}
    timing = {key: given[key] for key in ("latency", "pace", "fault", "fail") if given.get(key) is not None}
    flow = tuple(_turn(message, timing) for message in rule.get("messages") or ())
    asked = conditions.compile(rule.get("when") or {})
    plans = tuple(plan(reply, timing) for reply in rule.get("replies") or ())
    turns = given.get("turns", "next")
    roles, scores = tuple(turn.role == "assistant" for turn in flow), tuple(map(_turn_score, flow))
    worth, answers = _progress(roles, scores, bool(plans), turns)
    score, bound = _score(asked)
    return Rule(
        id=rule["id"],
        number=number,
        place=rule.get("place", ""),
        flow=flow,
        conditions=asked,
        plans=plans,
        then=given.get("then", "last"),
        times=rule.get("times"),
        priority=rule.get("priority") or 0,
        turns=turns,
        opens_with_system=bool(flow) and flow[0].role in SYSTEM,
        worth=worth,
        answers=answers,
        score=score,
        bound=max((value for value in worth if value is not None), default=0.0) if flow else bound,
    )


def _turn(message: Mapping[str, Any], timing: Mapping[str, Any]) -> Turn:
    expected, answer = message.get("match"), message.get("reply")
    matcher = matchers.compile(expected) if expected else None
    parts, tool_call_id = tuple(message.get("parts") or ()), message.get("tool_call_id")
    return Turn(
        role=message["role"],
        fits=_fits(matcher, parts, tool_call_id),
        matcher=matcher,
        parts=parts,
        tool_call_id=tool_call_id,
        plan=plan(answer or {}, timing) if message["role"] == "assistant" else None,
    )


def _fits(matcher: Matcher | None, parts: tuple[str, ...], tool_call_id: str | None) -> Callable[[Message], bool]:
    fits = matcher.fits if matcher else lambda text: True
    if not parts and tool_call_id is None:
        return lambda message: fits(message.text)
    wanted = set(parts)
    return lambda message: wanted.issubset(message.parts) and tool_call_id in (None, message.tool_call_id) and fits(message.text)


@lru_cache
def _progress(
    roles: tuple[bool, ...], scores: tuple[float, ...], own: bool, turns: str
) -> tuple[tuple[float | None, ...], tuple[int | None, ...]]:
    """Score and answer of a flow by the number of messages that fit. Most flows of a file have the same shape.

    The score is the average of the messages that are not the assistant's. The answer is -1 when the rule has replies of its
    own, None when no message of the flow is left.
    """
    totals = accumulate(scores, initial=0.0)
    counted = accumulate((not assistant for assistant in roles), initial=0)
    worth = tuple(total / number if number else None for total, number in zip(totals, counted, strict=True))
    lengths = range(len(roles) + 1)
    answers = [at for at, assistant in enumerate(roles) if assistant]
    if own or not answers:
        return worth, tuple(-1 if own else None for _ in lengths)
    if turns == "last":
        return worth, tuple(answers[-1] for _ in lengths)
    return worth, tuple(next((at for at in answers if at >= matched), None) for matched in lengths)


def _turn_score(turn: Turn) -> float:
    if turn.role == "assistant":
        return 0.0
    return turn.matcher.score if turn.matcher else matchers.SCORES["exact"]


def _score(asked: Sequence[Condition]) -> tuple[float | None, float]:
    """The score of conditions, None when it depends on the Ask, and the most it can be."""
    least = matchers.SCORES["any"]
    ends = [leaf for condition in asked for leaf in conditions.leaves(condition)]
    if any(_branched(condition) for condition in asked):
        # An average of equal floats may come out a little above them.
        return None, max((worth for leaf in ends for worth in leaf.worth), default=least) + 1e-9
    given = [worth for leaf in ends for worth in leaf.worth]
    score = sum(given) / len(given) if given else least
    return score, score


def _branched(condition: Condition) -> bool:
    return bool(condition.branches) or any(map(_branched, condition.parts))


# What a rule asks


def expectations(rule: Rule) -> list[Matcher]:
    """All that a rule expects of texts and values, in order."""
    leaves = [leaf for condition in rule.conditions for leaf in conditions.leaves(condition)]
    found = [turn.matcher for turn in rule.flow] + [leaf.matcher or leaf.within for leaf in leaves]
    return [matcher for matcher in found if matcher]


def conversation(rule: Rule, ask: Ask) -> Sequence[Message]:
    """The messages that a flow is compared with: without leading system messages, unless it begins with one itself."""
    messages = ask.messages
    if rule.opens_with_system or not messages or messages[0].role not in SYSTEM:
        return messages
    return ask.opening


def fits_role(turn: Turn, message: Message) -> bool:
    """Whether a message is of a turn's role; ``developer`` and ``system`` are one."""
    return message.role == turn.role or (message.role in SYSTEM and turn.role in SYSTEM)


# What a rule answers


def plan_for_hit(rule: Rule, answer: int, used: int) -> Plan | None:
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
    for message, turn in zip(conversation(rule, ask), rule.flow, strict=False):
        if turn.matcher:
            found |= turn.matcher.groups(message.text)
    for condition in rule.conditions:
        found |= conditions.groups(condition, ask)
    return found

"""Rules: what a rule requires of an Ask and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from ..replies.plan import Plan, plan
from ..types.ask import Ask, Message
from . import conditions, matchers
from .conditions import Condition
from .matchers import Matcher

SYSTEM = ("system", "developer")
RESULTS = ("tool", "function")
#: Spans of more parallel results are matched in order only.
_MAX_PARALLEL = 64


class Expectation(NamedTuple):
    """How often a rule should answer; ``most`` is None for any number."""

    least: int
    most: int | None

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"

    def difference(self, hits: int) -> str:
        """How the number of answers differs from the expectation; "" when it does not."""
        if hits >= self.least and (self.most is None or hits <= self.most):
            return ""
        return f"expected {self} answer{'' if self.least == 1 and self.most in (1, None) else 's'}, got {hits}"


class Step(NamedTuple):
    """A change of a scenario from one state to the next."""

    scenario: str
    expected: str
    new: str


class Turn(NamedTuple):
    """One message of a rule written as a conversation; ``plan`` is the reply of an assistant message."""

    role: str
    matcher: Matcher | None = None
    parts: tuple[str, ...] = ()
    tool_call_id: str | None = None
    plan: Plan | None = None

    def fits(self, message: Message) -> bool:
        """Whether a message fits whose role already fits."""
        if self.parts and not set(self.parts).issubset(message.parts):
            return False
        if self.tool_call_id is not None and self.tool_call_id != message.tool_call_id:
            return False
        return self.matcher is None or self.matcher.fits(message.text)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rule:
    """One entry of ``responses:``. ``number`` is its position in file order; a rule has a ``flow`` or ``conditions``.

    Scores are computed when the rule is built: ``worth[n]`` is the score of a flow after ``n`` matching messages (None: no
    message counts), ``answers[n]`` the message that answers then; ``score`` is that of a rule without a flow, None when it
    depends on the Ask; ``bound`` is the highest possible score.
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
    #: The flow begins with a system message, so leading system messages of the request are not skipped.
    opens_with_system: bool
    #: The spans of the flow with the results of parallel calls, which match in any order.
    parallel: tuple[tuple[int, int], ...]
    worth: tuple[float | None, ...]
    answers: tuple[int | None, ...]
    score: float | None
    bound: float
    #: The conditions name an endpoint. Other rules apply only to operations that answer a prompt.
    names_endpoint: bool = False
    #: Some regex runs in a helper process, so that matching may block.
    unsafe: bool = False
    expect: Expectation | None = None
    #: What it answers depends on how often it answered before, so that each hit needs its number.
    numbered: bool = True
    #: Whether it matches depends on the hits of the namespace or on its scenarios.
    reads_state: bool = False
    #: The step of a scenario that goes with a hit: of requests at the same time, only one takes it.
    step: Step | None = None

    @property
    def asks_state(self) -> bool:
        """Whether a hit needs the state at once."""
        return self.numbered or self.step is not None

    def __repr__(self) -> str:
        return f"<Rule {self.id!r}{f' ({self.place})' if self.place else ''}>"

    @property
    def blocking(self) -> bool:
        """Whether a user's function, which may block, makes a reply."""
        return any(plan.function for plan in self.plans)

    @property
    def cacheable(self) -> bool:
        """Whether the rule always gives the same result for the same request body, however often it has answered."""
        return self.times is None and all(map(conditions.depends_on_body_only, self.conditions))


def build(rule: Mapping[str, Any], number: int, defaults: Mapping[str, Any] | None = None) -> Rule:
    """A Rule from its validated normal form. ``defaults`` are the file's ``turns``, ``pace`` and ``latency``."""
    defaults = defaults or {}
    timing = {key: value for key in _TIMING if (value := _option(key, rule, defaults)) is not None}
    when = rule.get("when") or {}
    flow = tuple([_turn(message, timing) for message in rule.get("messages") or ()])
    rule_conditions = conditions.compile(when)
    plans = tuple([plan(reply, timing) for reply in rule.get("replies") or ()])
    turns = _option("turns", rule, defaults) or "next"
    roles, scores = tuple([turn.role for turn in flow]), tuple(map(_turn_score, flow))
    course = _course(roles, scores, bool(plans), turns)
    score, bound = _score(rule_conditions)
    times, then = rule.get("times"), rule.get("then") or "last"
    numbered = (
        times is not None
        or len(plans) > 1
        or then == "error"
        or any(map(_is_numbered, [*plans, *[turn.plan for turn in flow if turn.plan is not None]]))
    )
    return Rule(
        id=rule["id"],
        number=number,
        place=rule.get("place", ""),
        flow=flow,
        conditions=rule_conditions,
        plans=plans,
        then=then,
        times=times,
        priority=rule.get("priority") or 0,
        turns=turns,
        opens_with_system=course.opens_with_system,
        parallel=course.parallel,
        worth=course.worth,
        answers=course.answers,
        score=score,
        bound=course.bound if flow else bound,
        names_endpoint=_names("endpoint", when),
        unsafe=any(turn.matcher is not None and turn.matcher.unsafe for turn in flow) or _unsafe(when),
        expect=Expectation(rule["expect"]["min"], rule["expect"]["max"]) if rule.get("expect") else None,
        numbered=numbered,
        reads_state=times is not None or _names("state", when),
        step=None if numbered or not plans else _step(when.get("state") or {}, plans[0]),
    )


_TIMING = ("latency", "pace", "fault", "fail", "hold")


def _option(key: str, rule: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    value = rule.get(key)
    return defaults.get(key) if value is None else value


def _step(expected: Mapping[str, str], only: Plan) -> Step | None:
    """The step of the one scenario that a rule requires and its only reply sets; None where the new state is a template."""
    new = (only.plain.get("set_state") or {}) if only.is_complete else {}
    both = [Step(name, state, new[name]) for name, state in expected.items() if name in new]
    return both[0] if len(both) == 1 else None


def _is_numbered(plan: Plan) -> bool:
    """Whether a reply depends on the number of the hit: its first attempts fail, it shows the number, or a function makes it."""
    if plan.function is not None or plan.plain.get("fail") is not None:
        return True
    return not plan.is_complete and "count" in str(plan.plain)


def _unsafe(value: Any) -> bool:
    """Whether a part of a rule's normal form has a matcher that runs in a helper process."""
    if isinstance(value, Mapping):
        return value.get("unsafe") is True or any(_unsafe(item) for item in value.values() if isinstance(item, (dict, list)))
    return isinstance(value, (list, tuple)) and any(map(_unsafe, value))


def _names(key: str, when: Mapping[str, Any]) -> bool:
    """Whether conditions hold a key, at any depth."""
    inner = [*(when.get("all") or ()), *(when.get("any") or ()), when.get("not") or {}]
    return key in when or any(_names(key, conditions) for conditions in inner) if when else False


def _turn(message: Mapping[str, Any], timing: Mapping[str, Any]) -> Turn:
    expected, answer = message.get("match"), message.get("reply")
    matcher = matchers.compile(expected) if expected else None
    parts, tool_call_id = tuple(message.get("parts") or ()), message.get("tool_call_id")
    return Turn(
        role=message["role"],
        matcher=matcher,
        parts=parts,
        tool_call_id=tool_call_id,
        plan=plan(answer or {}, timing) if message["role"] == "assistant" else None,
    )


class Course(NamedTuple):
    """What the shape of a flow decides; the members are those of ``Rule``."""

    opens_with_system: bool
    parallel: tuple[tuple[int, int], ...]
    worth: tuple[float | None, ...]
    answers: tuple[int | None, ...]
    bound: float


@lru_cache
def _course(roles: tuple[str, ...], scores: tuple[float, ...], own: bool, turns: str) -> Course:
    """The course of a flow, cached because most flows have the same shape; ``own``: the rule has ``replies``.

    The score is the average over the messages that are not the assistant's. The answer is -1 when the rule has ``replies``,
    None when no assistant message follows.
    """
    totals = accumulate(scores, initial=0.0)
    counted = accumulate((role != "assistant" for role in roles), initial=0)
    worth = tuple(total / number if number else None for total, number in zip(totals, counted, strict=True))
    bound = max((value for value in worth if value is not None), default=0.0)
    opens_with_system = bool(roles) and roles[0] in SYSTEM
    return Course(opens_with_system, _parallel(roles), worth, _answers(roles, own, turns), bound)


def _answers(roles: Sequence[str], own: bool, turns: str) -> tuple[int | None, ...]:
    lengths = range(len(roles) + 1)
    answers = [at for at, role in enumerate(roles) if role == "assistant"]
    if own or not answers:
        return tuple(-1 if own else None for _ in lengths)
    if turns == "last":
        return tuple(answers[-1] for _ in lengths)
    return tuple(next((at for at in answers if at >= matched), None) for matched in lengths)


def _parallel(roles: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The spans of at least two tool results in a row."""
    spans, start = [], 0
    for is_result, group in groupby(role in RESULTS for role in roles):
        end = start + len(list(group))
        if is_result and end - start > 1:
            spans.append((start, end))
        start = end
    return tuple(spans)


def _turn_score(turn: Turn) -> float:
    if turn.role == "assistant":
        return 0.0
    return turn.matcher.score if turn.matcher else matchers.SCORES["exact"]


def _score(rule_conditions: Sequence[Condition]) -> tuple[float | None, float]:
    """The score of conditions (None when it depends on the Ask) and its upper bound."""
    least = matchers.SCORES["any"]
    ends = [leaf for condition in rule_conditions for leaf in conditions.leaves(condition)]
    if any(_branched(condition) for condition in rule_conditions):
        # Rounding can make an average of equal floats slightly larger.
        return None, max((worth for leaf in ends for worth in leaf.worth), default=least) + 1e-9
    worth_values = [worth for leaf in ends for worth in leaf.worth]
    score = sum(worth_values) / len(worth_values) if worth_values else least
    return score, score


def _branched(condition: Condition) -> bool:
    return bool(condition.branches) or any(map(_branched, condition.parts))


# Requirements of a rule


def expectations(rule: Rule) -> list[Matcher]:
    """All matchers of a rule, in order."""
    leaves = [leaf for condition in rule.conditions for leaf in conditions.leaves(condition)]
    matchers_found = [turn.matcher for turn in rule.flow] + [leaf.matcher or leaf.within for leaf in leaves]
    return [matcher for matcher in matchers_found if matcher]


def conversation(rule: Rule, ask: Ask) -> Sequence[Message]:
    """The messages to compare with a flow: without leading system messages, unless the flow begins with one."""
    messages = ask.messages
    if rule.opens_with_system or not messages or messages[0].role not in SYSTEM:
        return messages
    return ask.opening


def arranged(rule: Rule, messages: Sequence[Message]) -> Sequence[Turn]:
    """The turns of a flow with those of parallel results in the order of the request's results."""
    flow = rule.flow
    for start, end in rule.parallel:
        results = messages[start:end]
        if end - start <= _MAX_PARALLEL and results and all(message.role in RESULTS for message in results):
            flow = (*flow[:start], *_assign(flow[start:end], results), *flow[end:])
    return flow


def _assign(turns: Sequence[Turn], messages: Sequence[Message]) -> Sequence[Turn]:
    """The turns in an order in which as many as possible fit the message at their place (augmenting paths)."""
    fitting = [[at for at, turn in enumerate(turns) if turn.role == message.role and turn.fits(message)] for message in messages]
    owner: dict[int, int] = {}

    def place(message: int, tried: set[int]) -> bool:
        for at in fitting[message]:
            if at not in tried:
                tried.add(at)
                if at not in owner or place(owner[at], tried):
                    owner[at] = message
                    return True
        return False

    for message in range(len(messages)):
        place(message, set())
    turn_of = {message: at for at, message in owner.items()}
    others = iter([at for at in range(len(turns)) if at not in owner])
    return [turns[turn_of[message] if message in turn_of else next(others)] for message in range(len(messages))] + [
        turns[at] for at in others
    ]


def fits_role(turn: Turn, message: Message) -> bool:
    """Whether a message has a turn's role; ``developer`` and ``system`` are equivalent."""
    return message.role == turn.role or (message.role in SYSTEM and turn.role in SYSTEM)


# Replies of a rule


def reply_for_hit(rule: Rule, answer: int, used: int) -> tuple[int, Plan | None]:
    """The index and the plan of the reply for a rule's hit number ``used`` (from 0).

    The plan is None when ``then: error`` and all replies are used.
    """
    if answer >= 0:
        return answer, rule.flow[answer].plan
    count = len(rule.plans)
    if used >= count:
        if rule.then == "error":
            return used, None
        used = used % count if rule.then == "cycle" else count - 1
    return used, rule.plans[used]


def groups(rule: Rule, ask: Ask) -> dict[str, str]:
    """The regex groups that a rule's matchers capture from an Ask."""
    groups_found: dict[str, str] = {}
    messages = conversation(rule, ask)
    for message, turn in zip(messages, arranged(rule, messages), strict=False):
        if turn.matcher:
            groups_found |= turn.matcher.groups(message.text)
    for condition in rule.conditions:
        groups_found |= conditions.groups(condition, ask)
    return groups_found

"""Whether a rule fits an Ask, and if not, why."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..types.ask import Ask, Match, Message
from . import conditions, matchers
from .matchers import Matcher, Near
from .rule import SYSTEM, Rule, conversation, fits_role


class Miss(NamedTuple):
    """The first thing of a rule that does not fit: ``step`` counts what fitted before it.

    Nothing is worked out before somebody asks: most misses only tell that another rule answers.
    """

    rule: Rule
    ask: Ask
    step: int

    @property
    def where(self) -> str:
        """The place in the request (``messages[1] (user)``) or the key of ``when``."""
        if not self.rule.flow:
            return self.rule.conditions[self.step].key
        message = self._message
        if message is None:
            return "messages"
        # Leading system messages may have been passed over: count from the request's own first message.
        at = len(self.ask.messages) - len(conversation(self.rule, self.ask)) + self.step
        turn = self.rule.flow[self.step]
        return f"messages[{at}] ({message.role})" if fits_role(turn, message) else f"messages[{at}]"

    @property
    def reason(self) -> str:
        """Why it does not fit."""
        if not self.rule.flow:
            return self.rule.conditions[self.step].reason(self.ask)
        message = self._message
        return _why_not(self.rule, len(conversation(self.rule, self.ask))) if message is None else self._differs(message)

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        if not self.rule.flow:
            return len(self.rule.conditions)
        return len(conversation(self.rule, self.ask)) + (self._message is None)

    @property
    def near(self) -> Near | None:
        """What was expected, what came, how alike they are."""
        matcher, value = self.compared
        return matcher.near(value) if matcher else None

    @property
    def nearness(self) -> float:
        """From 0 to 1, to put the nearest rules first."""
        near = self.near
        return self._share((near.alike if near else None) or 0.0)

    @property
    def kinship(self) -> float:
        """A quick estimate of the nearness."""
        matcher, value = self.compared
        return self._share(matcher.kinship(value) if matcher else 0.0)

    def __str__(self) -> str:
        return self.told(self.near)

    def told(self, near: Near | None) -> str:
        """In words where and why it does not fit, when ``near`` is known already."""
        alike = near.alike if near else None
        return f"{self.where}: {self.reason}" + (f" ({alike:.0%} alike)" if alike is not None else "")

    def _share(self, alike: float) -> float:
        return (self.step + alike) / max(1, self.steps)

    @property
    def _message(self) -> Message | None:
        """The message that does not fit; None when all that there are did."""
        messages = conversation(self.rule, self.ask)
        return messages[self.step] if self.step < min(len(messages), len(self.rule.flow)) else None

    def _differs(self, message: Message) -> str:
        turn = self.rule.flow[self.step]
        if not fits_role(turn, message):
            return f"expected a message of role {turn.role}, got {message.role}"
        for kind in turn.parts:
            if kind not in message.parts:
                return f"expected a part {kind}, got {', '.join(message.parts) or 'none'}"
        if turn.tool_call_id is not None and turn.tool_call_id != message.tool_call_id:
            return f"expected the result of tool call {turn.tool_call_id!r}, got one of {message.tool_call_id!r}"
        return turn.matcher.check(message.text) if turn.matcher else ""

    @property
    def compared(self) -> tuple[Matcher | None, Any]:
        """The matcher that says no, and to what; None where it is not a matcher."""
        if not self.rule.flow:
            condition = self.rule.conditions[self.step]
            return (condition.matcher, condition.value(self.ask)) if condition.value else (None, None)
        message = self._message
        if message is None or not fits_role(self.rule.flow[self.step], message):
            return None, None
        return self.rule.flow[self.step].matcher, message.text


def fit(rule: Rule, ask: Ask) -> Match | Miss:
    """The Match of a rule that fits, or the first thing that does not."""
    if rule.flow:
        return _fit_flow(rule, ask)
    for step, condition in enumerate(rule.conditions):
        if not condition.fits(ask):
            return Miss(rule, ask, step)
    if rule.score is not None:
        return Match(rule, rule.score)
    scores = [score for condition in rule.conditions for score in conditions.scores(condition, ask)]
    return Match(rule, sum(scores) / len(scores) if scores else matchers.SCORES["any"])


def _fit_flow(rule: Rule, ask: Ask) -> Match | Miss:
    messages = conversation(rule, ask)
    step = 0
    for message, turn in zip(messages, rule.flow, strict=False):
        role = message.role
        if role == turn.role:
            if role != "assistant" and not turn.fits(message):
                return Miss(rule, ask, step)
        elif not (role in SYSTEM and turn.role in SYSTEM and turn.fits(message)):
            return Miss(rule, ask, step)
        step += 1
    if len(messages) == step:
        score, answer = rule.worth[step], rule.answers[step]
        if score is not None and answer is not None:
            return Match(rule, score, answer)
    return Miss(rule, ask, step)


def _why_not(rule: Rule, length: int) -> str:
    """Why a flow does not answer although no message differs."""
    if length > len(rule.flow):
        return f"the request has {length} messages, this conversation ends after {len(rule.flow)}"
    if rule.worth[length] is None:
        return "there is no message but the assistant's to match"
    return f"no assistant message follows the {length} that fit (turns: last would answer with the last one)"

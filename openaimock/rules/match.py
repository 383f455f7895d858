"""Whether a rule matches an Ask, and if not, why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import APIError
from ..types.ask import Ask, Match, Message
from . import conditions, matchers
from .matchers import Comparison, Matcher
from .rule import SYSTEM, Rule, Turn, arranged, conversation, fits_role

#: The step of a rule that does not apply to the operation at all.
INAPPLICABLE = -1


class Miss(NamedTuple):
    """The first mismatch of a rule: ``step`` is the number of messages or conditions that matched before it.

    Details are computed on demand, because most misses are never explained.
    """

    rule: Rule
    ask: Ask
    step: int

    @property
    def where(self) -> str:
        """The place in the request (``messages[1] (user)``) or the key of ``when``."""
        if self.step == INAPPLICABLE:
            return "endpoint"
        if not self.rule.flow:
            return self.rule.conditions[self.step].key
        message = self._message
        if message is None:
            return "messages"
        # Skipped system messages count too: the index is that of the request.
        at = len(self.ask.messages) - len(conversation(self.rule, self.ask)) + self.step
        turn = self._turn
        return f"messages[{at}] ({message.role})" if fits_role(turn, message) else f"messages[{at}]"

    @property
    def reason(self) -> str:
        """Why the rule does not match, without the place."""
        if self.step == INAPPLICABLE:
            return f"a rule without 'endpoint' does not apply to {self.ask.operation}"
        if not self.rule.flow:
            return self.rule.conditions[self.step].reason(self.ask)
        message = self._message
        return _why_not(self.rule, len(conversation(self.rule, self.ask))) if message is None else self._differs(message)

    @property
    def steps(self) -> int:
        """The number of steps of the whole comparison."""
        if not self.rule.flow:
            return len(self.rule.conditions)
        return len(conversation(self.rule, self.ask)) + (self._message is None)

    @property
    def comparison(self) -> Comparison | None:
        """The expectation, the value and their similarity; None when no matcher is involved."""
        matcher, value = self.compared
        return matcher.compare(value) if matcher else None

    @property
    def nearness(self) -> float:
        """From 0 to 1: how nearly the rule matches, to sort rules."""
        near = self.comparison
        return self._share((near.similarity if near else None) or 0.0)

    @property
    def quick_nearness(self) -> float:
        """A fast estimate of ``nearness``."""
        matcher, value = self.compared
        return self._share(matcher.quick_similarity(value) if matcher else 0.0)

    def __str__(self) -> str:
        return self.message(self.comparison)

    def message(self, comparison: Comparison | None) -> str:
        """Where and why the rule does not match. Pass a ``comparison`` that is already computed."""
        similarity = comparison.similarity if comparison else None
        return f"{self.where}: {self.reason}" + (f" ({similarity:.0%} similar)" if similarity is not None else "")

    def _share(self, similarity: float) -> float:
        return 0.0 if self.step == INAPPLICABLE else (self.step + similarity) / max(1, self.steps)

    @property
    def _message(self) -> Message | None:
        """The message that does not match; None when all messages match."""
        messages = conversation(self.rule, self.ask)
        return messages[self.step] if self.step < min(len(messages), len(self.rule.flow)) else None

    @property
    def _turn(self) -> Turn:
        return arranged(self.rule, conversation(self.rule, self.ask))[self.step]

    def _differs(self, message: Message) -> str:
        turn = self._turn
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
        """The matcher that fails and the value it was applied to; None when no matcher is involved."""
        if self.step == INAPPLICABLE:
            return None, None
        if not self.rule.flow:
            condition = self.rule.conditions[self.step]
            return (condition.matcher, condition.value(self.ask)) if condition.value else (None, None)
        message = self._message
        if message is None or not fits_role(self._turn, message):
            return None, None
        return self._turn.matcher, message.text


def fit(rule: Rule, ask: Ask) -> Match | Miss:
    """The Match of a rule, or its first mismatch. APIError 500 when an unsafe regex takes too long."""
    if not ask.answers_prompt and not rule.names_endpoint:
        return Miss(rule, ask, INAPPLICABLE)
    if rule.unsafe:
        from .separate import SlowRegex

        try:
            return _fit(rule, ask)
        except SlowRegex as error:
            raise APIError(500, f"Rule {rule.id!r} cannot be matched: {error}", type="server_error") from None
    return _fit(rule, ask)


def _fit(rule: Rule, ask: Ask) -> Match | Miss:
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
    outcome = _fit_turns(rule, ask, messages, rule.flow)
    if rule.parallel and isinstance(outcome, Miss) and any(start <= outcome.step < end for start, end in rule.parallel):
        return _fit_turns(rule, ask, messages, arranged(rule, messages))
    return outcome


def _fit_turns(rule: Rule, ask: Ask, messages: Sequence[Message], flow: Sequence[Turn]) -> Match | Miss:
    step = 0
    for message, turn in zip(messages, flow, strict=False):
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
    """Why a conversation does not answer although no message differs."""
    if length > len(rule.flow):
        return f"the request has {length} messages, this conversation ends after {len(rule.flow)}"
    if rule.worth[length] is None:
        return "only assistant messages could be matched, at least one other is needed"
    return f"no assistant message follows the {length} matched messages (turns: last would answer with the last one)"

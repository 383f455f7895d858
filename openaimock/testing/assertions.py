"""Assertions about the exchanges of a mock, checked by the matchers that rules use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..config.load import load_rules
from ..errors import ConfigError, Problem
from ..rules import matchers
from ..rules.match import Miss, fit
from ..rules.rule import Rule, build
from ..types.ask import Ask, ToolCall
from ..types.exchange import Exchange
from . import coverage_report

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..config.types import ErrorDetails, ExpectConfig, Reply

#: Number of exchanges that a failure shows.
MAX_SHOWN = 3


class When:
    """The ``when`` of a rule; one of the methods completes it. ConfigError with all problems of the rule.

    All methods take ``id``, ``times``, ``expect`` and ``priority``, as a rule in a file does, and return the rule.
    """

    def __init__(self, conditions: Any, place: str, add: Callable[[dict[str, Any]], Rule]) -> None:
        self._conditions = conditions
        self._add = add
        #: ``file:line`` of the call that began it.
        self.place = place
        #: Whether it has become a rule.
        self.completed = False

    def __repr__(self) -> str:
        return f"<When at {self.place}{'' if self.completed else ', without a reply'}>"

    def reply(
        self,
        reply: Reply = "",
        /,
        *,
        id: str | None = None,
        times: int | None = None,
        expect: int | ExpectConfig | None = None,
        priority: float | None = None,
    ) -> Rule:
        """Answer with a text, a mapping as in a file, or the result of a function of the Ask."""
        return self._complete({"reply": reply}, id=id, times=times, expect=expect, priority=priority)

    def replies(
        self,
        *replies: Reply | Sequence[Reply],
        then: Literal["last", "cycle", "error"] = "last",
        id: str | None = None,
        times: int | None = None,
        expect: int | ExpectConfig | None = None,
        priority: float | None = None,
    ) -> Rule:
        """Answer with these in turn; ``then`` says what follows the end: ``last``, ``cycle`` or ``error``."""
        listed = list(replies[0]) if len(replies) == 1 and isinstance(replies[0], (list, tuple)) else list(replies)
        return self._complete({"replies": listed, "then": then}, id=id, times=times, expect=expect, priority=priority)

    def error(
        self,
        status: int = 500,
        /,
        *,
        id: str | None = None,
        times: int | None = None,
        expect: int | ExpectConfig | None = None,
        priority: float | None = None,
        **details: Unpack[ErrorDetails],
    ) -> Rule:
        """Answer with an error in the API's wording, or with this ``message``, ``type``, ``code``, ``param``, ``retry_after``."""
        error = {"status": status, **details} if details else status
        return self._complete({"reply": {"error": error}}, id=id, times=times, expect=expect, priority=priority)

    def _complete(self, answer: dict[str, Any], **options: Any) -> Rule:
        options = {key: value for key, value in options.items() if value is not None}
        self.completed = True
        return self._add({"when": self._conditions, **answer, **options})


def combine(when: Any, conditions: Mapping[str, Any]) -> Any:
    """Conditions as a mapping with the keys of ``when``, merged with those by name."""
    if when is None:
        return dict(conditions)
    return {**when, **conditions} if isinstance(when, Mapping) else when


# Each of these returns the failure's message, "" when there is none


def called(exchanges: Sequence[Exchange], when: Any, rule: str | None = None, times: int | None = None) -> str:
    """Check that ``times`` requests (None: at least one) meet the conditions; ``rule``, when set, must have answered them."""
    expected = _conditions(when)
    fitting = [exchange for exchange in exchanges if _difference(expected, rule, exchange) == ""]
    if len(fitting) == times or (times is None and fitting):
        return ""
    count = "at least 1 request" if times is None else "no request" if times == 0 else f"exactly {_count(times, 'request')}"
    summary = f"expected {count} with {_show(when, rule)}, got {len(fitting)} of {len(exchanges)}."
    if times is not None and len(fitting) > times:
        return "\n".join([summary, "They are:", *lines(fitting)])
    others = [exchange for exchange in exchanges if exchange not in fitting]
    return "\n".join([summary, *_nearest(others, expected, rule)])


def tool_called(exchanges: Sequence[Exchange], name: str, arguments: Any = None, times: int | None = None) -> str:
    """Check that replies sent ``times`` calls (None: at least one) of a tool, with these arguments."""
    calls = [(exchange, call) for exchange in exchanges for call in _calls(exchange)]
    expected = (
        None if arguments is None else _conditions({"body": arguments} if isinstance(arguments, Mapping) else {"text": arguments})
    )
    fitting = [(exchange, call) for exchange, call in calls if call.name == name and not _differs(call, arguments, expected)]
    if len(fitting) == times or (times is None and fitting):
        return ""
    count = "at least 1 call" if times is None else "no call" if times == 0 else f"exactly {_count(times, 'call')}"
    with_ = "" if arguments is None else f" with arguments {arguments!r}"
    report = [f"expected {count} of tool {name!r}{with_}, got {len(fitting)} of {_count(len(calls), 'tool call')}."]
    # Calls of the same tool come first.
    calls.sort(key=lambda item: item[1].name != name)
    for exchange, call in calls[: MAX_SHOWN + len(fitting)]:
        why = f"it calls {call.name!r}" if call.name != name else _differs(call, arguments, expected) or "it fits"
        report.append(f"  #{exchange.order} {call.name}({matchers.show(call.arguments)}): {why}")
    return "\n".join(report)


def in_order(exchanges: Sequence[Exchange], steps: Sequence[Any]) -> str:
    """Check that requests met the steps in this order; other requests may come between them.

    A step is a mapping with the keys of ``when``, or the id of the rule that answered.
    """
    remaining = list(exchanges)
    before = ""
    for number, step in enumerate(steps, 1):
        rule = step.id if isinstance(step, Rule) else step if isinstance(step, str) else None
        when = {} if rule is not None else step
        expected = _conditions(when)
        position = next((at for at, exchange in enumerate(remaining) if _difference(expected, rule, exchange) == ""), None)
        if position is None:
            early = any(_difference(expected, rule, exchange) == "" for exchange in exchanges)
            summary = f"step {number} of {len(steps)}: expected a request with {_show(when, rule)}{before}, got none"
            report = [summary + (" (only before it)." if early and before else ".")]
            report += _nearest(remaining, expected, rule) if remaining else ["No request came after it."] if before else []
            return "\n".join([*report, "All requests:", *lines(exchanges)] if exchanges else report)
        before = f" after #{remaining[position].order}"
        remaining = remaining[position + 1 :]
    return ""


def unexpected(report: Mapping[str, Any]) -> list[str]:
    """The rules of a coverage report that did not answer as often as they expect, a line each."""
    return [f"rule {coverage_report.name(rule)}: {rule['unexpected']}" for rule in report["rules"] if rule["unexpected"]]


# Parts of these


def _conditions(when: Any) -> Rule:
    """The conditions as a rule of their own, so that they match exactly as in a rule. ConfigError with their problems."""
    try:
        return build(load_rules([{"when": when, "reply": ""}])[0], 0)
    except ConfigError as error:
        # The place in this rule means nothing to the caller.
        problems = [Problem("", problem.path.removeprefix("[0]."), problem.message) for problem in error.problems]
        raise ConfigError(problems) from None


def _difference(expected: Rule, rule: str | None, exchange: Exchange) -> str:
    """Why a request does not meet the expectation; "" when it does."""
    if exchange.ask is None:
        return "it was refused before it was read"
    result = fit(expected, exchange.ask)
    if isinstance(result, Miss):
        return str(result)
    return (
        "" if rule is None or rule == exchange.rule else f"rule {exchange.rule} answered" if exchange.rule else "no rule answered"
    )


def _nearness(expected: Rule, exchange: Exchange) -> float:
    if exchange.ask is None:
        return -1.0
    result = fit(expected, exchange.ask)
    return result.nearness if isinstance(result, Miss) else 1.0


def _nearest(exchanges: Sequence[Exchange], expected: Rule, rule: str | None) -> list[str]:
    """The exchanges that come nearest, and their differences."""
    if not exchanges:
        return []
    near = sorted(exchanges, key=lambda exchange: -_nearness(expected, exchange))[:MAX_SHOWN]
    return ["Nearest:", *(f"  {line(exchange)}: {_difference(expected, rule, exchange)}" for exchange in near)]


def _calls(exchange: Exchange) -> list[ToolCall]:
    """The tool calls that an exchange's reply sent to the client."""
    if exchange.reply is None or exchange.error is not None:
        return []
    replies = [exchange.reply, *exchange.reply.others]
    return [call for reply in replies for call in reply.calls]


def _differs(call: ToolCall, arguments: Any, expected: Rule | None) -> str:
    """Why the arguments of a call do not meet the expectation; "" when they do."""
    if expected is None:
        return ""
    if not isinstance(arguments, Mapping):
        return "; ".join(filter(None, (condition.check(Ask("chat", text=call.arguments)) for condition in expected.conditions)))
    try:
        actual = json.loads(call.arguments)
    except ValueError:
        return "its arguments are not JSON"
    if not isinstance(actual, dict) or not arguments:
        return "" if actual == arguments else f"expected {dict(arguments)!r}, got {actual!r}"
    reasons = (condition.check(Ask("chat", body=actual)) for condition in expected.conditions)
    return "; ".join(reason.removeprefix("body.") for reason in reasons if reason)


def line(exchange: Exchange, place: bool = False) -> str:
    """One exchange, on one line, optionally with the place of the rule."""
    text = f" {matchers.show(exchange.ask.text)}" if exchange.ask is not None and exchange.ask.text else ""
    return f"#{exchange.order} {exchange.method} {exchange.path}{text} -> {exchange.status}, {_source(exchange, place)}"


def _source(exchange: Exchange, place: bool) -> str:
    """The rule that answered, or why there is none."""
    if exchange.match is not None:
        rule = exchange.match.rule
        return f"rule {rule.id} ({rule.place})" if place and rule.place else f"rule {rule.id}"
    hint = exchange.error.headers.get("x-openaimock-hint") if exchange.error is not None else None
    return f"unknown path: {hint}" if hint else "no rule"


def lines(exchanges: Sequence[Exchange], places: bool = False) -> list[str]:
    """The last exchanges, a line each."""
    latest = [f"  {line(exchange, places)}" for exchange in exchanges[-10:]]
    return latest if len(latest) == len(exchanges) else [f"  ({len(exchanges) - len(latest)} earlier ones)", *latest]


def _show(when: Any, rule: str | None) -> str:
    """The conditions as they were written."""
    parts = [f"{key}={value!r}" for key, value in when.items()]
    return ", ".join([*parts, *([f"rule={rule!r}"] if rule else [])]) or "anything"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Assertions: what a test says of the exchanges of a mock, held against them by the matchers that rules use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..config.load import load_rules
from ..errors import ConfigError, Problem
from ..rules import matchers
from ..rules.match import Miss, fit
from ..rules.rule import Rule, build
from ..types.ask import Ask, ToolCall
from ..types.exchange import Exchange

#: How many exchanges a failure shows.
SHOWN = 3


class When:
    """The beginning of a rule, which one of the methods completes. ConfigError with all that is wrong with it.

    All of them take ``id``, ``times`` and ``priority``, as a rule of a file does, and give the rule.
    """

    def __init__(self, asked: Any, add: Callable[[dict[str, Any]], Rule]) -> None:
        self._asked = asked
        self._add = add

    def reply(
        self, reply: Any = "", /, *, id: str | None = None, times: int | None = None, priority: float | None = None
    ) -> Rule:
        """Answer so: text, a mapping as in a file, or a function of the Ask."""
        return self._complete({"reply": reply}, id, times, priority)

    def replies(
        self,
        *replies: Any,
        then: str = "last",
        id: str | None = None,
        times: int | None = None,
        priority: float | None = None,
    ) -> Rule:
        """Answer with these in turn; ``then`` says what follows the end: ``last``, ``cycle`` or ``error``."""
        listed = list(replies[0]) if len(replies) == 1 and isinstance(replies[0], (list, tuple)) else list(replies)
        return self._complete({"replies": listed, "then": then}, id, times, priority)

    def error(
        self,
        status: int = 500,
        /,
        *,
        id: str | None = None,
        times: int | None = None,
        priority: float | None = None,
        **said: Any,
    ) -> Rule:
        """Answer with an error in the API's words, or with this ``message``, ``type``, ``code``, ``param``, ``retry_after``."""
        return self._complete({"reply": {"error": {"status": status, **said} if said else status}}, id, times, priority)

    def _complete(self, answer: dict[str, Any], id: str | None, times: int | None, priority: float | None) -> Rule:
        given = {"id": id, "times": times, "priority": priority}
        return self._add({"when": self._asked, **answer, **{key: value for key, value in given.items() if value is not None}})


def combine(when: Any, conditions: Mapping[str, Any]) -> Any:
    """What is asked: a mapping with the keys of ``when``, and more of them by name."""
    if when is None:
        return dict(conditions)
    return {**when, **conditions} if isinstance(when, Mapping) else when


# Each gives what is wrong, "" when nothing is


def called(exchanges: Sequence[Exchange], asked: Any, rule: str | None = None, times: int | None = None) -> str:
    """Whether so many requests (None: at least one) meet the conditions; ``rule`` must have answered them, if given."""
    wanted = _conditions(asked)
    fitting = [each for each in exchanges if _difference(wanted, rule, each) == ""]
    if len(fitting) == times or (times is None and fitting):
        return ""
    count = "at least 1 request" if times is None else "no request" if times == 0 else f"exactly {_count(times, 'request')}"
    said = f"expected {count} with {_shown(asked, rule)}, got {len(fitting)} of {len(exchanges)}."
    if times is not None and len(fitting) > times:
        return "\n".join([said, "These are:", *_lines(fitting)])
    others = [each for each in exchanges if each not in fitting]
    return "\n".join([said, *_nearest(others, wanted, rule)])


def tool_called(exchanges: Sequence[Exchange], name: str, arguments: Any = None, times: int | None = None) -> str:
    """Whether replies have asked for so many calls (None: at least one) of a tool, with these arguments."""
    made = [(each, call) for each in exchanges for call in _calls(each)]
    wanted = (
        None if arguments is None else _conditions({"body": arguments} if isinstance(arguments, Mapping) else {"text": arguments})
    )
    fitting = [(each, call) for each, call in made if call.name == name and not _differs(call, arguments, wanted)]
    if len(fitting) == times or (times is None and fitting):
        return ""
    count = "at least 1 call" if times is None else "no call" if times == 0 else f"exactly {_count(times, 'call')}"
    with_ = "" if arguments is None else f" with arguments {arguments!r}"
    lines = [f"expected {count} of tool {name!r}{with_}, got {len(fitting)} of {_count(len(made), 'tool call')}."]
    # Calls of the same tool are nearer than any other.
    made.sort(key=lambda found: found[1].name != name)
    for each, call in made[: SHOWN + len(fitting)]:
        why = f"it calls {call.name!r}" if call.name != name else _differs(call, arguments, wanted) or "it fits"
        lines.append(f"  #{each.order} {call.name}({matchers.show(call.arguments)}): {why}")
    return "\n".join(lines)


def in_order(exchanges: Sequence[Exchange], steps: Sequence[Any]) -> str:
    """Whether requests met the steps in this order, with others between them perhaps.

    A step is a mapping with the keys of ``when``, or the id of the rule that answered.
    """
    left = list(exchanges)
    before = ""
    for number, step in enumerate(steps, 1):
        rule = step.id if isinstance(step, Rule) else step if isinstance(step, str) else None
        asked = {} if rule is not None else step
        wanted = _conditions(asked)
        found = next((at for at, each in enumerate(left) if _difference(wanted, rule, each) == ""), None)
        if found is None:
            early = any(_difference(wanted, rule, each) == "" for each in exchanges)
            said = f"step {number} of {len(steps)}: expected a request with {_shown(asked, rule)}{before}, got none"
            lines = [said + (" (only before it)." if early and before else ".")]
            lines += _nearest(left, wanted, rule) if left else ["No request came after it."] if before else []
            return "\n".join([*lines, "All requests:", *_lines(exchanges)] if exchanges else lines)
        before = f" after #{left[found].order}"
        left = left[found + 1 :]
    return ""


# What they are made of


def _conditions(asked: Any) -> Rule:
    """The conditions as a rule of their own, so that what fits here is what fits a rule. ConfigError when they are wrong."""
    try:
        return build(load_rules([{"when": asked, "reply": ""}])[0], 0)
    except ConfigError as error:
        # Its place in the rule it was put into says nothing to who asked.
        problems = [Problem("", each.path.removeprefix("[0]."), each.message) for each in error.problems]
        raise ConfigError(problems) from None


def _difference(wanted: Rule, rule: str | None, exchange: Exchange) -> str:
    """What of a request is not as it was asked for; "" when all is."""
    if exchange.ask is None:
        return "it was refused before it was read"
    found = fit(wanted, exchange.ask)
    if isinstance(found, Miss):
        return str(found)
    return (
        "" if rule is None or rule == exchange.rule else f"rule {exchange.rule} answered" if exchange.rule else "no rule answered"
    )


def _nearness(wanted: Rule, exchange: Exchange) -> float:
    if exchange.ask is None:
        return -1.0
    found = fit(wanted, exchange.ask)
    return found.nearness if isinstance(found, Miss) else 1.0


def _nearest(exchanges: Sequence[Exchange], wanted: Rule, rule: str | None) -> list[str]:
    """The exchanges that all but fit, and what is different about them."""
    if not exchanges:
        return []
    near = sorted(exchanges, key=lambda each: -_nearness(wanted, each))[:SHOWN]
    return ["Nearest:", *(f"  {line(each)}: {_difference(wanted, rule, each)}" for each in near)]


def _calls(exchange: Exchange) -> list[ToolCall]:
    """The tool calls that an exchange's reply sent to the client."""
    if exchange.reply is None or exchange.error is not None:
        return []
    replies = [exchange.reply, *exchange.reply.others]
    return [call for reply in replies for call in reply.calls]


def _differs(call: ToolCall, arguments: Any, wanted: Rule | None) -> str:
    """What of a call's arguments is not as it was asked for."""
    if wanted is None:
        return ""
    if not isinstance(arguments, Mapping):
        return "; ".join(filter(None, (each.check(Ask("chat", text=call.arguments)) for each in wanted.conditions)))
    try:
        given = json.loads(call.arguments)
    except ValueError:
        return "its arguments are not JSON"
    if not isinstance(given, dict) or not arguments:
        return "" if given == arguments else f"expected {dict(arguments)!r}, got {given!r}"
    said = (each.check(Ask("chat", body=given)) for each in wanted.conditions)
    return "; ".join(each.removeprefix("body.") for each in said if each)


def line(exchange: Exchange) -> str:
    """One exchange, on one line."""
    text = f" {matchers.show(exchange.ask.text)}" if exchange.ask is not None and exchange.ask.text else ""
    who = f"rule {exchange.rule}" if exchange.matched else "no rule"
    return f"#{exchange.order} {exchange.method} {exchange.path}{text} -> {exchange.status}, {who}"


def _lines(exchanges: Sequence[Exchange]) -> list[str]:
    shown = [f"  {line(each)}" for each in exchanges[-10:]]
    return shown if len(shown) == len(exchanges) else [f"  ({len(exchanges) - len(shown)} earlier ones)", *shown]


def _shown(asked: Any, rule: str | None) -> str:
    """What was asked, as it was written."""
    parts = [f"{key}={value!r}" for key, value in asked.items()]
    return ", ".join([*parts, *([f"rule={rule!r}"] if rule else [])]) or "anything"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

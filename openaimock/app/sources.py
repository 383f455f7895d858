"""Sources: where replies come from, and which source answers an Ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from ..api import Operation
from ..config.load import load_reply
from ..errors import APIError
from ..replies.plan import Plan, make_reply, plan, ready
from ..rules.rule import groups, reply_for_hit
from ..text.log import LINES
from ..types.ask import Ask, Match
from ..types.reply import Block, Reply

if TYPE_CHECKING:
    from . import App
    from .call import Call

#: The extra of the log record of a miss.
_MISS = {**LINES, "is_miss": True}


class Selection(NamedTuple):
    """What answers an Ask: the name of a source with the plan that it uses.

    ``match`` is the match that led to it, ``which`` the index of its reply, ``number`` the number of the hit, from 1,
    ``scenario`` the one that is in its next state since the choice.
    """

    source: str
    plan: Plan = Plan({})
    match: Match | None = None
    which: int = 0
    number: int = 1
    scenario: str = ""


class Source(NamedTuple):
    """One row of SOURCES: the function that makes the Reply (None: the operation's own answer), and whether it may block."""

    reply: Callable[[Ask, Selection], Reply | None]
    may_block: Callable[[Ask, Selection], bool]


# The sources


def _planned(ask: Ask, selection: Selection) -> Reply:
    match = selection.match
    return ready(selection.plan, ask, lambda: groups(match.rule, ask) if match else {}, selection.number)


def _takes_long(ask: Ask, selection: Selection) -> bool:
    """Whether the upstream answers, or content for tools or a schema is generated."""
    plain = selection.plan.plain
    return bool(plain.get("proxy") or (plain.get("auto") and (ask.tools or ask.response_format)))


def _from_function(ask: Ask, selection: Selection) -> Reply:
    function = selection.plan.function
    assert function is not None
    # A copy of the body, so that the function cannot change what the journal keeps.
    copy = ask.copy()
    copy.body = deepcopy(ask.body)
    content = function(copy)
    if isinstance(content, Reply):
        return content
    timing = {key: value for key, value in selection.plan.plain.items() if key != "function"}
    return make_reply({**timing, **load_reply(content)})


def _echo(ask: Ask, selection: Selection) -> Reply:
    return Reply(blocks=(Block("text", ask.user or ask.text),))


def _never(ask: Ask, selection: Selection) -> bool:
    return False


#: Every source by its name.
SOURCES: Mapping[str, Source] = {
    "plan": Source(_planned, _takes_long),
    "function": Source(_from_function, lambda ask, selection: True),
    "echo": Source(_echo, _never),
    "own": Source(lambda ask, selection: None, _never),
}
_OWN = Selection("own")


def unmatched_plan(unmatched: Any, defaults: Mapping[str, Any]) -> Plan | None:
    """The plan of the setting ``unmatched``, None for a setting without a plan."""
    timing = {key: value for key, value in defaults.items() if key != "turns" and value is not None}
    if unmatched in ("auto", "proxy"):
        return plan({unmatched: True}, timing)
    return None if isinstance(unmatched, str) else plan(unmatched["reply"], timing)


# The choice


def select(app: App, call: Call, ask: Ask, match: Match | None) -> Selection:
    """What answers an Ask: the rule that matches, or what ``unmatched`` says. APIError 400 ``no_match`` when nothing does."""
    namespace = call.context.namespace
    while True:
        if match is None:
            return _unmatched(app, call.route.operation, call, ask)
        rule, scenario = match.rule, ""
        if rule.step is not None and not call.spares and not call.parts:
            if not namespace.compare_and_set(*rule.step):
                # Another request has moved the scenario on.
                ask.state = namespace.scenarios()
                match = app.ruleset.match(ask, namespace.hits())
                continue
            scenario = rule.step.scenario
        if call.spares:
            hit: int | None = namespace.hits().get(rule.id, 0)
        elif rule.numbered or not app.namespaces.blocks:
            hit = namespace.claim(rule.id, rule.times, answer=match.answer)
        else:
            namespace.count_hit(rule.id, match.answer)
            hit = 0
        if hit is not None:
            break
        # Another request took the last of the rule's ``times``.
        match = app.ruleset.match(ask, namespace.hits())
    chosen = selection(match, hit)
    if chosen is None:
        call.exchange.match = match
        raise used_up(match)
    return chosen._replace(scenario=scenario) if scenario else chosen


def selection(match: Match, hit: int) -> Selection | None:
    """What answers a rule's hit (from 0); None when ``then: error`` and all replies are used."""
    which, chosen = reply_for_hit(match.rule, match.answer, hit)
    if chosen is None:
        return None
    source = "plan" if chosen.function is None else "function"
    return Selection(source, chosen, match, which, hit + 1)


def _unmatched(app: App, operation: Operation, call: Call, ask: Ask) -> Selection:
    chosen, record = app.unmatched, app.config.record
    # What the upstream answered is replayed or missed, and never made up.
    is_replay = record is not None and ask.answers_prompt and app.config.unmatched == "error"
    if operation.own and app.config.unmatched != "proxy" and not is_replay:
        return _OWN
    if chosen is not None:
        return Selection("plan" if chosen.function is None else "function", chosen, number=call.context.number)
    if app.config.unmatched == "echo":
        return Selection("echo")
    # Imported on use: most requests match a rule.
    from ..rules.explain import no_match
    from .log_line import facts

    recordings = "" if record is None else str(record.path)
    refusal = no_match(ask, app.ruleset.nearest(ask, call.context.namespace.hits()), recordings)
    app.log.warning("%s", refusal.message, extra={**_MISS, "facts": facts(call.exchange)})
    raise refusal


def used_up(match: Match) -> APIError:
    """The error of a rule with ``then: error`` after its last reply."""
    rule = match.rule
    message = (
        "No matching response found for the provided messages: "
        f"rule {rule.id!r} matches, but all its {len(rule.plans)} replies are used up (then: error)."
    )
    return APIError(400, message, code="no_match", headers={"x-should-retry": "false"})

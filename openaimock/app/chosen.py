"""Chosen replies: a request's header names the rule that answers it, or holds the reply itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..config.load import load_json_reply
from ..config.messages import snake
from ..errors import APIError, ConfigError
from ..http.request import Request
from ..replies.plan import plan
from ..rules.match import fit
from ..rules.rule import Rule, build
from ..types.ask import Ask, Match
from .overrides import REPLY, RULE
from .sources import Selection, selection, used_up

if TYPE_CHECKING:
    from . import App
    from .call import Call

#: The headers.
RULE_HEADER, REPLY_HEADER = "x-openaimock-rule", "x-openaimock-reply"
#: The most bytes of a reply in a header.
MAX_BYTES = 32 * 1024
#: The keys of a reply that a header may not have, and why.
_REFUSED = {
    "proxy": "it would send the request to another server",
    "fail": "the mock would have to count, and such a reply has no state",
    "set_state": "such a reply has no state",
}
#: The keys whose value may name a file of the server.
_MEDIA = ("image", "speech")


class Chosen(NamedTuple):
    """What the headers of a request choose: the id of a rule, or the normal form of a reply."""

    rule: str = ""
    reply: Mapping[str, Any] | None = None


def read(request: Request) -> Chosen | None:
    """What the headers choose, None when they are empty. APIError 400 when both are there, or the reply is invalid."""
    rule, reply = (_text(request.environ.get(name, "")) for name in (RULE, REPLY))
    if rule and reply:
        raise _refusal(REPLY_HEADER, f"The headers {RULE_HEADER} and {REPLY_HEADER} exclude each other.")
    if not reply:
        return Chosen(rule) if rule else None
    if len(reply.encode("utf-8", "replace")) > MAX_BYTES:
        raise _refusal(REPLY_HEADER, f"The header {REPLY_HEADER} is larger than {MAX_BYTES} bytes; use a rule instead.")
    return Chosen(reply=_reply(reply))


def _text(header: str) -> str:
    """A header, which WSGI gives as Latin-1, as the UTF-8 text that it is, if it is."""
    try:
        return header.strip().encode("latin-1").decode()
    except UnicodeError:
        return header.strip()


@lru_cache(maxsize=64)
def _reply(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise _refusal(REPLY_HEADER, f"The header {REPLY_HEADER} is not JSON: {reason}.") from None
    for key, item in value.items() if isinstance(value, dict) else ():
        name = snake(key)
        if name in _REFUSED:
            raise _refusal(REPLY_HEADER, f"The header {REPLY_HEADER} cannot have '{name}': {_REFUSED[name]}.")
        if name in _MEDIA and _names_file(item):
            raise _refusal(REPLY_HEADER, f"The header {REPLY_HEADER} cannot name a file; send its bytes as 'b64'.")
    try:
        return load_json_reply(text, REPLY_HEADER)
    except ConfigError as error:
        problems = [{"place": problem.place, "path": problem.path, "message": problem.message} for problem in error.problems]
        raise _refusal(REPLY_HEADER, f"The header {REPLY_HEADER} has problems:\n{error}", problems=problems) from None


def _names_file(value: Any) -> bool:
    """Whether some mapping inside has a key ``file``."""
    if isinstance(value, dict):
        return any(snake(key) == "file" or _names_file(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_names_file, value))


def _refusal(header: str, message: str, **more: Any) -> APIError:
    return APIError(400, message, param=header, code="invalid_value", headers={"x-should-retry": "false"}, more=more)


#: Stands in the journal for the rule that has such a reply.
_HEADER_RULE = build({"id": REPLY_HEADER, "place": "a header of the request"}, 0)


def select(app: App, call: Call, ask: Ask, chosen: Chosen) -> Selection:
    """What answers an Ask: the chosen rule or reply. APIError 400 when there is no such rule, or it is used up."""
    if chosen.reply is not None:
        return Selection("plan", plan(chosen.reply, app.timing), Match(_HEADER_RULE, 1.0), number=call.context.number)
    match = _match(_rule(app, chosen.rule), ask)
    call.exchange.match = match
    hit = call.context.namespace.claim(match.rule.id, match.rule.times, answer=match.answer)
    if hit is None:
        raise _refusal(RULE_HEADER, f"Rule {match.rule.id!r} is used up: it answers {match.rule.times} times.")
    answer = selection(match, hit)
    if answer is None:
        raise used_up(match)
    return answer


def _rule(app: App, id: str) -> Rule:
    rules = {rule.id: rule for rule in list(app.ruleset.rules)}
    if id not in rules:
        close = get_close_matches(id, rules, 1)
        hint = f"; did you mean '{close[0]}'?" if close else "."
        raise _refusal(RULE_HEADER, f"The header {RULE_HEADER} names no rule: {id[:200]!r}{hint}")
    return rules[id]


def _match(rule: Rule, ask: Ask) -> Match:
    """The match of the rule; of a conversation that does not match, the answer after as many as the request has."""
    outcome = fit(rule, ask)
    if isinstance(outcome, Match):
        return outcome
    answers = sorted({answer for answer in rule.answers if answer is not None})
    position = len(answers) - 1 if rule.turns == "last" else min(ask.turn, len(answers) - 1)
    return Match(rule, 0.0, answers[position] if answers else -1)

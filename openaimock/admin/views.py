"""Views: what each path under ``/__openaimock`` answers, as functions from a request to what is sent as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from ..app import App
from ..app.explain import explain, why
from ..config.load import load_rules, load_setting, secrets
from ..errors import APIError
from ..http.json import parse
from ..replies.plan import faults as make_faults
from ..rules import conditions
from ..rules.rule import Rule
from ..rules.ruleset import RuleSet
from ..state import coverage, journal
from ..state.namespace import counts_of
from ..state.store import State
from ..text import redaction
from ..types.exchange import Exchange

#: How many exchanges are listed when nobody says otherwise.
LIMIT = 100
#: Changes of the rules come one after the other.


@dataclass(slots=True)
class AdminRequest:
    """One request to the admin: ``namespace_name`` is None when it names none and means all."""

    app: App
    query: Mapping[str, str]
    body: bytes = b""
    rest: str = ""
    namespace_name: str | None = None

    @property
    def namespaces(self) -> list[State]:
        """The namespaces that are meant."""
        return [namespace for namespace in self.app.namespaces if self.namespace_name in (None, namespace.name)]

    @property
    def namespace(self) -> State:
        """The one namespace that is meant."""
        return self.app.namespaces[self.namespace_name or "default"]

    def json(self) -> Any:
        """The body as JSON; APIError 400 when it is none."""
        return parse(self.body)


# Exchanges


def exchanges(request: AdminRequest) -> dict[str, Any]:
    """The journal: the newest exchanges that pass the filters, in the order in which they came."""
    wanted = {name: content for name, content in request.query.items() if name in journal.FILTERS}
    _check(request.query)
    limit = _whole(request.query, "limit", LIMIT)
    found = [exchange for namespace in request.namespaces for exchange in namespace.exchanges()]
    picked = journal.pick(found, wanted, limit)
    hidden, brief = secrets(request.app.config), request.query.get("brief", "false") in ("true", "1")
    told = [
        journal.brief(each, hidden) if brief else journal.render(each, hidden, request.app.config.body_limit) for each in picked
    ]
    return {"exchanges": told, "last": max((each.order for each in found), default=0), "kept": len(found)}


def _check(query: Mapping[str, str]) -> None:
    """APIError 400 for a filter that there is not, or one that cannot be read."""
    known = (*journal.FILTERS, "namespace", "limit", "brief")
    for name, content in query.items():
        if name not in known:
            close = get_close_matches(name, known, 1)
            told = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(known)}"
            raise _bad(f"'{name}' is not a filter; {told}", name)
        if name == "status" and not re.fullmatch(r"\d{3}|\dxx", content, re.IGNORECASE):
            raise _bad(f"'status' is a number or a class such as 4xx, not {content[:80]!r}", name)
        if name in ("matched", "brief") and content.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise _bad(f"'{name}' is true or false, not {content[:80]!r}", name)
    _whole(query, "since", 0)


def exchange(request: AdminRequest) -> dict[str, Any]:
    """One exchange in full, with what every rule says to it as the rules are now."""
    found = _exchange(request)
    hidden = secrets(request.app.config)
    told = journal.render(found, hidden, request.app.config.body_limit)
    return told | {"why": None if found.ask is None else redaction.value(why(request.app, found), hidden)}


def _exchange(request: AdminRequest) -> Exchange:
    kept = [exchange for namespace in request.namespaces for exchange in namespace.exchanges()]
    for exchange in reversed(kept):
        if request.rest in (str(exchange.order), exchange.id):
            return exchange
    raise _missing("exchange", request.rest)


def forget_exchanges(request: AdminRequest) -> dict[str, Any]:
    """Empty the journal."""
    count = 0
    for namespace in request.namespaces:
        count += namespace.clear_exchanges()
    return {"deleted": count}


# Rules


def rules(request: AdminRequest) -> dict[str, Any]:
    """All rules in their order, with what they ask, what they answer, and how often they have."""
    hits, hidden = coverage.hits(map(counts_of, request.namespaces)), secrets(request.app.config)
    return {"rules": [redaction.value(_rule(rule, hits), hidden) for rule in list(request.app.ruleset.rules)]}


def _rule(rule: Rule, hits: Mapping[str, int]) -> dict[str, Any]:
    plans = [turn.plan for turn in rule.flow if turn.plan] + list(rule.plans)
    return {
        "id": rule.id,
        "place": rule.place,
        "priority": rule.priority,
        "times": rule.times,
        "then": rule.then if len(rule.plans) > 1 else None,
        "asks": list(_asks(rule)),
        "replies": [journal.reply(plan.ready) if plan.ready else _plain(plan.plain) for plan in plans],
        "hits": hits.get(rule.id, 0),
    }


def _asks(rule: Rule) -> Iterator[str]:
    """What a rule asks, in words."""
    for turn in rule.flow:
        if turn.role != "assistant":
            expected = turn.matcher.describe() if turn.matcher else "anything"
            yield f"{turn.role}: {expected}"
    for condition in rule.conditions:
        for leaf in conditions.leaves(condition):
            matcher = leaf.matcher or leaf.within
            yield f"{leaf.key}: {matcher.describe()}" if matcher else leaf.key


def _plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A reply that is not ready before it is asked for, as it was written."""
    if "function" in plain:
        return {"function": getattr(plain["function"], "__qualname__", "a function")}
    return {name: content for name, content in plain.items() if content is not None}


def add_rules(request: AdminRequest) -> tuple[int, Any]:
    """Append rules, checked as those of a file are; ConfigError with every problem, and then none is added."""
    added = request.app.add_rules(request.body)
    return 201, {"added": [rule.id for rule in added], "rules": len(request.app.ruleset.rules)}


def replace_rules(request: AdminRequest) -> dict[str, Any]:
    """Put other rules in the place of all there are, at once; ConfigError with every problem, and then all stay."""
    app = request.app
    with app.changing:
        made = app.build(load_rules(request.body, config=app.config))
        app.ruleset = RuleSet(made, first=app.ruleset.first)
        return {"rules": len(made)}


def delete_rules(request: AdminRequest) -> dict[str, Any]:
    """Remove all rules."""
    app = request.app
    with app.changing:
        count = len(app.ruleset.rules)
        app.ruleset = RuleSet(first=app.ruleset.first)
        return {"deleted": count}


def delete_rule(request: AdminRequest) -> dict[str, Any]:
    """Remove one rule."""
    app = request.app
    with app.changing:
        left = [rule for rule in app.ruleset.rules if rule.id != request.rest]
        if len(left) == len(app.ruleset.rules):
            close = get_close_matches(request.rest, [rule.id for rule in left], 1)
            raise _missing("rule", request.rest, f"; did you mean '{close[0]}'?" if close else "")
        app.ruleset = RuleSet(left, first=app.ruleset.first)
        return {"deleted": 1}


def covered(request: AdminRequest) -> dict[str, Any]:
    """Which rules answered and which did not, and the requests that none matched."""
    hidden = secrets(request.app.config)
    missed = [journal.brief(exchange, hidden) for exchange in coverage.unmatched(request.namespaces)]
    return coverage.report(list(request.app.ruleset.rules), list(map(counts_of, request.namespaces))) | {"unmatched": missed}


def explained(request: AdminRequest) -> dict[str, Any]:
    """What every rule says to a request that is not made."""
    told: dict[str, Any] = redaction.value(explain(request.app, request.json(), request.namespace), secrets(request.app.config))
    return told


# State


def scenarios(request: AdminRequest) -> dict[str, str]:
    """The state of every scenario of a namespace."""
    return dict(request.namespace.scenarios())


def scenario(request: AdminRequest) -> dict[str, str]:
    """The state of one scenario."""
    state = request.namespace.scenarios().get(request.rest)
    if state is None:
        raise _missing("scenario", request.rest)
    return {"state": state}


def set_scenarios(request: AdminRequest) -> dict[str, str]:
    """Put several scenarios into the states given; the others stay."""
    given = request.json()
    if not isinstance(given, dict):
        raise _bad("expected an object of scenarios and their states")
    request.namespace.set_scenarios({name: _state(state, name) for name, state in given.items()})
    return scenarios(request)


def set_scenario(request: AdminRequest) -> dict[str, str]:
    """Put one scenario into a state: ``"paid"`` or ``{"state": "paid"}``."""
    given = request.json()
    state = _state(given.get("state") if isinstance(given, dict) else given, request.rest)
    request.namespace.set_scenarios({request.rest: state})
    return {"state": state}


def _state(given: Any, name: str) -> str:
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise _bad(f"expected the state of '{name}' as text", name)
    return str(given)


def set_chaos(request: AdminRequest) -> dict[str, Any]:
    """Let a share of the requests go wrong from now on: ``{rate, faults}``, or ``null`` for none."""
    if request.body.strip() in (b"", b"null", b"false", b"{}"):
        request.app.chaos = None
    else:
        given = load_setting("chaos", request.body)
        request.app.chaos = (given["rate"], make_faults(given["faults"]))
    return {"chaos": _chaos(request.app)}


def _chaos(app: App) -> dict[str, Any] | None:
    return app.chaos and {"rate": app.chaos[0], "faults": [asdict(fault) for fault in app.chaos[1]]}


def reset(request: AdminRequest) -> dict[str, Any]:
    """Forget all that a namespace remembers, or all of them do."""
    names = [journal.readable(namespace.name) for namespace in request.namespaces]
    request.app.namespaces.reset(request.namespace_name)
    return {"reset": names}


def advance(request: AdminRequest) -> dict[str, Any]:
    """Move the mock's clock on."""
    given = request.query.get("seconds", "")
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 1e9:
        raise _bad(f"'seconds' is a number from 0 to 1000000000, not {given[:80]!r}", "seconds")
    request.app.clock.advance(seconds)
    return {"now": request.app.clock.now()}


def config(request: AdminRequest) -> dict[str, Any]:
    """All settings, the keys mrequest."""
    app = request.app
    told = {name: _told(getattr(app.config, name)) for name in app.config.__dataclass_fields__ if name != "rules"}
    told |= {
        "api_keys": [redaction.MASK] * len(app.config.api_keys),
        "admin_key": redaction.MASK if app.config.admin_key else None,
        "chaos": _chaos(app),
        "rules": len(app.ruleset.rules),
    }
    masked: dict[str, Any] = redaction.value(told, secrets(app.config))
    return masked


def _told(content: Any) -> Any:
    if isinstance(content, Path):
        return str(content)
    if isinstance(content, (tuple, list)):
        return [_told(each) for each in content]
    if isinstance(content, Mapping):
        return {str(name): _told(each) for name, each in content.items()}
    return content if isinstance(content, (str, int, float, type(None))) else getattr(content, "__qualname__", "...")


# Words and the table


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise _bad(f"'{name}' is a whole number, not {given[:80]!r}", name)
    return int(given)


def _bad(message: str, param: str | None = None) -> APIError:
    return APIError(400, f"Admin: {message}.", param=param, code="invalid_value")


def _missing(what: str, name: str, more: str = "") -> APIError:
    return APIError(404, f"Admin: there is no {what} '{name[:200]}'{more}.", code=f"{what}_not_found")


class View(NamedTuple):
    """One row: a method, a path (``*`` is one more piece of it), and what answers."""

    method: str
    path: str
    answer: Callable[[AdminRequest], Any]


VIEWS: Sequence[View] = (
    View("GET", "exchanges", exchanges),
    View("GET", "exchanges/*", exchange),
    View("DELETE", "exchanges", forget_exchanges),
    View("GET", "rules", rules),
    View("POST", "rules", add_rules),
    View("PUT", "rules", replace_rules),
    View("DELETE", "rules", delete_rules),
    View("DELETE", "rules/*", delete_rule),
    View("POST", "explain", explained),
    View("GET", "coverage", covered),
    View("GET", "scenarios", scenarios),
    View("GET", "scenarios/*", scenario),
    View("PUT", "scenarios", set_scenarios),
    View("PUT", "scenarios/*", set_scenario),
    View("PUT", "chaos", set_chaos),
    View("POST", "reset", reset),
    View("POST", "advance", advance),
    View("GET", "config", config),
)

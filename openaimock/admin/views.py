"""Views: the JSON answer of each path under ``/__openaimock``, as functions of a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__, verdict
from ..app import App
from ..app.explain import explain
from ..config.load import load_setting, secrets
from ..rules import conditions
from ..rules.rule import Rule
from ..state import coverage, journal
from ..state.namespace import counts_of
from ..text import redaction
from .exchanges import delete_exchanges, exchange, exchanges, export_rules
from .held import holds, release_hold
from .request import AdminRequest, bad, missing

# Rules


def rules(request: AdminRequest) -> dict[str, Any]:
    """All rules in file order, with their conditions, replies and hits."""
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
        "asks": list(_conditions(rule)),
        "replies": [journal.reply(plan.ready) if plan.ready else _plain(plan.plain) for plan in plans],
        "hits": hits.get(rule.id, 0),
    }


def _conditions(rule: Rule) -> Iterator[str]:
    """The conditions of a rule as texts."""
    for turn in rule.flow:
        if turn.role != "assistant":
            expected = turn.matcher.describe() if turn.matcher else "anything"
            yield f"{turn.role}: {expected}"
    for condition in rule.conditions:
        yield from map(conditions.describe, conditions.leaves(condition))


def _plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """A reply that depends on the request, as it is written."""
    if "function" in plain:
        return {"function": getattr(plain["function"], "__qualname__", "a function")}
    return {name: content for name, content in plain.items() if content is not None}


def add_rules(request: AdminRequest) -> tuple[int, Any]:
    """Append rules, with the checks of a file. ConfigError with all problems; then no rule is added."""
    added = request.app.changes.add_rules(request.body)
    return 201, {"added": [rule.id for rule in added], "rules": len(request.app.ruleset.rules)}


def replace_rules(request: AdminRequest) -> dict[str, Any]:
    """Replace all rules in one step. ConfigError with all problems; then nothing changes."""
    return {"rules": request.app.changes.replace_rules(request.body)}


def delete_rules(request: AdminRequest) -> dict[str, Any]:
    """Remove all rules."""
    return {"deleted": request.app.changes.delete_rules()}


def delete_rule(request: AdminRequest) -> dict[str, Any]:
    """Remove one rule."""
    if not request.app.changes.delete_rule(request.rest):
        close = get_close_matches(request.rest, [rule.id for rule in request.app.ruleset.rules], 1)
        raise missing("rule", request.rest, f"; did you mean '{close[0]}'?" if close else "")
    return {"deleted": 1}


def show_coverage(request: AdminRequest) -> dict[str, Any]:
    """Hits of the rules, rules and replies without a hit, and the requests that no rule matched."""
    hidden = secrets(request.app.config)
    unmatched = [journal.brief(exchange, hidden) for exchange in coverage.unmatched(request.namespaces)]
    return coverage.report(list(request.app.ruleset.rules), list(map(counts_of, request.namespaces))) | {"unmatched": unmatched}


def show_verdict(request: AdminRequest) -> dict[str, Any]:
    """What the exchanges in the journal show about the client."""
    entries = request.exchanges
    findings = [finding.data() for finding in verdict.findings(entries)]
    return {"findings": redaction.value(findings, secrets(request.app.config)), "exchanges": len(entries)}


def explain_request(request: AdminRequest) -> dict[str, Any]:
    """The verdict of every rule on a request, without answering it."""
    report = explain(request.app, request.json(), request.namespace)
    redacted: dict[str, Any] = redaction.value(report, secrets(request.app.config))
    return redacted


# State


def scenarios(request: AdminRequest) -> dict[str, str]:
    """The state of every scenario of a namespace."""
    return dict(request.namespace.scenarios())


def scenario(request: AdminRequest) -> dict[str, str]:
    """The state of one scenario."""
    state = request.namespace.scenarios().get(request.rest)
    if state is None:
        raise missing("scenario", request.rest)
    return {"state": state}


def set_scenarios(request: AdminRequest) -> dict[str, str]:
    """Set the states of several scenarios; the others stay."""
    states = request.json()
    if not isinstance(states, dict):
        raise bad("expected an object of scenarios and their states")
    request.namespace.set_scenarios({name: _state(state, name) for name, state in states.items()})
    return scenarios(request)


def set_scenario(request: AdminRequest) -> dict[str, str]:
    """Set the state of one scenario: ``"paid"`` or ``{"state": "paid"}``."""
    content = request.json()
    state = _state(content.get("state") if isinstance(content, dict) else content, request.rest)
    request.namespace.set_scenarios({request.rest: state})
    return {"state": state}


def _state(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise bad(f"expected the state of '{name}' as text", name)
    return str(value)


def set_chaos(request: AdminRequest) -> dict[str, Any]:
    """Apply faults to a share of the following requests: ``{rate, faults}``, or ``null`` for none."""
    if request.body.strip() in (b"", b"null", b"false", b"{}"):
        request.app.changes.set_chaos(None)
    else:
        request.app.changes.set_chaos(load_setting("chaos", request.body))
    return {"chaos": _chaos(request.app)}


def _chaos(app: App) -> dict[str, Any] | None:
    chaos = app.sender.chaos
    return chaos and {"rate": chaos[0], "faults": [asdict(fault) for fault in chaos[1]]}


def reset(request: AdminRequest) -> dict[str, Any]:
    """Discard the state of one namespace, or of all."""
    names = [journal.readable(namespace.name) for namespace in request.namespaces]
    request.app.namespaces.reset(request.namespace_name)
    request.app.sender.holds.reset(request.namespace_name)
    return {"reset": names}


def advance(request: AdminRequest) -> dict[str, Any]:
    """Advance the mock's clock."""
    text = request.query.get("seconds", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 1e9:
        raise bad(f"'seconds' must be a number from 0 to 1000000000, not {text[:80]!r}", "seconds")
    try:
        request.app.changes.advance(seconds)
    except ValueError as error:
        raise bad(str(error), "seconds") from None
    return {"now": request.app.sender.clock.now()}


def config(request: AdminRequest) -> dict[str, Any]:
    """All settings, with keys masked, and the version."""
    app = request.app
    settings = {name: _as_json(getattr(app.config, name)) for name in app.config.__dataclass_fields__ if name != "rules"}
    settings |= {
        "version": __version__,
        "api_keys": [redaction.MASK] * len(app.config.api_keys),
        "admin_key": redaction.MASK if app.config.admin_key else None,
        "chaos": _chaos(app),
        "rules": len(app.ruleset.rules),
    }
    masked: dict[str, Any] = redaction.value(settings, secrets(app.config))
    return masked


def _as_json(content: Any) -> Any:
    if isinstance(content, Path):
        return str(content)
    if isinstance(content, (tuple, list)):
        return [_as_json(item) for item in content]
    if isinstance(content, Mapping):
        return {str(name): _as_json(item) for name, item in content.items()}
    return content if isinstance(content, (str, int, float, type(None))) else getattr(content, "__qualname__", "...")


class View(NamedTuple):
    """One row: a method, a path (``*`` stands for a name), and the function that answers."""

    method: str
    path: str
    answer: Callable[[AdminRequest], Any]


VIEWS: Sequence[View] = (
    View("GET", "exchanges", exchanges),
    View("GET", "exchanges/*", exchange),
    View("DELETE", "exchanges", delete_exchanges),
    View("GET", "export", export_rules),
    View("GET", "rules", rules),
    View("POST", "rules", add_rules),
    View("PUT", "rules", replace_rules),
    View("DELETE", "rules", delete_rules),
    View("DELETE", "rules/*", delete_rule),
    View("POST", "explain", explain_request),
    View("GET", "coverage", show_coverage),
    View("GET", "verdict", show_verdict),
    View("GET", "scenarios", scenarios),
    View("GET", "scenarios/*", scenario),
    View("PUT", "scenarios", set_scenarios),
    View("PUT", "scenarios/*", set_scenario),
    View("PUT", "chaos", set_chaos),
    View("POST", "reset", reset),
    View("GET", "holds", holds),
    View("POST", "holds/*", release_hold),
    View("POST", "advance", advance),
    View("GET", "config", config),
)

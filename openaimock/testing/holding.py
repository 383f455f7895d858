"""Holding: what a test reads when no request arrives at a hold in time."""

from __future__ import annotations

from difflib import get_close_matches

from ..app import App


def checked(name: object) -> str:
    """The name of a hold. TypeError for anything but text, which would never be the name of one."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a hold is text, such as 'slow'; got {name!r}")
    return name


def overdue(app: App, name: str, timeout: float, count: int) -> str:
    """Why ``count`` requests (0: none) were not at a hold within ``timeout`` seconds."""
    waiting = [request.hold.name for request in app.sender.holds.waiting()]
    if count == 0:
        return f"{waiting.count(name)} requests still wait at the hold {name!r} after {timeout:g} seconds"
    expected = "no request arrived" if count == 1 else f"{waiting.count(name)} of {count} requests arrived"
    message = f"{expected} at the hold {name!r} within {timeout:g} seconds"
    names = _names(app)
    if name in names:
        return message
    close = get_close_matches(name, names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{message}: no rule has this hold{hint} ({', '.join(names) or 'no rule has one'})"


def _names(app: App) -> list[str]:
    """The holds of all rules, as they are written, in file order."""
    plans = [plan for rule in list(app.ruleset.rules) for plan in (*(turn.plan for turn in rule.flow), *rule.plans)]
    held = [plan.plain["hold"]["name"] for plan in (*plans, app.unmatched) if plan is not None and plan.plain.get("hold")]
    return list(dict.fromkeys(held))

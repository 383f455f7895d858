"""Models: names in rules that the API does not serve any more, or never did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from ..config.entries import Entries, replies_of
from ..config.names import MODELS
from ..params import model_history
from ..params.models import family, fine_tuned_from, is_listed
from .conditions import Condition, conditions
from .finding import Finding, at

#: The words in names that stand for a kind of model: the replacement of a small model is a small one.
_KINDS = ("nano", "mini", "pro", "codex", "transcribe", "tts", "image", "embedding", "moderation", "realtime", "audio", "search")


def findings(entries: Entries, now: float) -> Iterator[Finding]:
    """The models that rules ask for or answer with, and that are gone, will be gone, or are unknown."""
    for entry in entries.rules:
        for condition in conditions(entry):
            if condition.key == "model":
                message, works = _of_matcher(condition, entries, now)
                if message:
                    yield at(entry, message, *condition.keys, works=works)
        for reply, keys in replies_of(entry):
            name = reply.get("model")
            if isinstance(name, str) and "{{" not in name:
                message, works = _of_name(name, entries, now)
                if message:
                    yield at(entry, message, *keys, "model", works=works)


def _of_matcher(condition: Condition, entries: Entries, now: float) -> tuple[str, bool]:
    matcher: Mapping[str, Any] = condition.value
    if matcher.get("invert"):
        return "", True
    name = matcher["value"]
    if matcher["kind"] == "exact":
        return _of_name(name.strip(), entries, now)
    if matcher["kind"] in ("glob", "contains"):
        names = {*entries.models, *MODELS, *model_history.names()}
        if matcher["kind"] == "glob":
            fitting = [other for other in names if fnmatchcase(other, name)]
        else:
            fitting = [other for other in names if name.lower() in other.lower()]
        served = [other for other in fitting if not model_history.is_shut_down(other, now)]
        if not fitting:
            return f"no model has a name like '{name}'{_close(name, entries, now)}", False
        if not served:
            return f"all models like '{name}' are shut down{_instead(min(fitting))}", False
    return "", True


def _of_name(name: str, entries: Entries, now: float) -> tuple[str, bool]:
    """What is wrong with a model's name, and whether the API still serves it."""
    base = fine_tuned_from(name) or name
    if name in entries.table.entries:
        return "", True
    day = model_history.shutdown_day(base)
    if day is not None:
        if model_history.is_shut_down(base, now):
            return f"the API shut the model '{base}' down on {day}{_instead(base)}", False
        return f"the API shuts the model '{base}' down on {day}{_instead(base)}", True
    if name in entries.models or is_listed(base) or base in model_history.names():
        return "", True
    return f"no model of the API has the name '{name}'{_close(name, entries, now)}", False


def _close(name: str, entries: Entries, now: float) -> str:
    served = [other for other in (*entries.models, *MODELS) if not model_history.is_shut_down(other, now)]
    close = get_close_matches(name.strip("*?"), served, 1, 0.5)
    return f"; did you mean '{close[0]}'?" if close else " (a deployment or a model of another provider belongs under 'models')"


def _instead(name: str) -> str:
    """The newest model of the same kind that stays."""
    kind = [word for word in _KINDS if word in name]
    candidates = [other for other in MODELS if model_history.shutdown_day(other) is None and _serves_the_same(name, other)]
    of_kind = [other for other in candidates if [word for word in _KINDS if word in other] == kind]
    newest = next(iter(of_kind or candidates), None)
    return "" if newest is None else f"; use '{newest}'"


def _serves_the_same(name: str, other: str) -> bool:
    old, new = family(name), family(other)
    return not old.endpoints or bool(old.endpoints & new.endpoints)

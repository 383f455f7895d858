"""Verify: rules made from recordings must load, and each must answer the requests that it was made from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ..config.load import load_rules
from ..config.write import literal
from ..errors import ConfigError
from ..rules.match import Miss, fit
from ..rules.rule import build
from ..rules.ruleset import RuleSet
from ..types.ask import Match
from .conditions import name
from .exchange import Recording
from .replies import raw
from .rules import Draft

#: Called with the place of a recording and why it is left out.
Skip = Callable[[str, str], None]
#: How often priorities are raised before what is still answered by another rule is left so.
_ROUNDS = 6


def verified(drafts: Iterable[Draft], skip: Skip, used_ids: Collection[str] = ()) -> list[dict[str, Any]]:
    """The rules that load, each with an id that is not taken, and a priority where another would answer its requests."""
    sound = [draft for draft in drafts if _loads(draft, skip)]
    _name(sound, used_ids)
    sound = [draft for draft in sound if _fits(draft, skip)]
    for _ in range(_ROUNDS):
        if not _raise_priorities(sound):
            break
    return [draft.rule for draft in sound]


def usable(reply: dict[str, Any], recording: Recording) -> dict[str, Any]:
    """A reply that loads: as it is, or kept whole. ConfigError when neither does, Unclear for what cannot be kept whole."""
    try:
        load_rules([_alone(reply)])
    except ConfigError:
        whole = raw(recording)
        load_rules([_alone(whole)])
        return whole
    return reply


def _alone(reply: dict[str, Any]) -> dict[str, Any]:
    return {"when": {}, **(reply if "response" in reply else {"reply": literal(reply)})}


def _loads(draft: Draft, skip: Skip) -> bool:
    """Whether a rule loads."""
    try:
        load_rules([draft.rule])
    except ConfigError as error:
        for entry in draft.entries:
            skip(entry.recording.place, str(error.problems[0]))
        return False
    return True


def _name(drafts: Sequence[Draft], used_ids: Collection[str]) -> None:
    """Give every rule an id made of what was asked first."""
    names = set(used_ids)
    for draft in drafts:
        ask = draft.entries[0].ask
        base = name(draft.rule) or ask.endpoint.replace(".", "-")
        id, count = base, 1
        while id in names:
            count += 1
            id = f"{base}-{count}"
        names.add(id)
        draft.rule = {"id": id, **draft.rule}


def _fits(draft: Draft, skip: Skip) -> bool:
    """Whether a rule answers the requests that it was made from."""
    (normal,) = load_rules([draft.rule])
    rule = build(normal, 0)
    misses = [miss for entry in draft.entries if isinstance(miss := fit(rule, entry.ask), Miss)]
    if len(misses) < len(draft.entries):
        return True
    for entry in draft.entries:
        skip(entry.recording.place, f"a rule for it would not match it: {misses[0]}")
    return False


def _raise_priorities(drafts: Sequence[Draft]) -> bool:
    """Raise the priority of each rule whose requests another would answer; whether there was any."""
    book = RuleSet([build(rule, number) for number, rule in enumerate(load_rules([draft.rule for draft in drafts]))])
    replies = {draft.rule["id"]: draft.rule.get("reply") for draft in drafts}
    raised = False
    for draft in drafts:
        for entry in draft.entries:
            match: Match | None = book.match(entry.ask, {})
            # The Ask remembers which rule answered it, and the rules change.
            entry.ask.answer = None
            own = draft.rule["id"]
            if match is None or match.rule.id == own or (replies[own] is not None and replies[match.rule.id] == replies[own]):
                continue
            draft.rule["priority"] = max(draft.rule.get("priority", 0), match.rule.priority + 1)
            raised = True
            break
    return raised

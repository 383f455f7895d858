"""Short ways to write rules in their normal form, and Asks to put to them."""

from __future__ import annotations

from typing import Any

from openaimock.rules import rule
from openaimock.types.ask import Ask, Message

#: Letters whose case is odd: the long s, the dotless i, the dotted I, the Kelvin sign, the three sigmas, the micro sign and mu,
#: letters that become two or three in the other case, and the dot that lower() leaves beside an i.
ODD = "\u017f\u0131\u0130\u212a\u03c3\u03c2\u03a3\u00b5\u03bc\u00df\u1e9e\ufb05\ufb06\u0390\u1fd3\u0149\u0307\u0345"
ANSWER = {"role": "assistant", "reply": {"content": "ok"}}


def expect(kind: str, value: Any = "", **more: Any) -> dict[str, Any]:
    """A matcher."""
    return {"kind": kind, "value": value, **more}


def said(role: str, match: dict[str, Any] | str | None = None, **more: Any) -> dict[str, Any]:
    """A message of a flow; a text is matched exactly."""
    return {"role": role, "match": expect("exact", match) if isinstance(match, str) else match, **more}


def flow(*messages: dict[str, Any], number: int = 0, **more: Any) -> rule.Rule:
    """A rule written as a conversation."""
    return rule.build({"id": f"rule-{number}", "messages": list(messages), **more}, number)


def when(number: int = 0, more: dict[str, Any] | None = None, **conditions: Any) -> rule.Rule:
    """A rule written as a question."""
    return rule.build({"id": f"rule-{number}", "when": conditions, "replies": [{"content": "ok"}], **(more or {})}, number)


def talk(*messages: tuple[str, str] | Message | str, **more: Any) -> Ask:
    """An Ask of some messages: texts are the user's, pairs are role and text."""
    rows = []
    for message in messages:
        if isinstance(message, Message):
            rows.append(message)
        else:
            rows.append(Message("user", message) if isinstance(message, str) else Message(*message))
    ask = Ask("chat", **{"messages": rows, **more})
    ask.text = more.get("text", ask.user or "")
    return ask

"""Files of openai-mock-api, whose rules are almost written as they are here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..config.messages import snake
from .outcomes import Omission, Outcome, Ready

JSON = Any
Words = dict[str, Any]

#: What openai-mock-api does not know: with one of these the file is written for this mock.
_OURS = ("when", "reply", "replies", "turns")
#: Where keys are names of the user's own.
_DATA = ("arguments", "response", "body", "headers", "content", "usage")


def recognised(document: JSON) -> bool:
    """Whether a document is a configuration of this kind."""
    listed = document.get("responses") if isinstance(document, Mapping) else None
    if isinstance(listed, Mapping):
        listed = list(listed.values())
    return isinstance(listed, list) and all(isinstance(rule, Mapping) for rule in listed)


def read(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The rules; settings of the server are left out."""
    for key in document:
        if key not in ("responses", "templates"):
            yield Omission(f"{name}: {key}", "a setting of the server; write it into the new file by hand")
    listed = document["responses"]
    if isinstance(listed, Mapping):
        listed = [{"id": id, **rule} for id, rule in listed.items()]
    for number, original in enumerate(listed, 1):
        rule = _snaked(original)
        answers = [
            message for message in rule.get("messages") or () if isinstance(message, dict) and message.get("role") == "assistant"
        ]
        if len(answers) > 1 and not any(key in rule for key in _OURS):
            # There, the last message of a conversation always answers.
            rule["turns"] = "last"
        yield Ready(rule, f"{name}: rule {rule.get('id') or number}")


def _snaked(value: JSON) -> JSON:
    """The same with keys in snake_case, except for what is data."""
    if isinstance(value, list):
        return [_snaked(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    snaked = {snake(str(name)): item for name, item in value.items()}
    return {name: item if name in _DATA else _snaked(item) for name, item in snaked.items()}

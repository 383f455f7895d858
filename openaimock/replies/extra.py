"""Extra: the members that a reply adds to an answer or overrides in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types.ask import JSON
from ..types.reply import Extra


def parse(extra: Mapping[str, JSON]) -> Extra:
    """The members of an ``extra`` mapping: keys are names or dotted paths such as ``choices.0.native_finish_reason``."""
    top: dict[str, Any] = {}
    choices: dict[int | None, dict[str, Any]] = {}
    messages: dict[int, dict[str, Any]] = {}
    for path, value in _flat(extra):
        head, *rest = path
        if head == "message" and rest:
            _put(messages.setdefault(0, {}), rest, value)
        elif head == "choices" and len(rest) > 1 and (rest[0] == "*" or rest[0].isdecimal()):
            index = None if rest[0] == "*" else int(rest[0])
            if rest[1] == "message" and len(rest) > 2 and index is not None:
                _put(messages.setdefault(index, {}), rest[2:], value)
            else:
                _put(choices.setdefault(index, {}), rest[1:], value)
        else:
            _put(top, path, value)
    return Extra(top, choices, messages)


def _flat(extra: Mapping[str, JSON]) -> list[tuple[list[str], JSON]]:
    """Paths and values, with ``message`` and ``choices`` written as mappings or lists resolved too."""
    pairs: list[tuple[list[str], JSON]] = []
    for key, value in extra.items():
        if key == "message" and isinstance(value, Mapping):
            pairs += [(["message", name], item) for name, item in value.items()]
        elif key == "choices" and isinstance(value, (list, Mapping)):
            entries = enumerate(value) if isinstance(value, list) else value.items()
            for index, choice in entries:
                pairs += _choice_pairs(str(index), choice)
        else:
            pairs.append((key.split("."), value))
    return pairs


def _choice_pairs(index: str, choice: JSON) -> list[tuple[list[str], JSON]]:
    pairs: list[tuple[list[str], JSON]] = []
    for name, value in choice.items() if isinstance(choice, Mapping) else ():
        if name == "message" and isinstance(value, Mapping):
            pairs += [(["choices", index, "message", key], item) for key, item in value.items()]
        else:
            pairs.append((["choices", index, name], value))
    return pairs


def _put(target: dict[str, Any], path: list[str], value: JSON) -> None:
    *parents, last = path
    for name in parents:
        inner = target.get(name)
        target[name] = target = dict(inner) if isinstance(inner, Mapping) else {}
    target[last] = value


def merge(value: JSON, extra: JSON) -> JSON:
    """A JSON value with the members of another one; mappings are merged at every depth."""
    if not isinstance(value, Mapping) or not isinstance(extra, Mapping):
        return extra
    return {**value, **{key: merge(value[key], item) if key in value else item for key, item in extra.items()}}


def of_record(record: Mapping[str, JSON]) -> Extra:
    """The members of a recorded chat completion that its stream needs beside content and calls."""
    top = {name: value for name, value in record.items() if name not in ("choices", "object", "usage", "output")}
    if "usage" in record and record["usage"] is None:
        top["usage"] = None
    choices: dict[int | None, dict[str, JSON]] = {}
    messages: dict[int, dict[str, JSON]] = {}
    legacy = set()
    for index, choice in enumerate(record.get("choices") or ()):
        message = choice.get("message") or {}
        choices[index] = {
            name: value
            for name, value in choice.items()
            if name not in ("index", "message", "logprobs") and not (name == "finish_reason" and value)
        }
        messages[index] = {
            name: value for name, value in message.items() if not (name in (*_STREAMED, "function_call") and value)
        }
        if message.get("function_call"):
            legacy.add(index)
    return Extra(top, choices, messages, frozenset(legacy))


#: The members of a message that the endpoint itself streams.
_STREAMED = ("role", "content", "refusal", "tool_calls", "annotations", "audio")

"""Conditions: the ``when`` of a rule, made from the Ask of a recorded request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..http.json import dump
from ..text.regex import slow_part
from ..text.secret_names import MASK
from ..types.ask import Ask, Message
from ..types.operations import ANSWERING
from .items import arguments

JSON = Any
Words = dict[str, Any]
#: Longer data is compared by so many of its last characters.
_LARGE, _END = 300, 80
#: A list or mapping with a longer JSON text is compared member by member.
_LARGE_VALUE = 2000
#: Takes the secrets out of a text.
Redact = Callable[[str], str]

#: Endpoints whose rules are written as a conversation.
CONVERSING = ("chat", "responses")
#: Members of a body by which two requests with the same texts are never distinguished: the texts, and what changes no answer.
_PASSED = frozenset(
    {
        "messages", "input", "instructions", "prompt", "model", "stream", "stream_options", "tools", "functions", "tool_choice",
        "function_call", "response_format", "text", "user", "metadata", "store", "prompt_cache_key", "safety_identifier",
        "include", "conversation", "previous_response_id", "encoding_format",
    }
)  # fmt: skip


def key(ask: Ask, inputs: str = "") -> tuple[JSON, ...]:
    """The same for requests that the texts of a rule cannot distinguish. ``inputs`` is as for ``when``."""
    if ask.endpoint in CONVERSING and ask.messages:
        return ("messages", *map(_message_key, ask.messages))
    return (ask.endpoint, inputs, _object_path(ask), ask.text.strip())


def _object_path(ask: Ask) -> str:
    """The path of the object that a request means, "" for a request that means none."""
    return ask.path if ask.params and ask.endpoint not in ANSWERING else ""


def _message_key(message: Message) -> tuple[JSON, ...]:
    if message.role == "assistant":
        return ("assistant",)
    role = "system" if message.role == "developer" else message.role
    return role, message.text.strip(), tuple(sorted(set(message.parts) - {"text"}))


def flow(ask: Ask, redact: Redact, keep_ids: bool) -> list[Words]:
    """The messages of a conversation, with the exact texts."""
    return [_message(message, redact, keep_ids) for message in ask.messages]


def _message(message: Message, redact: Redact, keep_ids: bool) -> Words:
    if message.role == "assistant":
        words: Words = {"content": redact(message.text)} if message.text or not message.tool_calls else {}
        calls = [
            {
                **({"id": call.id} if keep_ids and call.id else {}),
                "name": call.name,
                **_call_data(call.kind, redact(call.arguments)),
            }
            for call in message.tool_calls
            if call.name
        ]
        return {"role": "assistant", **words, **({"tool_calls": calls} if calls else {})}
    expected: Words = {"role": message.role}
    parts = list(dict.fromkeys(part for part in message.parts if part != "text"))
    if message.text.strip() or not parts:
        expected |= _expected(message.text, redact)
    if parts:
        expected["parts"] = parts
    if keep_ids and message.role == "tool" and message.tool_call_id:
        expected["tool_call_id"] = message.tool_call_id
    return expected


def _call_data(kind: str, data: str) -> Words:
    return {"input": data} if kind == "custom" else {"arguments": arguments(data)}


def _expected(text: str, redact: Redact) -> Words:
    """The exact text; one that holds secrets in a way that takes any secret in their place."""
    loose = _loose(text, redact)
    if loose is None:
        return {"content": text}
    kind, value = loose
    return {"content": value, "matcher": kind, "case_sensitive": True}


def matcher(text: str, redact: Redact) -> JSON:
    """A matcher of ``when`` for the exact text."""
    loose = _loose(text, redact)
    return text if loose is None else {loose[0]: loose[1], "case_sensitive": True}


def _loose(text: str, redact: Redact) -> tuple[str, str] | None:
    """The kind and value of a matcher for a text with secrets, None for a text without."""
    clean = redact(text)
    if clean == text:
        return None
    # The mask of the redaction stands where a secret was, of which a few first letters may be left.
    pieces = clean.strip().split(MASK)
    pattern = r"\S*".join(re.escape(piece).replace("\\ ", " ").replace("\\\n", "\n") for piece in pieces)
    pattern = f"^\\s*{pattern}\\s*$"
    if re.search(pattern, text) and slow_part(pattern) is None:
        return "regex", pattern
    # A secret of several lines, such as a private key, or a text that is too long for a regular expression.
    return "contains", max(pieces, key=len).strip()


# One request told from another with the same texts


def differences(asks: Iterable[Ask], *, parts: bool) -> list[str]:
    """What differs among requests with the same texts: names of Ask's attributes, or ``body.PATH``.

    ``parts`` says that images and files stand at the same place in every request like these.
    """
    listed = list(asks)
    names = ["endpoint", "model", "stream", "tools", "tool_choice", "response_format"]
    names += [f"body.{name}" for name in dict.fromkeys(name for ask in listed for name in ask.body) if name not in _PASSED]
    if parts:
        names += list(dict.fromkeys(f"body.{path}" for ask in listed for path in _part_paths(ask)))
    return [name for name in names if any(_value(ask, name) != _value(listed[0], name) for ask in listed)]


def _part_paths(ask: Ask) -> Iterator[str]:
    """The paths of the data of all parts that are no text, such as the URL of an image."""
    member = "messages" if ask.endpoint == "chat" else "input"
    messages = ask.body.get(member)
    for at, message in enumerate(messages if isinstance(messages, list) else ()):
        for name in ("content", "output"):
            parts = message.get(name) if isinstance(message, dict) else None
            for number, part in enumerate(parts if isinstance(parts, list) else ()):
                yield from _leaves(part, f"{member}.{at}.{name}.{number}")


def _leaves(value: JSON, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("type", "text", "detail", "format") and "." not in name:
                yield from _leaves(item, f"{path}.{name}")
    elif isinstance(value, str):
        yield path


def _value(ask: Ask, name: str) -> JSON:
    if name == "response_format":
        return ask.schema_name or ask.response_format
    if not name.startswith("body."):
        return getattr(ask, name)
    value: JSON = ask.body
    for key in name[5:].split("."):
        if isinstance(value, list):
            value = value[int(key)] if key.isdigit() and int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _body_values(path: str, value: JSON, redact: Redact) -> Words:
    """What to expect at a path of a body: of large data such as an image its end, which is enough to tell it from others.

    Lists and mappings with secrets are compared member by member.
    """
    if isinstance(value, str):
        if len(value) > _LARGE:
            value = value[-_END:]
            return {path: {"contains": value, "case_sensitive": True} if redact(value) == value else matcher(value, redact)}
        return {path: matcher(value, redact)}
    items: Iterable[tuple[Any, JSON]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    text = dump(value) if items else ""
    if redact(text) == text and len(text) <= _LARGE_VALUE:
        return {path: value}
    return {name: expected for key, item in items for name, expected in _body_values(f"{path}.{key}", item, redact).items()}


def values(ask: Ask, names: Iterable[str]) -> tuple[str, ...]:
    """The values of what differs, to be compared."""
    return tuple(repr(_value(ask, name)) for name in names)


def when(ask: Ask, names: Iterable[str], redact: Redact, inputs: str = "") -> Words:
    """A condition on the last texts of a request, and on what distinguishes it from others.

    ``inputs`` is the member of the body that holds several inputs, which are compared as a whole.
    """
    condition: Words = {}
    if ask.endpoint in CONVERSING and ask.messages:
        for name in ("system", "user"):
            text = getattr(ask, name)
            if text is not None:
                condition[name] = matcher(text, redact)
        if ask.messages[-1].role in ("tool", "function") and ask.tool is not None:
            condition["tool"] = matcher(ask.tool, redact)
        # Without it the condition would hold for all that follows in the conversation.
        condition["turn"] = ask.turn
    else:
        condition["endpoint"] = ask.endpoint
        if _object_path(ask):
            condition["path"] = ask.path
        if ask.text and not inputs:
            condition["text"] = matcher(ask.text, redact)
    body: Words = _body_values(inputs, ask.body[inputs], redact) if inputs else {}
    for name in names:
        value = _value(ask, name)
        if name.startswith("body."):
            body |= _body_values(name[5:], value, redact)
        elif name == "tools" and not value:
            body["tools"] = None
        elif name in ("tool_choice", "response_format") and not value:
            body["text.format" if ask.endpoint == "responses" and name == "response_format" else name] = None
        else:
            condition[name] = list(value) if name == "tools" else value
    return {**condition, "body": body} if body else condition


def name(rule: Mapping[str, Any], length: int = 48) -> str:
    """A name for a rule from the first text that it asks for, "" when there is none: letters, digits and hyphens."""
    condition = rule.get("when") or {}
    asking = [message for message in rule.get("messages") or () if message["role"] == "user"]
    texts = [message.get("content") for message in asking if "matcher" not in message]
    text = next((text for text in (*texts, condition.get("user"), condition.get("text")) if isinstance(text, str)), "")
    words = ""
    for word in re.findall(r"[a-z0-9]+", text[:500].lower()):
        if len(words) + len(word) >= length:
            break
        words = f"{words}-{word}" if words else word
    return words

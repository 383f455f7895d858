"""Records: an exchange of the journal as JSON text for a shared store, and back, without the secrets of its headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import APIError
from ..http.forms import UploadedFile
from ..http.json import dump
from ..http.request import Headers
from ..lint.check import Finding
from ..text.secret_names import HEADERS, MASK, is_secret
from ..types.ask import NOTHING, Ask, Match, Message, ToolCall
from ..types.exchange import Exchange, Received
from ..types.reply import Block, Delay, Extra, Fail, Fault, Hold, Pace, Reply

#: Members of an Exchange and of an Ask that are stored as they are.
_EXCHANGE = (
    "number",
    "at",
    "namespace",
    "method",
    "path",
    "endpoint",
    "id",
    "status",
    "duration",
    "ended",
    "operation",
    "arrived",
    "answered",
)
_ASK = (
    "endpoint", "body", "text", "model", "stream", "tool_choice", "response_format", "schema_name", "method", "path",
    "namespace", "caller", "prompt_tokens", "operation", "answers_prompt", "attempt",
)  # fmt: skip
_ASK_DEFAULTS = {name: getattr(Ask(""), name) for name in _ASK}
_REPLY_DEFAULTS = {field.name: getattr(Reply(), field.name) for field in fields(Reply)}


class StoredRule(NamedTuple):
    """What a stored exchange still has of the rule that answered."""

    id: str
    place: str


# Writing


def encode(exchange: Exchange, secrets: Iterable[str] = ()) -> str:
    """The record of an exchange. ``secrets`` are the configured keys, which are masked wherever they stand."""
    members: dict[str, Any] = {name: getattr(exchange, name) for name in _EXCHANGE}
    ask, match, error, fault = exchange.ask, exchange.match, exchange.error, exchange.fault
    if ask is not None:
        members["ask"] = _ask(ask)
    if match is not None:
        members["match"] = (match.rule.id, match.rule.place, match.score, match.answer)
    if error is not None:
        facts = (error.status, error.message, error.type, error.param, error.code, error.headers, error.more, error.logged)
        members["error"] = facts
    if fault is not None:
        members["fault"] = (fault.kind, fault.after, fault.error)
    if exchange.received is not None:
        status, headers, body = exchange.received
        members["received"] = (status, headers, None if body is None else body.decode("latin-1"))
    if exchange.lint:
        members["lint"] = exchange.lint
    if exchange.chunks:
        members["chunks"] = list(exchange.chunks)
    text = _dump(members)
    if exchange.reply is not None:
        # Most replies are prepared at load and sent many times.
        text = f'{text[:-1]},"reply":{_reply_text(exchange.reply)}}}'
    for secret in secrets:
        if secret and secret in text:
            text = text.replace(secret, MASK)
    return text


_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=lambda content: _opaque(content)).encode


def _dump(content: Any) -> str:
    try:
        return _encode(content)
    except (TypeError, ValueError, RecursionError):
        # A reply made in Python may hold anything.
        return dump(_readable(content))


def _readable(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(name): _readable(member) for name, member in content.items()}
    if isinstance(content, (list, tuple)):
        return [_readable(item) for item in content]
    return content if isinstance(content, (str, int, float, type(None))) else _opaque(content)


def _opaque(content: Any) -> Any:
    """What JSON cannot hold: a mapping of another kind as an object, bytes as their number, anything else as its ``repr``."""
    if isinstance(content, Mapping):
        return dict(content)
    if isinstance(content, (bytes, bytearray)):
        return f"{len(content)} bytes"
    return repr(content)


def _ask(ask: Ask) -> dict[str, Any]:
    values = ask.__dict__
    members = {name: values[name] for name, default in _ASK_DEFAULTS.items() if name in values and values[name] != default}
    if ask.messages:
        members["messages"] = ask.messages
    if ask.tools:
        members["tools"] = ask.tools
    if ask.repeated_keys:
        members["repeated_keys"] = ask.repeated_keys
    for name in ("params", "query"):
        if value := getattr(ask, name):
            members[name] = dict(value)
    pairs = ask.headers.pairs() if isinstance(ask.headers, Headers) else ask.headers.items()
    members["headers"] = {name: MASK if _is_secret(name) else line for name, line in pairs}
    if ask.files:
        members["files"] = _files(ask.files)
    state = getattr(ask.state, "loaded", ask.state)
    if state:
        members["state"] = dict(state)
    return members


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return name in HEADERS or is_secret(name)


def _files(content: Any) -> Any:
    """Uploaded files without their bytes."""
    if isinstance(content, UploadedFile):
        return [content.filename, content.content_type, content.size]
    if isinstance(content, Mapping):
        return {str(name): _files(item) for name, item in content.items()}
    return {"": [_files(item) for item in content]}


#: The texts of replies that are sent many times, by the identity of the reply, which the entry keeps alive.
_REPLIES: dict[int, tuple[Reply, str]] = {}
_MAX_REPLIES = 256


def _reply_text(reply: Reply) -> str:
    cached = _REPLIES.get(id(reply))
    if cached is not None:
        return cached[1]
    text = _dump(_reply(reply))
    if len(text) < 4096:
        if len(_REPLIES) >= _MAX_REPLIES:
            _REPLIES.clear()
        _REPLIES[id(reply)] = reply, text
    return text


def _reply(reply: Reply) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, default in _REPLY_DEFAULTS.items():
        value = getattr(reply, name)
        if value is not default and value != default:
            members[name] = _REPLY_WRITERS[name](value) if name in _REPLY_WRITERS else value
    return members


def _extra(extra: Extra) -> dict[str, Any]:
    return {
        "top": extra.top,
        "choices": list(extra.choices.items()),
        "messages": list(extra.messages.items()),
        "legacy": sorted(extra.legacy),
    }


_REPLY_WRITERS: Mapping[str, Callable[[Any], Any]] = {
    "pace": lambda pace: {field.name: getattr(pace, field.name) for field in fields(Pace)},
    "fault": lambda fault: (fault.kind, fault.after, fault.error),
    "fail": lambda fail: (fail.times, fail.error),
    "extra": _extra,
    "others": lambda others: list(map(_reply, others)),
    "inputs": lambda inputs: [None if one is None else _reply(one) for one in inputs],
}


# Reading


def decode(text: str, order: int) -> Exchange:
    """The exchange of a record; ``order`` is its position in the journal of the store."""
    members: dict[str, Any] = json.loads(text)
    exchange = Exchange(**{name: members[name] for name in _EXCHANGE}, order=order)
    if "ask" in members:
        exchange.ask = _read_ask(members["ask"])
    if "match" in members:
        id, place, score, answer = members["match"]
        exchange.match = Match(StoredRule(id, place), score, answer)
    if "reply" in members:
        exchange.reply = _read_reply(members["reply"])
    if "error" in members:
        status, message, type, param, code, headers, more, logged = members["error"]
        exchange.error = APIError(status, message, type=type, param=param, code=code, headers=headers, more=more, logged=logged)
    if "fault" in members:
        exchange.fault = Fault(*members["fault"])
    if "received" in members:
        status, pairs, body = members["received"]
        answer_headers = tuple((name, line) for name, line in pairs)
        exchange.received = Received(status, answer_headers, None if body is None else body.encode("latin-1"))
    exchange.lint = [Finding(*finding) for finding in members.get("lint", ())]
    exchange.chunks = members.get("chunks", [])
    return exchange


def _read_ask(members: dict[str, Any]) -> Ask:
    ask = Ask(**{name: members.get(name, default) for name, default in _ASK_DEFAULTS.items()})
    ask.messages = tuple(map(_message, members.get("messages", ())))
    ask.tools = tuple(members.get("tools", ()))
    ask.params, ask.query = members.get("params", NOTHING), members.get("query", NOTHING)
    ask.headers, ask.state = members["headers"], members.get("state", NOTHING)
    ask.files = _read_files(members.get("files", {}))
    if "repeated_keys" in members:
        ask.__dict__["repeated_keys"] = tuple(members["repeated_keys"])
    return ask


def _message(row: list[Any]) -> Message:
    role, text, parts, calls, *rest = row
    return Message(role, text, tuple(parts), tuple(ToolCall(*call) for call in calls), *rest)


def _read_files(content: Any) -> Any:
    if isinstance(content, list):
        filename, content_type, size = content
        return UploadedFile(filename, content_type, size, None)
    if "" in content:
        return [_read_files(item) for item in content[""]]
    return {name: _read_files(item) for name, item in content.items()}


def _read_reply(members: dict[str, Any]) -> Reply:
    return Reply(**{name: _REPLY_READERS[name](value) if name in _REPLY_READERS else value for name, value in members.items()})


def _block(row: list[Any]) -> Block:
    kind, text, call, data = row
    return Block(kind, text, None if call is None else ToolCall(*call), data)


def _pace(members: dict[str, Any]) -> Pace:
    lists = {name: tuple(members[name]) for name in ("chunks", "gaps")}
    return Pace(**{**members, **lists})


_REPLY_READERS: Mapping[str, Callable[[Any], Any]] = {
    "blocks": lambda rows: tuple(map(_block, rows)),
    "latency": lambda row: Delay(*row),
    "pace": _pace,
    "fault": lambda row: Fault(*row),
    "fail": lambda row: Fail(*row),
    "hold": lambda row: Hold(*row),
    "extra": lambda extra: Extra(extra["top"], dict(extra["choices"]), dict(extra["messages"]), frozenset(extra["legacy"])),
    "others": lambda rows: tuple(map(_read_reply, rows)),
    "inputs": lambda rows: tuple(None if row is None else _read_reply(row) for row in rows),
}

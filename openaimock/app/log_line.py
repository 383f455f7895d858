"""The log line of an exchange: the request, what answered it, and the beginnings of question and answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..recording.redactor import header_secrets
from ..state.journal import readable
from ..text import redaction
from ..types.exchange import Exchange

#: The length of a question or an answer in a line, in characters.
_WIDTH = 60
#: The part of a text that can be shown, in characters: white space is folded.
_PART = 1000
#: A shorter key of a client, such as ``test``, may be a word of any text.
_SHORTEST_KEY = 12


def log_line(exchange: Exchange, secrets: Iterable[str] = ()) -> str:
    """One line: method, path, status, outcome, milliseconds, and the beginnings of question and answer without secrets."""
    path = exchange.path
    if exchange.ask is not None:
        keys = [key for key in header_secrets(exchange.ask.headers.items()) if len(key) >= _SHORTEST_KEY]
        secrets = [*secrets, *keys]
        path = redaction.text(path, secrets) if any(key in path for key in keys) else path
    parts = [exchange.method, path, str(exchange.status), _outcome(exchange), f"{exchange.duration * 1000:.1f} ms"]
    if exchange.ended != "complete":
        parts.append(f"({exchange.ended})")
    question = exchange.ask.text if exchange.ask is not None else ""
    if question:
        parts.append(_quote(question, secrets))
    answer = _answer(exchange)
    if answer:
        parts.append(f"-> {answer if answer.startswith('calls ') else _quote(answer, secrets)}")
    return " ".join(parts)


def facts(exchange: Exchange) -> dict[str, Any]:
    """What the JSON format of the log says of the exchange that a line is about."""
    members: dict[str, Any] = {"request_id": exchange.id, "namespace": readable(exchange.namespace)}
    if exchange.status:
        members |= {"endpoint": exchange.operation or exchange.endpoint, "status": exchange.status, "rule": exchange.rule}
        members |= {"duration_ms": round(exchange.duration * 1000, 3), "ended": exchange.ended}
    return members


def _outcome(exchange: Exchange) -> str:
    if exchange.reply is None or not exchange.reply.proxy or exchange.error is not None:
        return exchange.outcome
    return f"{exchange.outcome}, answered by the upstream" if exchange.matched else "answered by the upstream"


def _answer(exchange: Exchange) -> str:
    """What the client received: the text, the names of the tools that it shall call, or the message of an error."""
    reply = exchange.reply
    if exchange.error is not None:
        # The line before this one explains a miss.
        return "" if exchange.unmatched else exchange.error.logged
    if reply is None:
        return ""
    text = reply.text or reply.joined("refusal")
    return text or (f"calls {', '.join(call.name for call in reply.calls)}" if reply.calls else "")


def _quote(text: str, secrets: Iterable[str]) -> str:
    """The beginning of a text on one line, in quotes, without secrets."""
    line = " ".join(redaction.clip(text, _PART, secrets).split())
    return f'"{line}"' if len(line) <= _WIDTH else f'"{line[: _WIDTH - 3]}..."'

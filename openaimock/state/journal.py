"""The journal: the last exchanges of a namespace, kept as references and rendered, without secrets, when they are read."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timezone
from typing import Any
from weakref import ReferenceType, WeakSet, ref

from ..http.forms import UploadedFile
from ..http.json import dump
from ..text import redaction
from ..types.ask import Ask
from ..types.exchange import Exchange
from ..types.reply import Block, Reply

#: How many bytes of a body are rendered by default.
BODY_LIMIT = 65536


#: Bytes that an exchange takes beside the body of its request, roughly.
ENTRY = 4096
#: Bytes that the journals of all namespaces take together when the configuration does not say.
MEMORY = 64 * 1024 * 1024


#: Entries of the queue over all journals at which those of dropped exchanges are removed, beside the present ones.
_QUEUE = 4096


class JournalMemory:
    """The bytes that the journals of all namespaces of one mock take together: past ``limit`` the oldest exchanges go."""

    def __init__(self, limit: int = MEMORY) -> None:
        self.limit = limit
        self.used = 0
        self.lock = threading.RLock()
        self.journals: WeakSet[Journal] = WeakSet()
        #: The orders of exchanges with the journals that have them, oldest first; some are dropped already.
        self._queue: deque[tuple[int, ReferenceType[Journal]]] = deque()
        self._most = _QUEUE

    def note(self, exchange: Exchange, journal: ReferenceType[Journal]) -> None:
        """Remember which journal has a new exchange."""
        queue = self._queue
        queue.append((exchange.order, journal))
        if len(queue) > self._most:
            self._sort()

    def shrink(self) -> None:
        """Drop the oldest exchanges until the limit is kept."""
        sorted_again = False
        while self.used > self.limit:
            if not self._queue:
                if sorted_again:
                    return
                self._sort()
                sorted_again = True
                continue
            order, reference = self._queue.popleft()
            journal = reference()
            if journal is not None and len(journal) and journal[0].order <= order:
                journal.drop_oldest()

    def _sort(self) -> None:
        """Rebuild the queue from what the journals have."""
        pairs = [(exchange.order, journal.reference) for journal in self.journals for exchange in journal.exchanges()]
        self._queue = deque(sorted(pairs, key=lambda pair: pair[0]))
        self._most = 2 * len(pairs) + _QUEUE


class Journal:
    """The last exchanges of one namespace, oldest first: at most ``size``, and no more than all journals may hold."""

    def __init__(self, size: int = 1000, memory: JournalMemory | None = None) -> None:
        self._exchanges: deque[Exchange] = deque()
        self._size = size
        self._memory = memory or JournalMemory()
        self.reference = ref(self)
        #: How many exchanges made room for newer ones.
        self.dropped = 0
        with self._memory.lock:
            self._memory.journals.add(self)

    def append(self, exchange: Exchange) -> None:
        """Add an exchange."""
        memory = self._memory
        with memory.lock:
            exchange.size = ENTRY
            self._exchanges.append(exchange)
            memory.used += ENTRY
            memory.note(exchange, self.reference)
            if len(self._exchanges) > self._size:
                self.drop_oldest()
            if memory.used > memory.limit:
                memory.shrink()

    def charge(self, exchange: Exchange, size: int) -> None:
        """Count the bytes of a request body for an exchange that the journal may already have dropped."""
        memory = self._memory
        with memory.lock:
            if exchange.size:
                exchange.size += size
                memory.used += size
                if memory.used > memory.limit:
                    memory.shrink()

    def drop_oldest(self) -> None:
        """Drop the oldest exchange."""
        exchange = self._exchanges.popleft()
        self._memory.used -= exchange.size
        exchange.size = 0
        self.dropped += 1

    def pop(self) -> Exchange | None:
        """Remove the oldest exchange and return it, because it goes to another place; None when there is none."""
        with self._memory.lock:
            if not self._exchanges:
                return None
            exchange = self._exchanges[0]
            self.drop_oldest()
            self.dropped -= 1
            return exchange

    def put_back(self, exchanges: Iterable[Exchange]) -> None:
        """Put exchanges that ``pop`` returned, oldest first, before the others; those beyond the size are dropped."""
        with self._memory.lock:
            for exchange in reversed(list(exchanges)):
                exchange.size = ENTRY
                self._exchanges.appendleft(exchange)
                self._memory.used += ENTRY
            while len(self._exchanges) > self._size:
                self.drop_oldest()
            self._memory.shrink()

    def exchanges(self) -> list[Exchange]:
        """A copy of the list, oldest first."""
        with self._memory.lock:
            return list(self._exchanges)

    def clear(self) -> int:
        """Forget all exchanges; how many there were."""
        with self._memory.lock:
            count, dropped = len(self._exchanges), self.dropped
            while self._exchanges:
                self.drop_oldest()
            self.dropped = dropped
            return count

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges())

    def __getitem__(self, index: int) -> Exchange:
        return self._exchanges[index]


# Filters


def _is(name: str) -> Callable[[Exchange, str], bool]:
    return lambda exchange, value: str(getattr(exchange, name)) == value


def _endpoint(exchange: Exchange, value: str) -> bool:
    return value in (exchange.endpoint, exchange.operation) or exchange.endpoint.startswith(value + ".")


def _status(exchange: Exchange, value: str) -> bool:
    # 4xx is every status of that hundred.
    return str(exchange.status) == value or (value[1:].lower() == "xx" and str(exchange.status)[:1] == value[:1])


def _matched(exchange: Exchange, value: str) -> bool:
    return exchange.matched == (value.lower() in ("true", "1", "yes"))


def _since(exchange: Exchange, value: str) -> bool:
    return exchange.order > int(value)


#: The filters of exchanges beside the namespace: a name and its test.
FILTERS: dict[str, Callable[[Exchange, str], bool]] = {
    "endpoint": _endpoint,
    "rule": _is("rule"),
    "status": _status,
    "matched": _matched,
    "since": _since,
}


def arrival(exchange: Exchange) -> tuple[float, int]:
    """The key that sorts exchanges by their arrival. Processes that share a store number them when they write them."""
    return exchange.at, exchange.order


def pick(exchanges: Iterable[Exchange], filters: Mapping[str, str], limit: int | None = None) -> list[Exchange]:
    """The exchanges that pass every filter (keys of FILTERS), oldest first; at most the newest ``limit``."""
    tests = [(FILTERS[name], content) for name, content in filters.items()]
    matching = [exchange for exchange in exchanges if all(test(exchange, content) for test, content in tests)]
    matching.sort(key=arrival)
    return matching if limit is None or limit >= len(matching) else matching[len(matching) - limit :]


# Rendering


def render(exchange: Exchange, secrets: Iterable[str] = (), body_limit: int = BODY_LIMIT) -> dict[str, Any]:
    """All that is known of an exchange as JSON, without secrets; bodies longer than ``body_limit`` bytes are clipped."""
    secrets = tuple(secrets)
    error = exchange.error
    return brief(exchange, secrets) | {
        "request": None if exchange.ask is None else _request(exchange.ask, secrets, body_limit),
        "match": _match(exchange),
        "reply": None if exchange.reply is None else _clipped(redaction.value(reply(exchange.reply), secrets), body_limit),
        "error": None if error is None else redaction.value(error.record(), secrets),
        "fault": None if exchange.fault is None else {"kind": exchange.fault.kind, "after": exchange.fault.after},
        "lint": [redaction.value(finding._asdict(), secrets) for finding in exchange.lint],
        "chunks": [round(at * 1000, 3) for at in list(exchange.chunks)],
    }


def brief(exchange: Exchange, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """One line of the journal as JSON: who asked what, which rule answered, how long it took (milliseconds), how it ended."""
    ask, secrets = exchange.ask, tuple(secrets)
    return {
        "id": redaction.text(exchange.id, secrets),
        "order": exchange.order,
        "number": exchange.number,
        "at": exchange.at,
        "time": datetime.fromtimestamp(exchange.at, timezone.utc).isoformat(timespec="milliseconds"),
        "namespace": redaction.text(readable(exchange.namespace), secrets),
        "method": exchange.method,
        "path": redaction.text(readable(exchange.path), secrets),
        "endpoint": exchange.endpoint,
        "operation": exchange.operation,
        "model": "" if ask is None else redaction.text(ask.model, secrets),
        "text": "" if ask is None else redaction.clip(ask.text, _BRIEF, secrets),
        "stream": exchange.stream,
        "attempt": 0 if ask is None else ask.attempt,
        "status": exchange.status,
        "rule": exchange.rule,
        "matched": exchange.matched,
        "unmatched": exchange.unmatched,
        "code": None if exchange.error is None else exchange.error.code,
        "fault_kind": None if exchange.fault is None else exchange.fault.kind,
        "findings": len(exchange.lint),
        "events": len(exchange.chunks),
        "duration": round(exchange.duration * 1000, 3),
        "ended": exchange.ended,
    }


def readable(text: str) -> str:
    """A path or a namespace with its letters decoded: WSGI gives the bytes of both as Latin-1."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode()
    except UnicodeError:
        return text


#: How much of the text a line of the journal shows.
_BRIEF = 200


def _request(ask: Ask, secrets: tuple[str, ...], body_limit: int) -> dict[str, Any]:
    return {
        "headers": redaction.headers(ask.headers, secrets),
        "params": redaction.value(dict(ask.params), secrets),
        "query": redaction.value(dict(ask.query), secrets),
        "body": _clipped(redaction.value(ask.body, secrets), body_limit),
        "files": _file(ask.files, secrets),
        "tools": list(ask.tools),
    }


def _file(content: Any, secrets: tuple[str, ...]) -> Any:
    """An uploaded file, or several, without the bytes."""
    if isinstance(content, UploadedFile):
        kind = redaction.text(content.content_type, secrets)
        return {"filename": redaction.text(content.filename, secrets), "content_type": kind, "bytes": content.size}
    if isinstance(content, Mapping):
        return {str(name): _file(each, secrets) for name, each in content.items()}
    return [_file(each, secrets) for each in content]


def _clipped(body: Any, limit: int) -> Any:
    """A body, or of a long one the beginning of its JSON text and its size in bytes."""
    try:
        whole = dump(body).encode("utf-8", "replace")
    except (TypeError, ValueError):
        # Something of Python's own in a reply made there.
        return repr(body)[:limit]
    return (
        body
        if len(whole) <= limit
        else {"clipped": whole[:limit].decode("utf-8", "ignore"), "size": len(whole), "truncated": True}
    )


def _match(exchange: Exchange) -> dict[str, Any] | None:
    match = exchange.match
    if match is None:
        return None
    return {"rule": match.rule.id, "place": match.rule.place, "score": round(match.score, 3), "answer": match.answer}


#: Members of a Reply that are derived from the others.
_DERIVED = frozenset(["plain"])


def reply(source: Reply) -> dict[str, Any]:
    """A Reply as JSON: the members that are set."""
    members: dict[str, Any] = {}
    for field in fields(source):
        content = getattr(source, field.name)
        if field.name in _DERIVED or content is None or content is False or content in ((), {}, []):
            continue
        members[field.name] = _plain(content)
    return members


def _plain(content: Any) -> Any:
    if isinstance(content, Reply):
        return reply(content)
    if isinstance(content, Block):
        return {name: _plain(each) for name, each in content._asdict().items() if each not in (None, "")}
    if isinstance(content, tuple):
        return content._asdict() if hasattr(content, "_asdict") else [_plain(each) for each in content]
    if isinstance(content, (bytes, bytearray)):
        return f"{len(content)} bytes"
    if isinstance(content, Mapping):
        return {str(name): _plain(each) for name, each in content.items()}
    if hasattr(content, "__dataclass_fields__"):
        return {field.name: _plain(getattr(content, field.name)) for field in fields(content)}
    return content

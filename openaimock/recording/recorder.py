"""Recorder: every exchange with the upstream becomes a rule at once, at the end of the file of recordings."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from ..config.append import append_rules
from ..errors import ConfigError
from ..http.json import dump
from ..http.sse import EVENT_END
from ..rules.rule import Rule
from ..rules.ruleset import RuleSet
from ..types.clock import monotonic
from . import conditions
from .exchange import OwnAnswer, Recording, Skipped, header_map, parsed, unpacked
from .payloads import move_payloads
from .redactor import Redactor, answer_secrets
from .rules import Draft, Entry
from .session import Session
from .verify import verified

Words = dict[str, Any]

#: Answers of more bytes are passed on and not recorded.
MAX_ANSWER = 64 * 1024 * 1024
#: Exchanges of one run that are compared with later ones, and their bytes; past it the oldest are only in the file.
MAX_EXCHANGES, MAX_BYTES = 5000, 128 * 1024 * 1024
#: How often requests are recorded whose rules depend on each other, such as the same request.
MAX_ALIKE = 1000
#: Responses in the background whose end is still awaited.
_MAX_WAITING = 100


class Recorder:
    """Writes the rules of recorded exchanges. ``record`` may be called by several threads.

    ``old`` are rules of an earlier run: a new rule for a request that one of them answers takes its place.
    ``used_ids`` are ids of other rules.
    """

    def __init__(
        self,
        path: Path,
        redactor: Redactor,
        log: logging.Logger,
        *,
        timing: bool = False,
        keep_ids: bool = False,
        old: Sequence[Rule] = (),
        used_ids: Iterable[str] = (),
    ) -> None:
        self.path = path
        self.timing = timing
        self.redactor = redactor
        #: How many exchanges were recorded, and how many no rule can answer.
        self.recorded = self.skipped = 0
        #: Called after each of them, with whether it was recorded.
        self.on_count: Callable[[bool], None] = _ignore
        self._log = log
        self._session = Session(keep_ids=keep_ids, redactor=redactor)
        self._old = RuleSet(old)
        self._used_ids = set(used_ids) | {rule.id for rule in old}
        #: Entries by cluster: requests whose rules may depend on each other.
        self._clusters: dict[tuple[Any, ...], list[Entry]] = {}
        #: The rules of each cluster as they are in the file, by what they are made of.
        self._written: dict[tuple[Any, ...], dict[str, Words]] = {}
        self._waiting: dict[str, Recording] = {}
        #: The entries of all clusters, and the bytes of their recordings.
        self._count = self._size = 0
        self._lock = threading.Lock()

    def record(self, recording: Recording, secrets: Iterable[str] = ()) -> None:
        """Add an exchange to the file. What goes wrong is logged: the client gets its answer all the same."""
        try:
            with self._lock:
                self.redactor.add_secrets(secrets)
                recorded = self._record(recording)
            if recorded:
                self.on_count(True)
            return
        except OwnAnswer as error:
            self._log.info("not recorded: %s", self.redactor.text(str(error)))
            return
        except (Skipped, ConfigError) as error:
            reason = str(error)
        except OSError as error:
            reason = f"cannot write {self.path}: {error.strerror or error}"
        except Exception:
            self._log.exception("Recording %s %s failed", recording.method, recording.path)
            self._skip()
            return
        self.skip(recording, reason)

    def skip(self, recording: Recording, reason: str) -> None:
        """Count and log an exchange that is not recorded."""
        self._log.warning("not recorded: %s", self.redactor.text(f"{recording.method} {recording.path}: {reason}"))
        self._skip()

    def _skip(self) -> None:
        self.skipped += 1
        self.on_count(False)

    def _record(self, recording: Recording) -> bool:
        """Write the rules of an exchange; whether there is one to write yet."""
        settled = self._settled(recording)
        if settled is None:
            return False
        entries = self._session.entries(*settled)
        changed: dict[tuple[Any, ...], None] = {}
        for entry in entries:
            cluster = cluster_of(entry)
            if len(self._clusters.get(cluster, ())) >= MAX_ALIKE:
                raise Skipped(f"{MAX_ALIKE} requests like it are recorded already")
            self._clusters.setdefault(cluster, []).append(entry)
            changed[cluster] = None
        self._write(changed, entries)
        self.recorded += 1
        self._count += len(entries)
        self._size += _size(entries)
        while (self._count > MAX_EXCHANGES or self._size > MAX_BYTES) and len(self._clusters) > 1:
            oldest = next(iter(self._clusters))
            forgotten = self._clusters.pop(oldest)
            self._count -= len(forgotten)
            self._size -= _size(forgotten)
            self._written.pop(oldest, None)
        return True

    # Responses in the background

    def _settled(self, recording: Recording) -> tuple[Recording, dict[str, Any]] | None:
        """The exchange to record and the responses that ended: a response in the background is recorded when it has ended.

        None for one that runs.
        """
        if recording.status != 200 or recording.streamed or "/responses" not in recording.path:
            return recording, {}
        whole = parsed(recording.response)
        if not isinstance(whole, dict) or not isinstance(whole.get("id"), str):
            return recording, {}
        runs = whole.get("status") in ("queued", "in_progress")
        if recording.method == "POST" and runs:
            if len(self._waiting) >= _MAX_WAITING:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[whole["id"]] = recording
            return None
        if recording.method == "GET" and whole["id"] in self._waiting:
            return None if runs else (self._waiting.pop(whole["id"]), {whole["id"]: whole})
        return recording, {}

    # The file

    def _write(self, changed: Iterable[tuple[Any, ...]], entries: Sequence[Entry]) -> None:
        """Write the rules of changed clusters in the place of what they were before."""
        replaced: dict[str, Words | None] = dict.fromkeys(self._replaced(entries))
        added: list[Words] = []
        left: list[str] = []
        for cluster in changed:
            written = self._written.setdefault(cluster, {})
            drafts = {_content(draft): draft for draft in self._session.drafts(self._clusters[cluster])}
            for content in [content for content in written if content not in drafts]:
                rule = written.pop(content)
                replaced[rule["id"]] = rule
            self._used_ids.difference_update(replaced)
            fresh = {content: draft for content, draft in drafts.items() if content not in written}
            # The entries keep their bytes, because a later exchange may change the rule.
            rules = deepcopy(self._verified(fresh.values(), left))
            contents = {draft.rule.get("id"): content for content, draft in fresh.items()}
            for rule in rules:
                written[contents[rule["id"]]] = rule
                self._used_ids.add(rule["id"])
                added.append(rule)
        if added or replaced:
            move_payloads(added, self.path)
            for rule, id in zip(added, append_rules(self.path, added, replacing=replaced, unique=True), strict=True):
                rule["id"] = id
        if left:
            raise Skipped("; ".join(left))

    def _replaced(self, entries: Sequence[Entry]) -> list[str]:
        """The ids of the rules of an earlier run that answer these requests."""
        ids = []
        for entry in entries:
            match = self._old.match(entry.ask, {})
            entry.ask.answer = None
            if match is not None:
                ids.append(match.rule.id)
                self._old = RuleSet([rule for rule in self._old.rules if rule.id != match.rule.id])
        return ids

    def _verified(self, drafts: Iterable[Draft], left: list[str]) -> list[Words]:
        """The rules of drafts, which load, answer their requests and hold no secret."""
        results = []
        for rule in verified(drafts, lambda place, reason: left.append(reason), self._used_ids):
            if self.redactor.finds(rule):
                left.append("a rule for it would hold a secret")
                continue
            results.append(rule)
        return results


def _ignore(is_recorded: bool) -> None:
    """Take no notice of a count."""


def cluster_of(entry: Entry) -> tuple[Any, ...]:
    """What requests have in common whose rules depend on each other: the beginning of a conversation, or all of its texts."""
    key = conditions.key(entry.ask, entry.inputs)
    assistant = ("assistant",)
    return key[: key.index(assistant)] if assistant in key else key


def _size(entries: Iterable[Entry]) -> int:
    return sum(len(entry.recording.body) + len(entry.recording.response) for entry in entries)


def _content(draft: Draft) -> str:
    return dump(draft.rule)


class Tap:
    """Collects what passes of one exchange, and records it at the end."""

    def __init__(self, recorder: Recorder, request: Recording, secrets: Iterable[str]) -> None:
        self._recorder = recorder
        self._request = request
        self._secrets = secrets
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False
        self._started = monotonic()
        #: The bytes until, and the time of, each piece.
        self._arrivals: list[tuple[int, float]] = []

    def add(self, piece: bytes) -> None:
        """Add a piece of the answer."""
        self._size += len(piece)
        if self._size > MAX_ANSWER:
            self._pieces.clear()
            return
        self._pieces.append(piece)
        if self._recorder.timing:
            self._arrivals.append((self._size, monotonic()))

    def end(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Record the exchange, whose answer is complete. Only the first call counts."""
        if self._ended:
            return
        self._ended = True
        headers = list(headers)
        lowered = header_map(headers)
        request = self._request
        raw = b"".join(self._pieces)
        try:
            if self._size > MAX_ANSWER:
                raise ValueError(f"the answer has more than {MAX_ANSWER:,} bytes")
            recording = request._replace(
                body=unpacked(request.body, request.headers.get("content-encoding", "")),
                status=status,
                response=unpacked(raw, lowered.get("content-encoding", "")),
                response_headers=lowered,
            )
        except ValueError as error:
            self._recorder.skip(request, str(error))
            return
        if self._arrivals and recording.streamed and recording.response == raw:
            recording = recording._replace(gaps=gaps(raw, self._arrivals, self._started))
        private = answer_secrets((name.lower(), value) for name, value in headers)
        self._recorder.record(recording, [*self._secrets, *private])


def gaps(raw: bytes, arrivals: Sequence[tuple[int, float]], started: float) -> tuple[float, ...]:
    """The milliseconds before each event of a stream. ``arrivals`` have the bytes that were there at each time (seconds)."""
    results: list[float] = []
    before, begin, at = started, 0, 0
    for match in EVENT_END.finditer(raw):
        block, begin, end = raw[begin : match.start()], match.end(), match.end()
        if b"data:" not in block:
            continue
        while at < len(arrivals) - 1 and arrivals[at][0] < end:
            at += 1
        now = arrivals[at][1]
        results.append(float(round((now - before) * 1000)))
        before = now
    return tuple(results)


def request_of(method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body: bytes) -> Recording:
    """A recording of a request that has no answer yet."""
    return Recording(
        method, re.sub(r"\A/t/[^/]+(?=/)", "", path), body, headers=dict(headers), query=query, place=f"{method} {path}"
    )

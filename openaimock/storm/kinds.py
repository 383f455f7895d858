"""Kinds: the table of the faults of a storm, with where each can happen and what it does to an exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from ..types.ask import Ask
from ..types.reply import Fault, Reply
from . import changes

#: Bytes of a whole reply that are sent before it goes wrong: the beginning of its JSON.
WHOLE_AFTER = 20
#: Seconds that a slow answer takes, and the seconds that ``retry-after`` names.
SLOW, RETRY_AFTER = 1.5, 1.0


class Injection(NamedTuple):
    """What happens to one exchange in place of its normal course.

    ``latency`` is in seconds. ``error`` has the members of an API error, which is sent before a rule is used. ``change`` makes
    another reply from that of the rule. With ``spares`` the reply of the rule is not used up, because it does not reach the
    client: the next attempt gets it.
    """

    fault: Fault | None = None
    latency: float | None = None
    error: Mapping[str, Any] | None = None
    change: Callable[[Ask, Reply], Reply] | None = None
    spares: bool = False


class Target(NamedTuple):
    """What the clean run shows about an exchange that decides which faults make sense: see ``Kind.suits``."""

    endpoint: str = ""
    stream: bool = False
    #: Events of the stream that were sent.
    events: int = 0
    #: Whether the answer calls tools, and whether the request offers any.
    calls: bool = False
    tools: bool = False


class Kind(NamedTuple):
    """One fault. ``make`` takes the number of events before it and whether the answer is a stream.

    ``at_events`` faults can come after each event of a stream; the others replace the answer as a whole. ``lasting`` ones
    apply to all later exchanges of the run, too.
    """

    name: str
    group: str
    doc: str
    make: Callable[[int, bool], Injection]
    suits: Callable[[Target], bool] = lambda target: True
    at_events: bool = False
    lasting: bool = False


def _wire(kind: str, event: int, stream: bool) -> Injection:
    complete = kind in ("split_utf8", "no_done") or (kind == "duplicate" and stream)
    return Injection(fault=Fault(kind, event if stream else WHOLE_AFTER), spares=not complete)


def _error(members: Mapping[str, Any], event: int, stream: bool) -> Injection:
    return Injection(error=members)


def _changed(change: Callable[[Ask, Reply], Reply], event: int, stream: bool) -> Injection:
    return Injection(change=change, spares=True)


def _slow(event: int, stream: bool) -> Injection:
    return Injection(latency=SLOW)


def _is_stream(target: Target) -> bool:
    return target.stream


def _answers(target: Target) -> bool:
    return target.endpoint in ("chat", "responses", "completions")


def _talks(target: Target) -> bool:
    return target.endpoint in ("chat", "responses")


def _calls(target: Target) -> bool:
    return target.calls


def _tools(target: Target) -> bool:
    return target.tools


KINDS: tuple[Kind, ...] = (
    Kind("disconnect", "transport", "the connection ends in the middle of the answer",
         partial(_wire, "disconnect"), at_events=True),
    Kind("reset", "transport", "the same with a TCP reset", partial(_wire, "reset"), at_events=True),
    Kind("stall", "transport", "the answer stops, and the connection stays open", partial(_wire, "stall"), at_events=True),
    Kind("truncate", "transport", "the answer ends in an orderly way, but too early", partial(_wire, "truncate"), at_events=True),
    Kind("empty", "transport", "the connection ends before any byte of an answer", partial(_wire, "empty")),
    Kind("slow", "transport", f"the answer comes {SLOW:g} seconds later", _slow),
    Kind("garble", "protocol", "one event, or the body, is not JSON", partial(_wire, "garble"), at_events=True),
    Kind("duplicate", "protocol", "one event, or the body, is sent twice", partial(_wire, "duplicate"), at_events=True),
    Kind("no_done", "protocol", "the last event of a stream is missing", partial(_wire, "no_done"), _is_stream),
    Kind("error_event", "protocol", "an error in the middle of a stream",
         partial(_wire, "error_event"), _is_stream, at_events=True),
    Kind("split_utf8", "protocol", "events are cut inside a character", partial(_wire, "split_utf8")),
    Kind("429", "api", "a rate limit, without retry-after", partial(_error, {"status": 429})),
    Kind("429_retry_after", "api", f"a rate limit with retry-after: {RETRY_AFTER:g}",
         partial(_error, {"status": 429, "retry_after": RETRY_AFTER})),
    Kind("500", "api", "an internal error", partial(_error, {"status": 500})),
    Kind("503", "api", "an overloaded server", partial(_error, {"status": 503})),
    Kind("outage", "api", "503 for this request and all later ones", partial(_error, {"status": 503}), lasting=True),
    Kind("401", "api", "a wrong key", partial(_error, {"status": 401})),
    Kind("context_length_exceeded", "api", "400: the conversation is too long",
         partial(_error, {"code": "context_length_exceeded"}), _answers),
    Kind("malformed_arguments", "model", "the arguments of a tool call are not JSON",
         partial(_changed, changes.malformed_arguments), _calls),
    Kind("wrong_types", "model", "the arguments of a tool call have other types", partial(_changed, changes.wrong_types), _calls),
    Kind("unknown_tool", "model", "a tool is called that was not offered", partial(_changed, changes.unknown_tool), _tools),
    Kind("empty_content", "model", "an answer without content", partial(_changed, changes.empty_content), _answers),
    Kind("refusal", "model", "a refusal", partial(_changed, changes.refusal), _talks),
    Kind("length", "model", "the answer is cut by the token limit (finish_reason: length)",
         partial(_changed, changes.length), _answers),
    Kind("same_call", "model", "the same tool call again and again", partial(_changed, changes.same_call), _tools, lasting=True),
)  # fmt: skip

BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS))


def select(names: Iterable[str]) -> list[Kind]:
    """The kinds of these names and groups, in the order of the table. ValueError for a name that does not exist."""
    chosen = set()
    for name in names:
        if name not in BY_NAME and name not in GROUPS:
            close = get_close_matches(name, [*BY_NAME, *GROUPS], 1)
            hint = f"did you mean '{close[0]}'?" if close else f"faults: {', '.join(BY_NAME)}; groups: {', '.join(GROUPS)}"
            raise ValueError(f"'{name}' is not a fault of a storm; {hint}")
        chosen |= {kind.name for kind in KINDS if name in (kind.name, kind.group)}
    return [kind for kind in KINDS if kind.name in chosen]

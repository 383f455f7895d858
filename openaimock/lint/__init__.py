"""Lint: what the real API would refuse in a request that is otherwise well formed, and what in a rule's reply cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from ..types.ask import Ask
from ..types.reply import Reply
from . import conversation, parameters
from .always import ALWAYS
from .check import MOST, Check, Find, Finding
from .conversation import CONVERSATION
from .parameters import PARAMETERS, UNKNOWN
from .schemas import SCHEMAS

__all__ = ["CHECKS", "Check", "Finding", "Linter", "header", "of_reply"]

#: The whole table, in the order in which findings are told.
CHECKS: tuple[Check, ...] = (*UNKNOWN, *PARAMETERS, *SCHEMAS, *CONVERSATION, *ALWAYS)
#: Members of the body that are objects with no members but those that are known.
_STRICT = frozenset(["stream_options", "prompt_cache_options", "reasoning", "text"])
#: Members that hold what is said. Most of what is said cannot be wrong.
_TALK = frozenset(["messages", "input"])

#: What looks for something, and its place in the table.
Row = tuple[int, Find]


class Linter:
    """What is looked for in the requests of one endpoint.

    ``shapes`` has all members that its bodies may have; ``unknown`` gives the paths of the members that a body may not have,
    further inside too. A request costs a look-up for each member of its body, and only what is there is looked at.
    """

    def __init__(self, endpoint: str, shapes: Mapping[str, Any], unknown: Callable[[Mapping[str, Any]], list[str]]) -> None:
        self._unknown = unknown
        self._members = {name: frozenset(shapes[name].keys) for name in _STRICT if name in shapes}
        self._rows: dict[str, tuple[Row, ...]] = dict.fromkeys(shapes, ())
        places: dict[Find, int] = {}
        for check in CHECKS:
            if check.find is None or endpoint not in check.endpoints:
                continue
            row = (places.setdefault(check.find, len(places)), check.find)
            for key in check.keys:
                if key in self._rows and row not in self._rows[key]:
                    self._rows[key] += (row,)

    def __call__(self, ask: Ask) -> Sequence[Finding]:
        """What is found in a request, in the order in which the API would say it."""
        due: tuple[Row, ...] = ()
        strange: tuple[str, ...] = ()
        strict: tuple[str, ...] = ()
        rows, body = self._rows, ask.body
        for name in body:
            matching = rows.get(name)
            if matching:
                if name not in _TALK or not conversation.is_plain(body[name]):
                    due += matching
            elif matching is None:
                strange += (name,)
            if name in self._members and body[name] and not self._is_flat(name, body[name]):
                strict += (name,)
        return self._found(ask, due, strange, strict) if due or strange or strict else ()

    def _is_flat(self, name: str, value: Mapping[str, Any]) -> bool:
        """Whether an object has nothing but known members, none of which has members in turn."""
        return value.keys() <= self._members[name] and not any(inner.__class__ is dict for inner in value.values())

    def _found(self, ask: Ask, due: Iterable[Row], strange: Sequence[str], strict: Sequence[str]) -> list[Finding]:
        findings = list(parameters.unknown(ask, strange, self._rows)) if strange else []
        if strict:
            findings += parameters.nested(self._unknown({name: ask.body[name] for name in strict}))
        for _, find in sorted(set(due), key=_place):
            findings += islice(find(ask), MOST)
        return findings[:MOST]


def _place(row: Row) -> int:
    return row[0]


def of_reply(ask: Ask, candidate: Reply) -> Sequence[Finding]:
    """What is wrong with a written reply as an answer to this request."""
    if not candidate.blocks or not (ask.response_format or candidate.calls):
        return ()
    from . import reply  # only requests with tools or schemas need it

    return list(islice(reply.findings(ask, candidate), MOST))


def header(findings: Iterable[Finding]) -> str:
    """The names of the checks that found something, for the ``x-openaimock-lint`` header."""
    return ", ".join(dict.fromkeys(finding.check for finding in findings))

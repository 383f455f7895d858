"""Lint: what the API refuses in well-formed requests, and what in a rule's reply does not fit the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from ..params.models import Model
from ..types.ask import Ask
from ..types.reply import Reply
from . import conversation, models, parameters
from .always import ALWAYS
from .check import MAX_FINDINGS, Check, Find, Finding
from .conversation import CONVERSATION
from .items import ITEMS
from .media import MEDIA
from .models import MODELS
from .parameters import PARAMETERS, UNKNOWN
from .references import REFERENCES
from .schemas import SCHEMAS

__all__ = ["CHECKS", "Check", "Finding", "Linter", "header", "of_reply", "repeated_keys"]

#: The whole table, in the order in which findings are reported.
CHECKS: tuple[Check, ...] = (*UNKNOWN, *MODELS, *PARAMETERS, *SCHEMAS, *CONVERSATION, *ITEMS, *MEDIA, *REFERENCES, *ALWAYS)
#: Members of the body that are objects; an unknown member of theirs is a finding.
_STRICT = frozenset(["stream_options", "prompt_cache_options", "reasoning", "text"])
#: Members that hold the conversation; plain text there needs no check.
_CONVERSATION_KEYS = frozenset(["messages", "input"])

#: The response format for which a word in the texts of the conversation decides.
_WORD = "json_object"

#: The place of a check in the table, and its function.
Row = tuple[int, Find]


class Linter:
    """The checks for the requests of one endpoint.

    ``shapes`` has all members that its bodies may have; ``unknown`` gives the paths of unknown members at any depth.
    A request costs one look-up for each member of its body; only the checks of present members run.
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

    def __call__(self, ask: Ask, model: Model) -> Sequence[Finding]:
        """The findings of a request, in the order in which the API reports them; ``model`` has the facts of its model."""
        same = ask.same
        if same is None or not same.get("clean") or not models.suits(ask, model):
            findings = self._all(ask, model)
            if same is not None and not findings and ask.response_format != _WORD:
                same["clean"] = True
            return findings
        return ()

    def _all(self, ask: Ask, model: Model) -> Sequence[Finding]:
        due: tuple[Row, ...] = ()
        strange: tuple[str, ...] = ()
        strict: tuple[str, ...] = ()
        rows, body = self._rows, ask.body
        for name in body:
            matching = rows.get(name)
            if matching:
                if name not in _CONVERSATION_KEYS or not conversation.is_plain(body[name]):
                    due += matching
            elif matching is None:
                strange += (name,)
            if name in self._members and body[name] and not self._is_flat(name, body[name]):
                strict += (name,)
        if due or strange or strict or not models.suits(ask, model):
            return self._findings(ask, model, due, strange, strict)
        return ()

    def _is_flat(self, name: str, value: Mapping[str, Any]) -> bool:
        """Whether an object has only known members, none of which is an object."""
        return value.keys() <= self._members[name] and not any(inner.__class__ is dict for inner in value.values())

    def _findings(
        self, ask: Ask, model: Model, due: Iterable[Row], strange: Sequence[str], strict: Sequence[str]
    ) -> list[Finding]:
        findings = [] if models.suits(ask, model) else list(islice(models.findings(ask, model), MAX_FINDINGS))
        if strange:
            findings += parameters.unknown(ask, model, strange, self._rows)
        if strict:
            findings += parameters.nested(self._unknown({name: ask.body[name] for name in strict}))
        for _, find in sorted(set(due), key=_place):
            findings += islice(find(ask, model), MAX_FINDINGS)
        return findings[:MAX_FINDINGS]


def _place(row: Row) -> int:
    return row[0]


#: The endpoints whose replies have tool calls and texts of a requested form.
_TALKING = ("chat", "responses", "completions")


def of_reply(ask: Ask, candidate: Reply) -> Sequence[Finding]:
    """The problems of a written reply as an answer to this request."""
    if not (ask.response_format or ask.tool_choice) and (candidate.plain or not candidate.calls):
        return ()
    if not candidate.blocks or ask.endpoint not in _TALKING:
        return ()
    from . import reply  # only requests with tools or schemas need it

    return list(islice(reply.findings(ask, candidate), MAX_FINDINGS))


def repeated_keys(names: Iterable[str]) -> Sequence[Finding]:
    """The findings for keys that are repeated in one object of a body. The API accepts them."""
    return [Finding("repeated_key", f"The key {name!r} is repeated in one object; its last value counts.") for name in names]


def header(findings: Iterable[Finding]) -> str:
    """The names of the checks with findings, for the ``x-openaimock-lint`` header."""
    return ", ".join(dict.fromkeys(finding.check for finding in findings))

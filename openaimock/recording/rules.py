"""Rules: recorded exchanges, in their order, as the few rules that a person would have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..config.write import literal
from ..http.json import dump
from ..types.ask import Ask
from . import conditions
from .asks import ReadRequest
from .conditions import CONVERSING, Redact
from .exchange import Recording, parsed
from .replies import raw, vector

Words = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A request, the words of the reply to it, and the recording that both come from."""

    ask: Ask
    reply: Words
    recording: Recording
    #: The member of the body that holds several inputs which are answered together, "" for a single one.
    inputs: str = ""


@dataclass(slots=True)
class Draft:
    """A rule, and the entries that it answers. ``grows`` is the conversation that a next request may continue."""

    rule: Words
    entries: list[Entry] = field(default_factory=list)
    grows: tuple[Any, ...] | None = None


def entries(request: ReadRequest, reply: Words) -> list[Entry]:
    """The entries of one exchange: one, or one for each input where the answer has one for each."""
    recording = request.recording
    several = _several(request, reply) if request.inputs else []
    inputs = next((name for name in ("prompt", "input") if request.inputs and name in request.ask.body), "")
    return several or [Entry(request.ask, reply, recording, inputs)]


def _several(request: ReadRequest, reply: Words) -> list[Entry]:
    """Entries for the inputs of an embeddings or moderations request; none when the answer does not have one for each."""
    body = reply.get("body")
    listed = body.get(_LISTS.get(request.ask.endpoint, "")) if isinstance(body, dict) else None
    if not isinstance(listed, list) or len(listed) != len(request.inputs):
        return []
    try:
        replies = _vectors(listed) if request.ask.endpoint == "embeddings" else _results(listed)
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    return [Entry(ask, words, request.recording) for ask, words in zip(request.inputs, replies, strict=True)]


#: Where an answer has an entry for each input.
_LISTS = {"embeddings": "data", "moderations": "results"}


def _vectors(data: list[Any]) -> list[Words]:
    return [{"embedding": vector(entry["embedding"])} for entry in sorted(data, key=lambda entry: entry["index"])]


def _results(results: list[Any]) -> list[Words]:
    names = ("flagged", "categories", "category_scores")
    return [{"moderation": {name: result[name] for name in names}} for result in results]


def drafts(listed: Iterable[Entry], redact: Redact, *, keep_ids: bool = False) -> list[Draft]:
    """The rules of entries. Several answers to one request become ``replies``; a conversation that goes on is one rule."""
    groups: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in listed:
        groups.setdefault(conditions.key(entry.ask, entry.inputs), []).append(entry)
    results: list[Draft] = []
    growing: dict[tuple[Any, ...], Draft] = {}
    for key, group in groups.items():
        for draft in _of_group(key, group, redact, keep_ids):
            if not _continued(draft, growing):
                results.append(draft)
    return results


def _of_group(key: tuple[Any, ...], group: Sequence[Entry], redact: Redact, keep_ids: bool) -> list[Draft]:
    """The rules for requests with the same texts: one, or one for each kind of request that is answered in another way."""
    if _alike(group):
        return [_draft(key, group, [], redact, keep_ids)]
    names = conditions.differences((entry.ask for entry in group), parts=not any(map(_goes_on, group)))
    kinds: dict[tuple[str, ...], list[Entry]] = {}
    for entry in group:
        kinds.setdefault(conditions.values(entry.ask, names), []).append(entry)
    return [_draft(key, kind, names, redact, keep_ids) for kind in kinds.values()]


def _goes_on(entry: Entry) -> bool:
    """Whether a request names what was said before it, in the place of saying it again."""
    body = parsed(entry.recording.body)
    return isinstance(body, dict) and bool(body.get("previous_response_id") or body.get("conversation"))


def _alike(group: Sequence[Entry]) -> bool:
    """Whether all are answered in the same way, streamed or not. A stream need not have the usage that a whole answer has."""
    usages = {dump(entry.reply["usage"]) for entry in group if "usage" in entry.reply}
    contents = {dump({name: value for name, value in entry.reply.items() if name not in _OF_FORM}) for entry in group}
    return len(contents) == 1 and len(usages) < 2


#: Keys of a reply that depend on whether it was streamed.
_OF_FORM = ("pace", "usage")


def _merged(group: Sequence[Entry]) -> Entry:
    """One entry for the same answer, whole and streamed: with the pieces of the stream and the usage of the whole one."""
    form = {name: entry.reply[name] for entry in reversed(group) for name in _OF_FORM if name in entry.reply}
    return replace(group[0], reply={**group[0].reply, **form})


def _draft(key: tuple[Any, ...], group: Sequence[Entry], names: Sequence[str], redact: Redact, keep_ids: bool) -> Draft:
    ask = group[0].ask
    answers = [_merged(group)] if _alike(group) else group
    replies = [literal(entry.reply) for entry in answers]
    if len(replies) > 1:
        replies = [raw(entry.recording) if "response" in reply else reply for entry, reply in zip(answers, replies, strict=True)]
    # A conversation with a reply of its own would answer wherever a request may stop in it.
    own = len(replies) > 1 or "response" in replies[0]
    flows = ask.endpoint in CONVERSING and bool(ask.messages) and not names and not (own and ask.turn)
    rule: Words = (
        {"messages": conditions.flow(ask, redact, keep_ids)}
        if flows
        else {"when": conditions.when(ask, names, redact, group[0].inputs)}
    )
    if "response" in replies[0]:
        rule["response"] = replies[0]["response"]
    elif len(replies) > 1:
        rule["replies"] = replies
    elif flows:
        rule["messages"].append({"role": "assistant", **replies[0]})
        return Draft(rule, list(group), (*key, ("assistant",)))
    else:
        (only,) = replies
        rule["reply"] = only["content"] if only.keys() == {"content"} else only
    return Draft(rule, list(group))


def _continued(draft: Draft, growing: dict[tuple[Any, ...], Draft]) -> bool:
    """Whether a conversation goes on where that of an earlier rule ended, which then has it all."""
    if draft.grows is None:
        return False
    length = len(draft.grows) - 1
    for end in range(length - 1, 1, -1):
        earlier = growing.pop(draft.grows[:end], None) if draft.grows[end - 1] == ("assistant",) else None
        if earlier is not None:
            earlier.rule["messages"] += draft.rule["messages"][end - 1 :]
            earlier.entries += draft.entries
            growing[draft.grows] = earlier
            return True
    growing[draft.grows] = draft
    return False

"""Replies: what a rule answers, made ready at load as far as it can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..http.json import dump
from ..types.ask import Ask, ToolCall
from ..types.reply import Block, Delay, Fail, Fault, Pace, Reply
from . import templates


class Plan(NamedTuple):
    """A reply as far as it can be made at load: ready, or with templates to fill, or a user's function to call."""

    ready: Reply | None
    plain: Mapping[str, Any]
    function: Callable[[Ask], Any] | None = None


def plan(reply: Mapping[str, Any], timing: Mapping[str, Any]) -> Plan:
    """A Plan from a reply's normal form; ``timing`` says what the rule gives each of its replies that has none of its own."""
    plain = {**timing, **reply}
    if "function" in plain:
        return Plan(None, plain, plain["function"])
    return Plan(None if templates.present(plain) else make_reply(plain), plain)


def ready(chosen: Plan, ask: Ask, groups: Callable[[], Mapping[str, str]], count: int) -> Reply:
    """The Reply of a plan without a function: as it was made at load, or with its templates filled.

    ``groups`` gives what the rule's regexes found, asked for only where there is something to fill.
    """
    if chosen.ready is not None:
        return chosen.ready
    return make_reply(templates.fill(chosen.plain, ask, groups(), count))


def combine(made: Sequence[Reply | None]) -> tuple[int, Reply] | None:
    """One Reply for a request with several inputs, and for which of them it was made; None when no rule answers for any.

    What fails one input fails them all, so the first that goes wrong speaks for the request, else the first there is.
    """
    stream_pieces = [(at, reply) for at, reply in enumerate(made) if reply is not None]
    if not stream_pieces:
        return None
    wrong = [(at, reply) for at, reply in stream_pieces if reply.raw or reply.error is not None or reply.fail is not None]
    lead, reply = (wrong or stream_pieces)[0]
    state = {name: value for _, each in stream_pieces for name, value in each.set_state.items()}
    return lead, replace(reply, inputs=tuple(made), set_state=state)


_AS_GIVEN = (
    "annotations", "audio", "logprobs", "finish_reason", "usage", "id", "created", "model", "system_fingerprint",
    "service_tier", "auto", "error", "status", "headers", "body", "embedding", "image", "speech", "moderation", "set_state",
)  # fmt: skip


#: Beside its content, what leaves a reply one text and nothing else.
_PLAIN = {"content", "latency", "pace", "fault", "fail", "set_state"}


def make_reply(plain: Mapping[str, Any]) -> Reply:
    """A Reply from its checked normal form."""
    made: dict[str, Any] = {key: value for key, value in plain.items() if value is not None and key in _AS_GIVEN}
    if plain.get("latency") is not None:
        made["latency"] = Delay(**plain["latency"])
    if plain.get("pace") is not None:
        made["pace"] = Pace(**{**plain["pace"], "chunks": tuple(plain["pace"].get("chunks") or ())})
    if plain.get("fault") is not None:
        made["fault"] = Fault(**plain["fault"])
    if plain.get("fail") is not None:
        made["fail"] = Fail(**plain["fail"])
    others = tuple(make_reply(other) for other in plain.get("others") or ())
    blocks = _blocks(plain)
    given = {key for key, value in plain.items() if value is not None}
    return Reply(
        blocks=blocks,
        others=others,
        raw="body" in plain or "status" in plain,
        plain=given <= _PLAIN and len(blocks) == 1,
        **made,
    )


def faults(plain: Sequence[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Faults from their checked normal form."""
    return tuple(Fault(**each) for each in plain)


def _blocks(plain: Mapping[str, Any]) -> tuple[Block, ...]:
    if plain.get("blocks") is not None:
        return tuple(_block(block) for block in plain["blocks"])
    blocks = []
    if plain.get("reasoning") is not None:
        blocks.append(Block("reasoning", plain["reasoning"]))
    if plain.get("content") is not None:
        blocks.append(Block("text", _as_text(plain["content"])))
    if plain.get("refusal") is not None:
        blocks.append(Block("refusal", plain["refusal"]))
    blocks += [Block("tool_call", call=_call(call)) for call in plain.get("tool_calls") or ()]
    return tuple(blocks)


def _block(block: Mapping[str, Any]) -> Block:
    call = block.get("call")
    return Block(block["kind"], _as_text(block.get("text") or ""), _call(call) if call else None, block.get("data"))


def _call(call: Mapping[str, Any]) -> ToolCall:
    return ToolCall(call["name"], _as_text(call["arguments"]), call.get("id") or "", call.get("kind", "function"))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else dump(value)

"""Plans: the replies of a rule, each prepared when it is first needed as far as that is possible without the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..http.json import dump
from ..types.ask import Ask, ToolCall
from ..types.reply import Block, Delay, Fail, Fault, Hold, Pace, Reply
from . import templates
from .extra import of_record, parse


class Plan:
    """A reply of a rule in its normal form, ``plain``: complete, with templates to fill, or made by a user's ``function``."""

    __slots__ = ("_reply", "changes_state", "function", "is_complete", "plain")

    def __init__(
        self,
        plain: Mapping[str, Any],
        function: Callable[[Ask], Any] | None = None,
        *,
        is_complete: bool = False,
        changes_state: bool = False,
    ) -> None:
        self.plain = plain
        self.function = function
        self.is_complete = is_complete
        #: Whether the reply may set scenarios or count its failures.
        self.changes_state = changes_state
        self._reply: Reply | None = None

    @property
    def ready(self) -> Reply | None:
        """The Reply of a complete plan, made for the first hit: most of very many rules are never hit. None for other plans."""
        if self._reply is None and self.is_complete:
            self._reply = make_reply(self.plain)
        return self._reply


def plan(reply: Mapping[str, Any], timing: Mapping[str, Any]) -> Plan:
    """A Plan from a reply's normal form; ``timing`` has the rule's defaults for ``latency``, ``pace``, ``fault`` ..."""
    plain = {**timing, **reply} if timing else reply
    if "function" in plain:
        return Plan(plain, plain["function"], changes_state=True)
    is_template = plain.get("template", True) and templates.present(plain)
    changes_state = bool(plain.get("set_state") or plain.get("fail"))
    return Plan(plain, is_complete=not is_template, changes_state=changes_state)


def ready(chosen: Plan, ask: Ask, groups: Callable[[], Mapping[str, str]], count: int) -> Reply:
    """The Reply of a plan without a function: the prepared one, or one with its templates filled.

    ``groups`` returns the regex groups of the rule; it is called only when there are templates.
    """
    reply = chosen.ready
    return reply if reply is not None else make_reply(templates.fill(chosen.plain, ask, groups(), count))


def combine(replies: Sequence[Reply | None]) -> tuple[int, Reply] | None:
    """One Reply for a request with several inputs, and the index of the input it belongs to; None when no rule answers.

    An error for one input fails the whole request, and the upstream answers all of a request: the first such reply is used,
    else the first reply.
    """
    present = [(at, reply) for at, reply in enumerate(replies) if reply is not None]
    if not present:
        return None
    failing = [
        (at, reply) for at, reply in present if reply.raw or reply.proxy or reply.error is not None or reply.fail is not None
    ]
    first, reply = (failing or present)[0]
    state = {name: value for _, other in present for name, value in other.set_state.items()}
    return first, replace(reply, inputs=tuple(replies), set_state=state)


_COPIED = (
    "annotations", "audio", "logprobs", "finish_reason", "usage", "id", "created", "model", "system_fingerprint",
    "service_tier", "auto", "proxy", "error", "status", "headers", "body", "embedding", "image", "speech", "moderation",
    "set_state", "response",
)  # fmt: skip


#: The keys that give an operation something to answer with, beside blocks: a status is that of this answer then.
_ANSWERS = {"auto", "extra", "error", "embedding", "image", "speech", "moderation"}
#: The keys that a reply of one text and nothing else may have.
_PLAIN_KEYS = {"content", "latency", "pace", "fault", "fail", "hold", "set_state"}


def make_reply(plain: Mapping[str, Any]) -> Reply:
    """A Reply from its validated normal form."""
    options: dict[str, Any] = {key: value for key, value in plain.items() if value is not None and key in _COPIED}
    if plain.get("latency") is not None:
        options["latency"] = Delay(**plain["latency"])
    if plain.get("pace") is not None:
        options["pace"] = _pace(plain["pace"])
    if plain.get("fault") is not None:
        options["fault"] = Fault(**plain["fault"])
    if plain.get("fail") is not None:
        options["fail"] = Fail(**plain["fail"])
    if plain.get("hold") is not None:
        options["hold"] = Hold(**plain["hold"])
    others = tuple(make_reply({**other, "response": plain.get("response")}) for other in plain.get("others") or ())
    if plain.get("response") is not None:
        options["extra"] = of_record(plain["response"])
    elif plain.get("extra"):
        options["extra"] = parse(plain["extra"])
    blocks = _blocks(plain)
    keys = {key for key, value in plain.items() if value is not None}
    return Reply(
        blocks=blocks,
        others=others,
        raw="body" in plain or ("status" in plain and not (blocks or keys & _ANSWERS)),
        plain=keys <= _PLAIN_KEYS and len(blocks) == 1,
        **options,
    )


def _pace(plain: Mapping[str, Any]) -> Pace:
    lists = {name: tuple(plain.get(name) or ()) for name in ("chunks", "gaps")}
    draws = {f"random_{name}": Delay(**plain[name]) for name in ("ttft", "tps") if isinstance(plain.get(name), Mapping)}
    numbers = {name: value for name, value in plain.items() if not isinstance(value, Mapping)}
    return Pace(**{**numbers, **lists, **draws})


def faults(plain: Sequence[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Faults from their validated normal form."""
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

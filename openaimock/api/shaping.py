"""Shaping: what a request's own limits make of a reply (stop, token limits), and what is counted and made from its text."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from typing import Any

from ..params import models
from ..seed import digest
from ..text import prompts, tokens
from ..types.ask import Ask
from ..types.reply import Block, Reply

_TIERS = {None: "default", "auto": "default", "fast": "priority"}
#: What the API offers beside the token that was said.
_OTHERS = (
    " the",
    ",",
    " a",
    ".",
    " I",
    " to",
    " and",
    "\n",
    " of",
    "!",
    " is",
    " in",
    " you",
    "?",
    " it",
    " that",
    "-",
    " for",
    ":",
    " on",
)


def truncate(reply: Reply, model: str, stop: Sequence[str] = (), limit: int | None = None) -> tuple[Reply, str]:
    """The reply as far as the request lets it be said, and its finish reason.

    A stop sequence cuts the text before it; past ``limit`` tokens (reasoning counts) everything is cut, with ``length``.
    """
    reason = reply.finish_reason or ("tool_calls" if any(block.call for block in reply.blocks) else "stop")
    if stop:
        text = reply.text or ""
        found = [at for at in (text.find(sequence) for sequence in stop if sequence) if at >= 0]
        if found:
            reply, reason = replace(reply, blocks=_until(reply.blocks, min(found))), reply.finish_reason or "stop"
    if limit is not None:
        blocks = _within(reply.blocks, limit, model)
        if blocks != reply.blocks:
            reply, reason = replace(reply, blocks=blocks), reply.finish_reason or "length"
    return reply, reason


def _until(blocks: tuple[Block, ...], end: int) -> tuple[Block, ...]:
    """The blocks up to a character of their joined text; what comes after is never said."""
    kept: list[Block] = []
    for block in blocks:
        if block.kind == "text":
            if len(block.text) >= end:
                return (*kept, block._replace(text=block.text[:end]))
            end -= len(block.text)
        kept.append(block)
    return tuple(kept)


def _within(blocks: tuple[Block, ...], limit: int, model: str) -> tuple[Block, ...]:
    kept: list[Block] = []
    for block in blocks:
        said = block.call.arguments if block.call else block.text
        pieces = tokens.split(said, model)
        if len(pieces) <= limit:
            kept.append(block)
            limit -= len(pieces)
            continue
        cut = "".join(pieces[:limit])
        if block.call:
            kept.append(block._replace(call=block.call._replace(arguments=cut)))
        elif cut or block.kind == "text":
            kept.append(block._replace(text=cut))
        break
    return tuple(kept)


def reasoning_tokens(reply: Reply, model: str) -> int:
    """Tokens of the reply's reasoning."""
    said = reply.joined("reasoning")
    return tokens.count(said, model) if said else 0


def completion_tokens(reply: Reply, ask: Ask, endpoint: str) -> int:
    """Tokens of everything a reply says, reasoning, calls and what the endpoint adds included; never more than the limit."""
    body = ask.body
    stream_pieces = prompts.ReplyParts(
        [block.text for block in reply.blocks if block.text and block.kind != "reasoning"],
        [(block.call.name, block.call.arguments) for block in reply.blocks if block.call],
        reply.joined("reasoning") or "",
        [block.data for block in reply.blocks if isinstance(block.data, dict)],
    )
    context = prompts.Context(bool(ask.tools), bool(body.get("functions")), ask.response_format not in ("", "text"))
    total = prompts.count_reply(stream_pieces, models.family(ask.model), endpoint, context)
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or body.get("max_output_tokens")
    return min(total, limit) if isinstance(limit, int) else total


def service_tier(reply: Reply, ask: Ask) -> str:
    """The tier that served a request: what the rule says, else what was asked for."""
    asked = ask.body.get("service_tier")
    return reply.service_tier or _TIERS.get(asked) or str(asked)


@lru_cache(maxsize=256)
def fingerprint(model: str) -> str:
    """The same ``system_fingerprint`` for the same model, always."""
    return "fp_" + digest("fingerprint", model, size=5).hex()


class TokenCursor:
    """What belongs to the tokens of a text, dealt out along a stream whose pieces need not be those tokens."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._starts = list(accumulate(map(len, tokens), initial=0))[:-1]
        self._at = self._dealt = 0

    def next(self, length: int) -> slice:
        """The places of the tokens that begin in the next ``length`` characters."""
        self._at += length
        first, self._dealt = self._dealt, bisect_left(self._starts, self._at)
        return slice(first, self._dealt)


def logprobs(text: str, model: str, top: int, chance: random.Random) -> list[dict[str, Any]]:
    """Log probabilities for each token of a text, made up from the exchange's own randomness: the API's ``content`` list."""
    return [_logprob(token, top, chance) for token in tokens.split(text, model)]


def _logprob(token: str, top: int, chance: random.Random) -> dict[str, Any]:
    chosen = -chance.expovariate(8.0)
    entry = _entry(token, chosen)
    alternatives = [entry] if top else []
    # What the others have left of the probability, each a third of the one before it.
    left = max(1e-9, -math.expm1(chosen))
    for other in [other for other in _OTHERS if other != token][: max(0, top - 1)]:
        left *= 0.32
        alternatives.append(_entry(other, min(chosen, math.log(max(left, 1e-9)))))
    return {**entry, "top_logprobs": alternatives}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 8), "bytes": list(token.encode())}

"""Shaping: apply a request's stop sequences and token limit to a reply, and derive token counts and log probabilities."""

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
#: Alternatives to a token in ``top_logprobs``.
_ALTERNATIVES = (
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
    """The reply within the limits of the request, and its finish reason.

    A stop sequence cuts the text before it; past ``limit`` tokens (reasoning counts) everything is cut, with ``length``.
    A reply whose own usage or finish reason says that it is within the limit is not cut again.
    """
    reason = reply.finish_reason or ("tool_calls" if any(block.call for block in reply.blocks) else "stop")
    if reply.response is not None:
        # A recorded answer is sent as it is.
        return reply, reason
    if stop:
        text = reply.text or ""
        places = [at for at in (text.find(sequence) for sequence in stop if sequence) if at >= 0]
        if places:
            reply, reason = replace(reply, blocks=_until(reply.blocks, min(places))), reply.finish_reason or "stop"
    if limit is not None and not _is_short_enough(reply, limit):
        blocks = _within(reply.blocks, limit, model)
        if blocks != reply.blocks:
            reply, reason = replace(reply, blocks=blocks), reply.finish_reason or "length"
    return reply, reason


def _until(blocks: tuple[Block, ...], end: int) -> tuple[Block, ...]:
    """The blocks up to a character of their joined text."""
    result: list[Block] = []
    for block in blocks:
        if block.kind == "text":
            if len(block.text) >= end:
                return (*result, block._replace(text=block.text[:end]))
            end -= len(block.text)
        result.append(block)
    return tuple(result)


def _is_short_enough(reply: Reply, limit: int) -> bool:
    """Whether a reply was cut already, or its usage says that it is short enough."""
    usage = reply.usage or {}
    count = usage.get("completion_tokens", usage.get("output_tokens"))
    return reply.finish_reason == "length" or (isinstance(count, int) and count <= limit)


def _within(blocks: tuple[Block, ...], limit: int, model: str) -> tuple[Block, ...]:
    result: list[Block] = []
    for block in blocks:
        content = block.call.arguments if block.call else block.text
        pieces = tokens.split(content, model)
        if len(pieces) <= limit:
            result.append(block)
            limit -= len(pieces)
            continue
        cut = "".join(pieces[:limit])
        if block.call:
            result.append(block._replace(call=block.call._replace(arguments=cut)))
        elif cut or block.kind == "text":
            result.append(block._replace(text=cut))
        break
    return tuple(result)


def reasoning_tokens(reply: Reply, model: str) -> int:
    """Tokens of the reply's reasoning."""
    reasoning = reply.joined("reasoning")
    return tokens.count(reasoning, model) if reasoning else 0


def completion_tokens(reply: Reply, ask: Ask, endpoint: str) -> int:
    """Tokens of a whole reply, with reasoning, calls and what the endpoint adds; at most the request's limit."""
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
    """The tier of the answer: the rule's, else the requested one."""
    requested = ask.body.get("service_tier")
    return reply.service_tier or _TIERS.get(requested) or str(requested)


@lru_cache(maxsize=256)
def fingerprint(model: str) -> str:
    """A ``system_fingerprint``, always the same for a model."""
    return "fp_" + digest("fingerprint", model, size=5).hex()


class TokenCursor:
    """Distributes data of tokens over the pieces of a stream, which need not be the same tokens."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._starts = list(accumulate(map(len, tokens), initial=0))[:-1]
        self._at = self._next = 0

    def next(self, length: int) -> slice:
        """The places of the tokens that begin in the next ``length`` characters."""
        self._at += length
        first, self._next = self._next, bisect_left(self._starts, self._at)
        return slice(first, self._next)


def logprobs(text: str, model: str, top: int, rng: random.Random) -> list[dict[str, Any]]:
    """Log probabilities for each token of a text, from the exchange's random numbers: the API's ``content`` list."""
    return [_logprob(token, top, rng) for token in tokens.split(text, model)]


def _logprob(token: str, top: int, rng: random.Random) -> dict[str, Any]:
    chosen = -rng.expovariate(8.0)
    entry = _entry(token, chosen)
    alternatives = [entry] if top else []
    # Each alternative has about a third of the probability that is left.
    left = max(1e-9, -math.expm1(chosen))
    for other in [other for other in _ALTERNATIVES if other != token][: max(0, top - 1)]:
        left *= 0.32
        alternatives.append(_entry(other, min(chosen, math.log(max(left, 1e-9)))))
    return {**entry, "top_logprobs": alternatives}


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": round(logprob, 8), "bytes": list(token.encode())}

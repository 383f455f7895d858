"""Completions, whole and streamed: the older endpoint, which continues a prompt (SDK type Completion)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, zip_longest
from typing import Any

from ..delivery import pace
from ..http import payloads, sse
from ..http.json import dump
from ..http.request import Request
from ..http.sse import Frame
from ..params.table import Array, Boolean, Either, Integer, Number, Object, String, plain, table
from ..state.namespace import Context
from ..text import tokens
from ..types.ask import Ask, Message
from ..types.reply import Reply
from . import shaping
from .chat.params import LOGIT_BIAS, MODEL, STOP, no_model
from .operation import Operation

#: The prompt of a request without one.
NO_PROMPT = "<|endoftext|>"
#: Finish reasons of chat, which a text completion does not have.
_REASONS = {"tool_calls": "stop", "function_call": "stop"}


def _candidates(body: dict[str, Any]) -> None:
    """Refuse more choices than candidates, and a choice among candidates in a stream."""
    best, n = body.get("best_of"), body.get("n") or 1
    if best is None:
        return
    if n > best:
        raise plain(
            "You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently "
            f"{n}) to be at most 'best_of' (currently {best}), or omit either parameter if you don't specifically want to "
            "use them.)",
            "best_of",
        )
    if best > n and body.get("stream"):
        raise plain("Results cannot be streamed when 'best_of' is greater than 'n'.", "best_of")


_IDS = Array(Integer(min=0), min=1, called="an array of tokens")
COMPLETIONS = table(
    {
        "model": MODEL,
        "prompt": Either(
            String(), Array(String(), min=1, max=2048), _IDS, Array(_IDS, min=1, max=2048, called="an array of token arrays")
        ),
        "best_of": Integer(min=0, max=20),
        "echo": Boolean(),
        "frequency_penalty": Number(min=-2, max=2),
        "logit_bias": LOGIT_BIAS,
        "logprobs": Integer(min=0, max=5),
        "max_tokens": Integer(min=0),
        "n": Integer(min=1, max=128),
        "presence_penalty": Number(min=-2, max=2),
        "seed": Integer(min=-(2**63), max=2**63 - 1),
        "stop": STOP,
        "stream": Boolean(),
        "stream_options": Object({"include_usage": Boolean(), "include_obfuscation": Boolean()}),
        "suffix": String(),
        "temperature": Number(min=0, max=2),
        "top_p": Number(min=0, max=1),
        "user": String(),
    },
    required=["model"],
    absent={"model": no_model},
    rules=[_candidates],
)


def read(request: Request) -> Ask:
    """The Ask of POST /completions: the prompt is a user message, token ids are numbers with blanks between."""
    body = request.object()
    COMPLETIONS.check(body)
    text = "\n".join(map(_text, _prompts(body)))
    return Ask("completions", body, (Message("user", text),), text, body["model"], bool(body.get("stream")))


def _prompts(body: Mapping[str, Any]) -> list[Any]:
    """The prompts, each a text or a list of token ids."""
    prompt = body.get("prompt")
    if prompt is None:
        return [NO_PROMPT]
    return [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else list(prompt)


def _text(prompt: Any) -> str:
    return prompt if isinstance(prompt, str) else " ".join(map(str, prompt))


def split(ask: Ask) -> Sequence[Ask]:
    """An Ask for each of several prompts."""
    texts = list(map(_text, _prompts(ask.body)))
    return [replace(ask, messages=(Message("user", text),), text=text) for text in texts] if len(texts) > 1 else ()


def write(ask: Ask, reply: Reply, context: Context) -> payloads.JSON | payloads.Events:
    """The answer to a completion request: the choices of each prompt, one prompt after the other."""
    prompts, model = _prompts(ask.body), context.model(ask.model)
    replies = reply.inputs or (reply,) * len(prompts)
    choices = [
        choice
        for prompt, each in zip(prompts, replies, strict=True)
        for choice in _choices(ask, _text(prompt), each or reply, model.repeats_length, context)
    ]
    head = {
        "id": reply.id or context.ids.id("cmpl-", 29),
        "object": "text_completion",
        "created": context.created if reply.created is None else reply.created,
    }
    tail = {"model": reply.model or model.snapshot}
    if reply.system_fingerprint is not None:
        tail["system_fingerprint"] = reply.system_fingerprint
    counts = _usage(ask, prompts, choices, reply.usage or {})
    if ask.stream:
        return payloads.Events(_stream(ask, choices, head, tail, counts))
    whole = [choice.whole(index) for index, choice in enumerate(choices)]
    return payloads.JSON({**head, **tail, "choices": whole, "usage": counts}, counts.get("completion_tokens") or 0)


def _choices(ask: Ask, prompt: str, reply: Reply, repeats_length: bool, context: Context) -> Iterator[_TextChoice]:
    """The ``n`` choices for one prompt."""
    body = ask.body
    stop = body.get("stop") or ()
    candidates = [reply, *reply.others]
    for at in range(max(body.get("n") or 1, len(candidates))):
        candidate, reason = shaping.truncate(
            candidates[min(at, len(candidates) - 1)], ask.model, [stop] if isinstance(stop, str) else stop, body.get("max_tokens")
        )
        text = candidate.text if candidate.text is not None else candidate.joined("refusal") or ""
        reason = candidate.finish_reason or _REASONS.get(reason, reason)
        logprobs = candidate.logprobs
        if logprobs is None and body.get("logprobs") is not None:
            logprobs = _logprobs(ask, prompt, text, context)
        last_chunk = reason != "length" or repeats_length
        yield _TextChoice(ask, prompt if body.get("echo") else "", text, reason, logprobs, candidate, last_chunk)


def _logprobs(ask: Ask, prompt: str, text: str, context: Context) -> dict[str, Any]:
    """Log probabilities in the form of this endpoint: parallel lists. The first token of the prompt has none."""
    top, rng = ask.body["logprobs"], context.ids.random
    echo = bool(ask.body.get("echo"))
    entries = shaping.logprobs(prompt, ask.model, top, rng) if echo else []
    first = len(entries) > 0
    entries += shaping.logprobs(text, ask.model, top, rng)
    texts = [entry["token"] for entry in entries]
    tops = [{other["token"]: other["logprob"] for other in entry["top_logprobs"]} for entry in entries]
    unknown = [None] if first else []
    return {
        "tokens": texts,
        "token_logprobs": [*unknown, *(entry["logprob"] for entry in entries[len(unknown) :])],
        "top_logprobs": [*unknown, *tops[len(unknown) :]] if top else None,
        "text_offset": list(accumulate(map(len, texts[:-1]), initial=0 if echo else len(prompt)))[: len(texts)],
    }


def _usage(ask: Ask, prompts: Sequence[Any], choices: Sequence[_TextChoice], override: Mapping[str, Any]) -> dict[str, Any]:
    """The ``usage`` object (SDK type CompletionUsage) of all candidates; without completion tokens when there are none."""
    model, n = ask.model, ask.body.get("n") or 1
    suffix = tokens.count(ask.body.get("suffix") or "", model)
    prompt = override.get("prompt_tokens")
    if prompt is None:
        counts = [tokens.count(item, model) if isinstance(item, str) else len(item) for item in prompts]
        prompt = sum(counts) + suffix * len(prompts)
    completion = override.get("completion_tokens")
    if completion is None:
        count = sum(tokens.count(choice.text, model) for choice in choices)
        completion = count * max(ask.body.get("best_of") or 1, n) // n
    counted = {"completion_tokens": completion} if completion else {}
    return {"prompt_tokens": prompt, **counted, "total_tokens": prompt + completion, **override}


def _stream(
    ask: Ask, choices: Sequence[_TextChoice], head: Mapping[str, Any], tail: Mapping[str, Any], counts: Mapping[str, Any]
) -> Iterator[Frame]:
    """All frames: those of the choices in turn, then usage if the request asks for it, then the end."""
    with_usage = bool((ask.body.get("stream_options") or {}).get("include_usage"))
    opening = f'data: {dump(head)[:-1]},"choices":['
    closing = f"],{dump({**tail, 'usage': None} if with_usage else tail)[1:]}\n\n"
    parts = [choice.frames(index, opening, closing) for index, choice in enumerate(choices)]
    for group in zip_longest(*parts):
        yield from (frame for frame in group if frame is not None)
    if with_usage:
        yield sse.data({**head, "choices": [], **tail, "usage": counts})
    yield sse.DONE


class _TextChoice:
    """One continuation of a prompt. ``echo`` is the prompt if it is sent, too; a ``last_chunk`` without text ends a stream."""

    def __init__(self, ask: Ask, echo: str, text: str, reason: str, logprobs: Any, reply: Reply, last_chunk: bool) -> None:
        self.text = text
        self._last_chunk = last_chunk
        self._model, self._echo, self._reason, self._logprobs, self._reply = ask.model, echo, reason, logprobs, reply
        self._cursor: shaping.TokenCursor | None = None

    def whole(self, index: int) -> dict[str, Any]:
        """The choice in a whole answer."""
        return {"text": self._echo + self.text, "index": index, "logprobs": self._logprobs, "finish_reason": self._reason}

    def frames(self, index: int, opening: str, closing: str) -> Iterator[Frame]:
        """The choice in a stream: the echo is in the first chunk; ``length`` is in the last chunk with text, too."""
        texts, _, counts = pace.stream_pieces(self.text, self._reply.pace, self._model)
        if self._echo and not texts:
            texts, counts = [""], [0.0]
        for at, (piece, count) in enumerate(zip(texts, counts, strict=True)):
            text = piece if at else self._echo + piece
            reason = "length" if self._reason == "length" and at == len(texts) - 1 else None
            yield f"{opening}{dump(_chunk(text, index, self._next(len(text)), reason))}{closing}".encode(), count
        if self._last_chunk or not texts:
            yield f"{opening}{dump(_chunk('', index, self._next(0), self._reason))}{closing}".encode(), 0.0

    def _next(self, length: int) -> Any:
        """The log probabilities of the next characters; those of an unknown form are all in the first chunk."""
        logprobs = self._logprobs
        if not isinstance(logprobs, dict) or not isinstance(logprobs.get("tokens"), list):
            self._logprobs = None
            return logprobs
        if self._cursor is None:
            self._cursor = shaping.TokenCursor(list(map(str, logprobs["tokens"])))
        part = self._cursor.next(length)
        return {key: value[part] if isinstance(value, list) else value for key, value in logprobs.items()}


def _chunk(text: str, index: int, logprobs: Any, reason: str | None = None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}


ENDPOINTS = (Operation("completions.create", "POST", "/completions", read, write, split=split, params=COMPLETIONS, alone=True),)

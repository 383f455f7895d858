"""Streamed chat completions: the chunks of each choice, of the usage and of the moderation (SDK type ChatCompletionChunk)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from ...delivery import pace
from ...http import sse
from ...http.json import dump
from ...http.sse import Frame
from ...state.namespace import Context
from ...text import tokens
from ...types.ask import Ask, ToolCall
from ...types.reply import Block, Reply
from .. import prompt_cache, shaping
from .choices import audio_object, call_object, generated_logprobs, has_logprobs
from .usage import usage


def frames(
    ask: Ask, shaped: Sequence[tuple[Reply, str]], head: Mapping[str, Any], moderation: Mapping[str, Any], context: Context
) -> Iterator[Frame]:
    """All frames: those of the choices in turn, then usage and moderation if the request asks for them, then the end."""
    with_usage = bool((ask.body.get("stream_options") or {}).get("include_usage"))
    opening = dump(head)[:-1]
    closing = ',"usage":null}\n\n' if with_usage else "}\n\n"
    choices = [
        _Choice(ask, reply, reason, index, context, opening, closing).frames() for index, (reply, reason) in enumerate(shaped)
    ]
    interleaved = choices[0] if len(choices) == 1 else filter(None, chain.from_iterable(zip_longest(*choices)))
    return chain(interleaved, _last_frames(ask, shaped, head, moderation, with_usage, context))


def _last_frames(
    ask: Ask,
    shaped: Sequence[tuple[Reply, str]],
    head: Mapping[str, Any],
    moderation: Mapping[str, Any],
    with_usage: bool,
    context: Context,
) -> Iterator[Frame]:
    if with_usage:
        model = context.model(ask.model)
        counts = usage(ask, [reply for reply, _ in shaped], model, context, prompt_cache.of_chat(ask, model, context))
        yield sse.data({**head, "choices": [], "usage": counts})
    if moderation:
        yield sse.data({**head, "choices": [], **moderation, **({"usage": None} if with_usage else {})})
    yield sse.DONE


class _Choice:
    """The frames of one choice. The opening and closing of a frame are made once; only what changes is added."""

    def __init__(self, ask: Ask, reply: Reply, reason: str, index: int, context: Context, opening: str, closing: str) -> None:
        self._ask, self._reply, self._context = ask, reply, context
        self._opening = f'data: {opening},"choices":[{{"index":{index},"delta":'
        self._closing = closing
        #: The request has ``functions``, the older form of tools.
        self._legacy = bool(ask.body.get("functions"))
        self._reason = "function_call" if self._legacy and reason == "tool_calls" else reason
        self._null = ',"logprobs":null' if has_logprobs(ask, reply, context) else ""
        self._cursors: dict[str, shaping.TokenCursor] = {}
        self._is_spoken = reply.audio is not None and "audio" in (ask.body.get("modalities") or ())

    def _frame(self, delta: str, count: float = 0.0, logprobs: str = "", reason: str = "null") -> Frame:
        return f'{self._opening}{delta}{logprobs or self._null},"finish_reason":{reason}}}]{self._closing}'.encode(), count

    def frames(self) -> Iterator[Frame]:
        """The role, the blocks in order, the finish reason."""
        reply = self._reply
        if self._is_spoken:
            yield from self._spoken()
            return
        first = self._first_call()
        yield self._role_frame(first)
        index = 0
        for block in reply.blocks:
            if block.kind in ("text", "refusal"):
                yield from self._text(block)
            elif block.call:
                yield from self._tool_call(index, block.call, first)
                index += 1
        if reply.audio is not None:
            yield self._frame(dump({"audio": audio_object(reply, self._context)}))
        last = dump({"annotations": reply.annotations}) if reply.annotations else "{}"
        yield self._frame(last, reason=dump(self._reason))

    def _spoken(self) -> Iterator[Frame]:
        """The frames of a choice that is audio: its text is the transcript."""
        from . import speech  # few requests ask for audio

        yield self._frame('{"role":"assistant","content":null,"refusal":null}')
        for delta, count in speech.deltas(audio_object(self._reply, self._context), self._reply, self._ask.model):
            yield self._frame(dump({"audio": delta}), count)
        yield self._frame("{}", reason=dump(self._reason))

    def _first_call(self) -> dict[str, Any] | None:
        """The start of the only call of a reply without text, which the API sends in the chunk of the role."""
        calls = self._reply.calls
        if len(calls) != 1 or any(block.kind in ("text", "refusal") for block in self._reply.blocks):
            return None
        return self._started(0, calls[0])

    def _role_frame(self, first: Mapping[str, Any] | None) -> Frame:
        reply = self._reply
        calls = reply.calls
        has_text = any(block.kind == "text" for block in reply.blocks)
        has_content = has_text or not (calls or reply.joined("refusal"))
        content = '""' if has_content else "null"
        call = f",{dump(first)[1:-1]}" if first else ""
        refusal = ',"refusal":null' if len(calls) < 2 or has_text or self._legacy else ""
        delta = f'{{"role":"assistant","content":{content}{call}{refusal}}}'
        logprobs = ',"logprobs":{"content":[],"refusal":null}' if has_text and self._ask.body.get("logprobs") else ""
        return self._frame(delta, self._name_tokens(calls[0]) if first else 0.0, logprobs)

    def _text(self, block: Block) -> Iterator[Frame]:
        key = "content" if block.kind == "text" else "refusal"
        pieces = pace.stream_pieces(block.text, self._reply.pace, self._ask.model)
        if self._reply.logprobs is not None or self._ask.body.get("logprobs"):
            for piece, json, count in zip(*pieces, strict=True):
                yield self._frame(f'{{"{key}":{json.decode()}}}', count, f',"logprobs":{dump(self._logprobs(key, piece))}')
            return
        opening = f'{self._opening}{{"{key}":'.encode()
        closing = f'}}{self._null},"finish_reason":null}}]{self._closing}'.encode()
        for json, count in zip(pieces.json, pieces.tokens, strict=True):
            yield opening + json + closing, count

    def _logprobs(self, key: str, piece: str) -> Any:
        """The log probabilities of a piece: those that the reply has for its tokens, or generated ones."""
        logprobs = self._reply.logprobs
        if isinstance(logprobs, dict) and isinstance(logprobs.get(key), list):
            cursor = self._cursors.get(key)
            if cursor is None:
                cursor = self._cursors[key] = shaping.TokenCursor([str(entry.get("token", "")) for entry in logprobs[key]])
            return {"content": None, "refusal": None, key: logprobs[key][cursor.next(len(piece))]}
        if logprobs is not None or not self._ask.body.get("logprobs"):
            return None
        texts = {"content": None, "refusal": None, key: piece}
        return generated_logprobs(self._ask, **texts, context=self._context)

    def _name_tokens(self, call: ToolCall) -> float:
        return float(tokens.count(call.name, self._ask.model))

    def _started(self, index: int, call: ToolCall) -> dict[str, Any]:
        """The delta that starts a call: all but its arguments."""
        if self._legacy:
            return {"function_call": {"name": call.name, "arguments": ""}}
        return {"tool_calls": [{"index": index, **call_object(call._replace(arguments=""), self._context)}]}

    def _tool_call(self, index: int, call: ToolCall, first: Mapping[str, Any] | None) -> Iterator[Frame]:
        if first is None:
            yield self._frame(dump(self._started(index, call)), self._name_tokens(call))
        holder, field = ("custom", "input") if call.kind == "custom" else ("function", "arguments")
        for piece in tokens.split(call.arguments, self._ask.model):
            delta: dict[str, Any] = {"tool_calls": [{"index": index, holder: {field: piece}}]}
            yield self._frame(dump({"function_call": {"arguments": piece}} if self._legacy else delta), 1.0)

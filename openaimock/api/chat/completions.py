"""Chat completions, whole and streamed (API reference: Chat Completions; SDK types ChatCompletion and ChatCompletionChunk)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

from ...delivery import pace
from ...http import payloads, sse
from ...http.json import dump
from ...http.request import Request
from ...http.sse import Frame
from ...params import models
from ...state.namespace import Context
from ...text import prompts, tokens
from ...types.ask import Ask, Message, ToolCall
from ...types.reply import Reply
from ...types.tools import describe
from .. import shaping
from ..operation import Operation
from . import stored
from .params import CHAT


def read(request: Request) -> Ask:
    """The Ask of POST /chat/completions. APIError 400 for what the API would not take."""
    body = request.object()
    deployment = request.params.get("deployment")
    if deployment:
        # Azure: the deployment in the path is the model, whatever the body says.
        body["model"] = deployment
    CHAT.check(body)
    messages = [message(message_param) for message_param in body["messages"]]
    ask = Ask("chat", body, messages, _last_user(messages), body["model"], bool(body.get("stream")))
    describe(ask)
    return ask


def message(param: Mapping[str, Any]) -> Message:
    """One message of a request."""
    content = param.get("content")
    if type(content) is str and len(param) == 2:
        return Message(param["role"], content)
    if isinstance(content, list):
        text = "\n".join(part[part["type"]] for part in content if part["type"] in ("text", "refusal"))
        parts = tuple(part["type"] for part in content)
    else:
        text, parts = content or "", ("text",) if content else ()
    calls = [_call(call) for call in param.get("tool_calls") or ()]
    if param.get("function_call"):
        calls.append(ToolCall(param["function_call"]["name"], param["function_call"]["arguments"]))
    return Message(param["role"], text, parts, tuple(calls), param.get("tool_call_id"), param.get("name"))


def _call(call: Mapping[str, Any]) -> ToolCall:
    if call.get("type") == "custom":
        return ToolCall(call["custom"]["name"], call["custom"]["input"], call["id"], "custom")
    return ToolCall(call["function"]["name"], call["function"]["arguments"], call["id"])


def _last_user(messages: Sequence[Message]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def write(ask: Ask, reply: Reply, context: Context) -> payloads.JSON | payloads.Events:
    """The answer to a chat completion request."""
    body = ask.body
    if reply.plain and not ask.stream and body.keys() <= _SIMPLE:
        return _plain_text(ask, reply.blocks[0].text, context)
    stop = body.get("stop") or ()
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    candidates = [reply, *reply.others]
    count = max(body.get("n") or 1, len(candidates))
    shaped = [
        shaping.truncate(candidates[min(at, len(candidates) - 1)], ask.model, [stop] if isinstance(stop, str) else stop, limit)
        for at in range(count)
    ]
    head = {
        "id": reply.id or context.ids.id("chatcmpl-", 29),
        "object": "chat.completion.chunk" if ask.stream else "chat.completion",
        "created": context.created if reply.created is None else reply.created,
        "model": reply.model or ask.model,
    }
    tail = {
        "service_tier": shaping.service_tier(reply, ask),
        "system_fingerprint": reply.system_fingerprint or shaping.fingerprint(ask.model),
    }
    keeps = bool(body.get("store"))
    if ask.stream and not keeps:
        return payloads.Events(_stream(ask, shaped, {**head, **tail}, context))
    choices = [_choice_of(ask, candidate, reason, at, context) for at, (candidate, reason) in enumerate(shaped)]
    counted = usage(ask, [candidate for candidate, _ in shaped])
    whole = {**head, "object": "chat.completion", "choices": choices, "usage": counted, **tail}
    if ask.stream:
        stream_pieces = [
            (_settled(candidate, choice), reason) for (candidate, reason), choice in zip(shaped, choices, strict=True)
        ]
        return payloads.Events(stored.store_at_end(_stream(ask, stream_pieces, {**head, **tail}, context), ask, whole, context))
    if keeps:
        stored.store(ask, whole, context)
    return payloads.JSON(whole, counted.get("completion_tokens") or 0)


def _settled(reply: Reply, choice: Mapping[str, Any]) -> Reply:
    """A reply with all that was made up for its choice, so that a stream says what is kept."""
    message = choice["message"]
    ids = iter([call["id"] for call in message.get("tool_calls") or ()])
    blocks = [block._replace(call=block.call._replace(id=next(ids, ""))) if block.call else block for block in reply.blocks]
    return replace(reply, blocks=tuple(blocks), logprobs=choice["logprobs"], audio=message.get("audio"))


#: Longer texts are not kept.
_SHORT = 8192
#: Parameters that make no difference to what a text is answered with.
_SIMPLE = frozenset(
    {"model", "messages", "temperature", "top_p", "user", "seed", "metadata", "presence_penalty", "frequency_penalty", "stream"}
)


def _plain_text(ask: Ask, text: str, context: Context) -> payloads.JSON:
    """What ``write`` would give for a text and nothing else, in a third of the time: most requests go this way."""
    encode = _plain_body if len(text) <= _SHORT else _plain_body.__wrapped__
    completion = prompts.count_reply(prompts.ReplyParts([text] if text else ()), models.family(ask.model), "chat")
    payload = encode(text, ask.model, _prompt_tokens(ask), completion)
    opening = f'{{"id":"{context.ids.id("chatcmpl-", 29)}","object":"chat.completion","created":{context.created},'
    return payloads.JSON(opening.encode() + payload, completion)


@lru_cache(256)
def _plain_body(text: str, model: str, prompt: int, completion: int) -> bytes:
    """All but the id and the time, which is the same when the same is said again."""
    payload = (
        f'"model":{dump(model)},"choices":[{{"index":0,'
        f'"message":{{"role":"assistant","content":{dump(text)},"refusal":null,"annotations":[]}},'
        f'"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion},'
        f'"total_tokens":{prompt + completion},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},'
        '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,'
        f'"rejected_prediction_tokens":0}}}},"service_tier":"default","system_fingerprint":"{shaping.fingerprint(model)}"}}'
    )
    return payload.encode()


def _prompt_tokens(ask: Ask) -> int:
    """Tokens of all that a request says; counted once for a body that comes again."""
    if not ask.prompt_tokens:
        ask.prompt_tokens = prompts.count_chat(ask.body, models.family(ask.model))
    return ask.prompt_tokens


def usage(ask: Ask, replies: Sequence[Reply]) -> dict[str, Any]:
    """The ``usage`` object (SDK type CompletionUsage); what the rule gives stands as it is given."""
    override = replies[0].usage or {}
    if len(override) >= 3 and {"prompt_tokens", "completion_tokens", "total_tokens"} <= override.keys():
        return dict(override)
    prompt = override.get("prompt_tokens")
    if prompt is None:
        prompt = _prompt_tokens(ask)
    completion = override.get("completion_tokens")
    if completion is None:
        completion = sum(shaping.completion_tokens(reply, ask, "chat") for reply in replies)
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(shaping.reasoning_tokens(reply, ask.model) for reply in replies),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    return {**usage, **override}


# Whole


def _choice_of(ask: Ask, reply: Reply, reason: str, index: int, context: Context) -> dict[str, Any]:
    refusal = reply.joined("refusal")
    content = reply.text
    message: dict[str, Any] = {
        "role": "assistant",
        "content": content,
        "refusal": refusal,
        "annotations": reply.annotations or [],
    }
    calls = [_call_of(call, context) for call in reply.calls]
    if calls and ask.body.get("functions"):
        message["function_call"] = calls[0]["function"]
        reason = "function_call" if reason == "tool_calls" else reason
    elif calls:
        message["tool_calls"] = calls
    elif content is None and refusal is None:
        message["content"] = ""
    if reply.audio is not None:
        message["audio"] = _audio(reply, context)
        message["content"] = None
    return {"index": index, "message": message, "logprobs": _logprobs_of(ask, reply, context), "finish_reason": reason}


def _call_of(call: ToolCall, context: Context) -> dict[str, Any]:
    call_id = call.id or context.ids.id("call_")
    if call.kind == "custom":
        return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _audio(reply: Reply, context: Context) -> dict[str, Any]:
    default = {"id": context.ids.hex("audio_"), "data": "", "expires_at": context.created + 3600, "transcript": reply.text or ""}
    return {**default, **reply.audio}


def _logprobs_of(ask: Ask, reply: Reply, context: Context) -> Any:
    if reply.logprobs is not None:
        return reply.logprobs
    if not ask.body.get("logprobs"):
        return None
    return _logprobs(ask, reply.text, reply.joined("refusal"), context)


def _logprobs(ask: Ask, content: str | None, refusal: str | None, context: Context) -> dict[str, Any]:
    top = ask.body.get("top_logprobs") or 0

    def entries(text: str | None) -> Any:
        return None if text is None else shaping.logprobs(text, ask.model, top, context.ids.random)

    return {"content": entries(content), "refusal": entries(refusal)}


# Streamed


def _stream(ask: Ask, shaped: Sequence[tuple[Reply, str]], head: Mapping[str, Any], context: Context) -> Iterator[Frame]:
    """All frames: each choice's in turn, then usage when it was asked for, then the end."""
    with_usage = bool((ask.body.get("stream_options") or {}).get("include_usage"))
    opening = dump(head)[:-1]
    closing = ',"usage":null}\n\n' if with_usage else "}\n\n"
    choices = [
        _Choice(ask, reply, reason, index, context, opening, closing).frames() for index, (reply, reason) in enumerate(shaped)
    ]
    interleaved = choices[0] if len(choices) == 1 else filter(None, chain.from_iterable(zip_longest(*choices)))
    return chain(interleaved, _end(ask, shaped, head if with_usage else None))


def _end(ask: Ask, shaped: Sequence[tuple[Reply, str]], head: Mapping[str, Any] | None) -> Iterator[Frame]:
    if head:
        yield sse.data({**head, "choices": [], "usage": usage(ask, [reply for reply, _ in shaped])})
    yield sse.DONE


class _Choice:
    """The frames of one choice. Each is a fixed opening and closing around what is new: a stream costs what it says."""

    def __init__(self, ask: Ask, reply: Reply, reason: str, index: int, context: Context, opening: str, closing: str) -> None:
        self._ask, self._reply, self._reason, self._context = ask, reply, reason, context
        self._opening = f'data: {opening},"choices":[{{"index":{index},"delta":'
        self._closing = closing
        self._legacy = bool(ask.body.get("functions"))
        self._cursors: dict[str, shaping.TokenCursor] = {}

    def _frame(self, delta: str, count: float = 0.0, logprobs: str = "null", reason: str = "null") -> Frame:
        return f'{self._opening}{delta},"logprobs":{logprobs},"finish_reason":{reason}}}]{self._closing}'.encode(), count

    def frames(self) -> Iterator[Frame]:
        blocks = self._reply.blocks
        has_content = any(block.kind == "text" for block in blocks) or (
            not self._reply.calls and not self._reply.joined("refusal")
        )
        content = '""' if has_content else "null"
        yield self._frame(f'{{"role":"assistant","content":{content},"refusal":null}}')
        index = 0
        for block in blocks:
            if block.kind in ("text", "refusal"):
                key = "content" if block.kind == "text" else "refusal"
                pieces = pace.stream_pieces(block.text, self._reply.pace, self._ask.model)
                if self._reply.logprobs is not None or self._ask.body.get("logprobs"):
                    for piece, json, count in zip(*pieces, strict=True):
                        yield self._frame(f'{{"{key}":{json.decode()}}}', count, dump(self._logprobs(key, piece)))
                    continue
                # Most streams are nothing but this: all that does not change is made once.
                opening = f'{self._opening}{{"{key}":'.encode()
                closing = f'}},"logprobs":null,"finish_reason":null}}]{self._closing}'.encode()
                for json, count in zip(pieces.json, pieces.tokens, strict=True):
                    yield opening + json + closing, count
            elif block.call:
                yield from self._tool_call(index, block.call)
                index += 1
        if self._reply.audio is not None:
            yield self._frame(dump({"audio": _audio(self._reply, self._context)}))
        reason = "function_call" if self._legacy and self._reason == "tool_calls" else self._reason
        yield self._frame("{}", reason=dump(reason))

    def _logprobs(self, key: str, piece: str) -> Any:
        """The log probabilities of a piece: those that the reply has for its tokens, or some that are made up."""
        logprobs = self._reply.logprobs
        if isinstance(logprobs, dict) and isinstance(logprobs.get(key), list):
            cursor = self._cursors.get(key)
            if cursor is None:
                cursor = self._cursors[key] = shaping.TokenCursor([str(entry.get("token", "")) for entry in logprobs[key]])
            return {"content": None, "refusal": None, key: logprobs[key][cursor.next(len(piece))]}
        if logprobs is not None or not self._ask.body.get("logprobs"):
            return None
        texts = {"content": None, "refusal": None, key: piece}
        return _logprobs(self._ask, **texts, context=self._context)

    def _tool_call(self, index: int, call: ToolCall) -> Iterator[Frame]:
        entry = _call_of(call, self._context)
        holder, field = ("custom", "input") if call.kind == "custom" else ("function", "arguments")
        count = float(tokens.count(call.name, self._ask.model))
        if self._legacy:
            yield self._frame(dump({"function_call": {"name": call.name, "arguments": ""}}), count)
        else:
            entry[holder][field] = ""
            yield self._frame(dump({"tool_calls": [{"index": index, **entry}]}), count)
        for piece in tokens.split(call.arguments, self._ask.model):
            delta: dict[str, Any] = {"tool_calls": [{"index": index, holder: {field: piece}}]}
            yield self._frame(dump({"function_call": {"arguments": piece}} if self._legacy else delta), 1.0)


ENDPOINTS = (Operation("chat", "POST", "/chat/completions", read, write, params=CHAT, alone=True),)

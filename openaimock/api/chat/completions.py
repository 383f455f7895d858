"""Chat completions, whole and streamed (API reference: Chat Completions; SDK types ChatCompletion and ChatCompletionChunk)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from ...http import payloads
from ...http.json import dump
from ...http.request import Request
from ...params.models import Model
from ...state.namespace import Context
from ...text import prompts, tokens
from ...types.ask import Ask, Message, ToolCall
from ...types.parts import once_each
from ...types.reply import Reply
from ...types.tools import describe
from .. import prompt_cache, shaping
from ..operation import Operation, VaryingText
from . import stored
from .choices import whole_choice
from .moderation import moderated
from .params import CHAT
from .stream import frames
from .usage import prompt_tokens, usage


def read(request: Request) -> Ask:
    """The Ask of POST /chat/completions. APIError 400 for what the API refuses."""
    body = request.object()
    CHAT.check(body)
    messages = once_each(body["messages"], message, message)
    ask = Ask("chat", body, messages, _last_user(messages), body["model"], bool(body.get("stream")))
    ask.same = {}
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


def _replace_text(ask: Ask, text: str) -> None:
    """Put another text into the last message of an Ask that was just read."""
    *earlier, param = ask.body["messages"]
    ask.body = {**ask.body, "messages": [*earlier, {**param, "content": text}]}
    *before, last = ask.messages
    ask.messages = [*before, Message(last.role, text, *last[2:])]
    if last.role == "user":
        ask.text = text


def write(ask: Ask, reply: Reply, context: Context) -> payloads.JSON | payloads.Events:
    """The answer to a chat completion request."""
    body, model = ask.body, context.model(ask.model)
    if (
        reply.plain
        and not ask.stream
        and body.keys() <= _SIMPLE
        and not (model.cache_writes or model.audio_usage or context.prompt_cache)
        and (write_plain := _plain_writer(reply.blocks[0].text, _limit(body), model)) is not None
    ):
        return write_plain(ask, reply, context)
    # A stream counts, too, when it does not report its usage.
    cached = prompt_cache.of_chat(ask, model, context)
    shaped = _shaped(ask, reply)
    if body.get("modalities"):
        shaped = _with_speech(ask, shaped)
    replies = [candidate for candidate, _ in shaped]
    head = {
        "id": reply.id or context.ids.id("chatcmpl-", 29),
        "object": "chat.completion.chunk" if ask.stream else "chat.completion",
        "created": context.created if reply.created is None else reply.created,
        "model": reply.model or model.snapshot,
    }
    tail = _tail(ask, reply, model)
    moderation = moderated(ask, replies, context) if body.get("moderation") else {}
    if ask.stream and not body.get("store"):
        return payloads.Events(frames(ask, shaped, {**head, **tail}, moderation, context))
    choices = [whole_choice(ask, candidate, reason, at, context) for at, (candidate, reason) in enumerate(shaped)]
    counts = usage(ask, replies, model, context, cached)
    whole = {**head, "object": "chat.completion", "choices": choices, "usage": counts, **moderation, **tail}
    if ask.stream:
        settled = [(_settled(candidate, choice), reason) for (candidate, reason), choice in zip(shaped, choices, strict=True)]
        events = frames(ask, settled, {**head, **tail}, moderation, context)
        return payloads.Events(stored.store_at_end(events, ask, whole, context))
    if body.get("store"):
        stored.store(ask, whole, context)
    return payloads.JSON(whole, counts.get("completion_tokens") or 0)


def _shaped(ask: Ask, reply: Reply) -> list[tuple[Reply, str]]:
    """The reply of each choice within the limits of the request, and its finish reason."""
    body = ask.body
    stop = body.get("stop") or ()
    sequences = [stop] if isinstance(stop, str) else stop
    limit = _limit(body)
    candidates = [reply, *reply.others]
    count = max(body.get("n") or 1, len(candidates))
    return [shaping.truncate(candidates[min(at, len(candidates) - 1)], ask.model, sequences, limit) for at in range(count)]


def _limit(body: Mapping[str, Any]) -> int | None:
    """The most tokens of an answer; None when the request has no limit."""
    return body.get("max_completion_tokens") or body.get("max_tokens")


def _with_speech(ask: Ask, shaped: list[tuple[Reply, str]]) -> list[tuple[Reply, str]]:
    """The replies with their audio, where the request asks for it."""
    from . import speech  # few requests ask for audio

    return [(speech.spoken(ask, candidate), reason) for candidate, reason in shaped] if speech.is_requested(ask) else shaped


def _tail(ask: Ask, reply: Reply, model: Model) -> dict[str, Any]:
    """The last members of an answer, which depend on the model."""
    fingerprint = reply.system_fingerprint or (shaping.fingerprint(model.snapshot) if model.fingerprint else None)
    if not model.service_tier and reply.service_tier is None:
        return {"system_fingerprint": fingerprint}
    return {"service_tier": shaping.service_tier(reply, ask), "system_fingerprint": fingerprint}


def _settled(reply: Reply, choice: Mapping[str, Any]) -> Reply:
    """A reply with the generated parts of its whole choice, so that the stream and the stored completion are the same."""
    message = choice["message"]
    ids = iter([call["id"] for call in message.get("tool_calls") or ()])
    blocks = [block._replace(call=block.call._replace(id=next(ids, ""))) if block.call else block for block in reply.blocks]
    return replace(reply, blocks=tuple(blocks), logprobs=choice.get("logprobs"), audio=message.get("audio"))


#: Longer texts are not cached.
_SHORT = 4096
#: Parameters that do not change the answer with a given text, unless it is longer than a limit.
_SIMPLE = frozenset(
    [
        *("model", "messages", "temperature", "top_p", "user", "seed", "metadata", "presence_penalty", "frequency_penalty"),
        *("stream", "max_completion_tokens", "max_tokens"),
    ]
)


def _plain_writer(text: str, limit: int | None, model: Model) -> Callable[[Ask, Reply, Context], payloads.JSON] | None:
    """The function that writes the answer of ``write`` with only a text, in a third of the time: most requests take this path.

    None for a text that the limit of the request may cut.
    """
    make = _plain_body if len(text) <= _SHORT else _plain_body.__wrapped__
    before, after, completion = make(
        *(text, model.snapshot, model.logprobs, model.service_tier, model.fingerprint),
        *(model.encoding, model.prompt, tokens.tokenizer(model.encoding).name),
    )
    if limit is not None and completion > limit:
        return None

    def write(ask: Ask, reply: Reply, context: Context) -> payloads.JSON:
        prompt = prompt_tokens(ask, model, context)
        payload = (
            f'{{"id":"{context.ids.id("chatcmpl-", 29)}","object":"chat.completion","created":{context.created},{before}'
            f'"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{prompt + completion}{after}'
        )
        return payloads.JSON(payload.encode(), completion, write)

    return write


class _Counting(NamedTuple):
    """What the tokens of a text depend on beside the text (``text.facts.Facts``)."""

    encoding: str
    prompt: str
    image: None = None


# The facts of the model one by one: they make a key faster than an object of their own.
@lru_cache(1024)
def _plain_body(
    text: str,
    snapshot: str,
    has_logprobs: bool,
    has_service_tier: bool,
    has_fingerprint: bool,
    encoding: str,
    wrapping: str,
    tokenizer: str,
) -> tuple[str, str, int]:
    """The answer between the time and the usage and after the sum of all tokens, and the tokens of the text.

    ``tokenizer`` is how this process counts. The others are facts of the model.
    """
    completion = prompts.count_reply(prompts.ReplyParts([text] if text else ()), _Counting(encoding, wrapping), "chat")
    logprobs = '"logprobs":null,' if has_logprobs else ""
    tier = '"service_tier":"default",' if has_service_tier else ""
    fingerprint = f'"{shaping.fingerprint(snapshot)}"' if has_fingerprint else "null"
    choices = (
        f'"model":{dump(snapshot)},"choices":[{{"index":0,'
        f'"message":{{"role":"assistant","content":{dump(text)},"refusal":null,"annotations":[]}},'
        f'{logprobs}"finish_reason":"stop"}}],'
    )
    end = (
        ',"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,'
        f'"rejected_prediction_tokens":0}}}},{tier}"system_fingerprint":{fingerprint}}}'
    )
    return choices, end, completion


def _takes_long(ask: Ask) -> bool:
    """Whether the answer may have audio, which takes long to make, or the prompt a file, which takes long to read."""
    return "modalities" in ask.body or ask.has_file


ENDPOINTS = (
    Operation(
        *("chat.completions.create", "POST", "/chat/completions", read, write),
        params=CHAT,
        alone=True,
        blocking=_takes_long,
        varying=VaryingText(("content",), _replace_text),
    ),
)

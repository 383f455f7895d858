"""Usage of chat completions: tokens of the prompt and of the choices (SDK type CompletionUsage)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...params.models import Model
from ...state.namespace import Context
from ...text import prompts, tokens
from ...types.ask import Ask
from ...types.reply import Reply
from .. import shaping


def prompt_tokens(ask: Ask, model: Model, context: Context) -> int:
    """Tokens of the whole prompt; of bodies that differ in the last text, the others are counted once, but for stored files."""
    if not ask.prompt_tokens:
        same = {} if ask.same is None else ask.same
        last = ask.body["messages"][-1].get("content")
        varying = tokens.count_encoded(last, model.encoding) if last.__class__ is str else 0
        if "tokens" not in same:
            files: list[Any] = []
            same["tokens"] = prompts.count_chat(ask.body, model, files) - varying, files
        others, files = same["tokens"]
        ask.prompt_tokens = others + varying
        if files:
            ask.__dict__["stored_parts"] = files
    if not ask.stored_parts:
        return ask.prompt_tokens
    from .. import stored_parts  # few prompts name files

    return ask.prompt_tokens + stored_parts.difference(ask.stored_parts, model, "chat", context)


def usage(ask: Ask, replies: Sequence[Reply], model: Model, context: Context, cached: int = 0) -> dict[str, Any]:
    """The ``usage`` object, with so many ``cached`` tokens; members in the rule replace the counted ones."""
    override = replies[0].usage or {}
    if len(override) >= 3 and {"prompt_tokens", "completion_tokens", "total_tokens"} <= override.keys():
        return dict(override)
    prompt = override.get("prompt_tokens")
    if prompt is None:
        prompt = prompt_tokens(ask, model, context)
    completion = override.get("completion_tokens")
    sounds = _sounds(ask, replies) if model.audio_usage or ask.body.get("modalities") else (0, 0)
    if completion is None:
        completion = sum(shaping.completion_tokens(reply, ask, "chat") for reply in replies) + sounds[1]
    cache_writes = {"cache_write_tokens": 0} if model.cache_writes else {}
    counts: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": min(cached, prompt), **cache_writes, "audio_tokens": sounds[0]},
        "completion_tokens_details": {
            "reasoning_tokens": sum(shaping.reasoning_tokens(reply, ask.model) for reply in replies),
            "audio_tokens": sounds[1],
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if model.audio_usage:
        counts["prompt_tokens_details"] |= {"text_tokens": prompt - sounds[0], "image_tokens": 0}
        counts["completion_tokens_details"]["text_tokens"] = completion - sounds[1]
    return {**counts, **override}


def _sounds(ask: Ask, replies: Sequence[Reply]) -> tuple[int, int]:
    """The audio tokens of the prompt and of the replies."""
    from . import speech  # few requests have audio

    return speech.input_tokens(ask), sum(speech.output_tokens(ask, reply) for reply in replies)
